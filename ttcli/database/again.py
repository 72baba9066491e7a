"""Work that is done again when it failed for a reason that passes."""

from __future__ import annotations

from typing import Any, Callable, Optional, TypeVar

Result = TypeVar("Result")


def again(
    work: Callable[[], Result],
    worth: Callable[[BaseException], bool],
    attempts: int,
    say: Optional[Callable[[Any], None]] = None,
    crowded: bool = False,
) -> Result:
    """What `work` returns, tried so often at most; the last failure is raised.

    Tenacity, whose import takes as long as loading a small item, is asked once something failed.

    Args:
        worth: Whether a failure may pass.
        say: Told before each pause; see tenacity's `before_sleep`.
        crowded: Whether others are in the way, who must not all come back at the same moment;
            pauses are random and short then, else 1, 2, 4 … seconds.
    """
    try:
        return work()
    except Exception as error:
        if attempts < 2 or not worth(error):
            raise
        failures = [error]

    import tenacity

    def first_as_it_was() -> Result:
        if failures:
            raise failures.pop()
        return work()

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(worth),
        stop=tenacity.stop_after_attempt(attempts),
        wait=tenacity.wait_random_exponential(multiplier=0.2, max=5)
        if crowded
        else tenacity.wait_exponential(multiplier=1, max=60),
        before_sleep=say,
        reraise=True,
    )(first_as_it_was)
