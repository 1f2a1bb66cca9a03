"""Named points at which a test may end the process as a power failure would (`DEVMESH_CRASH_AT=before_commit`).

The method of rsyslog's fault points: die at a known place, start again, count what is there.
"""

from __future__ import annotations

import os
import signal

_POINT, _, _TIMES = os.environ.get("DEVMESH_CRASH_AT", "").partition(":")
_left = {_POINT: int(_TIMES or 1)} if _POINT else {}


def crash_point(name: str) -> None:
    """End this process at once where the environment names this point (`name:3` the third time); otherwise nothing."""
    if name in _left:
        _left[name] -= 1
        if _left[name] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
