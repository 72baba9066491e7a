"""docs/operating.md is a session that happened: every command, every output."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable, Dict, List

from tests.fix_world import World
from tests.mails import report_mail
from tests.session import Shell, alike, small_workbook, steps_of, written

DOCUMENT = Path(__file__).parents[2] / "docs" / "operating.md"
HEADINGS = ["HAWB", "MAWB", "Pieces", "Weight", "ETA", "Status"]
ONE = [
    ["AC100001", "020-81140743", 4, 61.5, "2026-09-01 06:10", "DEP"],
    ["AC100002", "020-81140743", 1, 12, "2026-09-01 06:10", "DEP"],
    ["AC100003", "235-10203044", 12, 340.25, "2026-09-02 18:45", "BKD"],
]
TWO = [
    ["AC100001", "020-81140743", 4, 61.5, "2026-09-01 06:10", "ARR"],
    ["AC100002", "020-81140743", "one", 12, "2026-09-01 06:10", "ARR"],
    ["AC100004", "235-10203044", 2, 18, "2026-09-02 18:45", "BKD"],
]
NORTH = [
    ["NW200001", "160-55443320", 7, 99, "2026-09-03 09:00", "DEP"],
    ["NW200002", "160-55443320", 3, 41.5, "2026-09-03 09:00", "DEP"],
]


def arrivals(world: World) -> Dict[str, Callable[[], None]]:
    """The mails of the story, by name."""

    def mail(content: bytes, minute: int, sender: str, name: str) -> Callable[[], None]:
        at = datetime(2026, 8, 22, 13, 0, tzinfo=timezone.utc) + timedelta(minutes=minute)
        host = sender.rpartition("@")[2].rstrip(">")
        raw = report_mail(content, name=name, date=at, sender=sender,
                          message_id=f"<{minute}@{host}>")  # fmt: skip
        return lambda: world.mailbox.append(raw, internaldate=at + timedelta(seconds=5))

    def book(headings: List[str], rows: List[Any]) -> bytes:
        return small_workbook([headings, *rows])

    acme, north = "ACME Operations <ops@acme.example>", "reports@northwind.example"
    whole = book(HEADINGS, NORTH)
    renamed = ["Shipment ref", *HEADINGS[1:5], "Lage"]
    return {
        "first": mail(book([*HEADINGS[:5], "Lage"], ONE), 0, acme, "acme-1300.xlsx"),
        "renamed": mail(book(renamed, TWO), 60, acme, "acme-1400.xlsx"),
        "cut": mail(whole[: len(whole) // 2], 65, north, "northwind.xlsx"),
        "whole": mail(whole, 125, north, "northwind.xlsx"),
    }


def test_the_guided_session_is_real(world: World, tmp_path: Path) -> None:
    """Each command of docs/operating.md says what stands there, but for times and durations."""
    home = tmp_path / "home"
    home.mkdir()
    shell = Shell(world, home, arrivals(world))
    steps = list(steps_of(DOCUMENT.read_text(encoding="utf-8")))
    played = [shell.play(step) for step in steps]
    if os.environ.get("TTCLI_REGENERATE"):
        DOCUMENT.write_text(written(played), encoding="utf-8")
        return
    for step, now in zip(steps, played):
        assert alike(now.output) == alike(step.output), f"$ {step.command}"


def test_the_document_is_cut_and_joined_without_loss() -> None:
    """What is not a command stays as it is when the session is written anew."""
    text = DOCUMENT.read_text(encoding="utf-8")

    assert written(list(steps_of(text))) == text
    assert sum(bool(step.command) for step in steps_of(text)) > 12
