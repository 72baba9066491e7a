"""The seed's target table in a fresh database."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest

from tests.database.rows import Target
from tests.fix_postgres import Database


@pytest.fixture()
def make_target(database: Database, tmp_path: Path) -> Iterator[Callable[..., Target]]:
    """Makes targets with other tables or settings; their connections end with the test."""
    made: List[Target] = []

    def make(*arguments: Any, **options: Any) -> Target:
        made.append(Target(database, tmp_path, *arguments, **options))
        return made[-1]

    yield make
    for target in made:
        target.close()


@pytest.fixture()
def target(make_target: Callable[..., Target]) -> Target:
    """The seed's `tracking_data`, ready to be loaded."""
    return make_target()
