"""What README and docs/ say is what the program does."""

from __future__ import annotations

import re
from typing import Dict, List, Set

from typer.testing import CliRunner

from tests.packaging.source import ROOT
from ttcli import errors
from ttcli.cli import app
from ttcli.variables import VARIABLES

README = (ROOT / "README.md").read_text(encoding="utf-8")
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
OURS = re.compile(r"\b(?:EMAIL|DB|APP)_[A-Z_]+\b")


def commands() -> Set[str]:
    """The names of the program's commands."""
    return {c.name or c.callback.__name__ for c in app.registered_commands if c.callback}


def known_variables() -> Set[str]:
    """Every variable, and NAME_FILE of every secret."""
    return {v.name for v in VARIABLES} | {f"{v.name}_FILE" for v in VARIABLES if v.secret}


def rows(text: str, columns: int) -> List[List[str]]:
    """The rows of every table with so many columns."""
    tables = [line.strip("| \n").split(" | ") for line in text.splitlines() if line[:1] == "|"]
    return [row for row in tables if len(row) == columns]


def test_every_command_stands_in_help_and_readme() -> None:
    """Nobody has to read the source to find a command."""
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output
    for name in commands():
        assert re.search(rf"\b{name}\b", shown), f"--help does not name {name}"
        assert f"`ttcli {name}" in README, f"README does not name `ttcli {name}`"


def test_readme_names_no_command_that_is_not_there() -> None:
    """A command in README can be typed."""
    assert set(re.findall(r"`ttcli ([a-z]+)", README)) <= commands()


def test_every_option_in_readme_is_one_of_some_command() -> None:
    """An option in README can be typed."""
    texts = [CliRunner().invoke(app, [name, "--help"]).output for name in (*commands(), "")]
    shown = CliRunner().invoke(app, ["--help"]).output + "".join(texts)
    assert {o for o in re.findall(r"`(--[a-z-]+)", README) if o not in shown} == set()


def test_every_variable_is_documented_as_it_is() -> None:
    """docs/configuration.md has the name, the default and the words of settings.py."""
    documented: Dict[str, List[str]] = {row[0]: row for row in rows(CONFIGURATION, 3)}
    for variable in VARIABLES:
        assert f"`{variable.name}`" in documented, f"{variable.name} is not documented"
        _, default, what_for = documented[f"`{variable.name}`"]
        shown = "**required**" if variable.default is None else f"`{variable.default}`"
        assert default == (shown if variable.default != "" else "–"), variable.name
        assert what_for.startswith(variable.help), variable.name


def test_documentation_names_no_variable_that_is_not_there() -> None:
    """A variable in README or docs/configuration.md can be set."""
    assert (
        set(OURS.findall(README + CONFIGURATION)) - known_variables() - {"DB_", "EMAIL_"} == set()
    )


def test_every_exit_code_stands_in_readme() -> None:
    """The table of exit codes is that of errors.py."""
    ours = {errors.OK, errors.USAGE, errors.BAD_ITEM, errors.BUG, errors.SPOOL_IO}
    ours |= {errors.TEMPORARY, errors.DENIED, errors.CONFIG}
    assert {int(row[0]) for row in rows(README, 2) if row[0].isdigit()} == ours


def test_every_make_target_in_readme_is_there() -> None:
    """`make demo` and its like in README can be typed."""
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE))
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    assert {"demo", "test"} <= named <= targets


def test_every_link_in_readme_leads_somewhere() -> None:
    """A file that README links to is in the checkout."""
    links = [link for link in re.findall(r"\]\(([^)#:]+)\)", README) if not (ROOT / link).exists()]
    assert links == []


def test_every_stage_has_its_place_on_the_map() -> None:
    """docs/architecture.md names each file below ttcli/stages, those of a folder on its line."""
    lines = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").splitlines()
    stages = ROOT / "ttcli" / "stages"
    lost = {
        str(file.relative_to(stages))
        for file in stages.rglob("[a-z]*.py")
        if not any(
            f"`{file.name}`" in line and (file.parent == stages or f"`{file.parent.name}/`" in line)
            for line in lines
        )
    }
    assert lost == set()


def test_every_page_of_docs_is_linked_from_readme() -> None:
    """README is the index; the map for developers is among them."""
    pages = {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}
    assert {page for page in pages if f"({page})" not in README} == set()
