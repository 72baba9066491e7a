"""rejects.csv: every cell and row that was not taken, where it stands, and why."""

from __future__ import annotations

import csv
from typing import TextIO

COLUMNS = ("sheet", "cell", "heading", "raw text", "reason", "rule")
_LONGEST = 2000


class Rejects:
    """Writes reject records.

    Args:
        out: An open text file.
        head: Whether the line of the columns' names is wanted.
    """

    def __init__(self, out: TextIO, head: bool = True) -> None:
        self._out = out
        self._writer = csv.writer(out, lineterminator="\n")
        if head:
            self._writer.writerow(COLUMNS)

    def add(self, sheet: str, cell: str, heading: str, raw: str, rule: str, reason: str) -> None:
        """One record; `cell` is an address such as B17, `raw` what stands there."""
        self._writer.writerow((sheet, cell, heading, raw[:_LONGEST], reason, rule))

    def append(self, records: str) -> None:
        """Records that another one has written, without head."""
        self._out.write(records)
