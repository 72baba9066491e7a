"""Base64 by pybase64, where it is installed, is what binascii makes of the same bytes."""

from __future__ import annotations

import base64 as standard
import binascii
import builtins
import random
from typing import Any, Callable, Iterator, List, Union

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttcli.mail import base64

pybase64 = pytest.importorskip("pybase64")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
STRAY = "\r\n \t-_.,!\0\x7f\xe9"
NOISE = random.Random(11)


@pytest.fixture(autouse=True)
def _decided_anew() -> Iterator[None]:
    """Each test decides by itself what decodes."""
    base64._decode.cache_clear()
    yield
    base64._decode.cache_clear()


def outcome(decode: Callable[[bytes], bytes], letters: bytes) -> Union[bytes, str]:
    """The bytes, or that it does not take them."""
    try:
        return decode(letters)
    except binascii.Error:
        return "refused"


@given(
    st.text(st.sampled_from(LETTERS + STRAY), max_size=400),
    st.sampled_from(["", "=", "=="]),
    st.sampled_from(["", "\n", "\r\n"]),
)
def test_both_give_the_same(letters: str, padding: str, end: str) -> None:
    """Letters and whatever stands between them, with padding at the end or none: the same bytes,
    or both refuse. This is all that `_decode` is given."""
    text = (letters + padding + end).encode("latin-1")
    assert outcome(pybase64.b64decode, text) == outcome(binascii.a2b_base64, text)
    assert outcome(pybase64.b64decode, memoryview(text)) == outcome(binascii.a2b_base64, text)


@pytest.mark.parametrize("width", [76, 64, 4, 75, 998])
@pytest.mark.parametrize("size", [100_000, 100_001, 100_002])
def test_lines_of_any_width(width: int, size: int) -> None:
    """A file of every length modulo three, in lines of groups that are whole or not."""
    file = NOISE.getrandbits(8 * size).to_bytes(size, "little")
    flat = standard.b64encode(file)
    text = b"\r\n".join(flat[at : at + width] for at in range(0, len(flat), width))
    for pieces in ([text], [text[: size // 2], text[size // 2 :]], [text, b"\r\n"]):
        assert _decoded(pieces) == file


def test_without_it_the_standard_library_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pybase64 is not installed nothing else changes."""
    real = builtins.__import__

    def without(name: str, *arguments: Any) -> Any:
        if name == "pybase64":
            raise ImportError(name)
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    assert base64._decode() is binascii.a2b_base64
    assert _decoded([b"UEsDBAo=\r\n"]) == b"PK\x03\x04\n"


def test_it_is_used_where_it_is_installed() -> None:
    """Else the extra would be of no use, and nobody would see."""
    assert base64._decode() is pybase64.b64decode


def _decoded(pieces: List[bytes]) -> bytes:
    decoder = base64.Base64()
    return b"".join([*map(decoder.feed, pieces), decoder.end()])
