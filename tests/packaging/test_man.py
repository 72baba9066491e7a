"""Man pages, example configuration and completion say what the program is."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest
import typer.main

import ttcli
from tests.packaging.source import ROOT
from ttcli import config as configuration
from ttcli.cli import app
from ttcli.rows.mapping import Mapping
from ttcli.rows.mapping_file import load_mapping
from ttcli.variables import VARIABLES

MAN = ROOT / "docs" / "man"
COMPLETIONS = ROOT / "debian" / "completions"
EXAMPLES = ROOT / "debian" / "etc"
# The command lies beside this interpreter, also where no virtualenv was activated.
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
GROUP: Any = typer.main.get_command(app)


def page(name: str) -> str:
    """A page's text without its escapes."""
    text = (MAN / name).read_text(encoding="utf-8")
    return re.sub(r"\\f[BIR]", "", text).replace("\\-", "-")


def test_the_written_files_are_those_of_this_program() -> None:
    """After a change of a command or a variable somebody has run docs/man/write.py."""
    written: Dict[Path, str] = runpy.run_path(str(MAN / "write.py"))["written"]()
    old = [
        str(path.relative_to(ROOT)) for path, text in written.items() if path.read_text() != text
    ]
    assert old == [], "run `python docs/man/write.py`"


def test_every_command_and_option_stands_in_the_man_page() -> None:
    """What `--help` lists, `man ttcli` explains."""
    text = page("ttcli.1")
    for name, command in GROUP.commands.items():
        part = text.split(f"\n.SS ttcli {name}")[1].split("\n.S")[0]
        for parameter in command.params:
            if parameter.param_type_name == "option":
                assert max(parameter.opts, key=len) in part, f"{name}: {parameter.opts}"


def test_every_variable_stands_in_its_man_page() -> None:
    """`man ttcli.config` has each name and default of settings.py."""
    text = page("ttcli.config.5")
    for variable in VARIABLES:
        assert f"\n{variable.name}\n" in text
        if variable.default:
            assert f"Default: {variable.default}." in text, variable.name


def test_the_example_configuration_is_the_default_one() -> None:
    """As installed, and with each default taken at its word, config.env is without a mistake."""
    file = EXAMPLES / "config.env"
    assert configuration.load({}, file, needs=()).given == frozenset()
    settings = re.findall(r"^#([A-Z_]+)=(.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    assert {v.name for v in VARIABLES} <= {name for name, _ in settings}
    defaults = {v.name: v.default or "" for v in VARIABLES}
    assert {name: value for name, value in settings if name in defaults} == defaults


def test_every_line_of_the_example_configuration_can_be_taken_in(tmp_path: Path) -> None:
    """Taking away every # but those of the secrets' other way gives a file that loads."""
    text = (EXAMPLES / "config.env").read_text(encoding="utf-8")
    files = "|".join(f"{v.name}_FILE" for v in VARIABLES if v.secret)
    taken = re.sub(rf"^#(?=[A-Z_]+=)(?!({files})=)", "", text, flags=re.MULTILINE)
    (tmp_path / "config.env").write_text(taken, encoding="utf-8")
    loaded = configuration.load({}, tmp_path / "config.env", needs=())
    assert loaded.given == {v.name for v in VARIABLES}
    assert loaded.email_subject_filter == "Track and Trace"


def test_the_example_mapping_says_nothing_and_all_of_it_is_allowed() -> None:
    """mapping.toml loads as installed, and with every # before a setting taken away."""
    text = (EXAMPLES / "mapping.toml").read_text(encoding="utf-8")
    assert load_mapping(text) == Mapping.default()
    taken = re.sub(r"^#(?=[a-z_\[])", "", text, flags=re.MULTILINE)
    mapping = load_mapping(taken)
    assert len(mapping.senders) == 1
    assert mapping.settings("eta").date_order == "dmy"
    assert mapping.for_sender("ops@acme.example").settings("eta").date_order == "mdy"


@pytest.mark.parametrize("path", sorted(MAN.glob("*.[157]")), ids=lambda path: path.name)
def test_man_shows_the_page_without_a_warning(path: Path) -> None:
    """groff has nothing to complain of."""
    if not shutil.which("man") or not shutil.which("troff"):
        pytest.skip("man is not installed")
    command = ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(path)]
    done = subprocess.run(
        command, capture_output=True, env={**os.environ, "MANROFFSEQ": ""}, check=True
    )
    assert done.stderr == b""


def test_the_package_has_the_program_s_version() -> None:
    """debian/changelog and ttcli/__init__.py are changed together."""
    first = (ROOT / "debian" / "changelog").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith(f"ttcli ({ttcli.__version__}")


# What each shell is asked to complete, and how it is asked without a terminal.
ASK = {
    "bash": "source {file}; COMP_WORDS=(ttcli {word}); COMP_CWORD=1; _ttcli ttcli;"
    ' printf "%s\\n" "${{COMPREPLY[@]}}"',
    "zsh": 'function _arguments _describe _files {{ print -l -- "$@" }}; words=(ttcli "{word}");'
    " CURRENT=2; source {file}",
    "fish": "source {file}; complete --do-complete 'ttcli {word}'",
}
FILES = {"bash": "bash/ttcli", "zsh": "zsh/_ttcli", "fish": "fish/ttcli.fish"}


def completed(shell: str, word: str, home: Path) -> str:
    """What a shell offers for this beginning of a word."""
    asked = ASK[shell].format(file=COMPLETIONS / FILES[shell], word=word)
    quiet = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    environ = {**os.environ, "PATH": PATH, "HOME": str(home), "COLUMNS": "200"}
    found = subprocess.run(
        [shell, *quiet, "-c", asked], env=environ, capture_output=True, text=True, check=False
    )
    return found.stdout


@pytest.mark.parametrize("shell", sorted(ASK))
def test_the_shells_complete_every_command(shell: str, tmp_path: Path) -> None:
    """A shell offers the commands that `ttcli --help` lists, and only those that fit."""
    if not shutil.which(shell) or not shutil.which("ttcli", path=PATH):
        pytest.skip(f"{shell} or the installed command is missing")
    offered: List[str] = re.findall(r"[a-z]+", completed(shell, "", tmp_path))
    assert set(GROUP.commands) - set(offered) == set()
    some = completed(shell, "pro", tmp_path)
    assert "process" in some
    assert "fetch" not in some
