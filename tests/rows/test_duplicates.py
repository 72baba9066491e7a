"""The last row of a key wins, exactly, however little memory there is."""

from __future__ import annotations

import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ttcli.rows.fates import duplicates
from ttcli.rows.fates import lines as lines_module
from ttcli.rows.fates.duplicates import Bitmap, Keys, drop_doubles


def key_of(line):
    return line.split(b"\t", 1)[0]


def written(keys):
    return b"".join(b"%s\tv%d\t1:%d\n" % (key, n % 3, n) for n, key in enumerate(keys, 1))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 12).map(b"K%d".__mod__), max_size=8), max_size=6),
    st.integers(0, 10),
    st.sampled_from([8, 64, 1 << 16]),
    st.sampled_from([1, 4, 1024]),
    st.integers(1, 5),
)
@example([[b"K1"], [b"K1", b"K1"]], 100, 64, 1, 1)
@example([[b"K1", b"K2", b"K3", b"K4", b"K5"], [b"K5", b"K1"]], 1, 8, 4, 1)
def test_equals_the_model(batches, exact, bits, marks, at_once):
    """With any limits, hash collisions and passes the rows are those a dict would keep."""
    keys = [key for batch in batches for key in batch]
    file = io.BytesIO(written(keys))
    remembered = Keys(exact, bits, marks)
    for batch in batches:
        remembered.add(batch)

    dropped = list(drop_doubles(file, remembered, key_of, at_once))

    all_lines = written(keys).splitlines(True)
    last = {key: n for n, key in enumerate(keys)}
    assert file.getvalue() == b"".join(all_lines[n] for n in sorted(last.values()))
    gone = {n + 1: last[key] + 1 for n, key in enumerate(keys) if last[key] != n}
    assert {d.origin: d.kept_origin for d in dropped} == {
        b"1:%d" % n: b"1:%d" % kept for n, kept in gone.items()
    }
    for double in dropped:
        first, kept = (int(o.split(b":")[1]) for o in (double.origin, double.kept_origin))
        assert double.contradicts == (first % 3 != kept % 3)


def test_nothing_is_read_again_without_a_suspect():
    """Rows with different keys are not looked at a second time."""

    class Unreadable(io.BytesIO):
        def read(self, *size):
            raise AssertionError

    keys = Keys()
    keys.add([b"a", b"b"])
    keys.add([b"c"])

    assert list(drop_doubles(Unreadable(), keys, key_of)) == []


def test_a_sheet_of_different_keys_is_not_read_again():
    """As many rows as a sheet can have, and none is suspected without cause; nor is one missed."""
    names = [b"H%08d" % (n * 7919) for n in range(1 << 20)]
    keys = Keys()
    for first in range(0, len(names), 1 << 16):
        keys.add(names[first : first + (1 << 16)])
    assert keys.suspects <= 2

    keys.add([b"H00000000", b"H00007919"])

    assert keys.may_be_double(b"H00000000")
    assert keys.may_be_double(b"H00007919")


@pytest.mark.parametrize("piece", [1, 7, 64])
def test_pieces_do_not_cut_lines(monkeypatch, piece):
    """However the file is read in pieces, lines stay whole while it is rewritten over itself."""
    monkeypatch.setattr(lines_module, "PIECE", piece)
    names = [b"K%d" % (n % 9) for n in range(60)]
    file = io.BytesIO(written(names))
    keys = Keys()
    keys.add(names)

    assert len(list(drop_doubles(file, keys, key_of))) == 51
    assert file.getvalue() == b"".join(written(names).splitlines(True)[-9:])


def test_memory_is_bounded(monkeypatch):
    """Beyond the exact keys only the bitmaps are left, however many keys come, or come twice."""
    monkeypatch.setattr(duplicates, "_MOST_PLACES", 5)
    keys = Keys(exact=10, bits=1 << 12, marks=1)
    for start in range(0, 1000, 10):
        keys.add([b"%d" % n for n in range(start, start + 10)])

    assert not keys._seen
    assert not keys._doubles
    again = [b"%d" % n for n in range(0, 1000, 50)]
    keys.add(again)
    assert isinstance(keys._once, Bitmap)
    assert isinstance(keys._twice, Bitmap)
    assert all(map(keys.may_be_double, again))
