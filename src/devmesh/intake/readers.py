"""Many pieces read at once: by this thread, and under load by processes that do nothing else.

Python runs one thread at a time, so a second core only helps from another process. Reading is pure: what a helper does
not answer is read here. So helpers hold nothing that could be lost, start when there is work for them, and end by
themselves when there is none for 20 s, or when this process is gone.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, cast

from devmesh.intake.model import Limits
from devmesh.intake.reading import FAULTS, Piece, Read, read
from devmesh.intake.wire import decode_read, encode_task, is_readable, receive, send

log = logging.getLogger(__name__)

PROGRAM = Path(__file__).with_name("reader.py")
ANSWER_S = 30.0
IDLE_S = 20.0
AGAIN_AFTER_S = 10.0

Result = Read | BaseException


class Readers:
    """Reads pieces, with up to `helpers` processes beside this one."""

    def __init__(self, limits: Limits, helpers: int) -> None:
        """`helpers`: at most so many processes; there are never more than cores beside the one that is ours."""
        self._limits = limits
        helpers = min(helpers, len(os.sched_getaffinity(0)) - 1)
        self._helpers = [_Helper(limits) for _ in range(helpers)]
        self._pool = ThreadPoolExecutor(helpers, "intake-readers") if helpers else None

    def read_all(self, pieces: Sequence[Piece]) -> list[Result]:
        """What each piece holds, in their order, or why it cannot be read."""
        results: list[Result | None] = [None] * len(pieces)
        todo = deque(range(len(pieces)))
        busy = []
        for helper in self._helpers:
            helper.reap()
        if self._pool is not None and len(pieces) > 1:
            ready = [helper for helper in self._helpers if helper.is_ready()]
            busy = [self._pool.submit(helper.work, pieces, todo, results) for helper in ready]
        _each(todo, lambda place: self._here(pieces, place, results))
        for one in busy:
            one.result()
        return [self._here(pieces, place, results) for place in range(len(pieces))]

    def close(self) -> None:
        """End the helpers."""
        if self._pool is not None:
            self._pool.shutdown()
        for helper in self._helpers:
            helper.end()

    def _here(self, pieces: Sequence[Piece], place: int, results: list[Result | None]) -> Result:
        found = results[place]
        if found is None:
            try:
                found = read(pieces[place], self._limits)
            except FAULTS as error:
                found = error
            results[place] = found
        return found


class _Helper:
    """One process, started when it is first missed and again when it was gone for a while."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False
        self._started = -AGAIN_AFTER_S

    def is_ready(self) -> bool:
        """Whether it takes work now; starts it if it is not there."""
        if self._process is None:
            if time.monotonic() - self._started >= AGAIN_AFTER_S:
                self._start()
            return False
        if not self._ready and is_readable(self._out, 0):
            self._ready = os.read(self._out, 1) != b""
            if not self._ready:
                self.end()
        return self._ready

    def work(self, pieces: Sequence[Piece], todo: deque[int], results: list[Result | None]) -> None:
        """Have pieces read until there are none left, or the process fails."""

        def one(place: int) -> None:
            send(self._in, encode_task(pieces[place], self._limits))
            answer = receive(self._out, ANSWER_S)
            results[place] = decode_read(answer) if answer else None  # what it cannot read is read here, to say why

        try:
            _each(todo, one, from_end=True)
        except FAULTS as error:  # gone, stuck, or no frame: whatever it is, this process can read
            log.info("intake reader gone reason=%r", str(error))
            self.end()

    def reap(self) -> None:
        """Let go of a process that ended by itself: no zombie stays, and nobody writes to it."""
        if self._process is not None and self._process.poll() is not None:
            self.end()

    def end(self) -> None:
        """Stop the process, whatever it does."""
        process, self._process, self._ready = self._process, None, False
        if process is not None:
            process.kill()
            process.communicate()

    @property
    def _in(self) -> int:
        return cast("BinaryIO", cast("subprocess.Popen[bytes]", self._process).stdin).fileno()

    @property
    def _out(self) -> int:
        return cast("BinaryIO", cast("subprocess.Popen[bytes]", self._process).stdout).fileno()

    def _start(self) -> None:
        self._started = time.monotonic()
        environment = {**os.environ, "POLARS_MAX_THREADS": "1"}
        command = [sys.executable, "-P", str(PROGRAM), str(IDLE_S)]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own code
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=environment
            )
        except OSError as error:
            log.warning("intake reader cannot start reason=%r", str(error))


def _each(todo: deque[int], do: Callable[[int], object], *, from_end: bool = False) -> None:
    """Take one after the other until none is left; others take theirs from the other end."""
    while True:
        try:
            place = todo.pop() if from_end else todo.popleft()
        except IndexError:
            return
        do(place)
