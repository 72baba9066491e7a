"""Writes what must agree with the program: two man pages and the example configuration.

Run it after a change of a command, an option or a variable: `python docs/man/write.py`.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import typer.main

import ttcli
from ttcli.cli import app
from ttcli.settings import Variable
from ttcli.variables import VARIABLES

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

UNIT_VARIABLES: Tuple[Tuple[str, str, str], ...] = (
    ("ALERT_MAIL", "ops@example.com", "where to mail when the service fails; needs a sendmail"),
    (
        "ALERT_COMMAND",
        "/usr/bin/curl -fsS --data-binary @- https://hooks.example.com/freight",
        "program and arguments that get the same text on standard input; no shell reads it",
    ),
)
_GROUPS = (
    ("EMAIL_", "The mailbox"),
    ("DB_", "The database"),
    ("REPLY_", "Answers to senders; nobody is answered unless REPLY_TO_SENDERS is set"),
    ("LIMIT_", "What one workbook may cost before it is refused"),
    ("", "The service"),
)
_HEAD = """\
# Settings of ttcli and of trackandtrace.service; man ttcli.config says more.
#
# NAME=value; a value with blanks may stand in double quotes. What is commented out is the default,
# or has none. After a change: trackandtrace-test.
"""
_FOOT = "The units: who is told when trackandtrace.service fails; nobody, unless set"


def written() -> Dict[Path, str]:
    """Every file by its path, as it ought to be."""
    return {
        HERE / "ttcli.1": _filled("ttcli.1.in", OPTIONS=_options_page(), COMMANDS=_commands()),
        HERE / "ttcli.config.5": _filled(
            "ttcli.config.5.in", VARIABLES=_variables(), UNIT_VARIABLES=_unit_variables()
        ),
        ROOT / "debian" / "etc" / "config.env": _config_env(),
    }


def _filled(template: str, **parts: str) -> str:
    text = (HERE / template).read_text(encoding="utf-8")
    for name, part in {"VERSION": ttcli.__version__, **parts}.items():
        text = text.replace(f"@{name}@", part)
    return text


def roff(text: str) -> str:
    """Text as man(7) wants it: nothing in it is a request, and a minus can be copied."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga")
    text = text.replace("'", "\\(aq").replace("→", "\\(->").replace("…", "...")
    return re.sub(r"^\.", r"\\&.", text, flags=re.MULTILINE)


def _commands() -> str:
    group: Any = typer.main.get_command(app)
    return "\n".join(line for name in group.commands for line in _command(group.commands[name]))


def _command(command: Any) -> Iterator[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    words = [command.name, *(p.metavar or p.human_readable_name for p in arguments)]
    yield ".SS ttcli " + roff(" ".join(words))
    yield roff(command.help)
    yield from (line for p in command.params for line in _parameter(p))


def _options_page() -> str:
    group: Any = typer.main.get_command(app)
    ours = (p for p in group.params if not p.name.endswith("_completion"))  # Typer's vary
    lines = [line for p in ours for line in _parameter(p)]
    return "\n".join([*lines, ".TP", "\\fB\\-h\\fR, \\fB\\-\\-help\\fR", "Show the help."])


def _parameter(parameter: Any) -> List[str]:
    """A term and what it means; an argument stands in the heading already."""
    if parameter.param_type_name == "argument":
        term = f"\\fI{roff(parameter.metavar or parameter.human_readable_name)}\\fR"
    else:
        term = ", ".join(f"\\fB{roff(name)}\\fR" for name in sorted(parameter.opts, key=len))
        if not parameter.is_flag:
            term += f" \\fI{roff(_value_name(parameter))}\\fR"
    return [".TP", term, roff(parameter.help or "")]


def _value_name(parameter: Any) -> str:
    """FILE where it says so, else the option's own name."""
    return str(parameter.metavar or parameter.name.upper())


def _variables() -> str:
    return "\n".join(line for v in VARIABLES for line in _variable(v))


def _variable(variable: Variable) -> List[str]:
    said = variable.help[:1].upper() + variable.help[1:] + "."
    if variable.default is None:
        said += " Required."
    elif variable.default:
        said += f" Default: {variable.default}."
    if variable.secret:
        said += f" A secret: {variable.name}_FILE may name a file that holds it."
    return [".TP", f"\\fB{variable.name}\\fR", roff(said)]


def _unit_variables() -> str:
    lines = []
    for name, example, help_ in UNIT_VARIABLES:
        said = f"{help_[:1].upper()}{help_[1:]}. Not set by default. Example: {example}"
        lines += [".TP", f"\\fB{name}\\fR", roff(said)]
    return "\n".join(lines)


def _config_env() -> str:
    groups: Dict[str, List[str]] = {title: [] for _, title in _GROUPS}
    for variable in VARIABLES:
        title = next(title for start, title in _GROUPS if variable.name.startswith(start))
        groups[title].append(_setting(variable))
    groups[_FOOT] = [_comment(help_) + f"#{name}={ex}\n" for name, ex, help_ in UNIT_VARIABLES]
    sections = [f"# ---- {title}\n\n" + "\n".join(lines) for title, lines in groups.items()]
    return "\n".join([_HEAD, *sections])


def _setting(variable: Variable) -> str:
    said = variable.help + ("; required" if variable.default is None else "")
    value = variable.default or ""
    lines = _comment(said) + f"#{variable.name}={value}\n"
    if variable.secret:
        lines += f"#{variable.name}_FILE=/etc/trackandtrace/{_file_name(variable)}\n"
    return lines


def _file_name(variable: Variable) -> str:
    return variable.name.lower().replace("_", "-")


def _comment(text: str) -> str:
    return textwrap.fill(text, 98, initial_indent="# ", subsequent_indent="#   ") + "\n"


if __name__ == "__main__":
    for path, content in written().items():
        path.write_text(content, encoding="utf-8")
