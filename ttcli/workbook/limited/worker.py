"""Children that read one small workbook after another.

For a workbook of 200 rows the fork, the pages copied after it and what a reader learns anew cost
several times the reading itself. So a child that has read a workbook quickly and without any
complaint is given the next one, with its limits counted anew; after any trouble, anything slow or
large, or very many workbooks it is replaced, so that no file can leave much behind for another.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import resource
import select
import time
from collections import deque
from typing import Any, Callable, Deque, List, Optional, Sequence, Set, Tuple

import ttcli.errors as errors
from ttcli.config import Limits
from ttcli.errors import OutsideFault
from ttcli.workbook.limited.child import fork, reply, send
from ttcli.workbook.limited.confine import Links, confine

_MOST_WORKBOOKS = 2000  # a backstop: each new worker costs the reading of ten
_MOST_GROWTH_KB = 64 << 10  # of its peak memory over what it began with, leaks included
_SLOW_SECONDS = 1.0
_MOST_TASKS = 4  # that a worker has: whoever asks may be busy for as long as they take
# Freed once, so many bytes at a time stay with malloc (mallopt(3), M_MMAP_THRESHOLD): the pages of
# a workbook would else go back to the kernel after each one, to be filled with zeros for the next.
_KEPT_BYTES = 16 << 20

_text = json.JSONEncoder(ensure_ascii=False).encode  # escapes would make a request six times


class Worker:
    """A child, the pipe it takes requests from, and what it is asked for.

    Attributes:
        tasks: What it has not answered yet, oldest first. It begins with the next one at once,
            so that it need not wait for whoever asks.
    """

    def __init__(self, function: Callable[..., Any], limits: Limits) -> None:
        reading, self._requests = _pipe()

        def life(links: Links) -> None:
            os.close(self._requests)
            _serve(function, limits, links, reading)

        try:
            self._child = fork(life, limits)
        except OutsideFault:
            os.close(self._requests)
            raise
        finally:
            os.close(reading)
        self.tasks: Deque[Task] = deque()

    def send(self, task: Task) -> None:
        """Hands over a request; a worker that is dead says so when asked for the answer."""
        if not self.tasks:
            self._child.begin_again()
        self.tasks.append(task)
        request = _text(task.arguments).encode("utf-8", "surrogatepass") + b"\n"
        with contextlib.suppress(BrokenPipeError):
            send(self._requests, request)

    def hear(self) -> bool:
        """Waits for the next answer, which is that of the oldest task; false if it was the last.

        How a worker died is charged to that task too: it begins no other before it has answered.
        """
        task = self.tasks.popleft()
        task.done = True
        try:
            task.answer, goes_on = self._child.answer()
        except Exception as error:
            task.failure, goes_on = error, False
        if goes_on and self.tasks:
            self._child.begin_again()
        return bool(goes_on)

    def fileno(self) -> int:
        """For `poll`: readable where there is an answer, or the news of its death."""
        return self._child.fileno()

    @property
    def deadline(self) -> float:
        """When there must have been an answer; passed where one came already."""
        return self._child.deadline

    def end(self) -> None:
        """Ends it at once."""
        os.close(self._requests)
        self._child.kill()


class Task:
    """A request that a worker has, or will come to.

    Attributes:
        done: There is an answer or a failure.
    """

    def __init__(self, pool: Pool, arguments: Any) -> None:
        self.arguments = arguments
        self.answer: Any = None
        self.failure: Optional[Exception] = None
        self.done = False
        self._pool = pool

    def ready(self, seconds: float) -> bool:
        """Waits so long at most; false if `result` would have to wait on."""
        until = time.monotonic() + seconds
        while not self.done and self._pool.listen(until):
            pass
        return self.done

    def result(self) -> Any:
        """Waits for it; raises as `Child.result` does."""
        while not self.done:
            self._pool.listen()
        if self.failure:
            raise self.failure
        return self.answer


class Pool:
    """Workers that share tasks; use it in a `with` statement.

    Whichever task is waited for, every answer is heard, and none of the workers is left without
    a next one while there is any.

    Args:
        function: Run in the workers; its arguments and result must be what JSON can carry.
        limits: For each call of it.
        most: Workers at a time; further tasks wait for one.
    """

    def __init__(self, function: Callable[..., Any], limits: Limits, most: int) -> None:
        self._function = function
        self._limits = limits
        self._most = most
        self._workers: List[Worker] = []
        self._waiting: Deque[Task] = deque()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        while self._workers:
            self._workers.pop().end()

    def start(self, *arguments: Any) -> Task:
        """Begins a call; the arguments of `_MOST_TASKS` together fit into a pipe, as JSON."""
        self.listen(0)
        task = Task(self, arguments)
        self._waiting.append(task)
        self._hand_out()
        if task.failure:
            raise task.failure
        return task

    def listen(self, until: float = math.inf) -> bool:
        """Waits for answers, and hands out what waits; false if there was none by that time."""
        busy = [worker for worker in self._workers if worker.tasks]
        ready = _readable(busy, min([until, *(worker.deadline for worker in busy)]))
        now = time.monotonic()
        heard = [one for one in busy if one.fileno() in ready or one.deadline <= now]
        for worker in heard:
            self._hear(worker)
        self._hand_out()
        return bool(heard)

    def _hear(self, worker: Worker) -> None:
        """Takes a worker's answer; of one that ends, others take what it never began."""
        if worker.hear():
            return
        self._workers.remove(worker)
        worker.end()
        self._waiting.extendleft(reversed(worker.tasks))

    def _hand_out(self) -> None:
        while self._waiting:
            try:
                worker = self._free()
            except OutsideFault as fault:
                task = self._waiting.popleft()
                task.failure, task.done = fault, True
                continue
            if worker is None:
                return
            worker.send(self._waiting.popleft())

    def _free(self) -> Optional[Worker]:
        """The worker that has least to do, or a new one; None where all have enough."""
        worker = min(self._workers, key=lambda one: len(one.tasks), default=None)
        if worker is None or (worker.tasks and len(self._workers) < self._most):
            worker = Worker(self._function, self._limits)
            self._workers.append(worker)
        return worker if len(worker.tasks) < _MOST_TASKS else None


