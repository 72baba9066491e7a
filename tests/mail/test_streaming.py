"""Large attachments come in pieces and lie in files: the bytes are the same, and no file stays."""

from __future__ import annotations

import base64
import binascii
import errno
import hashlib
import quopri
import random
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Iterator, List, Tuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.fix_dovecot import Account, running_dovecot
from tests.mail.proxy import FAULTS, Proxy
from tests.mails import BOOK, mail, multipart, part, report_mail, tnef, zipped
from ttcli.errors import Temporary
from ttcli.mail.message import Mail
from ttcli.mail.mime import content as contents
from ttcli.mail.mime import decoding
from ttcli.mail.mime.content import Content, Store
from ttcli.mail.session import Session
from ttcli.mail.whole import read, read_mail
from ttcli.spool.item import PENDING
from ttcli.spool.store import Spool
from ttcli.stages.fetch import fetch

NOISE = random.Random(3)
SEPTEMBER = datetime(2026, 9, 1, tzinfo=timezone.utc)
LARGE = BOOK + NOISE.getrandbits(8 * 4_400_000).to_bytes(4_400_000, "little")
TEXT = part("", b"text", False)


def decoded(pieces: List[bytes], encoding: str) -> bytes:
    """What the decoder makes of a part that comes in these pieces."""
    return decoding.decode(pieces, encoding, Store()).read()


def cut(raw: bytes, sizes: List[int]) -> List[bytes]:
    """The same bytes in pieces."""
    pieces = []
    for size in sizes:
        pieces.append(raw[:size])
        raw = raw[size:]
    return [*pieces, raw]


ODD_BASE64 = st.lists(
    st.sampled_from(
        [b"AAAA", b"QUJD", b"A", b"=", b"==", b"\r\n", b" ", b"!", b"UEsD", b"QQ==", b"QUJD" * 20]
    )
).map(b"".join)


@given(st.one_of(ODD_BASE64, st.binary(max_size=200)), st.lists(st.integers(0, 20)))
@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "7bit", "x-uue"])
def test_however_a_part_is_cut_its_bytes_are_the_same(
    encoding: str, raw: bytes, sizes: List[int]
) -> None:
    """Right or wrong in its encoding, cut anywhere."""
    assert decoded(cut(raw, sizes), encoding) == decoded([raw], encoding)


@given(st.binary(max_size=300), st.integers(1, 80))
def test_what_is_well_formed_decodes_as_the_standard_library_says(data: bytes, width: int) -> None:
    """Lines of any length; what begins as a workbook in base64 again is decoded again."""
    assume(not data.lstrip().startswith((b"UEsDB", b"0M8R4KGx")))
    letters = base64.b64encode(data)
    lines = b"\r\n".join(letters[at : at + width] for at in range(0, len(letters), width))

    assert decoded([lines + b"\r\n"], "base64") == data
    quoted = quopri.encodestring(data)  # of line ends that differ it makes one kind
    assert decoded([quoted], "quoted-printable") == quopri.decodestring(quoted)


@given(st.lists(st.binary(min_size=12, max_size=100)), st.sampled_from([b"", b"\n", b"\r\n\r\n"]))
def test_chunks_encoded_one_by_one_are_one_file(chunks: List[bytes], between: bytes) -> None:
    """Scripts read a file in blocks and forget that three bytes make a group."""
    assume(not b"".join(chunks).lstrip().startswith((b"UEsDB", b"0M8R4KGx")))
    letters = between.join(map(base64.b64encode, chunks))

    assert decoded([letters], "base64") == b"".join(chunks)


def test_ten_thousand_chunks_take_no_stack_and_little_time() -> None:
    """Each is a step of a loop."""
    assert decoded([base64.b64encode(b"x" * 400) * 10_000], "base64") == b"x" * 4_000_000


