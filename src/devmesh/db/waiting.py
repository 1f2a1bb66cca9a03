"""A server that is started before its database waits for it: after a boot, while MariaDB restarts, while a cluster
gathers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.engine import make_url

from devmesh.errors import Unavailable

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0

T = TypeVar("T")


def when_there(url: str, opened: Callable[[], T], pause: Callable[[float], object]) -> T:
    """What `opened()` returns, called again after pauses that double, up to 15 s, for as long as the store at `url`
    raises Unavailable. It is said once, and again when the reason changes. Any other error leaves: no waiting mends it.
    """
    pause_s, said = FIRST_PAUSE_S, ""
    while True:
        try:
            return opened()
        except Unavailable as error:
            if error.message != said:
                said = error.message
                log.warning(
                    "waiting for the database %s: %s Tried every %.0f s at the latest; SIGTERM or Ctrl-C ends it.",
                    place_of(url),
                    said,
                    LONGEST_PAUSE_S,
                )
        pause(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


def place_of(url: str) -> str:
    """Where a URL leads, for people: no password, no options."""
    parsed = make_url(url)
    socket = str(parsed.query.get("unix_socket", ""))
    port = f":{parsed.port}" if parsed.port else ""
    return f"{parsed.database} at {socket or f'{parsed.host}{port}'}"
