"""The pure parts of the protocol: cutting the stream, reading answers, headers and the cursor."""

from __future__ import annotations

import contextlib
import re
from datetime import datetime, timezone
from typing import Any, Iterable, Iterator, List, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mail.scripted import STRUCTURE, literal
from ttcli.mail import cursor
from ttcli.mail.cursor import Cursor, Folder
from ttcli.mail.imap import answers, folders
from ttcli.mail.imap.commands import uid_set
from ttcli.mail.imap.structure import Section, sections
from ttcli.mail.imap.wire import LONGEST_LINE, Fetched, Splitter
from ttcli.mail.message import Mail
from ttcli.mail.mime import headers

line_text = st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"").replace(b"}", b""))
lines_and_literals = st.lists(st.one_of(line_text, st.tuples(line_text, st.binary(max_size=50))))


def stream_of(parts: List[Any]) -> bytes:
    """Lines, and lines that announce a literal that follows."""
    stream = b""
    for each in parts:
        stream += each[0] + literal(each[1]) if isinstance(each, tuple) else each + b"\r\n"
    return stream


def feed(splitter: Splitter, arriving: bytes) -> Iterator[bytes]:
    """The pieces that are complete when these bytes arrive at once."""
    while arriving:
        room = splitter.room()
        count = min(len(room), len(arriving))
        room[:count] = arriving[:count]
        yield from splitter.arrived(count)
        arriving = arriving[count:]


@given(lines_and_literals, st.lists(st.integers(1, 40)))
def test_the_stream_is_cut_the_same_however_it_arrives(parts: List[Any], sizes: List[int]) -> None:
    """TCP and TLS cut where they like; joined up, the pieces are what one big read gives."""
    stream = stream_of(parts)
    at_once, bit_by_bit = Splitter(), Splitter()
    whole = b"".join(feed(at_once, stream))
    pieces, position = b"", 0
    for size in [*sizes, len(stream) + 1]:
        pieces += b"".join(feed(bit_by_bit, stream[position : position + size]))
        position += size

    assert pieces == whole
    assert stream.startswith(whole)


def test_lines_and_literals_are_told_apart() -> None:
    """A brace inside a literal announces nothing, and a `+` line neither."""
    pieces = list(feed(Splitter(), b"* a {9}\r\nx {5}\r\n b)\r\n+ go {3}\r\n* c\r\n"))

    assert pieces == [b"* a {9}\r\n", b"x {5}\r\n b", b")\r\n", b"+ go {3}\r\n", b"* c\r\n"]


@pytest.mark.parametrize("size", [0, 1, 16_000, 16_384, 1 << 20, (1 << 20) + 1, 3_000_000])
def test_a_literal_of_any_size_comes_whole(size: int) -> None:
    """In few pieces, and nothing of what follows it is taken for a part of it."""
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    stream = b"* OK hello\r\n" + literal(body) + b")\r\na1 OK done\r\n"
    pieces = list(feed(Splitter(), stream))

    assert b"".join(pieces[2:-2]) == body
    assert pieces[-2:] == [b")\r\n", b"a1 OK done\r\n"]
    assert len(pieces) <= 6


def test_what_came_of_a_literal_is_handed_on_as_a_sign_of_life() -> None:
    """A slow link that brings nothing more within a moment must not look like a dead one."""
    splitter = Splitter()
    assert list(feed(splitter, b"* LIST () {9}\r\nab")) == [b"* LIST () {9}\r\n"]
    assert list(splitter.arrived(0)) == [b"ab"]
    assert list(splitter.arrived(0)) == []
    assert list(feed(splitter, b"cdefghi)\r\n")) == [b"cdefghi", b")\r\n"]


def test_what_came_of_an_answer_is_a_sign_of_life() -> None:
    """The answer comes once it is whole; until then something comes for whatever arrived."""
    splitter = Splitter()
    assert list(feed(splitter, b"* 1 FETCH (BODY[] {9}\r\nab")) == []
    (sign,) = splitter.arrived(0)
    assert (sign, told([sign])) == (b"", [])
    assert list(splitter.arrived(0)) == []
    assert told(feed(splitter, b"cdefghi FLAGS ())\r\n* 2 EXPUNGE\r\n")) == [
        [(b"1 (BODY[] {9}", b"abcdefghi"), b" FLAGS ())"],
        b"* 2 EXPUNGE\r\n",
    ]


