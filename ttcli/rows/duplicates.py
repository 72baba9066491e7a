"""Two rows with one key in a workbook: the last one wins, exactly, in bounded memory.

While rows are written every key is remembered: the first ones themselves, then one bit each in a
bitmap of key hashes. A key whose bit is set already may be a duplicate; whether it is one, passes
over the written rows decide, on the keys themselves, for so many keys at a time.
"""

from __future__ import annotations

from itertools import chain, count
from typing import (
    BinaryIO,
    Callable,
    Dict,
    Iterable,
    Iterator,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Union,
)

from ttcli.rows.lines import read_lines

EXACT_KEYS = 100_000
BITMAP_BITS = 1 << 25  # 4 MB; of a million keys 1 in 66 is suspected without cause, and cleared
_MOST_PLACES = 50_000  # a set of more would take as much as a bitmap


class Dropped(NamedTuple):
    """A row that a later one with the same key replaces; origins as in rows.tsv."""

    fields: bytes
    origin: bytes
    kept_origin: bytes
    contradicts: bool


class Bitmap:
    """A set of places that never forgets one and never grows."""

    def __init__(self, bits: int) -> None:
        self._bytes = bytearray(bits // 8)

    def __contains__(self, place: int) -> bool:
        return bool(self._bytes[place >> 3] & (1 << (place & 7)))

    def add(self, place: int) -> None:
        """Sets a place's bit."""
        self._bytes[place >> 3] |= 1 << (place & 7)

    def update(self, places: Iterable[int]) -> None:
        """Sets the bits of places."""
        for place in places:
            self.add(place)


class Keys:
    """Remembers the keys of the rows written, to tell which may have come twice.

    Args:
        exact: How many keys are held as such before the bitmap takes over.
        bits: Size of the bitmap, a power of two.
    """

    def __init__(self, exact: int = EXACT_KEYS, bits: int = BITMAP_BITS) -> None:
        self._exact = exact
        self._bits = bits
        self._seen: Set[bytes] = set()
        self._once: Optional[Bitmap] = None
        self._twice: Union[Set[int], Bitmap] = set()
        self._doubles: Set[bytes] = set()
        self.suspects = 0

    def add(self, keys: Sequence[bytes]) -> None:
        """Remembers the keys of some more rows."""
        if self._once:
            self._mark(keys, self._once)
            return
        new = set(keys)
        if len(new) < len(keys) or not self._seen.isdisjoint(new):
            self._doubles |= self._repeated(keys)
            self.suspects = len(self._doubles)
        self._seen |= new
        if len(self._seen) > self._exact:
            self._forget_keys()

    def may_be_double(self, key: bytes) -> bool:
        """Whether a key may have come twice; never false for one that has."""
        if self._once:
            return hash(key) % self._bits in self._twice
        return key in self._doubles

    def _repeated(self, keys: Sequence[bytes]) -> Set[bytes]:
        once: Set[bytes] = set()
        return {key for key in keys if key in self._seen or key in once or once.add(key)}  # type: ignore[func-returns-value]

    def _forget_keys(self) -> None:
        self._once = Bitmap(self._bits)
        self._twice.update(hash(key) % self._bits for key in self._doubles)
        self._mark(self._seen, self._once)
        self._seen, self._doubles = set(), set()

    def _mark(self, keys: Iterable[bytes], once: Bitmap) -> None:
        twice, bits = self._twice, self._bits
        for key in keys:
            place = hash(key) % bits
            if place in once:
                twice.add(place)
                self.suspects += 1
            else:
                once.add(place)
        if isinstance(twice, set) and len(twice) > _MOST_PLACES:
            self._twice = Bitmap(bits)
            self._twice.update(twice)


class _Last(NamedTuple):
    number: int
    origin: bytes
    content: int


def drop_doubles(
    file: BinaryIO, keys: Keys, key_of: Callable[[bytes], bytes], at_once: int = EXACT_KEYS
) -> Iterator[Dropped]:
    """Removes from the written rows all but the last of each key, in place.

    Args:
        file: rows.tsv, open for reading and writing.
        keys: The keys of all its rows.
        key_of: The key of a line.
        at_once: How many keys are held in memory; more take more passes.

    Yields:
        The rows removed; the file is right when the iterator ends.
    """
    passes = keys.suspects // at_once + 1 if keys.suspects else 0
    for turn in range(passes):

        def is_due(key: bytes, turn: int = turn) -> bool:
            return keys.may_be_double(key) and hash(key) // BITMAP_BITS % passes == turn

        last = _last_lines(file, key_of, is_due)
        if last:
            yield from _rewrite(file, key_of, last)


def _last_lines(
    file: BinaryIO, key_of: Callable[[bytes], bytes], is_due: Callable[[bytes], bool]
) -> Dict[bytes, _Last]:
    """Key → its last line, for the keys that really stand twice."""
    last: Dict[bytes, _Last] = {}
    doubles: Set[bytes] = set()
    for number, line in enumerate(chain.from_iterable(read_lines(file))):
        key = key_of(line)
        if is_due(key):
            if key in last:
                doubles.add(key)
            fields, _, origin = line.rpartition(b"\t")
            last[key] = _Last(number, origin, hash(fields))
    return {key: last[key] for key in doubles}


def _rewrite(
    file: BinaryIO, key_of: Callable[[bytes], bytes], last: Dict[bytes, _Last]
) -> Iterator[Dropped]:
    """What stays is never longer than what was read, so the file is rewritten over itself."""
    numbers = count()
    end = 0
    for lines in read_lines(file):
        kept = []
        for line, number in zip(lines, numbers):
            winner = last.get(key_of(line))
            if winner is None or winner.number == number:
                kept.append(line + b"\n")
                continue
            fields, _, origin = line.rpartition(b"\t")
            yield Dropped(fields, origin, winner.origin, hash(fields) != winner.content)
        file.seek(end)
        end += file.write(b"".join(kept))
    file.seek(end)
    file.truncate()
