"""From the leaves of a mail to what is taken: containers opened, everything else judged."""

from __future__ import annotations

import logging
import re
from typing import Dict, Iterable, Iterator, List, NamedTuple

from ttcli.mail.attachments import archive, kinds, smime, tnef
from ttcli.mail.message import Attachment, Skipped
from ttcli.mail.mime import tree, uuencode
from ttcli.mail.mime.content import Content, Store
from ttcli.mail.mime.leaf import UNREADABLE, Leaf

log = logging.getLogger(__name__)

DEEPEST_INSIDE = 5  # mails in mails as files, TNEF in TNEF …
MOST_INSIDE = 5000  # files and leaves of one mail, all containers together
_MAIL_TYPE = re.compile(r"message/(?:rfc822|global|news)\Z")
_CONTAINER_BEGINS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x78\x9f\x3e\x22")  # zip, OLE, TNEF
_ENCRYPTED_TYPE = re.compile(r"application/pgp-encrypted\Z")


class Taken(NamedTuple):
    """What a mail holds for us, and what was left alone.

    Attributes:
        trouble: Why workbooks may be in it that cannot be had; empty where all is well.
    """

    attachments: List[Attachment]
    skipped: List[Skipped]
    trouble: str = ""


def take(leaves: Iterable[Leaf], store: Store, automatic: str = "") -> Taken:
    """Judges every leaf of a mail.

    Args:
        store: Where what comes out of containers is kept.
        automatic: Why the whole mail is no report; then nothing in it is taken.
    """
    taking = _Taking(store)
    for leaf in leaves:
        taking.judge(leaf)
    taking.look_into_others()
    if automatic:
        refused = [Skipped(a.part, a.name, automatic) for a in taking.attachments]
        return Taken([], [*refused, *taking.skipped])
    return Taken(taking.attachments, taking.skipped, taking.trouble)


