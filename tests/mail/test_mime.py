"""Every shape a workbook comes in, as a whole message: what is taken, and what is left alone."""

from __future__ import annotations

import base64
import subprocess
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fix_dovecot import make_certificates
from tests.mail.shapes import NAMES, XLSX_TYPE
from tests.mails import BOOK, mail, multipart, part, tnef, zipped
from ttcli.mail.attachments import archive
from ttcli.mail.whole import attachments_of


def found(raw: bytes) -> List[Tuple[str, str, str]]:
    """Part, path and name of what is taken; all must be the workbook itself."""
    attachments, _ = attachments_of(raw)
    assert all(attachment.data == BOOK for attachment in attachments)
    return [(a.part, a.path, a.name) for a in attachments]


def reasons(raw: bytes) -> Dict[str, str]:
    """Name or part of what was left alone, and why."""
    _, skipped = attachments_of(raw)
    return {each.name or each.part: each.reason for each in skipped}


@pytest.mark.parametrize(("head", "name"), NAMES, ids=range(len(NAMES)))
def test_a_workbook_is_found_by_name_type_or_content(head: str, name: str) -> None:
    """However sender and mailer describe it, it is taken, under the name people see."""
    assert found(mail(multipart(part("", b"text", False), part(head, BOOK)))) == [("2", "", name)]


def test_a_mail_that_is_nothing_but_a_workbook() -> None:
    """Section 1 is the mail's own body."""
    assert found(mail(part(f"Content-Type: {XLSX_TYPE}; name=a.xlsx", BOOK))) == [
        ("1", "", "a.xlsx")
    ]


def test_nested_and_forwarded_parts_carry_imap_numbers() -> None:
    """RFC 3501's numbering: below a multipart, and below a forwarded message."""
    file = part("Content-Type: x/y; name=a.xlsx", BOOK)
    text = part("", b"text", False)
    forwarded = b"Content-Type: message/rfc822\n\n" + mail(multipart(text, file, boundary="f"))
    single = b"Content-Type: message/rfc822\n\n" + mail(file)
    related = multipart(text, file, kind="related", boundary="r")

    assert [number for number, _, _ in found(mail(multipart(related, forwarded, single)))] == [
        "1.2",
        "2.2",
        "3.1",
    ]


def test_a_hundred_multiparts_in_each_other_are_no_hindrance() -> None:
    """Depth costs nothing up to the limit, and is told beyond it."""
    entity = part("Content-Type: x/y; name=a.xlsx", BOOK)
    for level in range(98):
        entity = multipart(entity, boundary=f"b{level}")
    assert len(found(mail(entity))) == 1

    for level in range(98, 110):
        entity = multipart(entity, boundary=f"b{level}")
    assert found(mail(entity)) == []
    assert "in each other" in str(reasons(mail(entity)))


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("base64", base64.b64encode(BOOK)),
        ("BASE64 ", b"\n".join(bytes([byte]) for byte in base64.b64encode(BOOK))),
        ("base64", base64.encodebytes(BOOK).replace(b"\n", b" !\r\n")),
        ("base64", base64.encodebytes(BOOK).rstrip(b"=\n")),
        ("base64", base64.encodebytes(BOOK + b"x")[:-5] + b"=\n\n-- \nsent from my phone\n"),
        ("base64 (yes)", base64.encodebytes(BOOK)),
        ("", base64.encodebytes(BOOK)),
        ("7bit", base64.encodebytes(BOOK)),
    ],
)
def test_base64_is_read_however_it_was_written(encoding: str, body: bytes) -> None:
    """Line lengths, stray bytes, padding, text behind it, and forgotten declarations."""
    head = f"Content-Type: x/y; name=a.xlsx\nContent-Transfer-Encoding: {encoding}"
    attachments, _ = attachments_of(mail(part(head, body, False)))

    assert attachments[0].data[: len(BOOK) - 3] == BOOK[:-3]


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset*=x''%41", "; charset=no"])
@pytest.mark.parametrize("content", ["ü,€\n".encode(), b"\xfc,\x80\n", bytes(range(14, 256))])
def test_bytes_outside_ascii_arrive_as_they_were_sent(charset: str, content: bytes) -> None:
    """A CSV file sent as 8-bit is no text to be improved on, whatever charset is stated."""
    raw = mail(multipart(part(f"Content-Type: text/csv{charset}", content.rstrip(b"\n"), False)))
    attachments, _ = attachments_of(raw)

    assert attachments[0].data == content.rstrip(b"\n")


