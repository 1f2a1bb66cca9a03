"""The process that reads pieces for another one: `python -m devmesh.intake.reader`, started by `readers.py`."""

from __future__ import annotations

import logging
import os
import signal

from devmesh.heap import keep_freed_memory
from devmesh.intake.readers import FAULTS
from devmesh.intake.reading import read
from devmesh.intake.wire import decode_task, encode_read, receive, send

IDLE_S = 60.0
READY = b"+"

log = logging.getLogger(__name__)


def main() -> None:
    """Answer until nothing was asked for a minute, or nobody is there to ask."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal's Ctrl-C: whoever asks ends in order, then this
    keep_freed_memory()
    out = os.dup(1)
    os.dup2(2, 1)  # what a library may print is no answer
    os.write(out, READY)
    while True:
        try:
            task = receive(0, IDLE_S)
            send(out, _answer(task))
        except (EOFError, OSError):
            return


def _answer(task: bytes) -> bytes:
    """The frame; nothing where the piece cannot be read: the other side finds out why."""
    try:
        return encode_read(read(*decode_task(task)))
    except FAULTS:
        return b""


if __name__ == "__main__":
    main()
