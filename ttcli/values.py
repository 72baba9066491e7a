"""A setting's value: parsed, and kept out of sight where it is a secret."""

from __future__ import annotations

from typing import Any, List, Optional, Sequence

from ttcli.settings import Variable
from ttcli.sources import Found


class Secret:
    """A value that no repr, log line or traceback shows."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself; call it only where a server is given it."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(…)"


def value_of(
    variable: Variable, found: Optional[Found], needs: Sequence[str], mistakes: List[str]
) -> Any:
    """The parsed value, or the parsed default; a missing required one is a mistake and empty."""
    if found and (found.text or variable.may_be_empty):
        try:
            value = variable.parse(found.text)
        except ValueError as error:
            shown = "(secret)" if variable.secret else repr(found.text)
            mistakes.append(f"{variable.name}={shown} ({found.where}): {error}")
            return None
    elif variable.default is not None:
        value = variable.parse(variable.default)
    else:
        value = ""
        if variable.name.split("_")[0] in needs:
            mistakes.append(f"{variable.name} is not set: {variable.help}")
    return Secret(value) if variable.secret else value
