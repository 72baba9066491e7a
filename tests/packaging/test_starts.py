"""What a start leaves out: modules that take longer to import than a small workbook to read."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import List

import pytest

_TOLD = "import json, sys; print(json.dumps(sorted(sys.modules)))"


def imported(code: str) -> List[str]:
    """The modules that a Python of its own has imported after that code."""
    said = subprocess.check_output([sys.executable, "-c", f"{code}; {_TOLD}"])
    return list(json.loads(said))


@pytest.mark.parametrize("module", ["process", "load"])
def test_a_stage_does_without_what_it_does_not_need(module: str) -> None:
    """Neither Typer nor Rich, no pickle or sockets of logging.handlers, no ssl of Python."""
    code = f"import ttcli.__main__, ttcli.logfile, ttcli.stages.{module}, ttcli.database.load"
    without = {"typer", "rich", "logging.handlers", "ssl", "_strptime", "email", "imaplib2"}

    assert not without & set(imported(code))


def test_ssl_is_there_for_whoever_asks_for_it() -> None:
    """Before the database's modules or after them."""
    assert "ssl" in imported("import ssl, ttcli.database.connect; ssl.create_default_context()")
    assert "ssl" in imported("import ttcli.database.connect, ssl; ssl.create_default_context()")
