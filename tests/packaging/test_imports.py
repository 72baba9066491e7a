"""Imports point down only (docs/architecture.md), and the dangerous calls stand in one place."""

from __future__ import annotations

import ast
import subprocess
import sys
from typing import List, Set

from tests.packaging.source import Module, imports, modules

# Top first. Whoever stands on a line may import from the lines below it, and from its own room.
LINES = (
    ("__main__",),
    ("cli",),
    ("commands",),
    ("console",),
    ("options", "views", "progress", "streams"),
    ("stages",),
    ("spool", "mail", "workbook", "rows", "database"),
    ("table", "cells", "facts", "logs"),
    ("config",),
    ("sources",),
    ("variables",),
    ("settings", "logfile"),
    ("errors",),
    ("",),  # ttcli/__init__.py, for the version
)
HEIGHT = {part: -number for number, line in enumerate(LINES) for part in line}

# Whose business a library is.
OWNERS = {
    "typer": {"cli", "commands", "console", "options"},
    "rich": {"progress", "views"},
    "imaplib2": {"mail"},
    "psycopg2": {"database"},
    "openpyxl": {"workbook", "stages"},  # a stage writes the sender's rejects with it
    "python_calamine": {"workbook"},
    "msoffcrypto": {"workbook"},
}


def part_of(imported: str, parts: Set[str]) -> str:
    """The part of ttcli that a dotted name belongs to; empty for a name of ttcli/__init__.py."""
    words = imported.split(".")
    return words[1] if len(words) > 1 and words[1] in parts else ""


def breaches(module: Module, parts: Set[str]) -> List[str]:
    """The imports of a module that do not point down."""
    wanted = {part_of(name, parts) for name in imports(module) if name.split(".")[0] == "ttcli"}
    wanted.discard(module.part)
    return [
        f"{module.path} imports {other or 'ttcli'}"
        for other in sorted(wanted)
        if HEIGHT[other] >= HEIGHT[module.part]
    ]


def test_every_part_of_the_house_has_its_line() -> None:
    """A new room or file at the top is given a place in the order before it is used."""
    assert {module.part for module in modules("ttcli")} == set(HEIGHT)


def test_imports_point_down_only() -> None:
    """No module imports from its own line or from above it, and no room from another room."""
    source = modules("ttcli")
    parts = {module.part for module in source} - {""}
    assert [breach for module in source for breach in breaches(module, parts)] == []


def test_a_breach_would_be_noticed() -> None:
    """A lazy import between two rooms, inside a function, counts as an import."""
    text = "def late():\n    from ttcli.database.load import load_item\n"
    module = Module("ttcli/mail/late.py", "ttcli.mail.late", text, ast.parse(text))
    assert breaches(module, {"mail", "database"}) == ["ttcli/mail/late.py imports database"]


def test_each_library_has_one_owner() -> None:
    """imaplib2 is the mail room's alone, psycopg2 the database room's, and so on."""
    used = [
        f"{module.path} imports {name}"
        for module in modules("ttcli")
        for name in imports(module)
        if module.part not in OWNERS.get(name.split(".")[0], {module.part})
    ]
    assert used == []


def test_heavy_libraries_wait_until_they_are_needed() -> None:
    """The command line starts without the libraries of mailbox, database and workbooks."""
    heavy = sorted(set(OWNERS) - {"typer", "rich"})
    program = f"import sys, ttcli.cli; print([n for n in {heavy!r} if n in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, check=True, text=True
    )
    assert found.stdout.strip() == "[]"


def calls(module: Module) -> List[ast.Call]:
    """Every call in a module."""
    return [node for node in ast.walk(module.tree) if isinstance(node, ast.Call)]


def makes_durable(call: ast.Call) -> bool:
    """Whether a call renames or syncs; one argument tells Path.replace from str.replace."""
    name = dotted(call.func)
    if name.endswith(".replace"):
        return name == "os.replace" or (len(call.args) == 1 and not call.keywords)
    return name == "shutil.move" or name.split(".")[-1] in {"fsync", "fdatasync", "rename", "link"}


def test_only_durable_renames_and_syncs() -> None:
    """A change of state is one rename in one module, so a crash has few places to happen."""
    found = [
        f"{module.path}:{call.lineno}"
        for module in modules("ttcli")
        for call in calls(module)
        if makes_durable(call) and module.path != "ttcli/spool/durable.py"
    ]
    assert found == []


# A workbook's child, a process of its own, ends itself by os._exit, and nothing else does.
SPEAKS_OR_EXITS = {"print", "exit", "quit", "sys.exit", "SystemExit"}
SPEAKS_OR_EXITS |= {
    f"typer.{name}" for name in ("echo", "secho", "prompt", "confirm", "Exit", "Abort")
}


def dotted(node: ast.AST) -> str:
    """The dotted name that stands there, as far as it is one."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def called_or_raised(module: Module) -> List[ast.expr]:
    """What is called, and what is raised without a call."""
    nodes = list(ast.walk(module.tree))
    called = [node.func for node in nodes if isinstance(node, ast.Call)]
    return called + [node.exc for node in nodes if isinstance(node, ast.Raise) and node.exc]


def test_only_the_console_prints_and_exits() -> None:
    """Everything else returns, raises or logs."""
    found = [
        f"{module.path}:{node.lineno} {dotted(node)}"
        for module in modules("ttcli")
        for node in called_or_raised(module)
        if dotted(node) in SPEAKS_OR_EXITS and module.path != "ttcli/console.py"
    ]
    assert found == []
