"""Imports point down only (docs/architecture.md), and the dangerous calls stand in one place."""

from __future__ import annotations

import ast
import subprocess
import sys
from typing import Dict, List, Set

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
    ("mailboxes", "logins"),
    ("values",),
    ("sources",),
    ("variables",),
    ("settings", "logfile"),
    ("errors", "patterns"),
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
    "msal": {"mail"},
    "google": {"mail"},
    "pybase64": {"mail"},
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


def at_the_top(module: Module) -> Module:
    """The module without its functions and classes."""
    apart = (ast.FunctionDef, ast.ClassDef)
    body = [node for node in module.tree.body if not isinstance(node, apart)]
    return module._replace(tree=ast.Module(body, []))


def test_no_two_modules_import_each_other() -> None:
    """In a room, too, what is imported at the top forms no circle, not even for types alone."""
    source = {module.name: module for module in modules("ttcli")}
    wanted = {
        name: {
            one
            for found in imports(at_the_top(module))
            for one in (found, found.rpartition(".")[0])
        }
        & source.keys() - {name, "ttcli"}
        for name, module in source.items()
    }
    while wanted:
        free = {name for name, others in wanted.items() if not others & wanted.keys()}
        assert free, f"a circle among {sorted(wanted)}"
        wanted = {name: others for name, others in wanted.items() if name not in free}


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


SPEAKS_OR_EXITS = {"print", "exit", "quit", "sys.exit", "os._exit", "SystemExit"}
SPEAKS_OR_EXITS |= {
    f"typer.{name}" for name in ("echo", "secho", "prompt", "confirm", "Exit", "Abort")
}


# Processes of their own, which end without what their parent would do at its end.
CHILDREN = {f"ttcli/workbook/limited/{name}.py" for name in ("child", "confine", "beside")}


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
        if not (dotted(node) == "os._exit" and module.path in CHILDREN)
    ]
    assert found == []


# A load is asked for what it merges: that room has a circle.
WITHOUT_CIRCLES = {"spool", "mail", "workbook", "rows"}


def in_cycles(graph: Dict[str, Set[str]]) -> Set[str]:
    """The modules that reach themselves again."""
    left = dict(graph)
    while True:  # take away whoever imports nobody, then whoever is imported by nobody
        leaves = {name for name, below in left.items() if not below & left.keys()}
        leaves |= left.keys() - {name for below in left.values() for name in below}
        if not leaves:
            return set(left)
        left = {name: below for name, below in left.items() if name not in leaves}


def test_no_module_reaches_itself_again() -> None:
    """A circle of imports, lazy ones included, is one module in several files."""
    source = [module for module in modules("ttcli") if module.part in WITHOUT_CIRCLES]
    names = {module.name for module in source}
    graph = {
        module.name: {
            found
            for name in imports(module)
            for found in (name, name.rpartition(".")[0])
            if found in names and found != module.name and found != "ttcli"
        }
        for module in source
    }
    assert in_cycles(graph) == set()


def test_a_circle_would_be_noticed() -> None:
    """Whoever hangs on the circle is not part of it."""
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set(), "e": {"a"}}
    assert in_cycles(graph) == {"b", "c"}
