"""When this machine's connections are told, and what becomes of it: every five minutes, each look counted once.

A report says of which span of time it is; spans follow one another. One that the server may not have taken is sent
again as it is, so that it counts once. A server that knows no such reports is asked again after an hour.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional

if TYPE_CHECKING:
    from devmesh.ship.clock import Clock
    from devmesh.ship.server import Server

_log = logging.getLogger("devmesh.ship")
EVERY_S, AGAIN_S, HOUR_S = 300.0, 60.0, 3_600.0
FIRST_S = 60.0  # after a boot services are not up yet
DEEP_EVERY = 12  # units and what they need, once an hour: systemd is asked for them
GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
BAD = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY)


class Report:
    """What was seen and not told yet. `look(deep)` makes a summary."""

    def __init__(self, server: Server, clock: Clock, look: Callable[[bool], Dict[str, Any]]) -> None:
        self._server, self._clock, self._look = server, clock, look
        self._due_at = clock.monotonic() + FIRST_S
        self._until_us: Optional[int] = None
        self._waiting: Optional[Dict[str, Any]] = None
        self._looks = 0
        self._warned = ""

    def tell(self, *, force: bool = False) -> None:
        """Look and tell, if it is time."""
        if not force and self._clock.monotonic() < self._due_at:
            return
        if self._waiting is None:
            self._waiting = self._seen()
        wait_s = self._told() if self._waiting is not None else EVERY_S
        self._due_at = self._clock.monotonic() + wait_s

    def _seen(self) -> Optional[Dict[str, Any]]:
        deep, self._looks = self._looks % DEEP_EVERY == 0, self._looks + 1
        try:
            said = self._look(deep)
        except Exception:  # noqa: BLE001  what is told here is an extra; logs must go on being sent, whatever /proc held
            _log.exception("connections=failed")
            return None
        at_us = self._clock.now_us()
        since_us = at_us if self._until_us is None else min(self._until_us, at_us)
        return {"since_us": since_us, "until_us": at_us, **said}

    def _told(self) -> float:
        """Send what waits; how long to wait until the next time."""
        assert self._waiting is not None  # noqa: S101
        answer = self._server.connections(self._waiting)
        if answer.status == HTTPStatus.OK and answer.body is not None:
            self._until_us, self._waiting, self._warned = self._waiting["until_us"], None, ""
            return EVERY_S
        self._warn(f"{answer.status} {(answer.body or {}).get('message') or answer.error}")
        if answer.status in GONE or answer.status in BAD:
            self._waiting = None
            return HOUR_S
        return max(AGAIN_S, answer.retry_after_s or 0.0)

    def _warn(self, why: str) -> None:
        if why != self._warned:
            _log.warning("connections=not_taken why=%s", why)
        self._warned = why
