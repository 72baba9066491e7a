"""Folders inside a room: what each may import of its room, and who may import it."""

from __future__ import annotations

import ast
from typing import Dict, List, Set

from tests.packaging.source import ROOT, Module, imports, modules
from tests.packaging.test_imports import in_cycles

# What a folder uses of the room that it lies in.
USES: Dict[str, Set[str]] = {
    "mail.connection": set(),
    "mail.oauth": {"mail.connection"},
    "mail.mime": set(),
    "mail.imap": {"mail.connection", "mail.oauth", "mail.mime", "mail.cursor"},
    "mail.senders": {"mail.mime", "mail.connection"},
    "mail.attachments": {"mail.mime", "mail.message"},
    "mail.fetch": {
        *("mail.imap", "mail.mime", "mail.senders", "mail.attachments"),
        *("mail.message", "mail.head", "mail.whole"),
    },
    "rows.scalars": {"rows.mapping"},
    "rows.columns": {"rows.scalars"},
    "rows.header": {"rows.mapping", "rows.scalars", "rows.columns"},
    "rows.fates": {"rows.scalars", "rows.columns"},
    "rows.sample": {
        *("rows.mapping", "rows.convert"),
        *("rows.scalars", "rows.columns", "rows.header", "rows.fates"),
    },
    "workbook.limited": {"workbook.nameless"},
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
    "mail.connection": {
        *("mail.session", "mail.check", "mail.imap", "mail.oauth", "mail.senders"),
        "stages.mailbox",  # which dials while the session's modules are imported
    },
    "mail.oauth": {"mail.session", "mail.imap", "stages.login"},
    "mail.mime": {
        *("mail.session", "mail.check", "mail.message", "mail.head", "mail.whole"),
        *("mail.fetch", "mail.imap", "mail.senders", "mail.attachments"),
        "stages.add",
    },
    "mail.imap": {"mail.session", "mail.fetch", "stages.acknowledge"},
    "mail.senders": {
        *("mail.check", "mail.message", "mail.head", "mail.fetch"),
        *("stages.answer", "stages.check_outputs"),
    },
    "mail.attachments": {"mail.whole", "mail.fetch"},
    "mail.fetch": {"mail.session", "mail.check", "stages.mailbox"},
    "rows.scalars": {"rows.sheet", "rows.columns", "rows.header", "rows.fates", "rows.sample"},
    "rows.columns": {
        *("rows.convert", "rows.sheet", "rows.halves"),
        *("rows.header", "rows.fates", "rows.sample"),
    },
    "rows.header": {"rows.convert", "rows.halves", "rows.sample", "stages.check"},
    "rows.fates": {
        *("rows.convert", "rows.sheet", "rows.halves", "rows.sample"),
        *("stages.past", "stages.report"),
    },
    "rows.sample": {"stages.inspect", "stages.init"},
    "workbook.limited": {
        *("stages.process", "stages.inspect", "stages.init", "stages.replay"),
        "stages.answers",
    },
    "workbook.ooxml": {"workbook.open", "workbook.biff", "workbook.ods"},
    "workbook.biff": {"workbook.open", "workbook.ods"},
    "workbook.ods": {"workbook.open"},
    "stages.health": VERBS | {"commands.begin"},  # which notes who was killed
}


def place(dotted: str) -> str:
    """The folder in a room, or the file in it, that a dotted name belongs to."""
    return ".".join(dotted.split(".")[1:3])


def places(module: Module) -> Set[str]:
    """The other places that a module imports."""
    wanted = {place(name) for name in imports(module) if name.startswith("ttcli.")}
    return wanted - {place(module.name)}


def may(here: str, there: str) -> bool:
    """Whether one place may import another, as far as folders have a say in it."""
    if here in USES and there.split(".")[0] == here.split(".")[0] and there not in USES[here]:
        return False
    return there not in USES or here in USED_BY.get(there, VERBS)


def breaches(module: Module) -> List[str]:
    """What a module imports and may not."""
    here = place(module.name)
    wanted = sorted(places(module))
    return [f"{module.path} imports {there}" for there in wanted if not may(here, there)]


def used_by_place() -> Dict[str, Set[str]]:
    """Which other places each place imports."""
    used: Dict[str, Set[str]] = {}
    for module in modules("ttcli"):
        used.setdefault(place(module.name), set()).update(places(module))
    return used


def test_every_folder_in_a_room_has_its_line() -> None:
    """A new one is given its place before it is used."""
    inner = {".".join(file.parent.parts[-2:]) for file in (ROOT / "ttcli").glob("*/*/__init__.py")}
    assert inner == set(USES)


def test_folders_keep_to_their_place() -> None:
    """What verbs share knows no verb, and a reader of workbooks is reached by one way."""
    assert [breach for module in modules("ttcli") for breach in breaches(module)] == []


def test_every_right_is_made_use_of() -> None:
    """What no longer imports another loses its line here."""
    rights = {f"{here} {there}" for here in USES for there in USES[here]}
    rights |= {f"{here} {there}" for there in USED_BY for here in USED_BY[there] - VERBS}
    used = used_by_place()
    assert rights <= {f"{here} {there}" for here in used for there in used[here]}


def test_no_folder_is_used_by_what_it_uses() -> None:
    """Where two use each other, by way of others too, a file lies in the wrong place."""
    assert in_cycles(used_by_place()) & USES.keys() == set()


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
