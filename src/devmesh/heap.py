"""How much freed memory the process keeps for its next batch, and in how many places.

glibc gives large blocks back to the kernel at once, and each batch then pays for the same pages again: a thousand page
faults, a microsecond each, for 5,000 events. Keeping a few MiB saves a tenth of the way in. It also gives each thread
a heap of its own, up to eight for each core, and what one of them freed the others cannot use: two are enough.
"""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h
_BLOCK_BYTES = 4 * 1024 * 1024
_KEPT_BYTES = 16 * 1024 * 1024
_HEAPS = 2


def keep_freed_memory() -> bool:
    """Keep blocks of up to 4 MiB, 16 MiB in all for each of two heaps. False where the C library is not glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    wanted = {_M_MMAP_THRESHOLD: _BLOCK_BYTES, _M_TRIM_THRESHOLD: _KEPT_BYTES, _M_ARENA_MAX: _HEAPS}
    return all(mallopt(name, value) for name, value in wanted.items())
