"""The shell scripts of package, units and tests."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Iterator, List

import pytest

from tests.packaging.source import ROOT

FOLDERS = (".ci", "debian", "systemd-timers", "tests/deb")


def scripts() -> Iterator[Path]:
    """Every file that begins as a shell script does, or says which shell it is for."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix != ".whl":
                first = path.read_bytes().split(b"\n", 1)[0]
                if first in (b"#!/bin/sh", b"#!/bin/bash") or first.startswith(
                    b"# shellcheck shell="
                ):
                    yield path


SCRIPTS: List[Path] = list(scripts())


def test_the_scripts_are_found() -> None:
    """The other tests of this module look at something."""
    names = {path.name for path in SCRIPTS}
    assert {"stage", "verdict", "trackandtrace-generator", "trackandtrace-test", "run"} <= names


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_shellcheck_finds_nothing() -> None:
    """At its strictest default, in each script's own language."""
    command = ["shellcheck", "--external-sources", *map(str, SCRIPTS)]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.stdout == ""


def test_a_script_is_executable_unless_it_is_read_by_another() -> None:
    """A script with #! can be started; debhelper gives the maintainer scripts their mode."""
    by_debhelper = (".postinst", ".prerm", ".postrm")
    wrong = [
        str(path.relative_to(ROOT))
        for path in SCRIPTS
        if path.suffix not in by_debhelper
        if bool(path.stat().st_mode & 0o100) != path.read_bytes().startswith(b"#!")
    ]
    assert wrong == []


def test_each_script_stops_at_the_first_error() -> None:
    """`set -e`, but where going on is the purpose."""
    goes_on = {"stage", "stopping", ".ci/run"}
    careless = [
        path.name
        for path in SCRIPTS
        if path.read_bytes().startswith(b"#!")
        if not goes_on & {path.name, str(path.relative_to(ROOT))}
        if not any(line.startswith("set -e") for line in path.read_text().splitlines())
    ]
    assert careless == []
