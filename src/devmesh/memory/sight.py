"""Whether a node can be seen, and if not, why: judged from its last heartbeats alone, so that tests own the time.

A node is unseen from the instant until which its lines were surely here: while no heartbeat comes, while one comes but
its lines wait unsent, and until it has caught up. Only its return shows why; until then the verdict is a guess.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from devmesh.memory.model import BlindInterval
from devmesh.nodes import Beat

PATIENCE_US = 125_000_000  # three heartbeats, and a request that takes as long as it may
TOGETHER_US = 60_000_000  # all agents beat once within it
ONCE, STOPPED = "once", "stopped"
LEAST_MINUTES = 3.0  # in which a node should have spoken, or its saying nothing means nothing


@dataclass(frozen=True)
class Known:
    """What the last look saw of a node."""

    beat_us: int
    complete_us: int
    boot_id: str | None = None
    started_us: int | None = None
    leaving: str | None = None


@dataclass(frozen=True)
class Before:
    """What was known of an agent as it was lost; `server`: this server did not look, `together`: it was lost with all
    the others; `in_vain_us`: how long it had asked without an answer when it came back.
    """

    beat_us: int
    boot_id: str | None
    started_us: int | None
    server: bool = False
    together: bool = False
    in_vain_us: int | None = None


@dataclass(frozen=True)
class Unseen:
    """An interval as it is followed."""

    told: BlindInterval
    before: Before


@dataclass(frozen=True)
class Lines:
    """In how many minutes of an interval a node spoke, and in how many it should have, by the hour before."""

    came: int
    usual: float

    @property
    def lacking(self) -> bool:
        """Whether it should have spoken and mostly did not."""
        return self.usual >= LEAST_MINUTES and 2 * self.came < self.usual


def begun(beat: Beat, known: Known, now_us: int, woke_us: int) -> Unseen | None:
    """A node that comes to be unseen; the server has looked since `woke_us` without a break."""
    if beat.retired or beat.leaving == ONCE:
        return None
    if _is_lost(beat, now_us, woke_us):
        complete_us = max(known.complete_us, beat.complete_us)
        return _unseen(beat.node_id, complete_us, _known(beat), woke_us)
    if beat.at_us - known.beat_us > PATIENCE_US and known.leaving != ONCE:
        return _unseen(beat.node_id, known.complete_us, known, woke_us)
    if beat.at_us - max(known.complete_us, beat.complete_us) > PATIENCE_US:
        one = _unseen(beat.node_id, known.complete_us, known, woke_us)
        return replace(one, told=replace(one.told, unheard_us=None, orderly=False))
    return None


def followed(one: Unseen, beat: Beat, now_us: int, woke_us: int) -> Unseen:
    """The interval as the newest heartbeat leaves it, still open."""
    told, before = one.told, one.before
    if told.unheard_us is None and _is_lost(beat, now_us, woke_us):
        lost = _unseen(beat.node_id, told.since_us, _known(beat), woke_us)
        told, before = replace(lost.told, id=told.id), lost.before
    elif told.unheard_us is not None and told.again_us is None and beat.at_us > before.beat_us:
        told, before = replace(told, again_us=beat.at_us), replace(before, in_vain_us=beat.unanswered_us)
    verdict, reason = _guess(told, before)
    return Unseen(replace(told, verdict=verdict, reason=reason), before)


def is_over(one: Unseen, beat: Beat, now_us: int, woke_us: int) -> bool:
    """Whether an interval that was followed ends: the agent caught up, was lost anew, or nobody waits for it."""
    heard = one.told.unheard_us is None or one.told.again_us is not None
    lost = _is_lost(beat, now_us, woke_us)
    return beat.retired or (heard and (lost or beat.at_us - beat.complete_us <= PATIENCE_US))


def together(some: Collection[Unseen], beats: Collection[Beat]) -> frozenset[int]:
    """The nodes that were lost all at once, none left: two at least, or none."""
    waited = [one for one in beats if not one.retired and one.leaving is None]
    newest = max((one.at_us for one in waited), default=0)
    last = {one.node_id for one in waited if one.at_us >= newest - TOGETHER_US}
    lost = {one.told.node_id for one in some if one.told.unheard_us is not None and one.told.again_us is None}
    return frozenset(last) if len(last) > 1 and last <= lost else frozenset()


def ended(one: Unseen, beat: Beat, lines: Lines) -> BlindInterval:
    """The interval with its end and its verdict."""
    told = one.told
    until_us = beat.at_us if told.again_us is None else told.again_us
    if beat.retired and told.unheard_us is not None and told.again_us is None:
        return replace(told, until_us=max(until_us, told.since_us), reason=f"{told.reason}; then it was retired")
    verdict, reason, filled = _verdict(one, beat, lines)
    return replace(told, until_us=max(until_us, told.since_us), verdict=verdict, reason=reason, filled=filled)


def _is_lost(beat: Beat, now_us: int, woke_us: int) -> bool:
    return now_us - max(beat.at_us, woke_us) > PATIENCE_US


def _known(beat: Beat) -> Known:
    return Known(beat.at_us, beat.complete_us, beat.boot_id, beat.started_us, beat.leaving)


def _unseen(node_id: int, since_us: int, known: Known, woke_us: int) -> Unseen:
    """Somebody who was last heard as `known` says; while the server slept, nobody waited for him."""
    slept = known.beat_us < woke_us
    unheard_us = woke_us if slept else known.beat_us
    told = BlindInterval(
        0, node_id, since_us, None, "", "", filled=False, unheard_us=unheard_us, again_us=None,
        orderly=known.leaving == STOPPED,
    )  # fmt: skip
    return Unseen(told, Before(known.beat_us, known.boot_id, known.started_us, server=slept))


def _guess(told: BlindInterval, before: Before) -> tuple[str, str]:
    """Verdict and reason of an interval that lasts."""
    if told.again_us is not None:
        return "behind", "its agent is back and sends what waited"
    if told.unheard_us is None:
        return "behind", "its agent is heard, but its lines wait unsent: this server or the way to it is too slow"
    if before.server:
        return "server_down", "this server did not run, and the agent was not heard since"
    if before.together:
        return "server_down", "no agent is heard, all were lost within a minute: this server is cut off"
    if told.orderly:
        return "agent_dead", "its agent said that it ends: it was stopped, or the machine goes down"
    return "unheard", "its agent is not heard: node down, agent dead or network cut, its return will show which"


def _verdict(one: Unseen, beat: Beat, lines: Lines) -> tuple[str, str, bool]:
    """Verdict, reason, and whether the lines came."""
    told, before = one.told, one.before
    if told.unheard_us is None:
        return "behind", "its lines waited unsent: this server or the way to it was too slow", True
    came = not lines.lacking
    rebooted = None not in (before.boot_id, beat.boot_id) and before.boot_id != beat.boot_id
    restarted = None not in (before.started_us, beat.started_us) and before.started_us != beat.started_us
    unknown = lines.usual < LEAST_MINUTES
    if rebooted and (lines.lacking or (unknown and not before.server)):
        return "node_down", "the node was down: it came back with another boot", False
    if before.server:
        return "server_down", "this server did not run, or its clock was set forward", came
    if rebooted:
        return "network_cut", "cut off or its agent dead, with lines that came later; then it booted anew", came
    if restarted:
        return "agent_dead", "its agent was dead: it came back as another process of the same boot", came
    if _stood_still(one, lines):
        if came and not unknown:
            return "behind", "its agent stood still or was slow, the node went on: its lines came later", True
        return "paused", "agent and node stood still: the same process went on, and had missed nothing", False
    if before.together:
        return "server_down", "no agent reached this server", came
    return "network_cut", "the same agent went on: it could not reach this server", came


def _stood_still(one: Unseen, lines: Lines) -> bool:
    """Who stands still asks nobody; an agent too old to say how long it asked in vain is judged by its lines."""
    told, before = one.told, one.before
    if before.in_vain_us is None or told.again_us is None:
        return lines.lacking and not before.together
    return 2 * before.in_vain_us < told.again_us - before.beat_us