def shapes() -> Iterator[Tuple[str, bytes]]:
    """Mails with a large workbook in them, each packed in another way."""
    file = part("Content-Type: x/y; name=a.xlsx", LARGE)
    inner = mail(multipart(TEXT, file, boundary="inner"))
    lines = [LARGE[at : at + 45] for at in range(0, 4_400_000, 45)]
    uu = b"\nbegin 644 a.csv\n" + b"".join(binascii.b2a_uu(line) for line in lines) + b"`\nend\n"
    yield "attached", mail(multipart(TEXT, file, TEXT))
    yield "alone", mail(file)
    yield "forwarded", mail(multipart(TEXT, b"Content-Type: message/rfc822\n\n" + inner))
    yield "forwarded as a file", mail(part("Content-Type: x/y; name=m.eml", inner))
    yield "forwarded, encoded", mail(multipart(part("Content-Type: message/rfc822", inner)))
    yield "zip", mail(part("Content-Type: application/zip; name=a.zip", zipped(a__xlsx=LARGE)))
    yield "tnef", mail(part("Content-Type: application/ms-tnef", tnef(("a.xlsx", LARGE))))
    yield "uuencode", mail(uu)
    text = b"a;b\n--\n" + base64.encodebytes(LARGE)
    yield "plain text", mail(multipart(TEXT, part("Content-Type: text/csv", text, False)))


SHAPES = dict(shapes())


def crlf(raw: bytes) -> bytes:
    """As it comes over the line."""
    return raw.replace(b"\n", b"\r\n")


@pytest.mark.parametrize("shape", SHAPES)
def test_a_large_mail_read_from_its_file_equals_one_read_from_memory(
    shape: str, tmp_path: Path
) -> None:
    """Its long bodies are left out while it is parsed, and put together again afterwards."""
    raw = crlf(SHAPES[shape])
    expected = read_mail(raw, SEPTEMBER)
    store = Store(tmp_path)
    whole = store.keep(raw[at : at + 70_000] for at in range(0, len(raw), 70_000))
    assert whole.path is not None

    found = read(whole, store, expected.internaldate, 0)

    assert found == expected
    assert len(found.attachments) == 1
    assert found.attachments[0].content.path is not None
    store.clear()
    assert list(tmp_path.iterdir()) == []


def test_a_structure_without_end_is_told(tmp_path: Path) -> None:
    """What is all boundaries would fill the memory."""
    store = Store(tmp_path)
    whole = store.keep([b"Subject: x\r\n\r\n", b"\r\n--" * (4 << 20)])

    assert "structure" in read(whole, store, SEPTEMBER, 0).trouble


@pytest.mark.parametrize("shape", ["attached", "forwarded", "zip", "tnef", "uuencode"])
def test_a_large_attachment_comes_over_the_line_in_pieces(
    mailbox: Account, tmp_path: Path, shape: str
) -> None:
    """By its parts or whole: the same as the mail read at once, in files that do not stay."""
    raw = crlf(SHAPES[shape])
    for _ in range(2):
        mailbox.append(raw)
    mailbox.append(report_mail(b"small"))

    with Session(mailbox.settings(), folder=tmp_path) as session:
        for found in session.new_mails(0):
            if found.uid < 3:
                expected = read_mail(raw, found.internaldate, found.uid)
                assert found == expected
                assert found.attachments[0].content.path is not None
        assert found.uid == 3
    assert list(tmp_path.iterdir()) == []


