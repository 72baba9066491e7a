"""The product's own source, parsed once."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Iterator, List, NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Module(NamedTuple):
    """One source file.

    Attributes:
        path: Relative to the checkout.
        name: Dotted, as it is imported.
    """

    path: str
    name: str
    text: str
    tree: ast.Module

    @property
    def part(self) -> str:
        """The room, or the file at the top, that it belongs to; empty for ttcli/__init__.py."""
        return (self.name + ".").split(".")[1]


def modules(*folders: str) -> List[Module]:
    """Every Python file below these folders of the checkout."""
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    assert paths, f"no source in {folders}"
    return [_read(path) for path in paths]


def _read(path: Path) -> Module:
    relative = path.relative_to(ROOT)
    name = ".".join(relative.with_suffix("").parts)
    name = name[: -len(".__init__")] if name.endswith(".__init__") else name
    text = path.read_text(encoding="utf-8")
    return Module(str(relative), name, text, ast.parse(text))


def imports(module: Module) -> Iterator[str]:
    """The dotted name of everything a module imports anywhere, lazily and for types included."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.path}:{node.lineno} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def functions(module: Module) -> Iterator[ast.FunctionDef]:
    """Every function and method."""
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef))
