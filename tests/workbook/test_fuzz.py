"""The fuzz campaign itself: a few tries of it, and that it would tell."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Dict

import pytest

from tests.workbook import fuzz
from ttcli.rows.mapping_file import load_mapping
from ttcli.stages.process import Reading
from ttcli.workbook.limited.worker import Pool


def test_a_few_damaged_workbooks_end_with_cells_or_a_reason(tmp_path: Path) -> None:
    """The first tries of every campaign; the rest is for who has half an hour."""
    assert fuzz.main(["--tries", "20", "--keep", str(tmp_path / "found")]) == 0
    assert not (tmp_path / "found").exists()


def test_a_bug_and_a_silent_loss_are_found_and_kept(tmp_path: Path) -> None:
    """Each under its seed, with the file as it was."""

    def examine(payload: str, folder: str) -> Dict[str, Any]:
        if len(Path(payload).read_bytes()) % 2:
            raise AssertionError("fast gives 1 cells, exact 2")
        return {"rows": 0}

    campaign = fuzz.Campaign(fuzz.workbooks_in([]), tmp_path, tmp_path / "found")
    with Pool(examine, fuzz.LIMITS, most=1) as pool:
        for seed in range(12):
            campaign.attempt(pool, seed)
    words = {finding.what.partition(":")[0] for finding in campaign.findings}
    assert words == {"!bug", "!no rows and no reason"}
    assert len(list((tmp_path / "found").iterdir())) == 12


@pytest.mark.parametrize("name", ["xlsxwriter-shared.xlsx", "libreoffice-shipments.xls"])
def test_what_is_whole_is_examined_whole(tmp_path: Path, name: str) -> None:
    """An undamaged workbook of shipments gives its cells and its rows."""
    reading = Reading(fuzz._TARGET, load_mapping(""), fuzz.LIMITS, frozenset())
    with Pool(partial(fuzz.examine, reading), fuzz.LIMITS, most=1) as pool:
        found = pool.start(str(fuzz.SAMPLES / name), str(tmp_path)).result()
    assert found["cells"] > found["rows"] > 0
