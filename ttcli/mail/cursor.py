"""The cursor: up to where a folder was looked at.

UIDs only ever grow while a folder keeps its UIDVALIDITY (RFC 3501, 2.3.1.1); once that changes,
every UID means another mail, so everything is looked at again and what is known already drops
out by its item id. The spool stores the cursor; this module only says what it means.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Dict, Mapping, NamedTuple, Optional


class Folder(NamedTuple):
    """A folder as the server describes it.

    Attributes:
        uidvalidity: 0 where the server gives none: then no cursor holds from one run to the next.
        uidnext: One more than the highest UID given so far; 0 where the server does not say.
    """

    uidvalidity: int
    uidnext: int


class Cursor(NamedTuple):
    """Every mail with a UID up to and including `uid` was looked at under this UIDVALIDITY."""

    uidvalidity: int
    uid: int


def resume(stored: Optional[Cursor], folder: Folder) -> Cursor:
    """Where to go on: after the stored cursor if it still holds, else before the first mail."""
    if stored is None or folder.uidvalidity == 0 or stored.uidvalidity != folder.uidvalidity:
        return Cursor(folder.uidvalidity, 0)
    if 0 < folder.uidnext <= stored.uid:
        # a server restored from a backup gives UIDs anew that the cursor has passed
        return Cursor(folder.uidvalidity, 0)
    return stored


def to_json(cursor: Cursor) -> Dict[str, Any]:
    """The cursor as it stands in the spool."""
    return dict(cursor._asdict())


def from_json(stored: Mapping[str, Any]) -> Optional[Cursor]:
    """The stored cursor; None where that is no cursor, which looks at everything again."""
    uidvalidity, uid = stored.get("uidvalidity"), stored.get("uid")
    if isinstance(uidvalidity, int) and isinstance(uid, int) and uid >= 0:
        return Cursor(uidvalidity, uid)
    return None


def key(account: str, folder: str) -> str:
    """A file name for the cursor: readable, safe, and different for different folders."""
    # the digest keeps a/b and a_b, or INBOX and inbox, apart
    digest = hashlib.sha256(f"{account}\n{folder}".encode("utf-8", "surrogatepass")).hexdigest()
    readable = re.sub(r"[^A-Za-z0-9@.-]+", "_", f"{account}_{folder}").strip("._")[:80]
    return f"{readable}-{digest[:12]}"
