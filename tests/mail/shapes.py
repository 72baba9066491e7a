"""Mails of every shape, for tests that compare two ways of reading them."""

from __future__ import annotations

import base64
from typing import List, Sequence, Tuple

from tests.mails import BOOK, mail, multipart, part, report_mail, tnef, zipped

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

NAMES: Sequence[Tuple[str, str]] = [
    (f'Content-Type: {XLSX_TYPE}; name="a.xlsx"', "a.xlsx"),
    (f"Content-Type: {XLSX_TYPE}", ""),
    ('Content-Type: application/octet-stream; name="a.xlsx"', "a.xlsx"),
    ("Content-Type: application/octet-stream", ""),
    ("Content-Type: APPLICATION/OCTET-STREAM; NAME=A.XLSX", "A.XLSX"),
    ('Content-Type: image/png; name="a.xlsx"', "a.xlsx"),
    ('Content-Disposition: inline; filename="a.xlsx "', "a.xlsx"),
    ('Content-Disposition: attachment;\n filename="a b.xlsx"', "a b.xlsx"),
    ("Content-Type: text/plain\nContent-Disposition: attachment; filename=a.xlsx", "a.xlsx"),
    ('Content-Type: x/y; name="=?utf-8?q?=C3=BCber=2Exlsx?="', "über.xlsx"),
    ("Content-Type: x/y; name==?iso-8859-1?B?/GJlci54bHN4?=", "über.xlsx"),
    ('Content-Type: x/y; name="=?nonsense?q?a=2Exlsx?="', "a.xlsx"),
    ('Content-Type: x/y; name="\udcfcber.xlsx"', "über.xlsx"),
    ('Content-Type: x/y; name="über.xlsx"', "über.xlsx"),
    ("Content-Disposition: attachment; filename*=UTF-8''%C3%BCber.xlsx", "über.xlsx"),
    ("Content-Disposition: attachment; filename*=bogus'de'%FCber.xlsx", "über.xlsx"),
    (
        "Content-Disposition: attachment; filename*0*=utf-8''%E6%8A;\n"
        ' filename*1*=%A5; filename*2="x.xlsx"',
        "报x.xlsx",
    ),
    ('Content-Disposition: attachment; filename="../../etc/a.xlsx"', "a.xlsx"),
    ('Content-Disposition: attachment; filename="C:\\\\dir\\\\a.xlsx"', "a.xlsx"),
    ('Content-Disposition: attachment; filename="a\\"b.xlsx"', 'a"b.xlsx'),
    ('Content-Disposition: attachment; filename="open.xlsx', "open.xlsx"),
    ("Content-Type: application/vnd.ms-excel; charset", ""),
    ("Content-Disposition: attachment; filename=tab\tin.xlsx", "tab in.xlsx"),
]


def shapes() -> List[bytes]:
    """Whole messages with CR LF; the subject of each matches."""
    text, file = part("", b"text", False), part("Content-Type: x/y; name=a.xlsx", BOOK)
    inner = mail(multipart(text, file, boundary="inner"))
    forwarded = b"Content-Type: message/rfc822\n\n" + inner
    single = b"Content-Type: message/rfc822\n\n" + mail(file)
    deep = file
    for level in range(40):
        deep = multipart(text, deep, boundary=f"deep{level}")
    archive = zipped(may__xlsx=BOOK, readme__txt=b"x")
    raws = [
        *(mail(multipart(text, part(head, BOOK))) for head, _ in NAMES),
        mail(file),
        mail(text),
        mail(b"\n"),
        mail(multipart(text, forwarded, single, file)),
        mail(multipart(multipart(text, text, kind="alternative", boundary="alt"), file, text)),
        mail(multipart(forwarded, kind="report; report-type=delivery-status")),
        mail(multipart(text, part("Content-Type: message/rfc822", inner))),
        mail(
            multipart(text, part("Content-Type: message/delivery-status", b"A: b\n\nC: d", False))
        ),
        mail(forwarded),
        mail(single),
        mail(deep),
        mail(multipart()),
        mail(b"Content-Type: multipart/mixed\n\n--x\nContent-Type: x/y\n\nUEsDBA==\n--x--\n"),
        mail(multipart(text, part("Content-Type: application/zip; name=z.zip", archive))),
        mail(part("Content-Type: application/ms-tnef; name=winmail.dat", tnef(("a.xlsx", BOOK)))),
        mail(file, "Auto-Submitted: auto-replied\n"),
        mail(part("Content-Type: image/png; name=a.png", b"x")),
        mail(multipart(text, part("Content-Type: x/y; name=empty.xlsx", b"", False))),
        mail(
            multipart(text, part("Content-Type: x/y; name=a.xlsx", base64.b64encode(BOOK), False))
        ),
        mail(multipart(text, part("Content-Type: text/csv", "ü,€\n".encode(), False))),
        mail(multipart(text, part("Content-Type: text/csv; charset=utf-8", b"\xfc\x80,\n", False))),
        mail(multipart(text, part("Content-Type: text/csv; charset*=x''%41", b"\xfc,\n", False))),
        mail(b"\nbegin 644 a.csv\n#0V%T\n`\nend\n"),
        report_mail(BOOK, subject="=?utf-8?q?=C3=BC_Track_and_Trace?=", sender="Jos\u00e9 <a@b.c>"),
        file.replace(b"Content-Type", b"Subject: track  and\n trace\nDate: never\nContent-Type"),
    ]
    return [raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for raw in raws]
