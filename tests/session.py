"""Runs the commands of a guided session out of its document, and holds the outputs against it.

In a block ```console a line `$ …` is a command, lines `> …` go on with it, the rest is what it
says. A comment `<!-- arrives: NAME -->` lets a mail arrive there. Written anew by
`TTCLI_REGENERATE=1 python -m pytest tests/stages/test_operating.py`.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Sequence
from xml.sax.saxutils import escape

from tests.fix_world import World

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
# What is not the same in every run. Item ids are: they come from the Date and from the bytes.
_CHANGING = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?Z?"), "TIME"),
    (re.compile(r"\d{4}-\d\d-\d\d"), "DAY"),
    (re.compile(r"\d+ rows/s"), "N rows/s"),
    (re.compile(r"\b\d+(\.\d+)? (s|min|h|d|ms)\b"), "LONG"),
    (re.compile(r"(duration_ms|uidvalidity): \d+"), r"\1: N"),
    (re.compile(r"ttcli \d+\.\d+[^ ,]*"), "ttcli VERSION"),
    (re.compile(r"user\d+@"), "reports@"),
)
_LOGGED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (DEBUG|INFO|WARNING|ERROR) ")


def small_workbook(rows: Sequence[Sequence[Any]]) -> bytes:
    """An .xlsx that has the same bytes on every machine: nothing compressed, nothing dated."""
    lines = []
    for row in rows:
        cells = (
            f"<c><v>{value}</v></c>"
            if isinstance(value, (int, float))
            else f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'
            for value in row
        )
        lines.append(f"<row>{''.join(cells)}</row>")
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    parts = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": _relation("officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="Report" sheetId="1" r:id="a"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relation("worksheet", "worksheets/sheet1.xml"),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_MAIN}"><sheetData>'
        f"{''.join(lines)}</sheetData></worksheet>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, part in parts.items():
            archive.writestr(zipfile.ZipInfo(name), head + part)
    return out.getvalue()


def _relation(kind: str, target: str) -> str:
    return (
        f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="a" Type="{_OFFICE}/{kind}"'
        f' Target="{target}"/></Relationships>'
    )


class Step(NamedTuple):
    """A piece of the document: text, an arrival, or a command with what it said."""

    text: str = ""
    arrival: str = ""
    command: str = ""
    output: str = ""


def steps_of(document: str) -> Iterator[Step]:
    """The document cut at its commands and arrivals."""
    for piece in re.split(r"(```console\n.*?```\n|<!-- arrives: \S+ -->\n)", document, flags=re.S):
        if piece.startswith("<!-- arrives"):
            yield Step(arrival=piece.split()[2])
        elif piece.startswith("```console"):
            yield from _commands(piece[len("```console\n") : -len("```\n")])
        else:
            yield Step(text=piece)


def _commands(block: str) -> Iterator[Step]:
    command: List[str] = []
    output: List[str] = []
    for line in block.splitlines():
        if line.startswith("$ ") and command:
            yield Step(command="\n".join(command), output="\n".join(output))
            command, output = [], []
        if line.startswith("$ ") or (line.startswith("> ") and not output):
            command.append(line[2:])
        else:
            output.append(line)
    yield Step(command="\n".join(command), output="\n".join(output))


class Shell:
    """Types commands as the document's operator does, whose folders are those of a package."""

    def __init__(self, world: World, home: Path, arrive: Dict[str, Callable[[], None]]) -> None:
        self._world = world
        self._arrive = arrive
        self._home = home
        self._places = {  # what lies in another comes before it
            "/srv/reports": str(home),
            "/var/lib/trackandtrace": str(world.base),
            "/etc/trackandtrace": str(world.base.parent),
        }
        (home / "bin").mkdir()
        ttcli = home / "bin" / "ttcli"
        ttcli.write_text(f'#!/bin/sh\nexec {sys.executable} -m ttcli "$@"\n')
        ttcli.chmod(0o755)

    def play(self, step: Step) -> Step:
        """The step with what its command says now."""
        if step.arrival:
            self._arrive[step.arrival]()
        return step._replace(output=self._said(step.command)) if step.command else step

    def _said(self, command: str) -> str:
        for shown, real in self._places.items():
            command = command.replace(shown, real)
        environ = {**self._world.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        environ["PATH"] = f"{self._home / 'bin'}:{environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", command], env=environ, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=self._home,
            text=True, timeout=120, check=False,
        )  # fmt: skip
        lines = [line for line in done.stdout.splitlines() if not _LOGGED.match(line)]
        text = "\n".join(lines)
        for shown, real in self._places.items():
            text = text.replace(real, shown)
        return re.sub(r"user\d+@", "reports@", text)


def written(steps: Sequence[Step]) -> str:
    """The document made of its steps."""
    pieces: List[str] = []
    for step in steps:
        if step.arrival:
            pieces.append(f"<!-- arrives: {step.arrival} -->\n")
        elif step.command:
            shown = "$ " + step.command.replace("\n", "\n> ")
            pieces.append(
                "```console\n" + shown + "\n" + (step.output + "\n" if step.output else "")
            )
            pieces.append("```\n")
        else:
            pieces.append(step.text)
    return "".join(pieces).replace("```\n```console\n", "")


def alike(output: str) -> str:
    """An output without what changes from run to run."""
    for changing, name in _CHANGING:
        output = changing.sub(name, output)
    return "\n".join(line.rstrip() for line in output.strip().splitlines())