def _readable(workers: Sequence[Worker], until: float) -> Set[int]:
    """Waits for any of them; whose files are readable."""
    if not workers:
        return set()
    poll = select.poll()
    for worker in workers:
        poll.register(worker.fileno(), select.POLLIN)
    left = math.ceil(max(0.0, until - time.monotonic()) * 1000)
    return {number for number, _ in poll.poll(left)}


def _pipe() -> Tuple[int, int]:
    try:
        return os.pipe()
    except OSError as error:  # as where nothing can be forked: whoever waits is not to blame
        raise errors.from_os_error(error) from error


def _serve(function: Callable[..., Any], limits: Limits, links: Links, requests: int) -> None:
    """In the child: one request after another until the parent closes the pipe, or any trouble."""
    confined = confine(limits, links, keep=(requests,))
    confined.relax()
    bytes(_KEPT_BYTES)
    course = _Course(function)
    with os.fdopen(requests, "rb") as lines:
        for line in lines:
            confined.renew(limits)
            said = reply(links.writing, course.call, json.loads(line), limits, confined)
            if not (said and course.goes_on):
                return


class _Course:
    """A child's way from workbook to workbook, and whether it may go on."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.goes_on = True
        self._function = function
        self._answered = 0
        self._began_with = _peak_kb()

    def call(self, *arguments: Any) -> Tuple[Any, bool]:
        """What the function returns, and whether another may be asked for."""
        self.goes_on = False  # where it raises
        began = time.monotonic()
        answer = self._function(*arguments)
        self._answered += 1
        quick = time.monotonic() - began < _SLOW_SECONDS
        small = _peak_kb() - self._began_with < _MOST_GROWTH_KB
        self.goes_on = quick and small and self._answered < _MOST_WORKBOOKS
        return answer, self.goes_on


def _peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
