"""A child process per workbook: whatever a file does to its reader, only the child pays.

A workbook of one kilobyte can make a reader abort, loop, or ask for all memory there is; no
`except` helps against that. So the reader runs in a forked child with limits that the kernel
keeps, and every way of dying is put into words in the parent. A fork costs a millisecond or
two where a new interpreter costs fifty, so small workbooks are not dominated by it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import select
import signal
import time
from typing import Any, Callable, Dict, Iterator, List, NoReturn

import ttcli.errors as errors
from ttcli.config import Limits
from ttcli.errors import BadItem, TtcliError
from ttcli.workbook.limited.confine import Confined, Links, confine

# The kernel's alarm in the child comes first; this is for a child that cannot even be signalled.
_GRACE_SECONDS = 5
_PIPE_BYTES = 1 << 16  # what a pipe holds (pipe(7)); memory for more would be asked for each time


class BugInChild(RuntimeError):
    """An exception nobody meant to raise, with the traceback it had in the child."""


class Child:
    """A running child; `fileno()` becomes readable when there is a result to fetch."""

    def __init__(self, pid: int, links: Links, limits: Limits) -> None:
        self.pid = pid
        self._links = links
        self._limits = limits
        self._deadline = 0.0
        self._ahead = b""  # said already, behind the last answer that was asked for
        self.begin_again()

    def fileno(self) -> int:
        """For `select`: readable as soon as `result()` would not wait for the function."""
        return self._links.reading

    def result(self) -> Any:
        """Waits for the child's end; call it once.

        Returns:
            What the function returned, as JSON gives it back.

        Raises:
            BadItem: Raised by the function, or kind `limit` or `crashed` in the words of a person.
            OutsideFault: The same class that was raised in the child.
            BugInChild: Any other exception, its message being the traceback.
        """
        try:
            return self.answer()
        finally:
            self.kill()

    def answer(self) -> Any:
        """As `result`, but leaves the child to go on if it lives: see worker.py."""
        said = self._receive()
        if said:
            return _unpack(json.loads(said))
        raise _death(self._reap(), self._links.last_words(), self._limits)

    @property
    def deadline(self) -> float:
        """When waiting for the next answer ends; passed where that was said with the last one."""
        return -math.inf if b"\n" in self._ahead else self._deadline

    def begin_again(self) -> None:
        """The wall limit counts from now."""
        self._deadline = time.monotonic() + self._limits.wall_seconds + _GRACE_SECONDS

    def kill(self) -> None:
        """Ends the child at once and forgets its result; does nothing to one that has ended."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            self._reap()
        self._links.close()

    def _receive(self) -> bytes:
        """One line from the child; nothing if it died before or while saying it."""
        received: List[bytes] = [self._ahead]
        while b"\n" not in received[-1]:
            if not _readable(self._links.reading, self._deadline):
                os.kill(self.pid, signal.SIGKILL)
                self._reap()
                raise _over_wall_limit(self._limits)
            piece = os.read(self._links.reading, _PIPE_BYTES)
            if not piece:
                return b""
            received.append(piece)
            self.begin_again()  # it is done: what keeps the rest back is a full pipe
        line, _, self._ahead = received.pop().partition(b"\n")
        return b"".join([*received, line])

    def _reap(self) -> int:
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return status


def start(function: Callable[..., Any], *arguments: Any, limits: Limits) -> Child:
    """Forks a child that runs `function(*arguments)` within `limits`.

    The child has none of the parent's locks, sockets or open files, ignores SIGINT and SIGTERM
    (the parent decides what an interruption means) and dies with the parent, however that dies.

    Args:
        function: Returns something that JSON can carry; opens its own files, by path.
        arguments: Handed over by the fork, so they may be anything.
        limits: `memory_mb` counts beyond what this process maps already.
    """

    def life(links: Links) -> None:
        confined = confine(limits, links)
        reply(links.writing, function, arguments, limits, confined)

    return fork(life, limits)


def fork(life: Callable[[Links], None], limits: Limits) -> Child:
    """Forks a child with that life; see `start`."""
    with _unstopped():
        try:
            links = Links()
            pid = _fork(links)
        except OSError as error:  # no more processes or files to be had: not the workbook's fault
            raise errors.from_os_error(error) from error
        if pid == 0:
            _live(life, links)
        links.close_childs_ends()
        return Child(pid, links, limits)


