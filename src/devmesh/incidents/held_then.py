"""What mutes and maintenance held in the past: look by look, as they were then and not as they are now.

Guards are not asked again: when a mute ended, and whether its guard or somebody ended it, is what the store says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from devmesh.detectors import Finding, by_time
from devmesh.incidents.guard import Ended, Mute
from devmesh.incidents.maintenance import Names, Window, covers, goes_on, told_as
from devmesh.incidents.mutes import as_finding, by_hand, holds
from devmesh.memory import Minutes
from devmesh.nodes import Nodes

MINUTE_US, HOUR_MIN = 60_000_000, 60


class HeldThen:
    """Sifts what a look at the past finds, in order of time."""

    def __init__(self, nodes: Nodes, mutes: Sequence[Mute], windows: Sequence[Window], tell_from: float) -> None:
        self._nodes, self._mutes, self._windows, self._tell_from = nodes, mutes, windows, tell_from
        self._held: list[tuple[Finding, bool]] = []  # and whether a mute held it
        self._unmuted = set[int]()  # mutes whose end was told: two hours look at the same minutes
        self.count = 0  # of findings that were held at first

    def hours(self) -> frozenset[int]:
        """Hours (since 1970) in which something may be let go: they are to be looked at minute by minute."""
        return frozenset(end // (HOUR_MIN * MINUTE_US) + more for end in self._ends() for more in (0, 1))

    def _ends(self) -> list[int]:
        return [one.ended_us for one in self._mutes if one.ended_us] + [one.end_us for one in self._windows]

    def past_hour(self, found: Sequence[Finding], counts: Minutes) -> list[Finding]:
        """What is told of an hour that is looked at as a whole."""
        if not self._mutes and not self._windows:
            return list(found)
        first, until = counts.hour * HOUR_MIN, min(counts.until, (counts.hour + 1) * HOUR_MIN)
        # A guard ends a mute within a look, somebody between two.
        ends = {minute for end in self._ends() for minute in (end // MINUTE_US, -(-end // MINUTE_US))}
        looks = {one.minute + 1 for one in found} | {end for end in ends if first < end < until} | {until}
        told = list[Finding]()
        for look in sorted(looks):
            told += self.sift([one for one in found if one.minute + 1 == look], look, counts)
        return sorted(told, key=by_time)

    def sift(self, fresh: Sequence[Finding], until: int, counts: Minutes) -> list[Finding]:
        """What a look at minute `until` told, in order of time: of what is new, and of what was held before."""
        if not self._mutes and not self._windows:
            return list(fresh)
        now, edge = until * MINUTE_US, until - HOUR_MIN
        mutes = [one for one in self._mutes if one.created_us < now < _lasted(one)]
        windows = [_as_it_was(one, now) for one in self._windows if one.created_us < now]
        over = [one for one in windows if edge * MINUTE_US <= one.end_us <= now]
        lasting = [one for one in windows if one.end_us > now]
        unmuted = self._broken(until, counts)
        told, held = list[Finding](), list[tuple[Finding, bool]]()
        for one, muted in self._held:
            at = one.minute if muted and one.minute >= edge else self._outlived(over, one, counts)
            if at is not None and holds(mutes, one) is None and not self._covered(lasting, one):
                told.append(told_as(one, at))
            elif not muted or one.minute >= edge or self._covered(self._windows, one):
                held.append((one, muted))
        for one in [*fresh, *unmuted]:
            muted = holds(mutes, one) is not None and one not in unmuted
            if muted or self._covered(windows, one):
                held.append((one, muted))
                self.count += 1
            else:
                told.append(one)
        self._held = held
        return sorted(told, key=by_time)

    def _broken(self, until: int, counts: Minutes) -> list[Finding]:
        """What tells of the mutes that their guards ended in this look, each once."""
        out = list[Finding]()
        for one in self._mutes:
            if one.id in self._unmuted or by_hand(one) or not one.ended_us or one.ended_us // MINUTE_US != until:
                continue
            if (finding := as_finding(Ended(one, one.ended_why), counts, self._tell_from)) is not None:
                self._unmuted.add(one.id)
                out.append(finding)
        return out

    def _covered(self, windows: Sequence[Window], one: Finding) -> Window | None:
        if not windows:
            return None
        nodes, services = self._nodes.node_names.names({one.node}), self._nodes.service_names.names({one.service})
        return covers(windows, one, Names(nodes, services))

    def _outlived(self, over: Sequence[Window], one: Finding, counts: Minutes) -> int | None:
        window = self._covered(over, one)
        return None if window is None else goes_on(one, counts, -(-window.end_us // MINUTE_US))


def _lasted(one: Mute) -> int:
    """Until when looks found it: a guard ends it within one, somebody between two."""
    if one.ended_us is None:
        return 1 << 62
    return one.ended_us + 1 if by_hand(one) else one.ended_us // MINUTE_US * MINUTE_US


def _as_it_was(one: Window, now_us: int) -> Window:
    """A window that nobody had ended yet."""
    return replace(one, ended_us=None) if one.ended_us is not None and one.ended_us > now_us else one
