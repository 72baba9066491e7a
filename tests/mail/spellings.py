"""One subject, `Track and Trace`, as mailers, gateways and scripts write it: right and wrong."""

from __future__ import annotations

import base64
from typing import List

WORDS = "Track and Trace"
_CHARSETS = [
    "us-ascii", "utf-8", "UTF-8", "utf8", "iso-8859-1", "latin1", "windows-1252", "cp1252",
    "iso-8859-16", "koi8-r", "viscii", "shift_jis", "x-sjis", "windows-31j", "euc-kr",
    "ks_c_5601-1987", "x-windows-949", "gb2312", "gbk", "x-gbk", "gb18030", "hz-gb-2312",
    "big5", "tis-620", "iso-2022-jp", "iso-2022-kr", "iso-8859-8-i", "utf-7", "utf-8-sig",
    "utf-8*en", "x-unknown", "unknown-8bit", "x-user-defined", "x-mac-roman", "macintosh",
    "cp850", "cp-850", "ansi_x3.110-1983", "default", "none", "8bit", "base64", "hex",
    "us-ascii-x",
]  # fmt: skip


def _word(charset: str, text: bytes) -> bytes:
    return b"=?%s?B?%s?=" % (charset.encode(), base64.b64encode(text))


def _subjects() -> List[bytes]:
    """What stands behind `Subject: `."""
    umlaut = f"Tr\u00e4ger, {WORDS}"
    report = f"\u5831\u544a {WORDS}"
    return [
        b"tRACK AND trACE",
        b"Track\r\n and\r\n\tTrace",
        b"Track  and \t Trace",
        b"Re:[x]Track and Trace#1",
        b"(a comment) Track and Trace (another)",
        b"x" * 2000 + b" Track and Trace",
        # without any encoding
        umlaut.encode("latin-1"),
        umlaut.encode(),
        report.encode("cp932"),
        report.encode("iso-2022-jp"),
        b"Track\xa0and Trace",
        "Track\u00a0and Trace".encode(),
        b"Track\x01and Trace",
        b"x\x00 Track and Trace",
        # every charset, known or not, and some that are not what they say
        *(b"=?%s?Q?Track_and_Trace?=" % charset.encode() for charset in _CHARSETS),
        b"=??Q?Track_and_Trace?=",
        _word("utf-16", WORDS.encode("utf-16")),
        _word("utf-16le", WORDS.encode("utf-16-le")),
        _word("utf-32be", WORDS.encode("utf-32-be")),
        _word("ucs-2", WORDS.encode("utf-16-be")),
        _word("utf-7", umlaut.encode("utf-7")),
        _word("iso-2022-jp", report.encode("iso-2022-jp")),
        _word("utf-8", umlaut.encode("latin-1")),
        _word("utf-8", b"\xff\xfe Track and Trace"),
        _word("utf-8", "\uff34\uff52\uff41\uff43\uff4b and Trace".encode()),
        # cut in pieces
        b"=?utf-8?Q?Track_and_?= =?utf-8?Q?Trace?=",
        b"=?utf-8?Q?Track_?=\r\n =?utf-8?Q?and_Trace?=",
        b"=?utf-8?Q?Track_and_Tr?==?utf-8?Q?ace?=",
        b"=?utf-8?Q?Track_and_Tr?= =?iso-8859-1?Q?ace?=",
        b"=?utf-8?B?VHJhY2sgYW5kIA==?= =?utf-8?Q?Trace?=",
        b"=?utf-8?Q?Track_and_?= =?utf-8?Q??= =?utf-8?Q?Trace?=",
        _word("utf-8", b"Track and Trace \xc3") + b" " + _word("utf-8", b"\xbc"),
        b"=?utf-8?B?VHJhY2sgYW?= =?utf-8?B?5kIFRyYWNl?=",
        # base64 and quoted-printable as they should not be
        b"=?utf-8?B?VHJhY2sgYW5kIFRyYWNlIQ?=",
        b"=?utf-8?B?VHJhY2sgYW5kIA==VHJhY2U=?=",
        b"=?utf-8?B?VHJhY2sg-YW5kIFRyYWNl?=",
        b"=?utf-8?B?VHJhY2sg\r\n YW5kIFRyYWNl?=",
        b"=?utf-8?B?VHJhY2sgYW5kIFRyYWNl",
        b"=?utf-8?Q?Track and Trace?=",
        b"=?utf-8?Q?Track\r\n and_Trace?=",
        b"=?utf-8?Q?Track_and_Trace?_yes?=",
        b"=?utf-8?Q?Track_and_Trace",
        b"=?utf-8?Q?Track_and_Trace?",
        b"=?utf-8?Q?=ZZ_Track_and_Trace?=",
        b"=?utf-8?Q?Track_and_Trace=?=",
        b"=?utf-8?Q?Track=0D=0Aand_Trace?=",
        b"=?utf-8?Q?\xfc_Track_and_Trace?=",
        b"=?utf-8?q?track_and_trace?=",
        b"=?utf-8?X?Track and Trace?=",
        b"x=?utf-8?Q?Track_and_Trace?=y",
        b'"=?utf-8?Q?Track_and_Trace?="',
        _word("utf-8", b"=?utf-8?Q?Track_and_Trace?="),
    ]


_FIELDS = [
    b"Subject:Track and Trace\r\n",
    b"Subject:\r\n Track and Trace\r\n",
    b"Subject: \r\n \r\n Track and Trace\r\n",
    b"Subject : Track and Trace\r\n",
    b"SUBJECT: Track and Trace\r\n",
    b"Subject: Track and Trace\r\nSubject: Lunch\r\n",
    b"Subject: Lunch\r\nSubject: Track and Trace\r\n",
    b"no field at all\r\nSubject: Track and Trace\r\n",
    b">From me Sat Aug 22\r\nSubject: Track and Trace\r\n",
]
_OTHERS = [
    b"",
    b"Subject:\r\n",
    b"Subject: Trace and Track\r\n",
    b"Subject: Trackand Trace\r\n",
    b"Subject: =?utf-8?Q?Lunch?=\r\n Trace\r\n",
    b"Subject: x\r\nX-Subject: Track and Trace\r\n",
    b"Subject: x\r\n\r\nSubject: Track and Trace\r\n",
]


def right() -> List[bytes]:
    """Mails whose subject is Track and Trace for everybody who reads it."""
    fields = [b"Subject: " + subject + b"\r\n" for subject in _subjects()]
    return [_mail(field) for field in [*fields, *_FIELDS]]


def others() -> List[bytes]:
    """Mails whose subject is another one, or that have none."""
    return [_mail(field) for field in _OTHERS]


def _mail(field: bytes) -> bytes:
    return b"From: a@b\r\n" + field + b"Content-Type: text/csv; name=a.csv\r\n\r\na,b\r\n"
