"""From the leaves of a mail to its attachments: archives opened, everything else judged."""

from __future__ import annotations

from typing import Iterable, Iterator, List, NamedTuple, Union

from ttcli.mail import archive, kinds
from ttcli.mail.message import Attachment, Skipped


class Leaf(NamedTuple):
    """A part that is not made of parts, its transfer encoding removed.

    Attributes:
        trouble: Why it could not be looked at; `data` is empty then.
    """

    part: str
    name: str
    content_type: str
    data: bytes
    trouble: str = ""


class Taken(NamedTuple):
    """What a mail holds for us, and what was left alone."""

    attachments: List[Attachment]
    skipped: List[Skipped]


Found = Union[Attachment, Skipped]


def take(leaves: Iterable[Leaf], automatic: str = "") -> Taken:
    """Judges every leaf of a mail.

    Args:
        automatic: Why the whole mail is no report; then nothing in it is taken.
    """
    taken = Taken([], [])
    for leaf in leaves:
        for found in judge(leaf):
            if isinstance(found, Attachment) and not automatic:
                taken.attachments.append(found)
            elif isinstance(found, Attachment):
                taken.skipped.append(Skipped(found.part, found.name, automatic))
            else:
                taken.skipped.append(found)
    return taken


def judge(leaf: Leaf) -> Iterator[Found]:
    """What one leaf holds; at least one thing, taken or left alone with the reason."""
    if leaf.trouble:
        yield Skipped(leaf.part, leaf.name, leaf.trouble)
    elif kinds.surely_other(leaf.name, leaf.content_type):
        yield Skipped(leaf.part, leaf.name, f"{leaf.content_type} is no workbook")
    elif kinds.by_content(leaf.data, leaf.name):
        yield Attachment(leaf.part, "", leaf.name, leaf.content_type, leaf.data)
    elif archive.is_zip(leaf.data) and not kinds.by_name(leaf.name):
        yield from _in_archive(leaf)
    elif kinds.by_name(leaf.name) or kinds.by_type(leaf.content_type):
        yield Attachment(leaf.part, "", leaf.name, leaf.content_type, leaf.data)
    else:
        yield Skipped(leaf.part, leaf.name, f"{leaf.content_type} is no workbook")


def _in_archive(leaf: Leaf) -> Iterator[Found]:
    """The workbooks of a zip archive; archives inside it are not opened."""
    outer = kinds.tidy(leaf.name) or "zip"
    some = False
    for name, content in archive.unpack(leaf.data):
        if isinstance(content, str):
            some = True
            yield Skipped(leaf.part, f"{outer}/{name}".rstrip("/"), content)
        elif kinds.by_name(name) or kinds.by_content(content, name):
            some = True
            inner = kinds.tidy(name)
            yield Attachment(leaf.part, f"{outer}/{name}", inner, "", content)
    if not some:
        yield Skipped(leaf.part, leaf.name, "no workbook in the zip archive")
