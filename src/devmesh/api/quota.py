"""A node's share: bytes a second over a short window, so that one noisy node does not hold up the others."""

from __future__ import annotations

import math
import threading

from devmesh.clock import Clock
from devmesh.errors import QuotaExceeded

BURST_S = 10.0
WAIT_MAX_S = 300
MOST_NODES = 10_000


class Quotas:
    """A bucket for each node; 0 bytes a second means no quota."""

    def __init__(self, clock: Clock, bytes_per_s: int) -> None:
        self._clock, self._rate = clock, bytes_per_s
        self._full_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def check(self, node: str, size: int) -> None:
        """Count `size` bytes of a node. Raises QuotaExceeded with the seconds until its bucket has room again."""
        if not self._rate:
            return
        now = self._clock.monotonic_s()
        with self._lock:
            debt_until = max(self._full_at.get(node, now), now)
            if debt_until - now > BURST_S:
                wait = min(WAIT_MAX_S, math.ceil(debt_until - now - BURST_S))
                raise QuotaExceeded(
                    "This node's quota is used up for now.",
                    hint="Send less, or raise DEVMESH_NODE_QUOTA_BYTES_PER_S.",
                    retry_after_s=max(1, wait),
                )
            self._full_at[node] = debt_until + size / self._rate
            if len(self._full_at) > MOST_NODES:  # those that no longer owe anything are forgotten
                self._full_at = {name: until for name, until in self._full_at.items() if until > now}


class Turns:
    """At most one request of a node in so many seconds."""

    def __init__(self, clock: Clock, every_s: float) -> None:
        self._clock, self._every_s = clock, every_s
        self._last_s: dict[str, float] = {}
        self._lock = threading.Lock()

    def take(self, node: str) -> None:
        """Count one. Raises QuotaExceeded with the seconds until the next one may come."""
        now = self._clock.monotonic_s()
        with self._lock:
            wait_s = self._last_s.get(node, now - self._every_s) + self._every_s - now
            if wait_s > 0:
                raise QuotaExceeded(
                    "This node told this only just now.",
                    hint="Once in some minutes is often enough.",
                    retry_after_s=math.ceil(wait_s),
                )
            self._last_s[node] = now
            if len(self._last_s) > MOST_NODES:
                self._last_s = {name: at for name, at in self._last_s.items() if now - at < self._every_s}
