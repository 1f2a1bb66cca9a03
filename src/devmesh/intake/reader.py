"""The program that reads pieces for another process; `readers.py` starts it by its path.

A room's door opens the whole house, and of that a reader needs a few leaves. So it leaves the doors shut: it is there
in half a second, with 60 MB.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import ModuleType

import devmesh

READY = b"+"
ROOMS = ("nodes", "templates", "events", "intake")


def main(idle_s: float) -> None:
    """Answer until nothing was asked for so long, or nobody is there to ask."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal's Ctrl-C: whoever asks ends in order, then this
    _leave_doors_shut()
    from devmesh.heap import keep_freed_memory
    from devmesh.intake.wire import receive, send

    keep_freed_memory()
    out = os.dup(1)
    os.dup2(2, 1)  # what a library may print is no answer
    os.write(out, READY)
    while True:
        try:
            task = receive(0, idle_s)
            send(out, _answer(task))
        except (EOFError, OSError):
            return


def _leave_doors_shut() -> None:
    for room in ROOMS:
        module = ModuleType(f"devmesh.{room}")
        module.__path__ = [str(Path(folder) / room) for folder in devmesh.__path__]
        sys.modules[module.__name__] = module


def _answer(task: bytes) -> bytes:
    """The frame; nothing where the piece cannot be read: the other side finds out why."""
    from devmesh.intake.reading import FAULTS, read
    from devmesh.intake.wire import decode_task, encode_read

    try:
        return encode_read(read(*decode_task(task)))
    except FAULTS:
        return b""


if __name__ == "__main__":
    main(float(sys.argv[1]))
