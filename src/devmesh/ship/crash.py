"""Named points at which tests kill the agent: DEVMESH_CRASH_AT=after_post or after_post:3 (the third time)."""

from __future__ import annotations

import os
import signal
from typing import Dict

_passed: Dict[str, int] = {}


def crash_point(name: str) -> None:
    """Die here, as by kill -9, if the environment says so."""
    asked = os.environ.get("DEVMESH_CRASH_AT", "")
    if not asked.startswith(name):
        return
    point, _colon, count = asked.partition(":")
    if point == name:
        _passed[name] = _passed.get(name, 0) + 1
        if _passed[name] >= int(count or 1):
            os.kill(os.getpid(), signal.SIGKILL)
