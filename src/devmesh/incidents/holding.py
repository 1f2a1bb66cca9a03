"""What is found and told nobody: it is muted, or its service or node is in maintenance. And what is let go again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from devmesh.clock import Clock
from devmesh.detectors import Detectors, Finding, Looked, Stored
from devmesh.incidents.guard import Ended, Mute
from devmesh.incidents.maintenance import Maintenance, Names, Window, covers, goes_on
from devmesh.incidents.mutes import Mutes, as_finding, holds
from devmesh.nodes import Nodes

MINUTE_US, HOUR_MIN = 60_000_000, 60


@dataclass(frozen=True)
class Sifted:
    """New findings, each with the reason for which it is held (empty: none), and earlier ones that are held no more."""

    fresh: Sequence[tuple[Finding, str]]
    released: Sequence[Stored]

    @property
    def told(self) -> list[Finding]:
        """What joins incidents, in order of time."""
        some = [finding for finding, held in self.fresh if not held] + [one.finding for one in self.released]
        return sorted(some, key=lambda one: (one.minute, -one.weight, one.service, one.node, one.family or 0))


class Holding:
    """Sifts what was found."""

    def __init__(self, clock: Clock, nodes: Nodes, detectors: Detectors, mutes: Mutes, windows: Maintenance) -> None:
        self._clock, self._nodes, self._detectors = clock, nodes, detectors
        self._mutes, self._windows = mutes, windows
        self._ended: list[Ended] = []  # mutes that are over and that no stored look told of yet

    def sift(self, fresh: Sequence[Finding], looked: Looked) -> Sifted:
        """Hold what is to be held, and let go what is to be told after all."""
        now = self._clock.now_us()
        self._ended += self._mutes.check(self._mutes.holding(), looked.counts, now)
        mutes = self._mutes.holding()
        windows = self._windows.since((looked.until - HOUR_MIN) * MINUTE_US)
        over = [one for one in windows if one.end_us <= now]
        began = min((one.since_us // MINUTE_US for one in over), default=looked.until)
        held = self._detectors.held(min(began, looked.until - HOUR_MIN)) if over or self._ended else []
        told = [one for one in (as_finding(one, looked.counts) for one in self._ended) if one is not None]
        names = self._names([*fresh, *told, *(one.finding for one in held)]) if windows else Names({}, {})
        out = {one: _reason(one, mutes, windows, names) for one in fresh}
        out |= {one: _reason(one, (), windows, names) for one in told}
        ended, last = [one.mute for one in self._ended], [one for one in windows if one not in over]
        released = [
            one for one in held
            if (holds(ended, one.finding) or _outlived(one, over, names, looked))
            and not _reason(one.finding, mutes, last, names)
        ]  # fmt: skip
        return Sifted(tuple(out.items()), tuple(released))

    def stored(self) -> None:
        """What was sifted last is stored."""
        self._ended.clear()

    def _names(self, some: Iterable[Finding]) -> Names:
        some = list(some)
        return Names(
            nodes=self._nodes.node_names.names({one.node for one in some}),
            services=self._nodes.service_names.names({one.service for one in some}),
        )


def _reason(one: Finding, mutes: Sequence[Mute], windows: Sequence[Window], names: Names) -> str:
    if mute := holds(mutes, one):
        return mute.held
    window = covers(windows, one, names)
    return window.held if window else ""


def _outlived(one: Stored, over: Sequence[Window], names: Names, looked: Looked) -> bool:
    """Whether a finding goes on after the window that held it."""
    window = covers(over, one.finding, names)
    return window is not None and goes_on(one.finding, looked.counts, -(-window.end_us // MINUTE_US))
