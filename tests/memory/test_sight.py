"""Seen or not, and why: judged from heartbeats alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devmesh.memory.sight import Known, Lines, begun, ended, followed, is_over, together
from devmesh.nodes import Beat

S, MIN, NOW = 1_000_000, 60_000_000, 1_763_800_000_000_000
BEAT = Beat(1, NOW, NOW, "boot", 7, 0, None, retired=False)
KNOWN = Known(NOW, NOW, "boot", 7)
LONG_AGO = NOW - 90 * MIN
MANY, NONE, QUIET = Lines(25, 28.0), Lines(0, 28.0), Lines(0, 0.0)


def lost(beat: Beat = BEAT, known: Known = KNOWN, woke_us: int = LONG_AGO):
    """A node that was last heard as `beat` says, thirty minutes ago."""
    one = begun(beat, known, NOW + 30 * MIN, woke_us)
    return one if one is None else followed(one, beat, NOW + 30 * MIN, woke_us)


def back(one, **said):
    """How it ends: the agent is heard again after 31 minutes, and what it says."""
    lines = said.pop("lines", MANY)
    beat = replace(BEAT, at_us=NOW + 31 * MIN, complete_us=NOW + 31 * MIN, **said)
    one = followed(one, beat, NOW + 31 * MIN, LONG_AGO)
    assert is_over(one, beat, NOW + 31 * MIN, LONG_AGO)
    return ended(one, beat, lines)


@pytest.mark.parametrize(
    ("said", "verdict", "filled"),
    [
        ({"boot_id": "other", "started_us": 9, "lines": NONE}, "node_down", False),
        ({"boot_id": "other", "started_us": 9, "lines": QUIET}, "node_down", False),
        ({"boot_id": "other", "started_us": 9, "lines": MANY}, "network_cut", True),
        ({"started_us": 9}, "agent_dead", True),
        ({"started_us": 9, "lines": NONE}, "agent_dead", False),
        ({"unanswered_us": 30 * MIN}, "network_cut", True),
        ({"unanswered_us": 30 * MIN, "lines": QUIET}, "network_cut", True),
        ({"unanswered_us": 20 * S, "lines": MANY}, "behind", True),
        ({"unanswered_us": 20 * S, "lines": NONE}, "paused", False),
        ({"unanswered_us": 20 * S, "lines": QUIET}, "paused", False),
        ({"unanswered_us": None, "started_us": None, "lines": NONE}, "paused", False),
        ({"unanswered_us": None, "started_us": None, "lines": MANY}, "network_cut", True),
        ({"unanswered_us": None, "boot_id": None, "lines": QUIET}, "network_cut", True),
    ],
)
def test_the_return_of_an_agent_shows_what_it_was(said, verdict, filled):
    """Boot, start, time in vain and lines; old agents, who say less, are judged by their lines."""
    told = back(lost(), **said)
    assert (told.verdict, told.filled) == (verdict, filled)
    assert (told.since_us, told.unheard_us, told.again_us, told.until_us) == (NOW, NOW, *[NOW + 31 * MIN] * 2)


def test_while_nobody_can_know_the_verdict_is_a_guess():
    """Unheard; said that it goes; all at once; while the server slept; back with a backlog."""
    assert lost().told.verdict == "unheard"
    gone = lost(replace(BEAT, leaving="stopped"))
    assert (gone.told.verdict, gone.told.orderly) == ("agent_dead", True)
    asleep = lost(woke_us=NOW + 20 * MIN)
    assert (asleep.told.verdict, asleep.told.unheard_us) == ("server_down", NOW + 20 * MIN)
    catching_up = replace(BEAT, at_us=NOW + 30 * MIN)
    one = followed(lost(), catching_up, NOW + 30 * MIN, LONG_AGO)
    assert (one.told.verdict, one.told.again_us) == ("behind", NOW + 30 * MIN)
    assert not is_over(one, catching_up, NOW + 30 * MIN, LONG_AGO)


def test_patience_has_an_end():
    """At 125 s nothing, after it the node is lost; a server that woke up just now waits for as long."""
    assert begun(BEAT, KNOWN, NOW + 125 * S, LONG_AGO) is None
    assert begun(BEAT, KNOWN, NOW + 126 * S, LONG_AGO) is not None
    assert begun(BEAT, KNOWN, NOW + 126 * S, NOW + 2 * S) is None


def test_who_came_back_before_the_server_looked_was_unseen_all_the_same():
    """The first heartbeat after the server's own sleep shows the whole interval."""
    beat = replace(BEAT, at_us=NOW + 31 * MIN, complete_us=NOW + 31 * MIN, unanswered_us=31 * MIN)
    one = begun(beat, KNOWN, NOW + 31 * MIN, NOW + 30 * MIN)
    one = followed(one, beat, NOW + 31 * MIN, NOW + 30 * MIN)
    assert is_over(one, beat, NOW + 31 * MIN, NOW + 30 * MIN)
    told = ended(one, beat, MANY)
    assert (told.verdict, told.since_us, told.until_us) == ("server_down", NOW, NOW + 31 * MIN)


