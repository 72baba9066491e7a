"""A campaign of damaged workbooks against the readers, for as long as it is told to.

    python -m tests.workbook.fuzz --minutes 30 [--seed 1] [--keep FOLDER] [WORKBOOK …]

Each try damages a real workbook (those of tests/data and the ones named), either its bytes or one
part of its zip with the zip whole around it, and reads it in a worker as `ttcli process` does. A
try must end with a reason, or with cells that both readers of OOXML agree on and a conversion in
which every row is accounted for; it must not end with a bug, with a worker that died of itself, or
after more than the limits. What ends otherwise is kept, named by its seed: `--seed N --tries 1`
makes it again.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import random
import resource
import sys
import tempfile
import time
import zipfile
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Sequence

from tests.workbook.reading import SAMPLES
from tests.workbook_ooxml.test_fuzz import mutated
from ttcli.cells import cells_of
from ttcli.config import Limits
from ttcli.errors import BadItem
from ttcli.rows.mapping_file import load_mapping
from ttcli.stages.process import Reading, convert
from ttcli.table import TableColumn, TargetTable
from ttcli.workbook.inspect import cells_json
from ttcli.workbook.limited.child import BugInChild
from ttcli.workbook.limited.worker import Pool
from ttcli.workbook.ooxml.workbook import open_ooxml
from ttcli.workbook.open import open_workbook, warm
from ttcli.workbook.sniff import sniff

LIMITS = Limits(memory_mb=300, cpu_seconds=10, wall_seconds=10)
_ACCOUNTED = ("written", "rejected", "duplicates", "totals", "blank")
_BLOCKS = [b"\x00" * 16, b"\xff" * 4, b"\xff\xff\xff\x7f", b"\x00\x00\x01\x00", b"PK\x03\x04"]
_TARGET = TargetTable(
    "public",
    "t",
    ("hawb",),
    tuple(TableColumn(name, "text", "text") for name in ("hawb", "mawb", "status", "origin")),
)


class Finding(NamedTuple):
    """What must not be."""

    seed: int
    name: str
    what: str


def damaged(data: bytes, chance: random.Random) -> bytes:
    """A file with its bytes changed, or one of the parts of its zip."""
    if chance.random() < 0.8 and zipfile.is_zipfile(io.BytesIO(data)):
        with contextlib.suppress(zipfile.BadZipFile, NotImplementedError, IndexError, EOFError):
            return _with_damaged_part(data, chance)  # unless a sample is damaged already
    if chance.random() < 0.3:
        place = chance.randrange(len(data))
        block = chance.choice(_BLOCKS)
        return data[:place] + block + data[place + len(block) :]
    return mutated(data, chance)


def _with_damaged_part(data: bytes, chance: random.Random) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = [(info.filename, archive.read(info)) for info in archive.infolist()]
    # The sheets and what they point to are what a reader spends its time on.
    weights = [(6 if "sheet" in n or "content" in n else 2) if p else 0 for n, p in parts]
    victim = chance.choices(range(len(parts)), weights)[0]
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (name, part) in enumerate(parts):
            archive.writestr(name, mutated(part, chance) if number == victim else part)
    return buffer.getvalue()


def examine(reading: Reading, payload: str, folder: str) -> Dict[str, Any]:
    """In a worker: both readers, what `--cells` shows, and the conversion.

    Raises:
        BadItem: The file is refused.
        AssertionError: Readers disagree, or rows are unaccounted for.
    """
    path = Path(payload)
    if sniff(path).kind == "xlsx":
        fast, exact = _outcome(path, "blocks"), _outcome(path, "exact_blocks")
        assert fast == exact, f"fast gives {fast}, exact {exact}"
    shown = sum(1 for _ in cells_json(open_workbook(path, LIMITS))) - 1
    report = convert(reading, payload, folder, "")
    for sheet in report["sheets"]:
        assert sheet["read"] == sum(sheet[word] for word in _ACCOUNTED), sheet
    with Path(folder, "rows.tsv").open("rb") as rows:
        assert sum(1 for _ in rows) == report["written"], "rows.tsv has other rows than written"
    return {"cells": shown, "rows": report["read"]}


def _outcome(path: Path, reader: str) -> str:
    """A digest of all cells, or the kind of the refusal."""
    try:
        with closing(open_ooxml(path, LIMITS)) as workbook:
            digest, count = 0, 0
            for sheet in workbook.sheets:
                for block in getattr(sheet, reader)():
                    for cell in cells_of(block):
                        digest, count = hash((digest, sheet.name, cell)), count + 1
            return f"{count} cells ({digest:x})"
    except BadItem as refusal:
        return refusal.kind


class Campaign:
    """One try after another, and what came of them."""

    def __init__(self, workbooks: Sequence[Path], folder: Path, keep: Path) -> None:
        self.ends: Counter[str] = Counter()
        self.findings: List[Finding] = []
        self._workbooks = [(path.name, path.read_bytes()) for path in workbooks]
        self._folder, self._keep = folder, keep

    def attempt(self, pool: Pool, seed: int) -> None:
        """One damaged workbook through a worker."""
        chance = random.Random(seed)
        name, whole = chance.choice(self._workbooks)
        payload = self._folder / "payload"
        payload.write_bytes(damaged(whole, chance))
        end = self._end(pool, payload)
        self.ends[end.partition(":")[0]] += 1
        if end.startswith("!"):
            self._found(Finding(seed, name, end), payload)

    def _end(self, pool: Pool, payload: Path) -> str:
        """One word for what became of it, with a mark before what must not be."""
        try:
            result = pool.start(str(payload), str(self._folder)).result()
        except BadItem as refusal:
            told = bool(refusal.message.strip())
            bad = not told or refusal.kind == "crashed"
            return f"{'!' * bad}{refusal.kind}: {refusal.message}"
        except BugInChild as bug:
            return f"!bug: {bug}"
        return "read" if result["rows"] else "!no rows and no reason"

    def _found(self, finding: Finding, payload: Path) -> None:
        self.findings.append(finding)
        print(f"{finding.seed} {finding.name} {finding.what}", flush=True)
        self._keep.mkdir(exist_ok=True)
        (self._keep / f"{finding.seed}-{finding.name}").write_bytes(payload.read_bytes())


def workbooks_in(places: Sequence[str]) -> List[Path]:
    """The files named, those in the folders named, and the samples."""
    found = [path for path in SAMPLES.iterdir() if path.suffix != ".md"]
    for place in map(Path, places):
        found += [place] if place.is_file() else [p for p in place.rglob("*") if p.is_file()]
    return sorted(path for path in found if 0 < path.stat().st_size < 1 << 20)


def main(arguments: Sequence[str] = ()) -> int:
    """Runs a campaign; 1 if anything was found."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("workbooks", nargs="*")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--tries", type=int, default=1 << 62)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    options = parser.parse_args(arguments or None)
    began = time.monotonic()
    reading = Reading(_TARGET, load_mapping(""), LIMITS, frozenset())
    warm()
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign(workbooks_in(options.workbooks), Path(folder), options.keep)
        with Pool(functools.partial(examine, reading), LIMITS, most=1) as pool:
            seed = options.seed
            while seed < options.seed + options.tries:
                campaign.attempt(pool, seed)
                seed += 1
                if time.monotonic() - began > 60 * options.minutes:
                    break
    _tell(campaign, seed - options.seed, time.monotonic() - began)
    return 1 if campaign.findings else 0


def _tell(campaign: Campaign, tries: int, seconds: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{tries} tries in {seconds / 60:.1f} minutes, peak of a worker {peak:.0f} MB")
    for end, times in campaign.ends.most_common():
        print(f"{times:8} {end}")
    files = len(list(Path("/proc/self/fd").iterdir()))
    print(f"{len(campaign.findings)} findings; {files} files open at the end")


if __name__ == "__main__":
    sys.exit(main())