def test_a_zip_gives_its_workbooks_and_says_what_it_left() -> None:
    """Each file of an archive is judged; the path names archive and file."""
    content = zipped(**{"may/a__xlsx": BOOK, "liesmich__txt": b"hello", "noname": BOOK})
    raw = mail(part("Content-Type: application/zip; name=r.zip", content))

    assert found(raw) == [("1", "r.zip/may/a.xlsx", "a.xlsx"), ("1", "r.zip/noname", "noname")]


def test_a_zip_without_workbook_is_left_alone() -> None:
    """Said so, once."""
    raw = mail(part("Content-Type: application/zip; name=r.zip", zipped(a__txt=b"x")))

    assert reasons(raw) == {"r.zip": "no workbook in the zip archive"}


@pytest.mark.parametrize(
    "content", [b"", b"garbage", BOOK[:4] + b"cut", zipped(a__xlsx=BOOK)[:-30]]
)
def test_a_broken_zip_is_taken_as_it_is(content: bytes) -> None:
    """A workbook may have been in it: it must turn up as refused, not vanish."""
    attachments, _ = attachments_of(mail(part("Content-Type: x/y; name=r.zip", content)))

    assert [(a.name, a.data) for a in attachments] == [("r.zip", content)]


def test_a_zip_bomb_gives_no_more_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit holds for what comes out, over all archives of a mail."""
    monkeypatch.setattr("ttcli.mail.attachments.archive.MOST_BYTES", 1 << 20)
    bomb = part("Content-Type: application/zip; name=z.zip", zipped(a__xls=bytes(700 << 10)))
    attachments, skipped = attachments_of(mail(multipart(bomb, bomb)))

    assert [a.name for a in attachments] == ["a.xls", "z.zip"]
    assert "more than" in skipped[0].reason
    assert archive.MOST_ENTRIES == 1000


def test_winmail_dat_is_unpacked() -> None:
    """Outlook's wrapper, by its content, with the long name where there is one."""
    stream = tnef(("A~1.XLS", BOOK), ("b.xlsx", BOOK), long_name="Überblick.xlsx")
    raw = mail(part("Content-Type: application/ms-tnef; name=winmail.dat", stream))

    assert found(raw) == [
        ("1", "winmail.dat/A~1.XLS", "A~1.XLS"),
        ("1", "winmail.dat/Überblick.xlsx", "Überblick.xlsx"),
    ]


@given(st.binary(max_size=200), st.integers(0, 400))
def test_damaged_tnef_is_small_and_harmless(noise: bytes, cut: int) -> None:
    """No stream raises, and none gives more than it holds."""
    stream = tnef(("a.xlsx", BOOK), long_name="b.xlsx")
    damaged = stream[:cut] + noise + stream[cut + len(noise) :]
    attachments, _ = attachments_of(mail(part("Content-Type: application/ms-tnef", damaged)))

    assert sum(len(a.data) for a in attachments) <= len(damaged)


def test_a_mail_attached_as_a_file_is_looked_into() -> None:
    """Some mail programs forward as an .eml of type octet-stream, or encode a message/rfc822."""
    inner = mail(multipart(part("", b"text", False), part("Content-Type: x/y; name=a.xlsx", BOOK)))
    as_file = part('Content-Type: application/octet-stream; name="Fwd.eml"', inner)
    encoded = part("Content-Type: message/rfc822", inner)

    assert found(mail(as_file)) == [("1", "Fwd.eml/a.xlsx", "a.xlsx")]
    assert found(mail(multipart(encoded))) == [("1", "message.eml/a.xlsx", "a.xlsx")]


def test_mails_as_files_in_each_other_have_an_end() -> None:
    """A chain of containers is followed a few steps, and its end is told."""
    raw = mail(part("Content-Type: x/y; name=a.xlsx", BOOK))
    for _ in range(7):
        raw = mail(part("Content-Type: x/y; name=m.eml", raw))

    assert found(raw) == []
    assert any("containers" in reason for reason in reasons(raw).values())


