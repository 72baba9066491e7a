"""Folders inside a room: what each may import of its room, and who may import it."""

from __future__ import annotations

import ast
from typing import Dict, List, Set

from tests.packaging.source import ROOT, Module, imports, modules

# What a folder uses of the room that it lies in.
USES: Dict[str, Set[str]] = {
    "workbook.ooxml": {"workbook.sniff_zip"},
    "workbook.biff": {
        "workbook.ooxml",
        "workbook.blocks",
        "workbook.encrypted",
        "workbook.ole",
    },
    "workbook.ods": {"workbook.ooxml", "workbook.biff", "workbook.blocks"},
    "stages.answers": set(),
    "stages.health": set(),
    "stages.mailbox": set(),
    "stages.past": set(),
    "stages.target": set(),
}

VERBS = {
    f"stages.{verb}"
    for verb in (
        *("fetch", "process", "load", "acknowledge", "answer", "prune", "run", "watch"),
        *("init", "login", "status", "check", "show", "inspect", "explain", "history", "report"),
        *("add", "replay", "drop"),
        *("check_outputs", "publish"),  # a part of check; what status and report end with
    )
}

# Who uses a folder, where not every verb may.
USED_BY: Dict[str, Set[str]] = {
    "workbook.ooxml": {"workbook.open", "workbook.biff", "workbook.ods"},
    "workbook.biff": {"workbook.open", "workbook.ods"},
    "workbook.ods": {"workbook.open"},
    "stages.health": VERBS | {"commands.begin"},  # which notes who was killed
}


def place(dotted: str) -> str:
    """The folder in a room, or the file in it, that a dotted name belongs to."""
    return ".".join(dotted.split(".")[1:3])


def may(here: str, there: str) -> bool:
    """Whether one place may import another, as far as folders have a say in it."""
    if here in USES and there.split(".")[0] == here.split(".")[0] and there not in USES[here]:
        return False
    return there not in USES or here in USED_BY.get(there, VERBS)


def breaches(module: Module) -> List[str]:
    """What a module imports and may not."""
    here = place(module.name)
    wanted = {place(name) for name in imports(module) if name.startswith("ttcli.")} - {here}
    return [f"{module.path} imports {there}" for there in sorted(wanted) if not may(here, there)]


def test_every_folder_in_a_room_has_its_line() -> None:
    """A new one is given its place before it is used."""
    inner = {".".join(file.parent.parts[-2:]) for file in (ROOT / "ttcli").glob("*/*/__init__.py")}
    assert inner == set(USES)


def test_folders_keep_to_their_place() -> None:
    """What verbs share knows no verb, and a reader of workbooks is reached by one way."""
    assert [breach for module in modules("ttcli") for breach in breaches(module)] == []


def test_every_right_is_made_use_of() -> None:
    """What no longer imports another loses its line here."""
    found = {
        f"{place(module.name)} {place(name)}"
        for module in modules("ttcli")
        for name in imports(module)
        if name.startswith("ttcli.")
    }
    assert {f"{here} {there}" for here in USES for there in USES[here]} <= found


def test_a_file_among_the_stages_is_a_verb() -> None:
    """What several share lies in a folder."""
    files = {f"stages.{file.stem}" for file in (ROOT / "ttcli" / "stages").glob("[a-z]*.py")}
    assert files == VERBS


def test_a_folder_is_code_in_files_with_names() -> None:
    """Its __init__.py says what lies there, and does nothing: importing a part brings no other."""
    folders = {f"ttcli.{folder}" for folder in USES}
    doors = [module for module in modules("ttcli") if module.name in folders]
    assert [len(door.tree.body) for door in doors] == [1] * len(folders)


def test_a_breach_would_be_noticed() -> None:
    """Late imports and whole folders count."""
    text = "def late():\n    from ttcli.stages import fetch\n    from ttcli.workbook import ooxml\n"
    module = Module("ttcli/stages/past/x.py", "ttcli.stages.past.x", text, ast.parse(text))
    assert breaches(module) == [
        "ttcli/stages/past/x.py imports stages.fetch",
        "ttcli/stages/past/x.py imports workbook.ooxml",
    ]
