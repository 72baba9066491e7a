"""Random files, orders, policies and kills against PostgreSQL and a small model of the truth."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.database.rows import Target, hour, make_load
from tests.fix_postgres import Database
from ttcli.database import load as load_module
from ttcli.database.connect import connect
from ttcli.database.given import Load
from ttcli.database.load import Loaded, dry_run
from ttcli.database.target import read_table
from ttcli.errors import Temporary
from ttcli.table import Policy

TABLE = """CREATE TABLE tracking_data (hawb text PRIMARY KEY, status text, note text,
    pieces int CHECK (pieces < 9), source_at timestamptz)"""
VALUES = ("status", "note", "pieces")
ORDER = ("BKD", "DEP", "ARR")
POLICIES = [Policy(), Policy("keep"), Policy("fill"), Policy("newest"), Policy("monotonic", ORDER)]
Cells = Dict[str, Optional[str]]


class File(NamedTuple):
    """What one item brings; a key's cells by column, and which of them to leave untouched."""

    columns: Tuple[str, ...]
    rows: Dict[str, Cells]
    untouched: Dict[str, List[str]]

    def bytes(self) -> str:
        """Tells files apart as rows.tsv would: by the order of rows too."""
        return repr(self)


class Model:
    """The table as it must be: for each key its cells and the newest time that vouched for them."""

    def __init__(self) -> None:
        self.rows: Dict[str, Cells] = {}
        self.as_of: Dict[str, int] = {}
        self.latest: Tuple[Any, bool] = (None, False)

    def load(self, file: File, at: int, policies: Dict[str, Policy]) -> Tuple[int, ...]:
        """Applies a file; returns inserted, updated, unchanged, stale, rejects."""
        counts = [0, 0, 0, 0, 0]
        chosen = {column: policies[column] for column in file.columns if column in policies}
        if self.latest == ((file.bytes(), chosen), True):
            for key in file.rows:
                self.as_of[key] = max(self.as_of[key], at)
            return (0, 0, len(file.rows), 0, 0)
        for key, cells in file.rows.items():
            counts[self._row(key, cells, file.untouched.get(key, []), at, policies)] += 1
        self.latest = ((file.bytes(), chosen), not counts[3] and not counts[4])
        return tuple(counts)

    def _row(
        self, key: str, cells: Cells, untouched: List[str], at: int, policies: Dict[str, Policy]
    ) -> int:
        if cells.get("pieces") == "many":
            return 4
        stored = self.rows.get(key)
        if stored is not None and self.as_of[key] > at:
            return 3
        after = {**dict.fromkeys(VALUES), **(stored or {})}
        for column, cell in cells.items():
            if stored is None:
                after[column] = cell
            elif column not in untouched:
                after[column] = merge(policies.get(column, Policy()), stored[column], cell)
        if after != stored and after["pieces"] is not None and after["pieces"] >= "9":
            return 4
        self.rows[key], self.as_of[key] = after, at
        return 0 if stored is None else 1 if after != stored else 2


def merge(policy: Policy, old: Optional[str], new: Optional[str]) -> Optional[str]:
    """A policy in three lines of Python."""
    if policy.kind == "overwrite" or old is None:
        return new
    if new is None or policy.kind == "fill":
        return old
    if policy.kind == "newest":
        return max(old, new)
    if policy.kind == "monotonic" and old in ORDER:
        return new if new in ORDER and ORDER.index(new) >= ORDER.index(old) else old
    return new


@st.composite
def files(draw: Any) -> File:
    """A few rows of a few keys in some of the columns."""
    columns = draw(st.lists(st.sampled_from(VALUES), unique=True))
    cells = {
        "status": st.sampled_from([None, *ORDER, "???"]),
        "note": st.sampled_from([None, "a", "b\tc"]),
        "pieces": st.sampled_from([None, "1", "2", "2", "9", "many"]),
    }
    rows, untouched = {}, {}
    for key in draw(st.lists(st.sampled_from("ABCD"), unique=True, max_size=4)):
        left = [c for c in columns if draw(st.integers(0, 9)) == 0]
        rows[key] = {c: None if c in left else draw(cells[c]) for c in columns}
        if left:
            untouched[key] = left
    return File(("hawb", *columns), rows, untouched)


TIMES = st.integers(0, 5)
CHOSEN = st.dictionaries(st.sampled_from(["status", "note"]), st.sampled_from(POLICIES))


