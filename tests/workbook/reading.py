"""How the tests of this folder open a workbook and look at what it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

from ttcli.cells import Workbook
from ttcli.config import Limits
from ttcli.workbook.inspect import cells_json
from ttcli.workbook.open import open_workbook

SAMPLES = Path(__file__).parent.parent / "data" / "workbooks"
DEFAULTS = Limits()
CellsByPlace = Dict[Tuple[str, int, int], Tuple[str, Any]]


def cells(path: Path, limits: Limits = DEFAULTS, passwords: Sequence[str] = ()) -> CellsByPlace:
    """(sheet, row, column) → (type, value) of every cell that is not blank."""
    workbook = open_workbook(path, limits, passwords)
    try:
        return {
            (line["sheet"], line["row"], line["column"]): (line["type"], line["value"])
            for line in cells_json(workbook)
            if "end" not in line
        }
    finally:
        close(workbook)


def close(workbook: Workbook) -> None:
    """Closes the file of an OOXML workbook now; in a child nobody needs to."""
    if workbook.kind == "xlsx":
        workbook.package.close()  # type: ignore[attr-defined]


def rows(path: Path, limits: Limits = DEFAULTS) -> List[List[Any]]:
    """The values of the first sheet's used rectangle, None where blank."""
    workbook = open_workbook(path, limits)
    first = workbook.sheets[0].name
    found = {
        place[1:]: value for place, (_, value) in cells(path, limits).items() if place[0] == first
    }
    height, width = max(row for row, _ in found), max(column for _, column in found)
    return [[found.get((r, c)) for c in range(1, width + 1)] for r in range(1, height + 1)]
