"""Whether the database server can still be the one that this process remembers (F41).

A process remembers the numbers of names, templates and blocks. A cluster that lost its last commits, or a server over a
restored backup, gives those numbers away again; what is remembered would then name other rows. So each new connection
says since when its server runs. One that already ran when the database was last heard has lost nothing since. Of any
other nobody knows: who serves starts anew, who imports ends, and nothing is read or written until then.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable

from devmesh.errors import Unavailable

log = logging.getLogger(__name__)

SLACK_S = 2.0  # servers count whole seconds


class Continuity:
    """What was heard of the servers of one database. Threads share it."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_s = monotonic_s
        self._heard_s: float | None = None
        self._began_s: dict[str, tuple[float, str]] = {}
        self._broken = False
        self._call: Callable[[], object] | None = None
        self._then, self._hint = "", ""
        self._lock = threading.Lock()

    def heard(self) -> None:
        """The database answered just now; what is learned from it is learned later than this."""
        self._heard_s = self._monotonic_s()

    def met(self, host: str, uptime_s: float, run: str = "") -> None:
        """A new connection to a server that has been running for so long; `run` is another one each time it starts.
        Raises Unavailable where somebody watches and the server may be another one.
        """
        now = self._monotonic_s()
        with self._lock:
            began, (known, last_run) = now - uptime_s, self._began_s.get(host, (-math.inf, ""))
            same = abs(began - known) <= SLACK_S and run == last_run
            first = self._heard_s is None and not self._began_s
            if not (first or same or began < (self._heard_s or now) - SLACK_S):
                self._broken = True
            self._began_s[host] = began, run
        self._heard_s = now
        self._check()

    def watch(
        self, call: Callable[[], object], then: str = "this server starts anew", hint: str = "It goes on by itself."
    ) -> None:
        """Call this, once, when the server may be another one; and from then on let nobody read or write. `then` says
        what follows, `hint` what to do.
        """
        self._call, self._then, self._hint = call, then, hint
        if self._broken:
            self._told()

    def _check(self) -> None:
        if self._broken and self._call is not None:
            self._told()
            raise Unavailable(
                f"The database server was started since it was last heard, and may know less: {self._then}.",
                hint=self._hint,
                retry_after_s=2,
            )

    def _told(self) -> None:
        with self._lock:
            call, self._call = self._call, _nothing
        if call is not None and call is not _nothing:
            log.warning("the database server was started since it was last heard: it may know less; %s", self._then)
            call()


def _nothing() -> None:
    """It was told."""