def test_a_backlog_is_blindness_and_history_is_none():
    """Heartbeats come, lines wait: behind since the last instant at which none waited."""
    late = replace(BEAT, at_us=NOW + 10 * MIN, complete_us=NOW + 2 * MIN)
    one = begun(late, replace(KNOWN, beat_us=NOW + 9 * MIN, complete_us=NOW + MIN), NOW + 10 * MIN, LONG_AGO)
    one = followed(one, late, NOW + 10 * MIN, LONG_AGO)
    assert (one.told.verdict, one.told.since_us, one.told.unheard_us) == ("behind", NOW + MIN, None)
    now_complete = replace(late, at_us=NOW + 11 * MIN, complete_us=NOW + 11 * MIN)
    assert is_over(one, now_complete, NOW + 11 * MIN, LONG_AGO)
    assert ended(one, now_complete, QUIET).filled


def test_who_is_lost_while_behind_is_waited_for():
    """An interval goes on as one, and from then on its agent is unheard."""
    late = replace(BEAT, at_us=NOW + 10 * MIN, complete_us=NOW)
    one = begun(late, replace(KNOWN, beat_us=NOW + 9 * MIN), NOW + 10 * MIN, LONG_AGO)
    one = followed(one, late, NOW + 13 * MIN, LONG_AGO)
    assert (one.told.verdict, one.told.since_us, one.told.unheard_us) == ("unheard", NOW, NOW + 10 * MIN)


def test_retired_nodes_and_agents_that_run_once_are_not_missed():
    """Nobody waits for them; retiring ends what lasts."""
    assert lost(replace(BEAT, retired=True)) is None
    assert lost(replace(BEAT, leaving="once")) is None
    retired = replace(BEAT, retired=True)
    assert is_over(lost(), retired, NOW + 30 * MIN, LONG_AGO)
    assert "retired" in ended(lost(), retired, QUIET).reason


def test_all_at_once_is_the_server():
    """Each node that was there, within a minute; not one alone, not some of them, not one that was long gone."""
    beats = [replace(BEAT, node_id=number, at_us=NOW - number * 10 * S) for number in (1, 2, 3)]
    old = replace(BEAT, node_id=4, at_us=NOW - 60 * MIN)
    gone = [lost(beat, replace(KNOWN, beat_us=beat.at_us)) for beat in beats]
    assert together(gone, [*beats, old]) == {1, 2, 3}
    assert together(gone[:2], beats) == frozenset()
    assert together(gone[:1], beats[:1]) == frozenset()
    alive = replace(BEAT, node_id=5, at_us=NOW + 29 * MIN)
    assert together(gone, [*beats, alive]) == frozenset()