def told(pieces: Iterable[bytes]) -> List[Any]:
    """Answers and other pieces in their order; a short answer as the list that it could be, too."""
    found: List[Any] = []
    for piece in pieces:
        if not isinstance(piece, Fetched):
            found.append(piece)
            continue
        for each in piece.answers:
            short = isinstance(each, tuple)
            found.append([(b"UID %d %s" % (each[0], each[1].encode()), each[2])] if short else each)
    return found


short_answers = st.builds(
    lambda uid, value: (
        b"* 7 FETCH (UID %d BODY[HEADER.FIELDS (SUBJECT)] " % uid + literal(value) + b")\r\n",
        [b"7 (UID %d BODY[HEADER.FIELDS (SUBJECT)] {%d}" % (uid, len(value)), value, b")"],
    ),
    st.integers(0, 2**32),
    st.binary(max_size=40),
)
long_answers = st.builds(
    lambda texts, end: (
        b"* 3 FETCH (" + b"".join(text + literal(value) for text, value in texts) + end + b"\r\n",
        [each for n, (text, value) in enumerate(texts) for each in
         (b"3 (" * (not n) + text + b"{%d}" % len(value), value)] + [end],
    ),
    st.lists(st.tuples(line_text, st.binary(max_size=50)), min_size=1, max_size=4),
    line_text,
)  # fmt: skip
other_lines = line_text.map(lambda text: (b"* OK " + text + b"\r\n", [b"* OK " + text + b"\r\n"]))


@given(st.lists(st.one_of(short_answers, long_answers, other_lines)), st.lists(st.integers(1, 200)))
def test_answers_are_whole_and_in_order_however_they_arrive(parts: Any, sizes: List[int]) -> None:
    """The short ones and those of several literals, among other lines, cut anywhere."""
    stream = b"".join(raw for raw, _ in parts)
    splitter, got, position = Splitter(), [], 0
    for size in [*sizes, len(stream) + 1]:
        got += told(feed(splitter, stream[position : position + size]))
        position += size

    flat = [list(each) if isinstance(each, bytes) else flattened(each) for each in got]
    expected = [list(each[0]) if len(each) == 1 else flattened(each) for _, each in parts]
    assert flat == expected


def test_what_follows_a_literal_belongs_to_its_answer() -> None:
    """Also where it looks like another one: a server that forgets an end is garbled, not two."""
    stream = b"* 1 FETCH (A {1}\r\na* 2 FETCH (UID 2 BODY[] {1}\r\nb)\r\n* 3 FETCH (UID 3)\r\n"
    texts = (b"1 (A {1}", b"* 2 FETCH (UID 2 BODY[] {1}")

    assert told(feed(Splitter(), stream)) == [
        [(texts[0], b"a"), (texts[1], b"b"), b")"],
        b"* 3 FETCH (UID 3)\r\n",
    ]


def test_a_plus_in_the_middle_of_an_answer_asks_for_nothing() -> None:
    """Only a line of its own that begins with it is the server's asking for more."""
    stream = b"* 3 FETCH (A {1}\r\na+{1}\r\nb)\r\n+ go on {1}\r\n* 3 EXPUNGE\r\n"

    assert told(feed(Splitter(), stream)) == [
        [(b"3 (A {1}", b"a"), (b"+{1}", b"b"), b")"],
        b"+ go on {1}\r\n",
        b"* 3 EXPUNGE\r\n",
    ]


def test_a_garbled_line_swallows_none_that_follow() -> None:
    """An answer that never names its item ends with its line, though the next one has a name."""
    lines = [b"* 1 FETCH (UID 5 BODY[\r\n", b"* BYE bye\r\n"]
    stream = b"".join(lines) + b"* 2 FETCH (UID 7 BODY[1] {1}\r\na)\r\n"

    assert told(feed(Splitter(), stream)) == [*lines, [(b"UID 7 BODY[1]", b"a")]]


