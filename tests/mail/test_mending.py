"""Mails that break the rules: what their senders meant is read all the same."""

from __future__ import annotations

import base64
import binascii
import quopri
from datetime import datetime, timezone
from typing import List

import pytest

from tests.fix_dovecot import Account
from tests.mails import BOOK, mail, multipart, part, tnef, zipped
from ttcli.mail.session import Session
from ttcli.mail.whole import attachments_of, read_mail

WHEN = datetime(2026, 9, 1, 8, 0, tzinfo=timezone.utc)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "Workbook".encode("utf-16-le")
TEXT = part("Content-Type: text/plain", b"text", False)
FILE = part("Content-Type: application/octet-stream; name=a.xlsx", BOOK)
MIXED = multipart(TEXT, FILE)
QUOTED_BOOK = quopri.encodestring(BOOK).replace(b"\n", b"=0A=\n").replace(b"==0A=\n", b"=\n")


def uuencoded(content: bytes, end: bytes = b"`\nend\n") -> bytes:
    """As `uuencode` writes it."""
    lines = [binascii.b2a_uu(content[at : at + 45]) for at in range(0, len(content), 45)]
    return b"begin 644 a.xlsx\n" + b"".join(lines) + end


def broken() -> List[bytes]:
    """Mails whose structure the standard library's parser gets wrong; each holds BOOK."""
    alternative = multipart(TEXT, TEXT, kind="alternative")
    return [
        mail(MIXED).replace(b'; boundary="b1"', b""),
        mail(MIXED).replace(b'; boundary="b1"', b'; boundary=""'),
        mail(MIXED).replace(b'; boundary="b1"', b' boundary="b1"'),
        mail(MIXED).replace(b'boundary="b1"', b'boundary="b2"'),
        mail(multipart(alternative, FILE)),
        mail(multipart(alternative, FILE, TEXT)),
        mail(multipart(b"no field\n" + alternative, FILE)),
        mail(multipart(TEXT, FILE.replace(b"\nContent", b"\nno field\nContent", 1))),
        mail(multipart(TEXT, FILE.replace(b"\n\n", b"\nno field\n\n", 1))),
        mail(multipart(TEXT, FILE.replace(b"\n\n", b"\nno field\n-----\n\n", 1))),
        mail(multipart(TEXT, FILE.replace(b"Content-Type:", b"Content-Type :"))),
        mail(MIXED).replace(b"Content-Type: multi", b"Content-Type : multi"),
    ]


@pytest.mark.parametrize("raw", broken(), ids=range(len(broken())))
def test_a_broken_structure_gives_its_workbook(raw: bytes) -> None:
    """Boundaries that are undeclared or used twice, stray lines and blanks in a header."""
    assert [each.data for each in attachments_of(raw)[0]] == [BOOK]


def test_a_body_without_a_blank_line_before_it_is_read() -> None:
    """In a part as well as in a mail that is nothing else."""
    entity = FILE.replace(b"\n\n", b"\n", 1)

    for raw in (mail(multipart(TEXT, entity)), mail(entity)):
        assert [each.data for each in attachments_of(raw)[0]] == [BOOK]


def test_line_ends_translated_twice_are_line_ends() -> None:
    """CR CR LF: what a gateway makes of CR LF that it takes for a bare LF."""
    raw = mail(MIXED).replace(b"\n", b"\r\r\n")

    assert [each.data for each in attachments_of(raw)[0]] == [BOOK]


@pytest.mark.parametrize("content", [BOOK, OLE], ids=["zip", "ole"])
@pytest.mark.parametrize("stated", ["", "7bit", "8bit", "quoted-printable"])
def test_base64_under_another_name_is_read(stated: str, content: bytes) -> None:
    """A zip or an OLE file shows by its first letters: a script forgot to say what it did."""
    head = f"Content-Type: x/y; name=a.xls\nContent-Transfer-Encoding: {stated}"
    raw = mail(multipart(TEXT, part(head, base64.encodebytes(content), False)))

    assert [each.data for each in attachments_of(raw)[0]] == [content]


@pytest.mark.parametrize("stated", ["base64", "8bit"])
def test_quoted_printable_under_another_name_is_read(stated: str) -> None:
    """No base64 begins with PK=03=04, and no workbook does."""
    head = f"Content-Type: x/y; name=a.xlsx\nContent-Transfer-Encoding: {stated}"
    raw = mail(multipart(TEXT, part(head, QUOTED_BOOK, False)))

    assert [each.data for each in attachments_of(raw)[0]] == [BOOK]


def test_binary_that_says_base64_is_taken_as_it_is() -> None:
    """The bytes of a zip or an OLE file are no base64, whatever is stated."""
    head = "Content-Type: x/y; name=a.xls\nContent-Transfer-Encoding: base64"
    raw = mail(multipart(TEXT, part(head, OLE, False)))

    assert [each.data for each in attachments_of(raw)[0]] == [OLE]