class LoadsLikeTheModel(RuleBasedStateMachine):
    """Every step is a load, a repetition, a kill or a dry run."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.database.run("DROP TABLE IF EXISTS tracking_data, tracking_data_loads")
        self.target = Target(self.database, Path(self.folder.name), TABLE)
        self.model = Model()
        self.loads: List[Tuple[Load, Loaded]] = []
        self.files: List[File] = []
        self._prepare()

    @rule(file=files(), at=TIMES, policies=CHOSEN)
    def load(self, file: File, at: int, policies: Dict[str, Policy]) -> None:
        """A new item: counts and table as in the model."""
        item = self._item(file, at)
        self._check(item, self.target.load(item, policies=policies), file, at, policies)

    @rule(at=TIMES, policies=CHOSEN, back=st.integers(1, 3))
    def send_again(self, at: int, policies: Dict[str, Policy], back: int) -> None:
        """One of the last files in another mail: a duplicate, or A, B, A."""
        if len(self.files) >= back:
            self.load(self.files[-back], at, policies)

    @rule(at=TIMES)
    def load_the_same_item(self, at: int) -> None:
        """An item that the ledger knows changes nothing and tells the same."""
        if self.loads:
            item, loaded = self.loads[at % len(self.loads)]
            again = self.target.load(item)
            assert again.already
            assert (again[:5], again.rejects) == (loaded[:5], loaded.rejects)
            self._compare()

    @rule(
        file=files(),
        at=TIMES,
        policies=CHOSEN,
        moment=st.sampled_from(["_merge", "write", "commit"]),
    )
    def be_killed(self, file: File, at: int, policies: Dict[str, Policy], moment: str) -> None:
        """The connection dies at some step: nothing happened, and trying again does it all."""
        item = self._item(file, at)
        with pytest.MonkeyPatch.context() as patch:
            self._cut(patch, moment)
            with pytest.raises(Temporary):
                self.target.load(item, policies=policies)
        self.target.close()
        self.target.connection = connect(self.target.settings, attempts=1)
        self._compare()
        self._check(item, self.target.load(item, policies=policies), file, at, policies)

    @rule(file=files(), at=TIMES, policies=CHOSEN)
    def rehearse(self, file: File, at: int, policies: Dict[str, Policy]) -> None:
        """A dry run tells what a load does, and does nothing."""
        item = self._item(file, at)
        target = self.target
        table = read_table(target.connection, target.settings)
        told = dry_run(target.connection, target.settings, table, item, policies)
        self._compare()
        loaded = target.load(item, policies=policies)
        assert told.loaded[:5] == loaded[:5]
        self._check(item, loaded, file, at, policies)

    def _item(self, file: File, at: int) -> Load:
        positions = {
            index: ",".join(str(file.columns.index(c) + 1) for c in file.untouched[key])
            for index, key in enumerate(file.rows)
            if key in file.untouched
        }
        rows = [(key, *cells.values()) for key, cells in file.rows.items()]
        return make_load(
            self.target.folder, rows, columns=file.columns, at=hour(at), untouched=positions
        )

    def _cut(self, patch: pytest.MonkeyPatch, moment: str) -> None:
        """Ends the session from the server's side when the load comes to this step."""
        self._prepare()
        place: Any = {"_merge": load_module, "write": load_module.ledger}
        place = place.get(moment, self.target.connection)
        step = getattr(place, moment)
        pid = self.target.connection.get_backend_pid()

        def cut(*arguments: Any) -> Any:
            self.database.run("SELECT pg_terminate_backend(%s)", pid)
            while self.database.run("SELECT 1 FROM pg_stat_activity WHERE pid = %s", pid):
                pass
            return step(*arguments)

        patch.setattr(place, moment, cut)

    def _prepare(self) -> None:
        """Has schema and ledger made and committed, so that the next commit is the load's."""
        table = read_table(self.target.connection, self.target.settings)
        given = load_module.Given(self.target.settings, table, None, {})  # type: ignore[arg-type]
        load_module._prepare(self.target.connection, given)

    def _check(
        self, item: Load, loaded: Loaded, file: File, at: int, policies: Dict[str, Policy]
    ) -> None:
        expected = self.model.load(file, at, policies)
        assert (*loaded[:4], len(loaded.rejects)) == expected
        self.loads.append((item, loaded))
        self.files.append(file)
        self._compare()

    def _compare(self) -> None:
        found = self.target.all("hawb, status, note, pieces::text")
        assert found == sorted((k, *row.values()) for k, row in self.model.rows.items())
        count = self.database.run("SELECT count(*) FROM tracking_data_loads")
        assert count == [(len(self.loads),)]

    def teardown(self) -> None:
        """Ends the connection and removes the files."""
        self.target.close()
        self.folder.cleanup()


def test_random_loads_end_as_the_model_says(database: Database) -> None:
    """Whatever comes in whatever order, killed or not: counts, table and ledger are the model's."""
    LoadsLikeTheModel.database = database
    run_state_machine_as_test(
        LoadsLikeTheModel,
        settings=settings(
            max_examples=25,
            stateful_step_count=15,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