class _Taking:
    """What was found so far in one mail, and how much may still come out of its containers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.attachments: List[Attachment] = []
        self.skipped: List[Skipped] = []
        self.trouble = ""
        self._texts: List[Leaf] = []
        self._disguised: List[Leaf] = []
        self._room = archive.MOST_BYTES
        self._left = MOST_INSIDE

    def judge(self, leaf: Leaf, believe: bool = True) -> None:
        """Takes a leaf, leaves it alone with the reason, or opens it and judges what is inside.

        Args:
            believe: Name and type together may say that it is none.
        """
        self._left -= 1
        trouble = leaf.trouble
        if self._left < 0:
            trouble = f"the mail holds more than {MOST_INSIDE} files"
        if not trouble:
            try:
                if believe and kinds.surely_other(leaf.name, leaf.content_type):
                    self._leave_other(leaf)
                else:
                    self._look_at(self._decoded(leaf))
            except UNREADABLE as error:
                log.debug("part %s cannot be read", leaf.part, exc_info=True)
                trouble = f"a part cannot be read: {type(error).__name__}: {error}"
        if trouble:
            self.trouble = trouble
            self._refuse(leaf, trouble)

    def _look_at(self, leaf: Leaf) -> None:
        name, stated = leaf.name, leaf.content_type
        named = kinds.by_name(name)
        if named and archive.is_zip(leaf.content):
            self._take(leaf)  # what is in it would change nothing
        elif kinds.by_content(leaf.content, name):
            self._take(leaf)
        elif kinds.is_archive(leaf.content, name, stated):
            self._open_archive(leaf)
        elif named:
            self._take(leaf)
        elif tnef.is_tnef(leaf.content):
            self._open(leaf, self._in_tnef(leaf))
        elif smime.by_name_or_type(name, stated):
            self._open_smime(leaf)
        elif _MAIL_TYPE.match(stated) or kinds.tidy(name).lower().endswith(".eml"):
            self._open(leaf, self._in_mail(leaf, leaf.content))
        elif kinds.by_type(stated):
            self._take(leaf)
        else:
            self._refuse_kind(leaf)

    def look_into_others(self) -> None:
        """What is said to be something else is looked into in a mail without any other workbook.

        Workbooks sent as text/plain without a name, by scripts, and files in uuencode, by mailers
        without MIME.
        """
        alone = not self.attachments
        for leaf in self._disguised:
            if alone:
                self.judge(leaf, believe=False)
            else:
                self._refuse_kind(leaf)
        for leaf in self._texts if not self.attachments else ():
            for name, content in uuencode.uuencoded(leaf.content, self._store):
                self.judge(leaf._replace(name=name, content_type="", content=content))

    def _decoded(self, leaf: Leaf) -> Leaf:
        """Of a file in uuencode that nobody declared, what is in it."""
        if uuencode.begins(leaf.content.first(64)):
            for name, content in uuencode.uuencoded(leaf.content, self._store):
                return leaf._replace(name=leaf.name or name, content=content)
        return leaf

    def _take(self, leaf: Leaf) -> None:
        where = f"{leaf.path}/{leaf.name}" if leaf.path else ""
        self.attachments.append(
            Attachment(leaf.part, where, kinds.tidy(leaf.name), leaf.content_type, leaf.content)
        )

    def _refuse(self, leaf: Leaf, reason: str) -> None:
        name = f"{leaf.path}/{leaf.name}" if leaf.path else leaf.name
        self.skipped.append(Skipped(leaf.part, name, reason))

    def _refuse_kind(self, leaf: Leaf) -> None:
        stated = leaf.content_type
        if stated == "message/external-body":
            self._refuse(leaf, "its content lies elsewhere, not in the mail")
            return
        if _ENCRYPTED_TYPE.match(stated):
            self.trouble = "the mail is encrypted with PGP"
        elif stated == "message/partial":
            self.trouble = "the mail is one piece of a larger mail"
        elif stated.startswith("multipart/"):
            self.trouble = "the mail's MIME structure is broken"
        self._refuse(leaf, f"{stated or 'its content'} is no workbook")

    def _leave_other(self, leaf: Leaf) -> None:
        if leaf.content.first(4) in _CONTAINER_BEGINS:
            self._disguised.append(leaf)
            return
        if leaf.content_type.startswith("text/") and leaf.content.holds(b"begin"):
            self._texts.append(leaf)
        self._refuse_kind(leaf)

    def _open(self, outer: Leaf, inside: Iterable[Leaf]) -> None:
        if outer.depth >= DEEPEST_INSIDE:
            self.trouble = f"more than {DEEPEST_INSIDE} containers in each other"
            self._refuse(outer, self.trouble)
            return
        before = len(self.attachments) + len(self.skipped)
        for leaf in inside:
            self.judge(leaf)
        if before == len(self.attachments) + len(self.skipped):
            self._refuse(outer, "nothing in it")

    def _open_archive(self, leaf: Leaf) -> None:
        """The workbooks of a zip archive; archives and mails inside it are not opened.

        An archive in which a workbook may be that cannot be had is taken as it is, so that it
        is refused where people look for refused items.
        """
        outer, found, lost = _inside(leaf), False, not archive.is_zip(leaf.content)
        for name, content in archive.unpack(leaf.content, self._store, self._room):
            inner = outer._replace(name=name)
            if isinstance(content, str):
                lost = lost or not name or kinds.by_name(name)
                self._refuse(inner, content)
            elif kinds.by_name(name) or kinds.by_content(content, name):
                found = True
                self._room -= len(content)
                self._take(inner._replace(content=content))
        if lost:
            self._take(leaf)
        elif not found:
            self._refuse(leaf, "no workbook in the zip archive")

    def _in_tnef(self, leaf: Leaf) -> Iterator[Leaf]:
        for name, content in tnef.files(leaf.content, self._store):
            yield _inside(leaf)._replace(name=name, content=content)

    def _in_mail(self, leaf: Leaf, message: Content) -> Iterator[Leaf]:
        outer = _inside(leaf)
        for inner in tree.leaves_of(message, self._store):
            yield inner._replace(part=leaf.part, path=outer.path, depth=outer.depth)

    def _open_smime(self, leaf: Leaf) -> None:
        try:
            message = self._store.keep(smime.signed_content(leaf.content))
            self._open(leaf, self._in_mail(leaf, message))
        except smime.NotSigned as error:
            self.trouble = str(error)
            self._refuse(leaf, str(error))


_CONTAINERS: Dict[str, str] = {
    "application/ms-tnef": "winmail.dat",
    "application/pkcs7-mime": "smime.p7m",
    "message/rfc822": "message.eml",
}


def _inside(container: Leaf) -> Leaf:
    """The beginning of a leaf inside a container."""
    name = kinds.tidy(container.name) or _CONTAINERS.get(container.content_type, "unnamed")
    path = f"{container.path}/{name}" if container.path else name
    return Leaf(container.part, "", "", path=path, depth=container.depth + 1)
