"""Children that read one small workbook after another.

For a workbook of 200 rows the fork, the pages copied after it and what a reader learns anew cost
several times the reading itself. So a child that has read a workbook quickly and without any
complaint is given the next one, with its limits counted anew; after any trouble, anything slow,
or a number of workbooks it is replaced, so that no file can leave much behind for another.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import Any, Callable, List

from ttcli.config import Limits
from ttcli.workbook.child import fork, reply
from ttcli.workbook.confine import Links, confine

_MOST_WORKBOOKS = 200
_SLOW_SECONDS = 1.0


class Worker:
    """A child, the pipe it takes requests from, and how often it has answered."""

    def __init__(self, function: Callable[..., Any], limits: Limits) -> None:
        reading, self._requests = os.pipe()

        def life(links: Links) -> None:
            os.close(self._requests)
            _serve(function, limits, links, reading)

        try:
            self._child = fork(life, limits)
        finally:
            os.close(reading)
        self._answered = 0
        self._began = 0.0

    def send(self, arguments: Any) -> None:
        """Hands over a request; a worker that is dead says so when asked for the answer."""
        self._began = time.monotonic()
        self._child.begin_again()
        request = json.dumps(arguments).encode() + b"\n"
        with contextlib.suppress(BrokenPipeError):
            # A request is shorter than PIPE_BUF, so it goes through whole (pipe(7)).
            os.write(self._requests, request)

    def answer(self) -> Any:
        """See `Child.result`."""
        answer = self._child.answer()
        self._answered += 1
        return answer

    @property
    def is_good_for_more(self) -> bool:
        """Whether it may be given another workbook."""
        quick = time.monotonic() - self._began < _SLOW_SECONDS
        return quick and self._answered < _MOST_WORKBOOKS

    def end(self) -> None:
        """Ends it at once."""
        os.close(self._requests)
        self._child.kill()


class Task:
    """A request that a worker is at work on."""

    def __init__(self, pool: Pool, worker: Worker) -> None:
        self._pool = pool
        self._worker = worker

    def result(self) -> Any:
        """Waits for it; raises as `Child.result` does. Call it once."""
        try:
            answer = self._worker.answer()
        except BaseException:
            self._worker.end()
            raise
        self._pool.take_back(self._worker)
        return answer


class Pool:
    """As many workers as there are tasks at a time; use it in a `with` statement.

    Args:
        function: Run in the workers; its arguments and result must be what JSON can carry.
        limits: For each call of it.
    """

    def __init__(self, function: Callable[..., Any], limits: Limits) -> None:
        self._function = function
        self._limits = limits
        self._idle: List[Worker] = []

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        while self._idle:
            self._idle.pop().end()

    def start(self, *arguments: Any) -> Task:
        """Begins a call of the function; the arguments together stay under 4 kB as JSON."""
        worker = self._idle.pop() if self._idle else Worker(self._function, self._limits)
        worker.send(arguments)
        return Task(self, worker)

    def take_back(self, worker: Worker) -> None:
        """Keeps a worker for the next task, or ends it."""
        if worker.is_good_for_more:
            self._idle.append(worker)
        else:
            worker.end()


def _serve(function: Callable[..., Any], limits: Limits, links: Links, requests: int) -> None:
    """In the child: one request after another until the parent closes the pipe."""
    confined = confine(limits, links, keep=(requests,))
    confined.relax()
    with os.fdopen(requests, "rb") as lines:
        for line in lines:
            confined.renew(limits)
            reply(links.writing, function, json.loads(line), limits, confined)
