"""What AUTHENTICATE's challenges are answered with."""

from __future__ import annotations

import base64
import contextlib
from typing import Any, Optional


class Challenged:
    """One answer, and empty ones after it; imaplib2 takes only a bound method, `next`.

    Attributes:
        challenge: The last one, decoded.
    """

    def __init__(self, first: bytes) -> None:
        self._next = base64.b64encode(first)
        self.challenge = ""

    def next(self, challenge: Optional[bytes], request: Any) -> bytes:  # noqa: ARG002
        """The answer to a challenge."""
        with contextlib.suppress(ValueError):
            self.challenge = base64.b64decode(challenge or b"").decode("utf-8", "replace")
        answer, self._next = self._next, b""
        return answer