def test_uuencode_in_the_text_is_read() -> None:
    """Files as they were sent before MIME."""
    import binascii

    lines = [BOOK[at : at + 45] for at in range(0, len(BOOK), 45)]
    coded = b"".join(binascii.b2a_uu(line) for line in lines)
    raw = mail(b"\nHello\n\nbegin 644 my report.xlsx\n" + coded + b"`\nend\n\nBye\n")

    assert found(raw) == [("1", "", "my report.xlsx")]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a key and a certificate to sign and encrypt with."""
    folder = tmp_path_factory.mktemp("smime")
    make_certificates(folder)
    return folder


def cms(folder: Path, entity: bytes, *arguments: str) -> bytes:
    """What openssl makes of a MIME entity."""
    (folder / "entity").write_bytes(entity.replace(b"\n", b"\r\n"))
    command = ["openssl", "cms", "-binary", "-in", "entity", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout


@pytest.mark.parametrize("form", [["-outform", "DER"], ["-outform", "DER", "-stream"]])
def test_a_signed_mail_gives_its_inside(certificate: Path, form: List[str]) -> None:
    """S/MIME, opaque: definite and indefinite lengths; the signature is not our business."""
    entity = multipart(part("", b"hi", False), part("Content-Type: x/y; name=a.xlsx", BOOK))
    sign = ["-sign", "-nodetach", "-signer", "server.pem", "-inkey", "server.key"]
    signed = cms(certificate, entity, *sign, *form)
    raw = mail(part("Content-Type: application/pkcs7-mime; smime-type=signed-data", signed))

    assert found(raw) == [("1", "smime.p7m/a.xlsx", "a.xlsx")]


def test_a_clearly_signed_mail_is_an_ordinary_multipart() -> None:
    """The signature beside it is no workbook."""
    file = part("Content-Type: x/y; name=a.xlsx", BOOK)
    signature = part('Content-Type: application/pkcs7-signature; name="smime.p7s"', b"sig")

    assert found(mail(multipart(file, signature, kind="signed"))) == [("1", "", "a.xlsx")]


def test_an_encrypted_mail_says_so(certificate: Path) -> None:
    """S/MIME and PGP: a person must act, so it is trouble and no silent skip."""
    sealed = cms(certificate, b"x", "-encrypt", "-outform", "DER", "server.pem")
    smime = mail(part("Content-Type: application/pkcs7-mime; name=smime.p7m", sealed))
    pgp = multipart(
        part("Content-Type: application/pgp-encrypted", b"Version: 1\n", False),
        part("Content-Type: application/octet-stream; name=encrypted.asc", b"-----", False),
        kind="encrypted",
    )

    assert "encrypted with S/MIME" in str(reasons(smime))
    assert "encrypted with PGP" in str(reasons(mail(pgp)))


@pytest.mark.parametrize(
    "head",
    [
        "Auto-Submitted: auto-replied (vacation)\n",
        "Precedence: auto_reply\n",
        "X-Autoreply: yes\n",
    ],
)
def test_automatic_replies_are_no_reports(head: str) -> None:
    """Their attachments are ours, sent back."""
    raw = mail(part("Content-Type: x/y; name=a.xlsx", BOOK), head)

    assert found(raw) == []
    assert "automatic reply" in reasons(raw)["a.xlsx"]


def test_a_bounce_is_no_report() -> None:
    """What a bounce returns is what somebody sent, not what somebody reports."""
    returned = b"Content-Type: message/rfc822\n\n" + mail(
        part("Content-Type: x/y; name=a.xlsx", BOOK)
    )
    status = part(
        "Content-Type: message/delivery-status", b"Reporting-MTA: x\n\nAction: failed", False
    )
    raw = mail(
        multipart(status, returned, kind="report; report-type=delivery-status"),
    )

    assert found(raw) == []
    assert "bounce" in reasons(raw)["a.xlsx"]


def test_generated_mails_are_reports() -> None:
    """auto-generated is what honest report programs say of themselves."""
    raw = mail(part("Content-Type: x/y; name=a.xlsx", BOOK), "Auto-Submitted: auto-generated\n")

    assert len(found(raw)) == 1


def test_what_is_named_like_a_workbook_is_taken_whatever_it_holds() -> None:
    """HTML, nothing, garbage: the process stage refuses it where people see it."""
    parts = [part(f"Content-Type: text/html; name=a{n}.xls", b"<html>") for n in range(2)]
    attachments, _ = attachments_of(mail(multipart(*parts, part("Content-Type: text/csv", b""))))

    assert [(a.part, a.name) for a in attachments] == [("1", "a0.xls"), ("2", "a1.xls"), ("3", "")]


def test_other_files_are_left_alone_with_a_reason() -> None:
    """Pictures, texts, documents."""
    pictures = [("image/png", "logo.png"), ("application/pdf", "a.pdf"), ("text/calendar", "")]
    raw = mail(multipart(*(part(f"Content-Type: {t}; name={n}", b"x") for t, n in pictures)))

    assert reasons(raw) == {
        "logo.png": "image/png is no workbook",
        "a.pdf": "application/pdf is no workbook",
        "3": "text/calendar is no workbook",
    }


def test_old_workbooks_are_known_by_their_streams() -> None:
    """An OLE file with a Workbook stream, but no Word document that embeds one."""
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "Workbook".encode("utf-16-le")
    names = ["data.bin", "letter.doc"]
    raw = mail(multipart(*(part(f"Content-Type: x/y; name={name}", ole) for name in names)))

    assert [a.name for a in attachments_of(raw)[0]] == ["data.bin"]


def test_a_multipart_that_is_none_is_trouble() -> None:
    """A boundary that never comes hides everything: a person must look."""
    raw = mail(b"Content-Type: multipart/mixed\n\nContent-Type: x/y\n\nUEsDBA==\n--x--\n")

    assert "MIME structure is broken" in str(reasons(raw))


@given(st.binary(max_size=400))
def test_no_bytes_raise(raw: bytes) -> None:
    """A mailbox holds anything."""
    attachments_of(raw)


@given(st.data())
def test_no_damage_raises(data: Any) -> None:
    """A good mail with some bytes changed is told about or read, and nothing else."""
    file = part("Content-Type: x/y; name*=utf-8''%C3%9C.xlsx", BOOK)
    raw = bytearray(mail(multipart(part("", b"text", False), file), "To: =?utf-8?b?w5w=?=\n"))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    attachments, skipped = attachments_of(bytes(raw))

    assert attachments or skipped


def test_three_thousand_parts_are_read() -> None:
    """Each of them accounted for."""
    raw = mail(multipart(*[part("Content-Type: image/gif", b"x", False)] * 3000))

    assert len(attachments_of(raw)[1]) == 3000


def test_the_standard_library_parses_the_same() -> None:
    """EmailMessage's own attachments are the ones we take."""
    message = EmailMessage()
    message["Subject"] = "x"
    message.set_content("text")
    for name in ("a.xlsx", "ü b.xls", "名.csv"):
        message.add_attachment(BOOK, maintype="application", subtype="octet-stream", filename=name)

    names = [each.get_filename() for each in message.iter_attachments()]
    assert [name for _, _, name in found(message.as_bytes())] == names


def test_a_part_that_cannot_be_read_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a parser raises is told of that part; the others are taken."""

    def broken(_: bytes) -> bytes:
        raise LookupError("unknown encoding: x-mystery")

    monkeypatch.setattr("ttcli.mail.attachments.smime.signed_content", broken)
    sealed = part("Content-Type: application/pkcs7-mime; name=smime.p7m", b"x")
    raw = mail(multipart(sealed, part("Content-Type: x/y; name=a.xlsx", BOOK)))

    assert found(raw) == [("2", "", "a.xlsx")]
    assert "x-mystery" in reasons(raw)["smime.p7m"]


@pytest.mark.parametrize(
    "front", [b"\xef\xbb\xbf", b"\r\n\n", b"From me Sat Aug 22 2026\n", b">From me Sat Aug 22\n"]
)
def test_what_stands_before_or_among_the_header_hides_nothing(front: bytes) -> None:
    """Byte order marks, blank lines, mbox lines, and lines that are no field at all."""
    raw = mail(part("Content-Type: x/y; name=a.xlsx", BOOK))
    stray = raw.replace(b"MIME-Version", b"no field at all\nMIME-Version")

    assert found(front + raw) == found(front + stray) == [("1", "", "a.xlsx")]
