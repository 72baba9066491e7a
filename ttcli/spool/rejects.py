"""rejects.csv, as whoever reads it meets it."""

from __future__ import annotations

import contextlib
import csv
from pathlib import Path
from typing import Dict, Iterator

from ttcli.spool.item import REJECTS_HEAD

COLUMNS = REJECTS_HEAD.rstrip("\n").split(",")


def records(path: Path) -> Iterator[Dict[str, str]]:
    """Its records, each with every column.

    None where nothing was rejected: no disk was waited for then, and of the head a power cut may
    have left its length in zeros (which Python before 3.11 refuses), nothing, or no file.
    """
    with contextlib.suppress(FileNotFoundError), path.open(
        encoding="utf-8", errors="replace", newline=""
    ) as file:
        for record in csv.DictReader(line.replace("\0", "") for line in file):
            yield {name: record.get(name) or "" for name in COLUMNS}
