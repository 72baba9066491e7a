"""The spool on disk: the only module that makes, moves and removes items.

State is the directory an item stands in, and a change of state is one rename. See docs/spool.md
for the table of states and what each crash leaves.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from pathlib import Path
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Set,
    Tuple,
)

from ttcli.errors import SpoolFault
from ttcli.spool import durable
from ttcli.spool.item import (
    FAILED,
    ITEM_ID,
    PENDING,
    RECORD,
    REJECTS,
    REJECTS_HEAD,
    ROWS,
    STATES,
    Item,
    decode,
    encode,
)

log = logging.getLogger(__name__)

# A run can be slow, but none takes a day and a half: what is older in tmp/ is a crash's leftover.
SWEEP_AFTER_SECONDS = 36 * 3600


class Spool:
    """The spool under one base directory.

    Every method may raise OSError, which `errors.from_os_error` classifies.
    """

    def __init__(self, base: Path) -> None:
        self.base = base
        self.tmp = base / "tmp"
        self._folders = {state: base / state for state in STATES}
        self._warned: Set[str] = set()
        self._arrived: Dict[Path, None] = {}  # directories in which a move is not yet durable
        self._departed: Dict[Path, None] = {}

    def prepare(self) -> None:
        """Makes the directories that are missing.

        Raises:
            SpoolFault: The spool spans file systems, where rename is not atomic; or it belongs
                to somebody who could not move what root makes there.
        """
        self.base.mkdir(mode=0o750, parents=True, exist_ok=True)
        self._refuse_root()
        for name in (*STATES, "tmp", "state"):
            (self.base / name).mkdir(mode=0o750, exist_ok=True)
        devices = {(self.base / name).stat().st_dev for name in (*STATES, "tmp")}
        if len(devices) > 1:
            raise SpoolFault(
                f"{self.base}: its directories lie on different file systems",
                "the whole spool belongs on one, where a rename is atomic",
            )

    def _refuse_root(self) -> None:
        """One `sudo ttcli run` would leave a lock and items that shut the service's user out."""
        owner = self.base.stat().st_uid
        if os.geteuid() == 0 != owner:
            name = _user(owner)
            raise SpoolFault(
                f"{self.base} belongs to {name}, who could not move what root makes there",
                f"run it as {name}: runuser -u {name} -- ttcli …",
            )

    # -- reading

    def ids(self, state: str) -> List[str]:
        """The item ids in a state, oldest first; other names are left alone and named once."""
        try:
            names = os.listdir(self.base / state)  # noqa: PTH208 - 50,000 names, not paths
        except FileNotFoundError:
            return []
        strange = [name for name in names if not ITEM_ID.match(name)]
        for name in strange:
            if name not in self._warned:
                self._warned.add(name)
                log.warning("%s/%s is no item: left alone", self.base / state, name)
        return sorted(set(names).difference(strange))

    def items(self, state: str) -> Iterator[Item]:
        """The items in a state, oldest first, each read when its turn comes."""
        for identity in self.ids(state):
            item = self.get(identity, state)
            if item is not None:
                yield item

    def get(self, identity: str, state: str) -> Optional[Item]:
        """The item of that id in that state, or None."""
        path = self._folders[state] / identity
        record = f"{path}/{RECORD}"
        try:
            content = _content(record)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Item(identity, state, path, decode(content, record))

    def find(self, identity: str) -> Optional[Item]:
        """The item of that id in whichever state, or None."""
        if not ITEM_ID.match(identity):
            return None
        found = (self.get(identity, state) for state in STATES)
        return next((item for item in found if item is not None), None)

    def holds(self, identity: str) -> bool:
        """Whether there is an item of that id in any state."""
        names = (f"{self.base}/{state}/{identity}/{RECORD}" for state in STATES)
        return any(map(os.path.exists, names))  # not Path's: it is asked for each attachment

    # -- writing

    def take_in(self, built: Iterable[Item], met: bool = False) -> None:
        """Moves items that are durable in tmp/ to their state, and makes that durable.

        Args:
            met: Others were there already: a process that was killed between its moves and
                their syncs may have left them, and whoever asked is about to rely on them.
        """
        targets = [self.base / state for state in (PENDING, FAILED)] if met else []
        for item in built:
            target = self.base / item.state / item.id
            durable.move_directory(item.path, target)
            item.path = target
            targets.append(target.parent)
        durable.sync_directories([*targets, self.tmp] if targets else [])

    def save(self, item: Item) -> None:
        """Makes the item's record durable."""
        durable.replace_file(item.path / RECORD, encode(item.record))

    def move(self, item: Item, state: str, settled: bool = True) -> None:
        """Makes the record durable, then the new state.

        Args:
            settled: False where `settle` will make this move durable, with others; a crash
                before that leaves the item in its old state, with its new record.
        """
        self.save(item)
        self._rename(item, state)
        if settled:
            self.settle()

    def move_together(
        self, moves: Sequence[Tuple[Item, str]], told: Callable[[int], None] = lambda _: None
    ) -> None:
        """Makes records durable, with the results of a try, then the new states.

        Each step is done for all of the items before the next begins for any. What fails leaves
        each item in one state or the other, with its whole record, old or new.

        Args:
            told: How many of them, the first ones, have their new state: durably, and even where
                one after them cannot be moved.
        """
        with durable.Renewals() as records:
            for item, _ in moves:
                records.add(f"{item.path}/{RECORD}", encode(item.record))
                records.keep(f"{item.path}/{ROWS}")
                records.keep(f"{item.path}/{REJECTS}", beyond=len(REJECTS_HEAD))
            records.settle()
        moved = 0
        try:
            for item, state in moves:
                self._rename(item, state)
                moved += 1
        finally:
            self.settle()
            told(moved)

    def _rename(self, item: Item, state: str) -> None:
        folder = self._folders[state]
        target = folder / item.id
        durable.move_directory(item.path, target)
        self._arrived[folder] = self._departed[item.path.parent] = None
        item.state, item.path = state, target

    def settle(self) -> None:
        """Makes durable what was moved; the new states first, wherever an item went."""
        order = [*self._arrived, *self._departed]
        self._arrived, self._departed = {}, {}
        durable.sync_directories(order)

    def drop_results(self, item: Item) -> None:
        """Takes away what a reading of the payload left: it is going to be read again."""
        for leftover in (item.rows, item.rejects):
            with contextlib.suppress(FileNotFoundError):
                leftover.unlink()

    def delete(self, item: Item) -> None:
        """Removes an item: out of its state first, so that no stage sees half of it."""
        grave = self.tmp / f"{item.id}.{os.urandom(16).hex()}"
        durable.rename_directory(item.path, grave)
        durable.remove_tree(grave)

    def sweep(self, dry_run: bool = False) -> int:
        """Removes what crashes left in tmp/ long ago; returns how many."""
        limit = time.time() - SWEEP_AFTER_SECONDS
        old = [path for path in self.tmp.iterdir() if path.lstat().st_mtime < limit]
        for path in old:
            if not dry_run:
                durable.remove_tree(path) if path.is_dir() else path.unlink()
        return len(old)

    # -- what is known beside the items: cursors, last runs, the target table's snapshot

    def read_state(self, name: str) -> Optional[Dict[str, Any]]:
        """A state file's content, or None."""
        path = self.base / "state" / f"{name}.json"
        try:
            return dict(json.loads(path.read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise SpoolFault(
                f"{path}: damaged: {error}", "remove it; ttcli makes it anew"
            ) from error

    def write_state(self, name: str, content: Mapping[str, Any], mode: int = 0o666) -> None:
        """Makes a state file durable."""
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        durable.replace_file(self.base / "state" / f"{name}.json", text.encode(), mode)


def _content(path: str) -> bytes:
    """What a small file holds; Path's own way looks four more times than there is need."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        return file.readall()


def _user(number: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"#{number}"
