"""Patterns that are compiled late are right all the same, and stand in for compiled ones."""

from __future__ import annotations

import copy
import importlib
import pickle
import pkgutil
import re
from typing import Any, Iterator

import pytest

import ttcli
from ttcli import patterns
from ttcli.patterns import late


def all_late() -> Iterator[Any]:
    """Every late pattern of every module, those in tuples and dictionaries too."""
    for found in pkgutil.walk_packages(ttcli.__path__, "ttcli."):
        if not found.name.endswith("__main__"):
            yield from _in(vars(importlib.import_module(found.name)))


def _in(value: Any) -> Iterator[Any]:
    if isinstance(value, patterns._Late):
        yield value
    elif isinstance(value, (dict, tuple)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _in(each)


def test_each_compiles() -> None:
    """A mistake in one would else be told by the first run that needs it."""
    found = list(all_late())

    assert len(found) > 20
    for each in found:
        re.compile(each.pattern, each.flags)


@pytest.mark.parametrize("used", [False, True])
def test_it_may_be_copied_and_pickled(used: bool) -> None:
    """Before it is compiled, and after."""
    pattern = late(r"a+", re.I)
    if used:
        pattern.match("a")

    for other in (copy.copy(pattern), copy.deepcopy(pattern), pickle.loads(pickle.dumps(pattern))):
        assert other.fullmatch("aA")
        assert not other.search("b")
