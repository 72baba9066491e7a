"""How fast an OOXML sheet is read: our reader against calamine's and against inflating alone.

    python bench/reading.py [--rows 100000] [--rounds 5] [--file FILE.xlsx]...

Each reader runs in a process of its own, in turns, so that a slow moment of the machine hits all
of them; what counts are the ratios of the medians. CPU is user and system time of the reading
itself, without start-up and imports; memory is the peak of the whole process.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Callable, Dict, List


def inflate(path: Path) -> Callable[[], int]:
    """Unpacks the sheet and the strings, and looks at nothing."""

    def read() -> int:
        with zipfile.ZipFile(path) as archive:
            for name in ("xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"):
                with archive.open(name) as part:
                    while part.read(1 << 16):
                        pass
        return 0

    return read


def ours(path: Path, exact: bool = False) -> Callable[[], int]:
    """All blocks of the first sheet."""
    from ttcli.config import Limits
    from ttcli.workbook.ooxml.workbook import open_ooxml

    def read() -> int:
        workbook = open_ooxml(path, Limits())
        sheet = workbook.sheets[0]
        blocks = sheet.exact_blocks() if exact else sheet.blocks()
        count = sum(len(block.rows) for block in blocks)
        workbook.package.close()
        return count

    return read


def calamine(path: Path) -> Callable[[], int]:
    """All rows of the first sheet, as python-calamine's iter_rows() gives them."""
    from python_calamine import CalamineWorkbook

    return lambda: sum(
        1 for _ in CalamineWorkbook.from_path(path).get_sheet_by_index(0).iter_rows()
    )


READERS: Dict[str, Callable[[Path], Callable[[], int]]] = {
    "inflate only": inflate,
    "ttcli": ours,
    "calamine": calamine,
    "ttcli, exact": lambda path: ours(path, exact=True),
}


def measure_here(reader: str, path: Path) -> None:
    """Runs one reader in this process and prints what it took."""
    read = READERS[reader](path)
    start = time.process_time()
    count = read()
    cpu = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": count, "cpu": cpu, "peak": peak}))


def measure(reader: str, path: Path) -> Dict[str, float]:
    """Runs one reader in a process of its own."""
    command = [sys.executable, __file__, "--reader", reader, "--file", str(path)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def generate(path: Path, rows: int, inline: bool) -> None:
    """Writes the workload elsewhere: a child's peak memory is never less than its parent's."""
    command = [sys.executable, str(Path(__file__).with_name("workload.py")), str(rows), str(path)]
    subprocess.run(command + ["--inline"] * inline, check=True)


def compare(path: Path, rounds: int, readers: List[str]) -> None:
    """Prints the medians of some rounds, and their ratios to calamine's."""
    runs: Dict[str, List[Dict[str, float]]] = {reader: [] for reader in readers}
    for _ in range(rounds):
        for reader in readers:
            runs[reader].append(measure(reader, path))
    median = {
        reader: {key: statistics.median(run[key] for run in done) for key in done[0]}
        for reader, done in runs.items()
    }
    print(f"\n{path.name}  ({path.stat().st_size / 1e6:.1f} MB, median of {rounds})")
    for reader, value in median.items():
        ratio = value["cpu"] / median["calamine"]["cpu"]
        print(f"{reader:14} {value['cpu']:7.2f} s  {ratio:5.2f}x calamine  {value['peak']:6.0f} MB")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--exact", action="store_true", help="measure the exact reader too")
    parser.add_argument("--file", type=Path, action="append", help="instead of the workload")
    parser.add_argument("--reader", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reader:
        measure_here(options.reader, options.file[0])
        return
    readers = [name for name in READERS if options.exact or "exact" not in name]
    with tempfile.TemporaryDirectory() as folder:
        files = options.file or []
        for inline in () if files else (False, True):
            path = Path(folder) / f"{options.rows}-{'inline' if inline else 'shared'}.xlsx"
            generate(path, options.rows, inline)
            files = [*files, path]
        for path in files:
            compare(path, options.rounds, readers)


if __name__ == "__main__":
    main()
