"""Regular expressions that most runs never need: compiled when first used, not at every start.

Compiling those of dates as texts and of what is no workbook took as long as reading three small
workbooks, and every command of a timer paid for it. What each xlsx needs is compiled where it
stands, before workers are forked: they would each do it again.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, Pattern, cast

_METHODS = ("match", "search", "fullmatch", "sub", "split", "findall", "finditer")


def late(pattern: AnyStr, flags: int = 0) -> Pattern[AnyStr]:
    """As re.compile, which is called once a method is asked for; a mistake is told then."""
    return cast(Pattern[AnyStr], _Late(pattern, flags))


class _Late:
    def __init__(self, pattern: Any, flags: int) -> None:
        self.pattern = pattern
        self.flags = flags

    def __getattr__(self, name: str) -> Any:
        """Asked for what is not there yet; from then on it is there, at no further cost."""
        if name not in _METHODS:
            raise AttributeError(name)
        compiled = re.compile(self.pattern, self.flags)
        self.__dict__.update((method, getattr(compiled, method)) for method in _METHODS)
        return self.__dict__[name]