def test_large_parts_are_asked_for_in_pieces_only(
    mailbox: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No answer of the server is longer than a piece."""
    longest = []
    write = contents.Growing.write
    monkeypatch.setattr(
        contents.Growing, "write", lambda self, p: (longest.append(len(p)), write(self, p))[1]
    )
    mailbox.append(crlf(SHAPES["attached"]))

    with Session(mailbox.settings(), folder=tmp_path) as session:
        assert len(list(session.new_mails(0))) == 1
    assert max(longest) <= 4 << 20


@pytest.fixture(scope="module")
def reports() -> Iterator[Tuple[Account, List[str]]]:
    """An account with a large report between small ones, and their digests."""
    with running_dovecot() as server:
        account = Account(server, "large")
        files = [b"PK\x03\x04one", LARGE, b"PK\x03\x04two", b"PK\x03\x04three"]
        for content in files:
            account.append(report_mail(content))
        yield account, sorted(hashlib.sha256(content).hexdigest() for content in files)
        account.close()


def run(account: Account, spool: Spool, port: int) -> Any:
    """One `fetch`."""
    return fetch(spool, [account.settings(port=port, timeout=1)])


def pending(spool: Spool) -> List[str]:
    """The digests of what is pending, of the payloads themselves."""
    payloads = [item.path / "payload" for item in spool.items(PENDING)]
    return sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in payloads)


def spoil(account: Account, expected: List[str], base: Path, fault: str, at: int) -> None:
    """A run with the fault at that byte, a clean run, and the law of this module."""
    spool, server = Spool(base), account.server
    spool.prepare()
    with Proxy(server.home, server.imap_port, fault, at) as proxy:
        run(account, spool, proxy.port)
        assert proxy.struck
        assert list(spool.tmp.iterdir()) == [], f"{fault} at byte {at}"
        assert run(account, spool, proxy.port).exit_code == 0
    assert pending(spool) == expected, f"{fault} at byte {at}"
    assert list(spool.tmp.iterdir()) == [], f"{fault} at byte {at}"


KINDS = sorted(set(FAULTS) - {"flip"})  # TLS itself notices a flipped bit on a real line


def total(account: Account, base: Path) -> int:
    """What the server says in a run without fault."""
    spool = Spool(base)
    spool.prepare()
    with Proxy(account.server.home, account.server.imap_port) as proxy:
        assert run(account, spool, proxy.port).exit_code == 0
        return proxy.passed


def test_a_fault_anywhere_in_a_large_attachment_loses_and_doubles_nothing(
    reports: Tuple[Account, List[str]], tmp_path: Path
) -> None:
    """At every fortieth of the stream another kind; nothing is left in tmp/ either."""
    account, expected = reports
    length = total(account, tmp_path / "clean")
    for step in range(40):
        where = tmp_path / str(step)
        spoil(account, expected, where, KINDS[step % len(KINDS)], length * step // 40)


@pytest.mark.nightly
@pytest.mark.parametrize("fault", KINDS)
def test_every_fault_anywhere_in_a_large_attachment(
    reports: Tuple[Account, List[str]], tmp_path: Path, fault: str
) -> None:
    """The long form: each kind at every fortieth."""
    account, expected = reports
    length = total(account, tmp_path / "clean")
    for step in range(40):
        spoil(account, expected, tmp_path / str(step), fault, length * step // 40)


def test_a_full_disk_leaves_cursor_and_tmp_as_they_were(
    reports: Tuple[Account, List[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """75 in the middle of the large one; what came before is passed, nothing of it stays."""
    account, expected = reports
    spool, port = Spool(tmp_path), account.server.imaps_port
    spool.prepare()
    opened = Path.open

    class Full:
        """A file on a disk with no room left."""

        def __init__(self, file: Any) -> None:
            self._file = file

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

        def write(self, _: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    def full(path: Path, mode: str = "r", *more: Any, **named: Any) -> Any:
        file = opened(path, mode, *more, **named)
        return Full(file) if path.name.startswith("part.") and "x" in mode else file

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", full)
        report = run(account, spool, port)
    assert isinstance(report.fault, Temporary)
    assert "part." in str(report.fault)
    assert "No space left" in str(report.fault)
    assert list(spool.tmp.iterdir()) == []
    (cursor,) = (spool.base / "state").glob("cursor-*.json")
    assert '"uid": 1' in cursor.read_text()

    assert run(account, spool, port).exit_code == 0
    assert pending(spool) == expected


def test_a_known_attachment_is_no_new_item(
    reports: Tuple[Account, List[str]], tmp_path: Path
) -> None:
    """The same large file again, from the first mail on: it is known, and its copy goes."""
    account, expected = reports
    spool, port = Spool(tmp_path), account.server.imaps_port
    spool.prepare()
    run(account, spool, port)
    for cursor in (spool.base / "state").glob("cursor-*.json"):
        cursor.unlink()

    report = run(account, spool, port)

    assert report.counts["known"] == 4
    assert pending(spool) == expected
    assert list(spool.tmp.iterdir()) == []


def test_contents_are_compared_by_what_they_hold(tmp_path: Path) -> None:
    """In memory or in a file."""
    data = bytes(range(256)) * 17000
    store = Store(tmp_path)
    kept = store.keep([data])

    assert kept.path is not None
    assert kept == Content(data)
    assert (kept.first(3), kept.last(3)) == (data[:3], data[-3:])
    assert kept.holds(b"\xff\x00")
    assert not kept.holds(b"\x00\xff")
    assert isinstance(read_mail(b"", SEPTEMBER), Mail)
    store.clear()
