"""Exit codes: what each error means, and which one wins."""

from __future__ import annotations

import errno

import pytest

from ttcli import errors


@pytest.mark.parametrize(
    ("codes", "worst"),
    [
        ([], 0),
        ([0, 0], 0),
        ([0, 65], 65),
        ([65, 75], 75),
        ([75, 74], 74),
        ([74, 77], 77),
        ([77, 78], 78),
        ([78, 70], 70),
        ([99], 70),
    ],
)
def test_the_worst_code_wins(codes: list[int], worst: int) -> None:
    """70 > 78 > 77 > 74 > 75 > 65, and what nobody knows is a bug."""
    assert errors.worst(codes) == worst


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, 75),
        (errno.EDQUOT, 75),
        (errno.EIO, 74),
        (errno.EROFS, 74),
        (errno.EACCES, 74),
    ],
)
def test_a_full_disk_is_temporary_and_a_broken_one_is_not(number: int, code: int) -> None:
    """Making room cures ENOSPC; EIO wants a person."""
    fault = errors.from_os_error(OSError(number, "said so", "/spool/x"))

    assert fault.exit_code == code
    assert "/spool/x" in fault.message
    assert fault.hint


def test_the_next_step_for_a_spool_of_somebody_else_is_no_circle() -> None:
    """`ttcli check` says the same hint, so it cannot be "run ttcli check"."""
    hint = errors.from_os_error(OSError(errno.EACCES, "Permission denied", "/spool")).hint

    assert "APP_BASE_DIR" in hint
    assert "ttcli check" not in hint
