"""When to ask again after a failure: exponential back-off with full jitter, as pure functions over a small value.

Source: Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015. No clock and no chance in here: the caller
gives both, so that "what is due at this now" can be tested as arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

BASE_S = 1.0
MOST_S = 300.0  # a gateway that was away for a night is found again within five minutes


@dataclass(frozen=True)
class Breaker:
    """How often in a row it failed, and until when nothing is asked (seconds of a monotonic clock)."""

    failures: int = 0
    closed_at_s: float = 0.0

    def wait_s(self, now_s: float) -> float:
        """Seconds until the next try is allowed; 0 if it is."""
        return max(0.0, self.closed_at_s - now_s)


def failed(breaker: Breaker, now_s: float, chance: float, retry_after_s: float = 0.0) -> Breaker:
    """After one more failure: a random share (`chance`, 0 to 1) of a doubling time, and what the peer asked for."""
    ceiling_s = min(MOST_S, BASE_S * 2 ** min(breaker.failures, 30))
    pause_s = max(chance * ceiling_s, min(retry_after_s, MOST_S))
    return Breaker(breaker.failures + 1, now_s + pause_s)