@contextlib.contextmanager
def _unstopped() -> Iterator[None]:
    """SIGINT and SIGTERM come later, in the parent; the child ignores them, once confined.

    Python calls functions of its library right after a fork, and forgets what a signal's handler
    raises in them: the request to stop would be lost.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _fork(links: Links) -> int:
    try:
        return os.fork()
    except OSError:
        links.close_childs_ends()
        links.close()
        raise


def _live(life: Callable[[Links], None], links: Links) -> NoReturn:
    """The child's whole life; os._exit skips the parent's atexit handlers and unflushed buffers."""
    code = 1
    try:
        life(links)
        code = 0
    except BaseException:
        os.write(2, _traceback().encode())
    finally:
        os._exit(code)


def reply(
    pipe: int,
    function: Callable[..., Any],
    arguments: Any,
    limits: Limits,
    confined: Confined,
) -> bool:
    """In the child: runs the function and sends what happened; whether that was its result."""
    answer = _answer(function, arguments, limits, confined)
    confined.relax()
    send(pipe, answer)
    return answer.startswith(_RESULT)


def _answer(
    function: Callable[..., Any], arguments: Any, limits: Limits, confined: Confined
) -> bytes:
    """What happened, as one line of JSON; even SystemExit and the panics of Rust readers."""
    try:
        return _line({"result": function(*arguments)})
    except BaseException as error:
        confined.relax()  # to report that memory ran out takes a little memory
        return _line(_describe(error, limits))


def _describe(error: BaseException, limits: Limits) -> Dict[str, Any]:
    if isinstance(error, TtcliError):
        return _pack(error)
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, MemoryError) or number == errno.ENOMEM:
        return _pack(_over_memory_limit(limits))
    if isinstance(error, OSError) and number:
        return _pack(errors.from_os_error(error))
    return {"bug": _traceback()}


_RESULT = b'{"result": '


def _line(answer: Dict[str, Any]) -> bytes:
    return json.dumps(answer).encode() + b"\n"


def _traceback() -> str:
    import traceback  # not before it is needed: every child would pay for it

    return traceback.format_exc()


def _pack(error: TtcliError) -> Dict[str, Any]:
    packed: Dict[str, Any] = {
        "error": type(error).__name__,
        "message": error.message,
        "hint": error.hint,
    }
    if isinstance(error, BadItem):
        packed.update(kind=error.kind, findings=error.findings)
    return packed


def _unpack(answer: Dict[str, Any]) -> Any:
    """The function's result, or its exception raised anew."""
    if "bug" in answer:
        raise BugInChild(answer["bug"])
    if "error" not in answer:
        return answer["result"]
    if "kind" in answer:
        raise BadItem(answer["message"], answer["hint"], answer["kind"], answer["findings"])
    fault = getattr(errors, answer["error"])
    raise fault(answer["message"], answer["hint"])


def send(pipe: int, answer: bytes) -> None:
    """Writes all of it, however often a signal comes between."""
    rest = memoryview(answer)
    while rest:
        rest = rest[os.write(pipe, rest) :]


def _readable(pipe: int, deadline: float) -> bool:
    """Waits until there is something to read; False when the deadline passes first."""
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    left = deadline - time.monotonic()
    return bool(poll.poll(math.ceil(max(0.0, left) * 1000)))


def _death(status: int, last_words: str, limits: Limits) -> BadItem:
    """The way of dying, in words."""
    if "memory allocation of" in last_words:  # how Rust says it before it aborts
        return _over_memory_limit(limits)
    if not os.WIFSIGNALED(status):
        code = os.WEXITSTATUS(status)
        return _crashed(f"its reader ended without a result, exit code {code}", last_words)
    number = os.WTERMSIG(status)
    if number == signal.SIGALRM:
        return _over_wall_limit(limits)
    if number == signal.SIGXCPU:
        return _over_cpu_limit(limits)
    if number == signal.SIGKILL:
        return _crashed("its reader was killed, most likely for want of memory", last_words)
    return _crashed(f"its reader crashed ({signal.Signals(number).name})", last_words)


def _crashed(what: str, last_words: str) -> BadItem:
    spoken = last_words.rpartition("stack backtrace:")[0] or last_words
    lines = [line for line in spoken.splitlines() if not line.startswith("note:")]
    said = f": {lines[-1]}" if lines else ""
    return BadItem(f"the workbook cannot be read: {what}{said}", _SAVE_AGAIN, kind="crashed")


_SAVE_AGAIN = "open it in Excel, save it as a new .xlsx and send that"


def _over_memory_limit(limits: Limits) -> BadItem:
    return _over_limit(f"takes more than {limits.memory_mb} MB of memory", "LIMIT_MEMORY_MB")


def _over_cpu_limit(limits: Limits) -> BadItem:
    return _over_limit(
        f"takes more than {limits.cpu_seconds} s of processor time", "LIMIT_CPU_SECONDS"
    )


def _over_wall_limit(limits: Limits) -> BadItem:
    return _over_limit(f"takes longer than {limits.wall_seconds} s", "LIMIT_WALL_SECONDS")


def _over_limit(what: str, variable: str) -> BadItem:
    hint = f"if the workbook is as it should be, raise {variable}; else {_SAVE_AGAIN}"
    return BadItem(f"reading the workbook {what}", hint, kind="limit")
