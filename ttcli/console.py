"""What is printed, and with which code ttcli ends: no other module prints or exits.

Without Typer, whose import takes longer than all that `ttcli status` does.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, Callable, NoReturn, Sequence, TextIO, Union

from ttcli import errors, streams
from ttcli.errors import TtcliError
from ttcli.views import reports as view

if TYPE_CHECKING:
    from ttcli.spool.drain import Report

log = logging.getLogger(__name__)


class Stopped(BaseException):
    """SIGTERM or Ctrl-C: items in work are handed back, as after any world's fault.

    Not a KeyboardInterrupt: click turns that into exit code 1.
    """


def stop(*_: object) -> NoReturn:
    """What SIGTERM and SIGINT do."""
    raise Stopped


def say(text: Union[str, bytes], newline: bool = True) -> bool:
    """Prints; False where nobody reads any more (`ttcli run | head`), which is no error."""
    try:
        _write(sys.stdout, text, newline)
    except OSError as error:
        # what is left would be written once more, with the next line or at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise
        return False
    return True


def remark(text: str) -> None:
    """A line for the person at the terminal, beside what a program reads."""
    _write(sys.stderr, text)


def as_json(found: Any) -> str:
    """What a command found, as `--json` gives it."""
    return json.dumps(found, ensure_ascii=False, indent=2, default=str)


def leave(code: int = errors.OK) -> NoReturn:
    """Ends the command with this exit code."""
    raise SystemExit(code)


def finish(reports: Sequence[Report]) -> NoReturn:
    """Prints the reports, and ends with the worst of them."""
    say("\n".join(view.report(report) for report in reports))
    leave(errors.worst([errors.OK, *(report.exit_code for report in reports)]))


def guarded(command: Callable[[], Any]) -> int:
    """Runs the command line; whatever happens becomes an exit code and words for a person."""
    try:
        command()
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else errors.BUG
    except Stopped:
        return _complain("ttcli: stopped; nothing was lost, the next run goes on", errors.TEMPORARY)
    except TtcliError as error:
        log.debug("what stopped ttcli", exc_info=error)
        return _complain(view.error(error), error.exit_code)
    except OSError as error:
        fault = errors.from_os_error(error)
        return _complain(view.error(fault), fault.exit_code)
    except Exception as bug:
        log.exception("a bug in ttcli")
        return _complain(view.bug(bug), errors.BUG)
    return errors.OK


def run(command: Callable[[], Any]) -> NoReturn:
    """Runs the command line and ends with the sysexits code of the worst that happened."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    streams.prepare()
    try:
        code = guarded(command)
    except Stopped:  # once more, amid the words for what had ended it
        code = errors.TEMPORARY
    _end(code)


def _end(code: int) -> NoReturn:
    """Without Python's taking itself apart, module by module: a ninth of `ttcli status`.

    Nothing is left to it: what is written is flushed at once, threads and files end with their use.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(code)


def _complain(message: str, code: int) -> int:
    with contextlib.suppress(OSError):
        _write(sys.stderr, message)
    return code


def _write(stream: TextIO, text: Union[str, bytes], newline: bool = True) -> None:
    """At once: the next line may come from a child, and a broken pipe shows here."""
    if isinstance(text, bytes):
        stream.flush()
        stream.buffer.write(text + b"\n" * newline)
    else:
        stream.write(text + "\n" * newline)
    stream.flush()