def test_an_attached_file_in_undeclared_uuencode_is_read() -> None:
    """The name says workbook, the content says uuencode: both are right."""
    raw = mail(multipart(TEXT, part("Content-Type: x/y; name=a.xlsx", uuencoded(BOOK), False)))

    assert [(each.name, each.data) for each in attachments_of(raw)[0]] == [("a.xlsx", BOOK)]


@pytest.mark.parametrize("stated", ["base64", "quoted-printable", "8bit", "x-uuencode"])
@pytest.mark.parametrize("named", ["x/y; name=a.xlsx", "application/octet-stream"])
def test_uuencode_under_another_name_is_read(stated: str, named: str) -> None:
    """No other encoding leaves a line `begin 644 …`; where nobody names the file, it does."""
    head = f"Content-Type: {named}\nContent-Transfer-Encoding: {stated}"
    raw = mail(multipart(TEXT, part(head, uuencoded(BOOK), False)))
    named_by_part = "name" in named

    (attachment,) = attachments_of(raw)[0]
    assert attachment.data == BOOK
    assert attachment.name == ("a.xlsx" if named_by_part or stated != "x-uuencode" else "")


@pytest.mark.parametrize(
    "after", [b"", b"`\n", b"\nBye\n", b"-- \nsent from my phone\n", b"This is a text, no file\n"]
)
def test_uuencode_without_its_end_is_read_as_far_as_it_goes(after: bytes) -> None:
    """Gateways lose the last line; the letters of each line say how many they are."""
    lost = uuencoded(BOOK, after)
    two = uuencoded(b"x", after) + uuencoded(BOOK)

    assert [each.data for each in attachments_of(mail(b"\nHello\n\n" + lost))[0]] == [BOOK]
    assert [each.data for each in attachments_of(mail(b"\n" + two))[0]] == [b"x", BOOK]


def test_a_text_that_speaks_of_uuencode_is_none() -> None:
    """`begin 644 a.xlsx` and no line of a file behind it."""
    raw = mail(b"\nUse it so:\nbegin 644 a.xlsx\nthen the lines, then\nstop.\n")

    assert attachments_of(raw)[0] == []


@pytest.mark.parametrize("between", [b"", b"\n", b"\n\n"])
@pytest.mark.parametrize("size", [1, 100, 1000])
def test_base64_that_was_encoded_in_pieces_is_one_file(size: int, between: bytes) -> None:
    """A script reads blocks and encodes each: the padding in the middle is no end."""
    whole = BOOK + bytes(2000 - len(BOOK))
    blocks = [whole[:size], whole[size : size + 1000], whole[size + 1000 :]]
    body = between.join(base64.b64encode(block) for block in blocks)
    head = "Content-Type: x/y; name=a.xlsx\nContent-Transfer-Encoding: base64"

    (attachment,) = attachments_of(mail(multipart(TEXT, part(head, body, False))))[0]
    assert attachment.data == whole


@pytest.mark.parametrize(
    "footer", ["-- \nsent from my phone", "Sent", "_" * 40, "https://a.example/b"]
)
def test_what_stands_below_the_base64_is_not_in_the_file(footer: str) -> None:
    """Mailing lists and mail scanners write below the last part's body."""
    body = base64.encodebytes(BOOK + bytes(-len(BOOK) % 3 + 1)) + f"\n{footer}\n".encode()
    head = "Content-Type: x/y; name=a.xlsx\nContent-Transfer-Encoding: base64"

    (attachment,) = attachments_of(mail(multipart(TEXT, part(head, body, False))))[0]
    assert attachment.data.rstrip(b"\0") == BOOK.rstrip(b"\0")


def test_a_piece_of_a_mail_is_trouble() -> None:
    """message/partial (RFC 2046, 5.2.2): a person must ask for the whole."""
    raw = mail(b"Content-Type: message/partial; id=x; number=1; total=2\n\n" + mail(MIXED))

    assert "one piece of a larger" in str(read_mail(raw, WHEN).trouble)


def test_a_body_that_lies_elsewhere_is_said_to() -> None:
    """message/external-body: nothing was lost on the way."""
    pointer = b"Content-Type: message/external-body; access-type=url\n\nContent-Type: x/y\n\n"

    reasons = {
        skipped.part: skipped.reason
        for skipped in attachments_of(mail(multipart(TEXT, pointer)))[1]
    }
    assert "lies elsewhere" in reasons["2"]


