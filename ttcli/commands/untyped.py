"""What is answered without Typer: the plain ways to ask for what monitors and timers ask.

Typer's import, and that of what it brings, takes longer than all of `ttcli status`, and as long as
a hundred small workbooks. So `__main__` asks this table first; any other command line, `--help`
and mistakes are Typer's.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, NamedTuple, Optional, Sequence

from ttcli.commands import glance, plain


class Known(NamedTuple):
    """A command: what answers it, given the configuration file, and its options' choices."""

    answer: Callable[..., None]
    options: Dict[str, Dict[str, Any]]


_FORMS = {f"--{form}": {"form": form} for form in ("json", "prometheus", "check")}
_DRY_RUN: Dict[str, Dict[str, Any]] = {option: {"dry_run": True} for option in ("--dry-run", "-n")}
KNOWN: Dict[str, Known] = {
    "status": Known(glance.status, _FORMS),
    **{name: Known(partial(plain.stage, name), _DRY_RUN) for name in plain.NEEDS},
}


def asked(arguments: Sequence[str]) -> Optional[Callable[[], None]]:
    """What answers `[-c FILE] COMMAND [OPTION]`; None for any other command line."""
    words = list(arguments)
    file = None
    if len(words) > 2 and words[0] in ("-c", "--config"):
        file, words = Path(words[1]), words[2:]
    known = KNOWN.get(words[0]) if 0 < len(words) < 3 else None
    if known is None or not set(words[1:]) <= set(known.options):
        return None
    return partial(known.answer, file, **known.options.get(words[-1], {}))
