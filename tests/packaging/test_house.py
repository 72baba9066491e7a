"""The house stays easy to read: small files, small functions, a docstring on every door."""

from __future__ import annotations

import ast
import statistics

from tests.packaging.source import functions, modules

MOST_LINES_OF_A_FILE = 320
MOST_LINES_OF_A_FUNCTION = 60
MEDIAN_LINES_OF_A_FUNCTION = 10

OURS = ("ttcli", "docs/demo")


def length(node: ast.FunctionDef) -> int:
    """Lines from `def` to the end, docstring included."""
    assert node.end_lineno
    return node.end_lineno - node.lineno + 1


def test_no_file_is_long() -> None:
    """A file that outgrows the limit has become two things."""
    long = {m.path: m.text.count("\n") for m in modules(*OURS)}
    assert {path: lines for path, lines in long.items() if lines > MOST_LINES_OF_A_FILE} == {}


def test_no_function_is_long() -> None:
    """A function that outgrows a screen has become two things."""
    found = [
        f"{module.path}:{node.lineno} {node.name} has {length(node)} lines"
        for module in modules(*OURS)
        for node in functions(module)
        if length(node) > MOST_LINES_OF_A_FUNCTION
    ]
    assert found == []


def test_most_functions_are_small() -> None:
    """The median function is read at a glance."""
    lengths = [length(node) for module in modules("ttcli") for node in functions(module)]
    assert statistics.median(lengths) < MEDIAN_LINES_OF_A_FUNCTION


def test_every_module_says_what_it_is() -> None:
    """Whoever opens a file reads first what it is for, in tests too."""
    silent = [m.path for m in modules(*OURS, "tests") if m.text and not ast.get_docstring(m.tree)]
    assert silent == []


def test_everything_public_has_a_docstring() -> None:
    """A public function or class of a module is explained where it stands."""
    silent = [
        f"{module.path}:{node.lineno} {node.name}"
        for module in modules(*OURS)
        for node in module.tree.body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        if not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert silent == []


def test_every_test_states_its_law() -> None:
    """A test that fails says in words what no longer holds."""
    silent = [
        f"{module.path}:{node.lineno} {node.name}"
        for module in modules("tests")
        for node in functions(module)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert silent == []
