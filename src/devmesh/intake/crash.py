"""Named points at which a test may end the process as a power failure would (`DEVMESH_CRASH_AT=before_commit`).

The method of rsyslog's fault points: die at a known place, start again, count what is there.
"""

from __future__ import annotations

import os
import signal

_AT = os.environ.get("DEVMESH_CRASH_AT", "")


def crash_point(name: str) -> None:
    """End this process at once where the environment names this point; otherwise nothing."""
    if _AT and name == _AT:
        os.kill(os.getpid(), signal.SIGKILL)
