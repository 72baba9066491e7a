"""report: one page that needs nothing else, in a real browser, whatever strangers wrote."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

import ttcli.views.page
from tests import browser
from tests.fix_world import NOON, World, shipment, workbook

HOSTILE = "<img src=x onerror=alert(1)> '><svg onload=alert(2)>.xlsx"


@pytest.fixture
def lively(world: World) -> World:
    """Loads of two senders, rejects, a failed item with a hostile name, one that waits."""
    rows = [shipment(number) for number in range(50)]
    world.send(workbook(rows), sender="ACME <ops@acme.example>")
    world.send(workbook([*rows, shipment(60, HAWB=None)]), NOON + timedelta(hours=1), name=HOSTILE)
    world.send(b"PK\x03\x04 broken", NOON + timedelta(hours=2), name=HOSTILE, subject=
               "Track and Trace <b>bold</b>", sender='"<i>x</i>" <evil@x.example>')  # fmt: skip
    world.ttcli("run", code=65)
    world.send(workbook(rows[:3]), NOON + timedelta(hours=3))
    world.ttcli("fetch")
    return world


class Page(HTMLParser):
    """What is in a page: tags with attributes, and the text between."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: List[Tuple[str, Dict[str, Any]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """Remembers it."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Remembers it."""
        self.text += data

    def all(self, tag: str) -> List[Dict[str, Any]]:
        """The attributes of every such tag."""
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_page_tells_what_there_is_to_know(lively: World, tmp_path: Path) -> None:
    """Verdict, failed item with its repair, senders, volumes, reasons, latency, a link."""
    file = tmp_path / "pages" / "report.html"
    file.parent.mkdir()

    lively.ttcli("report", str(file))

    page = Page(file.read_text())
    failed = next((lively.base / "failed").iterdir()).name
    for words in (
        "1 item failed and needs you", f"ttcli drop {failed}", "ops@acme.example",
        "evil@x.example", "key-blank", "Half of the mails were loaded within", HOSTILE,
    ):  # fmt: skip
        assert words in page.text, words
    links = [a["href"] for a in page.all("a") if "rejects.csv" in a["href"]]
    assert links
    assert all((file.parent / link).exists() for link in links)


def test_the_page_takes_nothing_from_elsewhere_and_runs_nothing(lively: World) -> None:
    """No script, no address of another host, a policy that allows its own style alone."""
    text = lively.ttcli("report").stdout
    page = Page(text)

    assert not {"script", "img", "iframe", "object", "form", "i", "b"} & {t for t, _ in page.tags}
    assert not re.search(r"https?://", text)
    assert not [name for _, attributes in page.tags for name in attributes if name[:2] == "on"]
    policy = next(m["content"] for m in page.all("meta") if "content-security" in str(m).lower())
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_page_can_be_read_without_seeing_it(lively: World) -> None:
    """Language, one h1, named sections, captions and scopes, charts in words, a way past links."""
    page = Page(lively.ttcli("report").stdout)

    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == len(page.all("main")) == 1
    names = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert all(section["aria-labelledby"] in names for section in page.all("section"))
    assert all(a["href"][1:] in names for a in page.all("a") if a["href"].startswith("#"))
    assert all("scope" in th for th in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    for svg in page.all("svg"):
        assert svg.get("role") == "img" or svg.get("aria-hidden") == "true"


def luminance(colour: str) -> float:
    """WCAG 2.1's relative luminance."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("number", [0, 1], ids=["light", "dark"])
def test_every_text_stands_out(number: int) -> None:
    """WCAG AA: 4.5 to 1 for texts, 3 to 1 for what a chart shows, light and dark."""
    style = Path(ttcli.views.page.__file__).with_suffix(".css").read_text()
    found = dict(
        re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", style.split("@media (prefers")[number])
    )

    def ratio(one: str, other: str) -> float:
        high, low = sorted((luminance(found[one]), luminance(found[other])), reverse=True)
        return (high + 0.05) / (low + 0.05)

    pairs = [(text, back) for text in ("text", "soft", "link", "bad") for back in ("back", "card")]
    pairs += [("good", "good-back"), ("bad", "bad-back"), ("warn", "warn-back"), ("text", "code")]
    assert {pair: ratio(*pair) for pair in pairs if ratio(*pair) < 4.5} == {}
    assert [name for name in ("s0", "s1", "s2") if ratio(name, "card") < 3] == []


@browser.needed
def test_a_browser_shows_it_wide_and_narrow_light_and_dark(lively: World, tmp_path: Path) -> None:
    """Nothing in the console, all texts there, no scrolling sideways, the dark one is dark."""
    file = tmp_path / "report.html"
    lively.ttcli("report", str(file))

    with browser.Browser() as chromium:
        backs = set()
        for width in (390, 1280):
            for dark in (False, True):
                chromium.show(file, width, dark)
                text = chromium.run("document.body.innerText")
                assert "1 item failed and needs you" in text
                assert HOSTILE in text
                assert chromium.run("document.documentElement.scrollWidth") <= width
                assert (
                    chromium.run("document.querySelector('.chart').getBoundingClientRect().height")
                    > 80
                )
                backs.add(chromium.run("getComputedStyle(document.body).backgroundColor"))
                picture = chromium.screenshot()
                kept = os.environ.get("TTCLI_TEST_PICTURES")
                if kept:
                    Path(kept, f"report-{width}-{'dark' if dark else 'light'}.png").write_bytes(
                        picture
                    )
                assert picture.startswith(b"\x89PNG")
        assert chromium.complaints == []
    assert backs == {"rgb(246, 247, 249)", "rgb(18, 22, 28)"}


def test_a_page_without_anything_is_a_page(world: World) -> None:
    """Before the first run there is no spool, and that is no error."""
    assert "nothing ever ran" in world.ttcli("report").stdout
    world.ttcli("run")
    assert "All that arrived is loaded" in world.ttcli("report").stdout


def test_each_run_writes_the_page_where_it_is_asked_to(lively: World, tmp_path: Path) -> None:
    """REPORT_FILE, atomically; one that cannot be written is a warning and no failure."""
    file = tmp_path / "report.html"
    lively.ttcli("run", REPORT_FILE=str(file))
    assert "1 item failed" in file.read_text()
    assert list(tmp_path.glob("*.new")) == []

    done = lively.ttcli("run", REPORT_FILE=str(tmp_path / "nowhere" / "report.html"))

    assert "REPORT_FILE was not written" in done.stderr


def test_the_ledger_adds_what_left_the_spool(lively: World) -> None:
    """Pruned loads count as long as the database can be asked; without it that is said."""
    lively.ttcli("prune", FILE_RETENTION_DAYS="0")

    assert "ops@acme.example" in lively.ttcli("report").stdout
    without = lively.ttcli("report", DB_PORT="1").stdout
    assert "ops@acme.example" not in without
    assert "the figures are of the kept items only" in without


def test_the_page_is_red_where_check_is(world: World) -> None:
    """A report that is missing fails nothing, and still needs a person."""
    (world.base.parent / "mapping.toml").write_text(
        '[[sender]]\nmatch = "@acme.example"\nexpect = "daily by 8:00"\n'
    )
    world.send(workbook([shipment(1)]), sender="ACME <ops@acme.example>")
    world.ttcli("run")
    problem = world.status()["problems"][0]

    page = Page(world.ttcli("report").stdout)

    assert problem["kind"] == "missing-report"
    assert problem["text"] in page.text
    assert problem["fix"] in page.text
    assert any("verdict bad" in each.get("class", "") for each in page.all("p"))
    assert any(each.get("href") == "#needs" for each in page.all("a"))
