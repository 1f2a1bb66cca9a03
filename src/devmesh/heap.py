"""How much freed memory the process keeps for its next batch, in how many places, and for how long.

glibc gives large blocks back to the kernel at once, and each batch then pays for the same pages again: a thousand page
faults, a microsecond each, for 5,000 events. Keeping a few MiB saves a tenth of the way in. It also gives each thread
a heap of its own, up to eight for each core, and what one of them freed the others cannot use: two are enough. What a
heap frees below something that lives on, it would keep for ever: once the work is over, `Spare` has it given back.
"""

from __future__ import annotations

import ctypes
import resource
from collections.abc import Callable
from pathlib import Path

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h
_BLOCK_BYTES = 4 * 1024 * 1024
_KEPT_BYTES = 16 * 1024 * 1024
_HEAPS = 2
_QUIET_EVENTS = 10_000  # between two steps; a tenth of a second's work


def keep_freed_memory() -> bool:
    """Keep blocks of up to 4 MiB, 16 MiB in all for each of two heaps. False where the C library is not glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    wanted = {_M_MMAP_THRESHOLD: _BLOCK_BYTES, _M_TRIM_THRESHOLD: _KEPT_BYTES, _M_ARENA_MAX: _HEAPS}
    return all(mallopt(name, value) for name, value in wanted.items())


def own_bytes() -> int:
    """Resident memory of this process without the files that it maps."""
    resident, shared = Path("/proc/self/statm").read_text().split()[1:3]
    return (int(resident) - int(shared)) * resource.getpagesize()


class Spare:
    """What a burst of work leaves in memory, given back to the kernel after it."""

    def __init__(self, events: Callable[[], int], shrink: Callable[[], None]) -> None:
        """`events()`: how many were taken in so far; `shrink()` empties caches that fill again by themselves."""
        self._events, self._shrink = events, shrink
        self._before = 0
        self._least: int | None = None

    def give_back(self) -> bool:
        """Shrink and trim (5 ms) where little came in since the last call and memory has grown by more than 16 MiB
        since the last time; True when that was so. Called every few seconds.
        """
        events, held = self._events(), own_bytes()
        quiet, self._before = events - self._before < _QUIET_EVENTS, events
        self._least = min(held, self._least or held)
        if not quiet or held <= self._least + _KEPT_BYTES:
            return False
        self._shrink()
        trim()
        self._least = own_bytes()
        return True


def trim() -> None:
    """Give every free page of every heap back; nothing where the C library is not glibc."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
