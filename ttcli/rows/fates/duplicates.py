"""Two rows with one key in a workbook: the last one wins, exactly, in bounded memory.

While rows are written every key is remembered: the first ones themselves, then half of each one's
hash in a table, and when that is full one bit each in a bitmap. A key that is met there may be a
duplicate; whether it is one, passes over the written rows decide, on the keys themselves, for so
many keys at a time. Of a million different keys the table suspects none, mostly, which saves
reading the rows again.
"""

from __future__ import annotations

from array import array
from itertools import chain, count
from typing import (
    BinaryIO,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
    Union,
)

from ttcli.rows.fates.lines import read_lines

EXACT_KEYS = 100_000
MARKS = 1 << 21  # 8 MB
BITMAP_BITS = 1 << 25  # 4 MB; of a million keys 1 in 66 is suspected without cause, and cleared
_MOST_PLACES = 50_000  # a set of more would take as much as a bitmap


class Dropped(NamedTuple):
    """A row that a later one with the same key replaces; origins as in rows.tsv."""

    fields: bytes
    origin: bytes
    kept_origin: bytes
    contradicts: bool


class Marks:
    """Halves of hashes in an open table: what it does not hold has never been met.

    Args:
        places: Size of the table, a power of two; three quarters of it are used.
    """

    def __init__(self, places: int) -> None:
        self._table = array("I", [0]) * places
        self._room = places * 3 // 4

    def meet(self, keys: Iterable[bytes]) -> Tuple[List[int], List[int]]:
        """Adds keys; the hashes of those that it may hold already, and that it has no room for."""
        table, last, room = self._table, len(self._table) - 1, self._room
        met: List[int] = []
        homeless: List[int] = []
        for number in map(hash, keys):
            place, mark = number & last, number >> 32 & 0xFFFFFFFF or 1
            found = table[place]
            while found and found != mark:
                place = place + 1 & last
                found = table[place]
            if found:
                met.append(number)
            elif room:
                table[place] = mark
                room -= 1
            else:
                homeless.append(number)
        self._room = room
        return met, homeless


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
        exact: How many keys are held as such before the table takes over.
        bits: Size of the bitmap, a power of two.
        marks: Size of the table, a power of two.
    """

    def __init__(
        self, exact: int = EXACT_KEYS, bits: int = BITMAP_BITS, marks: int = MARKS
    ) -> None:
        self._exact = exact
        self._bits = bits
        self._places = marks
        self._seen: Set[bytes] = set()
        self._marks: Optional[Marks] = None
        self._once: Optional[Bitmap] = None
        self._twice: Union[Set[int], Bitmap] = set()
        self._doubles: Set[bytes] = set()
        self.suspects = 0

    def add(self, keys: Sequence[bytes]) -> None:
        """Remembers the keys of some more rows."""
        if self._marks:
            self._mark(keys, self._marks)
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
        if self._marks:
            return hash(key) % self._bits in self._twice
        return key in self._doubles

    def _repeated(self, keys: Sequence[bytes]) -> Set[bytes]:
        once: Set[bytes] = set()
        return {key for key in keys if key in self._seen or key in once or once.add(key)}  # type: ignore[func-returns-value]

    def _forget_keys(self) -> None:
        self._marks = Marks(self._places)
        self._twice.update(hash(key) % self._bits for key in self._doubles)
        self._mark(self._seen, self._marks)
        self._seen, self._doubles = set(), set()

    def _mark(self, keys: Iterable[bytes], marks: Marks) -> None:
        met, homeless = marks.meet(keys)
        if met or homeless:
            self._suspect([*(number % self._bits for number in met), *self._met(homeless)])

    def _met(self, numbers: Sequence[int]) -> Iterator[int]:
        """Adds hashes to the bitmap; the places that were set before."""
        for number in numbers:
            self._once = self._once or Bitmap(self._bits)
            place = number % self._bits
            if place in self._once:
                yield place
            self._once.add(place)

    def _suspect(self, places: Sequence[int]) -> None:
        self.suspects += len(places)
        self._twice.update(places)
        if isinstance(self._twice, set) and len(self._twice) > _MOST_PLACES:
            twice, self._twice = self._twice, Bitmap(self._bits)
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
