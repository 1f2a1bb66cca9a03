"""What is found and told nobody: it is muted, or its service or node is in maintenance. And what is let go again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from devmesh.clock import Clock
from devmesh.detectors import Detectors, Finding, Looked, Stored, Tuning, by_time
from devmesh.incidents.guard import MUTED, Ended, Mute
from devmesh.incidents.maintenance import Maintenance, Names, Window, covers, goes_on, told_as
from devmesh.incidents.mutes import Mutes, as_finding, holds
from devmesh.nodes import Nodes

MINUTE_US, HOUR_MIN = 60_000_000, 60


@dataclass(frozen=True)
class Sifted:
    """New findings, each with the reason for which it is held (empty: none), and earlier ones that are held no more;
    `again`: those as they are told now, by their numbers.
    """

    fresh: Sequence[tuple[Finding, str]]
    released: Sequence[Stored]
    again: Mapping[int, Finding]

    @property
    def told(self) -> list[Finding]:
        """What joins incidents, in order of time."""
        some = [finding for finding, held in self.fresh if not held] + [*self.again.values()]
        return sorted(some, key=by_time)


class Holding:
    """Sifts what was found."""

    def __init__(
        self, clock: Clock, nodes: Nodes, detectors: Detectors, mutes: Mutes, windows: Maintenance,
        tell_from: float = Tuning.tell_from,
    ) -> None:  # fmt: skip
        self._clock, self._nodes, self._detectors = clock, nodes, detectors
        self._mutes, self._windows, self._tell_from = mutes, windows, tell_from
        self._ended: list[Ended] = []  # mutes whose guard ended them, in a look that is not stored yet

    def sift(self, fresh: Sequence[Finding], looked: Looked) -> Sifted:
        """Hold what is to be held, and let go what is to be told after all."""
        now, mutes, edge = self._clock.now_us(), self._lasting(looked, self._clock.now_us()), self._edge(looked)
        windows = self._windows.since(min([edge, *(one.minute for one in fresh)]) * MINUTE_US)
        over = [one for one in windows if edge * MINUTE_US <= one.end_us <= now]
        held = self._detectors.held(min([edge, *(one.since_us // MINUTE_US for one in over)]))
        unmuted = (as_finding(one, looked.counts, self._tell_from) for one in self._ended)
        told = self._detectors.fresh([one for one in unmuted if one is not None], 0)
        names = self._names([*fresh, *told, *(one.finding for one in held)]) if windows else Names({}, {})
        out = {one: _reason(one, mutes, windows, names) for one in fresh}
        out |= {one: _reason(one, (), windows, names) for one in told}
        last = [one for one in windows if one.end_us > now]
        released, again = list[Stored](), dict[int, Finding]()
        for one in held:
            at = one.finding.minute if _muted(one, edge) else _outlived(one, over, names, looked)
            if at is not None and not _reason(one.finding, mutes, last, names):
                released.append(one)
                again[one.id] = told_as(one.finding, at)
        return Sifted(tuple(out.items()), tuple(released), again)

    def _edge(self, looked: Looked) -> int:
        """An hour before the last look: what was over by then was let go."""
        last = self._detectors.progress()
        return (looked.until if last is None else min(last.until, looked.until)) - HOUR_MIN

    def keep(self, connection: Connection) -> None:
        """End the mutes that are over, in the transaction that stores what was sifted last."""
        self._mutes.close(connection, self._ended)

    def stored(self) -> None:
        """What was sifted last is stored."""
        self._ended.clear()

    def _lasting(self, looked: Looked, now_us: int) -> list[Mute]:
        """The mutes that hold on; what their guard reads it reads once, so what ended is kept until it is stored."""
        mutes = {one.id: one for one in self._mutes.holding()}
        self._ended = [one for one in self._ended if one.mute.id in mutes]
        known = {one.mute.id for one in self._ended}
        some = [one for number, one in mutes.items() if number not in known]
        self._ended += self._mutes.broken(some, looked.counts, now_us)
        gone = {one.mute.id for one in self._ended}
        return [one for one in some if one.id not in gone]

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


def _muted(one: Stored, since: int) -> bool:
    """Whether a mute held it, not long ago."""
    return one.held.startswith(MUTED) and one.finding.minute >= since


def _outlived(one: Stored, over: Sequence[Window], names: Names, looked: Looked) -> int | None:
    """The minute in which a finding goes on after the window that held it, if it does."""
    window = covers(over, one.finding, names)
    return None if window is None else goes_on(one.finding, looked.counts, -(-window.end_us // MINUTE_US))