def flattened(answer: Sequence[Any]) -> List[Any]:
    """What an answer says: a UID and its one literal, or all of its texts and literals."""
    pieces = [x for each in answer for x in (each if isinstance(each, tuple) else [each])]
    short = re.fullmatch(rb"(?:7 \()?(UID \d+ BODY\[HEADER.FIELDS \(SUBJECT\)\])(?: \{\d+\})?",
                         pieces[0])  # fmt: skip
    return [short[1], pieces[1]] if short else pieces


@pytest.mark.parametrize("size", [b"999999999", b"9" * 100_000])
def test_a_literal_beyond_reason_is_refused_when_announced(size: bytes) -> None:
    """Before a byte of it is waited for."""
    with pytest.raises(ValueError, match="announced"):
        list(feed(Splitter(), b"* 1 FETCH (BODY[] {" + size + b"}\r\n"))


def test_a_line_without_end_is_refused() -> None:
    """It would fill the memory."""
    splitter = Splitter()
    with pytest.raises(ValueError, match="without a line end"):
        for _ in range(LONGEST_LINE // (1 << 20) + 2):
            list(feed(splitter, b"x" * (1 << 20)))


@given(st.binary(max_size=120))
def test_answers_parse_or_are_garbled(noise: bytes) -> None:
    """No other exception leaves the parser, whatever a server sends."""
    for pieces in ([noise], [(b"* 1 FETCH (UID 1 X " + noise, b"literal"), b")"]):
        with contextlib.suppress(answers.Garbled):
            answers.fetched(pieces)


@given(st.data())
def test_damaged_structures_are_garbled_or_sections(data: Any) -> None:
    """Any change to a BODYSTRUCTURE gives sections or Garbled."""
    good = b"1 (UID 1 B (" + STRUCTURE + b'("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1) "MIXED"))'
    raw = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, 90))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.sampled_from(DAMAGE))
    try:
        found = sections(answers.fetched([bytes(raw)]).get("B"))
        assert all(isinstance(each, Section) for each in found)
    except answers.Garbled:
        pass


DAMAGE = [b"", b"(", b")", b'"', b"NIL", b"()", b" ", b"9", b"\\", b"{3}", b"((("]


def test_quoted_strings_are_unescaped() -> None:
    """Backslashes protect quotes and themselves."""
    assert answers.fetched([rb'1 (X "a\"b\\c" Y NIL Z (1 "2"))']) == {
        "X": b'a"b\\c',
        "Y": None,
        "Z": ["1", b"2"],
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b" 1-Sep-2026 10:00:00 +0200", datetime(2026, 9, 1, 8, tzinfo=timezone.utc)),
        (b"31-DEC-2026 23:30:00 -0130", datetime(2027, 1, 1, 1, tzinfo=timezone.utc)),
        (b"01-Jan-2026 00:00:00", datetime(2026, 1, 1, tzinfo=timezone.utc)),
        (b"32-Jan-2026 00:00:00 +0000", None),
        (b"01-Foo-2026 00:00:00 +0000", None),
        (b"", None),
        (None, None),
    ],
)
def test_internaldates(text: Any, expected: Any) -> None:
    """Any zone becomes UTC; what is no date is None."""
    assert answers.time_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sat, 22 Aug 2026 15:15:00 +0200", datetime(2026, 8, 22, 13, 15, tzinfo=timezone.utc)),
        ("22 Aug 26 13:15 GMT", datetime(2026, 8, 22, 13, 15, tzinfo=timezone.utc)),
        ("Sat, 22 Aug 2026 13:15:00 -0000", datetime(2026, 8, 22, 13, 15, tzinfo=timezone.utc)),
        ("Sat, 99 Foo 2026", None),
        ("Fri, 31 Dec 9999 23:59:00 -2359", None),
        ("Sat, 22 Aug 2026 13:15:00 +99999999999", None),
        ("", None),
    ],
)
def test_date_headers(text: str, expected: Any) -> None:
    """Any zone becomes UTC; what is no date is None."""
    assert headers.date_of(text) == expected