@pytest.mark.parametrize("stated", ["text/plain", "text/html", "image/png", "application/pdf"])
@pytest.mark.parametrize(
    "content",
    [BOOK, OLE, zipped(a__xlsx=BOOK), tnef(("a.xlsx", BOOK))],
    ids=["zip", "ole", "archive", "tnef"],
)
def test_a_workbook_that_says_it_is_a_text_is_known_by_its_bytes(
    stated: str, content: bytes
) -> None:
    """Scripts send it without type and name, which makes it text/plain (RFC 2045, 5.2)."""
    raw = mail(multipart(TEXT, part(f"Content-Type: {stated}", content)))
    wanted = content if content == OLE else BOOK

    assert [each.data for each in attachments_of(raw)[0]] == [wanted]


def test_beside_a_workbook_what_says_it_is_a_picture_is_left_alone() -> None:
    """As in a mail read by its parts, where it is not downloaded; it is told of all the same."""
    attachments, skipped = attachments_of(mail(multipart(FILE, part("Content-Type: a/b", BOOK))))
    assert [each.part for each in attachments] == ["1", "2"]

    raw = mail(multipart(FILE, part("Content-Type: image/png", OLE)))
    attachments, skipped = attachments_of(raw)
    assert [each.part for each in attachments] == ["1"]
    assert [(each.part, each.reason) for each in skipped] == [("2", "image/png is no workbook")]


CSV_HEADS = [
    'Content-Type: text/csv name="a.csv"',
    "Content-Type: text/csv (a comment)",
    "Content-Type: text/csv (a comment); header=present",
    "Content-Type: x/y\n\tname=a.csv",
    "Content-Disposition: attachment filename=a.csv",
    'Content-Disposition: filename="a.csv"',
    "Content-Type: name=a.csv",
]


@pytest.mark.parametrize("head", CSV_HEADS)
def test_a_head_without_its_semicolon_is_understood(head: str) -> None:
    """A CSV file has nothing else by which it is known."""
    (attachment,) = attachments_of(mail(multipart(TEXT, part(head, b"hawb\n1\n"))))[0]

    assert (attachment.data, " " in attachment.content_type) == (b"hawb\n1\n", False)


def ends() -> List[bytes]:
    """A CSV file at the end of a mail, with every kind of end."""
    raws = []
    for encoding in ("quoted-printable", "8bit"):
        for end in ("", "\n", "\n\n", "=\n", " \n", "\t", "=", "= \n"):
            head = f"Content-Type: text/csv; name=a.csv\nContent-Transfer-Encoding: {encoding}"
            entity = part(head, b"hawb,eta\nA1,2026-01-01" + end.encode(), False)
            opened = b"Content-Type: multipart/mixed; boundary=B\n\n--B\n\nhi\n--B\n"
            forwarded = b"Content-Type: message/rfc822\n\n" + mail(entity)
            for close in (b"", b"\n--B--\n", b"\n--B", b"\n--B\n"):
                raws += [mail(opened + entity + close), mail(opened + forwarded + close)]
    return raws


def test_broken_mails_read_by_their_parts_equal_those_read_whole(mailbox: Account) -> None:
    """The same bytes, so the same item, whichever way a mail was read."""
    hidden = [
        mail(multipart(TEXT, part(f"Content-Type: {t}", BOOK))) for t in ("text/plain", "x/y")
    ]
    document = part("Content-Type: application/msword; name=a.doc", b"doc")
    hidden.append(mail(multipart(document, part("Content-Type: text/plain", BOOK))))
    hidden.append(mail(multipart(TEXT, part("Content-Type: octets; name=a.csv", b"hawb\n1\n"))))
    for stray in (
        "no field at all\n",
        ">From me Sat Aug 22\n",
        "Date : Sat, 22 Aug 2026 08:00 +0000\n",
    ):
        hidden.append(
            mail(MIXED, stray + "Message-ID: <a@b>\nDate: Fri, 21 Aug 2026 08:00 +0000\n")
        )
    hidden.append(
        mail(multipart(TEXT, part("Content-Disposition: attachment; filename=a b.csv", b"1,2\n")))
    )
    for encoding in ("base64", "x-uuencode", "7bit"):
        head = f"Content-Type: x/y\nContent-Transfer-Encoding: {encoding}"
        hidden.append(mail(multipart(TEXT, part(head, uuencoded(BOOK), False))))
    hidden += [mail(multipart(TEXT, part(head, b"hawb\n1\n"))) for head in CSV_HEADS]
    raws = [
        raw.replace(b"\n", b"\r\n") for raw in [*broken(), *ends(), *hidden] if b"\0" not in raw
    ]
    for raw in raws:
        mailbox.append(raw, WHEN)

    with Session(mailbox.settings()) as session:
        got = list(session.new_mails(0))

    assert [mail.uid for mail in got] == list(range(1, len(raws) + 1))
    for by_parts, raw in zip(got, raws):
        whole = read_mail(raw, WHEN, by_parts.uid)
        assert whole.attachments, raw.decode("latin-1")
        assert by_parts.attachments == whole.attachments, raw.decode("latin-1")
        assert by_parts._replace(skipped=[]) == whole._replace(skipped=[])
