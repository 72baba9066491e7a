"""New items, several at a time: what a disk needs for one it does for many in hardly more time.

Their bytes are synced together, then all are renamed, then the directories are synced once.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from datetime import datetime
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional

from ttcli.spool import durable
from ttcli.spool.item import FAILED, PENDING, RECORD, SCHEMA, Item, encode, item_id, now_text
from ttcli.spool.store import Spool

_MOST_FILES = 96  # that are open at once; a zip archive may hold a thousand workbooks


class Batch:
    """Items that are made; no stage sees one before `settle` has made all of them durable.

    For use in a `with` statement, and again after `settle`.

    Every method may raise OSError, which `errors.from_os_error` classifies. What was not settled
    is removed.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._files = durable.Files()
        self._built: Dict[str, Item] = {}  # by id, each where it is built
        self._then: List[Callable[[], None]] = []
        self._lost: Optional[BaseException] = None  # why items were given up that count as made
        self._met = False

    def holds(self, identity: str) -> bool:
        """Whether there is an item of that id here, or in any state."""
        return identity in self._built or self._spool.holds(identity)

    def create(
        self,
        as_of: datetime,
        content: bytes,
        name: str,
        source: Mapping[str, Any],
        error: Optional[Mapping[str, Any]] = None,
        sha256: str = "",
    ) -> Optional[Item]:
        """A pending item, or a failed one where there is an error already.

        Args:
            sha256: Of the content, where it is known already.

        Returns:
            The item, or None where the same payload as of the same time is in the spool already.
        """
        payload = {
            "name": name,
            "bytes": len(content),
            "sha256": sha256 or hashlib.sha256(content).hexdigest(),
        }

        def put(target: Path) -> None:
            self._files.write(target, content)

        return self._create(as_of, payload, source, error, put)

    def adopt(
        self, as_of: datetime, path: Path, sha256: str, name: str, source: Mapping[str, Any]
    ) -> Optional[Item]:
        """The same with a file in tmp/, which becomes the payload.

        Args:
            sha256: Of its content, as whoever wrote it found out.

        Returns:
            As `create`; where it is None the file stays where it is.
        """
        payload = {"name": name, "bytes": path.stat().st_size, "sha256": sha256}

        def put(target: Path) -> None:
            self._files.move(path, target)

        return self._create(as_of, payload, source, None, put)

    def _create(
        self,
        as_of: datetime,
        payload: Dict[str, Any],
        source: Mapping[str, Any],
        error: Optional[Mapping[str, Any]],
        put: Callable[[Path], None],
    ) -> Optional[Item]:
        identity = item_id(as_of, payload["sha256"])
        if self.holds(identity):
            self._met = True
            return None
        record = {
            "schema": SCHEMA,
            "id": identity,
            "source": dict(source),
            "payload": payload,
            "attempts": 0,
            "next_attempt_at": None,
            "last_error": dict(error) if error else None,
            "history": [{"at": now_text(), "event": "fetched"}],
        }
        building = self._spool.tmp / f"{identity}.{os.urandom(16).hex()}"
        item = Item(identity, FAILED if error else PENDING, building, record)
        self._build(item, put)
        return item

    def _build(self, item: Item, put: Callable[[Path], None]) -> None:
        item.path.mkdir(mode=0o750)
        try:
            put(item.payload)
            self._files.write(item.path / RECORD, encode(item.record))
            self._files.directory(item.path)
        except BaseException:  # Ctrl-C as well
            self._files.forget(item.path)
            durable.remove_tree(item.path)
            raise
        self._built[item.id] = item
        if len(self._files) > _MOST_FILES:
            self._sync_early()

    def _sync_early(self) -> None:
        try:
            with self._given_up_on_failure():
                self._files.settle()
        except BaseException as error:  # Ctrl-C as well
            self._lost = error
            raise

    def __enter__(self) -> Batch:
        return self

    def __exit__(self, *_: Any) -> None:
        """Ends its threads, and settles nothing."""
        self._files.close()

    def then(self, say: Callable[[], None]) -> None:
        """What is to be said once all is durable."""
        self._then.append(say)

    def settle(self) -> None:
        """Makes all of it durable, and lets the stages see it.

        What made a `create` give up the items before fails this, too: whoever made those
        counts on them.
        """
        lost, self._lost = self._lost, None
        if lost is not None:
            raise lost
        with self._given_up_on_failure():
            self._files.settle()
            self._spool.take_in(self._built.values(), met=self._met)
        self._built, self._met = {}, False
        then, self._then = self._then, []
        for say in then:
            say()

    @contextlib.contextmanager
    def _given_up_on_failure(self) -> Iterator[None]:
        """Of what could not be synced nobody knows which bytes are safe: none of it counts."""
        try:
            yield
        except BaseException:  # Ctrl-C as well
            for item in self._built.values():
                if item.path.parent == self._spool.tmp:
                    durable.remove_tree(item.path)
            self._built, self._then = {}, []
            raise


def create(
    spool: Spool, as_of: datetime, content: bytes, name: str, source: Mapping[str, Any]
) -> Optional[Item]:
    """One pending item, durable; None where it is in the spool already."""
    with Batch(spool) as batch:
        item = batch.create(as_of, content, name, source)
        batch.settle()
    return item
