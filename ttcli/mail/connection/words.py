"""What a server's words mean for the run: try later, access denied, or a setting that is wrong."""

from __future__ import annotations

import math
import re
from typing import Union

from ttcli.errors import AccessDenied, ConfigError, OutsideFault, Temporary
from ttcli.patterns import late

# Gmail, Microsoft 365, Exchange and Dovecot when they want us to come back later (RFC 5530).
_LATER = late(
    r"""THROTTLED | OVERQUOTA | \[LIMIT\] | \[INUSE\] | \[UNAVAILABLE\] | \[SERVERBUG\] | throttl |
        too\ many | simultaneous | bandwidth | back[ -]?off | try\ again | temporar | Server\ Busy |
        Unavailable | not\ connected | Internal | exceeded | maximum\ number | shutting\ down |
        overload | disconnected | timed?\ ?out""",
    re.I | re.X,
)
_WAIT = late(r"back-?off time: (\d{1,9}) *(milli)?", re.I)


def readable(raw: Union[bytes, str, None]) -> str:
    """A server's words fit for a log: one line, no control characters, not endless."""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw or ""
    return re.sub(r"[\x00-\x1f\x7f\s]+", " ", text).strip()[:300]


def struck(raw: Union[bytes, str, None], *secrets: str) -> str:
    """A server's words without the secrets that it repeats, which may be longer than a line."""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw or ""
    for secret in secrets:
        text = text.replace(secret, "…") if secret else text
    return text


def plain(error: BaseException) -> str:
    """An exception in words, without class names where it has words of its own."""
    strerror = getattr(error, "strerror", None)
    return readable(strerror if isinstance(strerror, str) and strerror else str(error))


def is_later(text: str) -> bool:
    """The words ask us to come back later."""
    return bool(_LATER.search(text))


def refusal(what: str, raw: Union[bytes, str, None], exact: bool = False) -> OutsideFault:
    """A NO, BAD or BYE as an error.

    Args:
        what: What was refused, with the server's name.
        raw: The server's words.
        exact: Words that do not ask for patience mean a setting is wrong.
    """
    text = readable(raw)
    if exact and not is_later(text):
        return ConfigError(f"{what}: {text}", "`ttcli check` shows what the server offers")
    return _later(what, text)


def denied(what: str, raw: Union[bytes, str, None], secret: str, hint: str) -> OutsideFault:
    """A refused login; the secret is taken out of words that repeat it."""
    text = readable(struck(raw, secret))
    if is_later(text) and "AUTHENTICATIONFAILED" not in text:
        return _later(what, text)
    return AccessDenied(f"{what}: {text}", hint)


def _later(what: str, text: str) -> Temporary:
    wait = _wait(text)
    return Temporary(f"{what}: {text}", patience(wait), wait)


def patience(seconds: float) -> str:
    """The next step where only time helps."""
    if not seconds:
        return "the next run tries again"
    return f"it asks to wait {math.ceil(seconds)} s, and is left alone that long"


def _wait(text: str) -> float:
    """Seconds to wait, where the words name them."""
    wait = _WAIT.search(text)
    if not wait:
        return 0.0
    return int(wait[1]) / 1000 if wait[2] else float(wait[1])