@given(st.text(max_size=60))
def test_no_date_raises(text: str) -> None:
    """Senders write anything there."""
    headers.date_of(text)


@given(st.binary(max_size=80))
def test_no_header_raises(raw: bytes) -> None:
    """Nor do subjects, names and parameters."""
    headers.decoded(raw)
    headers.decoded(b"=?" + raw + b"?=")
    headers.split_parameters(raw)


def test_a_character_cut_in_two_encoded_words_is_whole_again() -> None:
    """Senders count bytes; joined before decoding, 追跡 stays 追跡."""
    first, second = "追跡".encode()[:4], "追跡".encode()[4:]
    words = b" ".join(
        b"=?utf-8?q?" + b"".join(b"=%02X" % byte for byte in part) + b"?="
        for part in (first, second)
    )
    assert headers.decoded(b"re: " + words + b" !") == "re: 追跡 !"


JANUARY, JUNE = (datetime(2026, month, 1, tzinfo=timezone.utc) for month in (1, 6))


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        (JANUARY, JANUARY),
        (JUNE, JUNE),
        (None, JUNE),
        (datetime(2027, 1, 1, tzinfo=timezone.utc), JUNE),
        (datetime(1970, 1, 1, tzinfo=timezone.utc), JUNE),
    ],
)
def test_the_as_of_time_is_the_date_where_it_can_be_true(date: Any, expected: datetime) -> None:
    """Not later than the arrival, not before mail was what it is; else the arrival."""
    assert Mail(1, "", "", "", JUNE, date, [], []).as_of == expected


@pytest.mark.parametrize(
    ("stored", "folder", "expected"),
    [
        (Cursor(7, 5), Folder(7, 9), Cursor(7, 5)),
        (Cursor(7, 8), Folder(7, 9), Cursor(7, 8)),
        (Cursor(7, 5), Folder(7, 0), Cursor(7, 5)),
        (None, Folder(7, 9), Cursor(7, 0)),
        (Cursor(7, 5), Folder(8, 9), Cursor(8, 0)),
        (Cursor(0, 5), Folder(0, 9), Cursor(0, 0)),
        (Cursor(7, 9), Folder(7, 9), Cursor(7, 0)),
    ],
)
def test_the_cursor_holds_only_where_it_means_the_same(
    stored: Any, folder: Folder, expected: Cursor
) -> None:
    """Another UIDVALIDITY, none, or UIDs given anew: everything is looked at again."""
    assert cursor.resume(stored, folder) == expected


@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_a_cursor_survives_its_file(uidvalidity: int, uid: int) -> None:
    """Stored and read back it is the same."""
    assert cursor.from_json(cursor.to_json(Cursor(uidvalidity, uid))) == Cursor(uidvalidity, uid)


@pytest.mark.parametrize("stored", [{}, {"uid": 1}, {"uid": "1", "uidvalidity": 1}, {"uid": -1}])
def test_a_damaged_cursor_is_none(stored: Any) -> None:
    """It looks at everything again, which costs time and loses nothing."""
    assert cursor.from_json(stored) is None


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_every_folder_has_its_own_safe_file_name(a: str, b: str, c: str, d: str) -> None:
    """No name leaves the folder, and no two mailboxes share one."""
    one, other = cursor.key(a, b), cursor.key(c, d)

    assert "/" not in one
    assert one.isascii()
    assert not one.startswith(".")
    assert len(one) < 120
    assert "\n" in a + b + c + d or (one == other) == ((a, b) == (c, d))


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=20))
def test_folder_names_survive_the_wire(name: str) -> None:
    """Modified UTF-7 there and back."""
    wire = folders.on_the_wire(name).encode("ascii")

    assert folders.listed([b'(\\HasNoChildren) "/" ' + wire]) == ([name] if name else [])


@given(st.sets(st.integers(1, 60)))
def test_uid_sets_name_what_they_are_given(uids: Any) -> None:
    """Runs are folded into ranges, and nothing else."""
    named = set()
    for run in filter(None, uid_set(sorted(uids)).split(",")):
        first, _, last = run.partition(":")
        named |= set(range(int(first), int(last or first) + 1))

    assert named == uids
