"""What is always followed by something, and was not: learned by itself, told in doubt only with other evidence (C5)."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
from made_jobs import BEGIN_DAY, DAY_MIN, an_hour, hours, shapes

from devmesh.detectors import Finding
from devmesh.detectors import successor as module
from devmesh.detectors.successor import Successor
from devmesh.memory import Baselines

START, FOLLOWS, OTHER = 0, 1, 2  # families of one service
FIRST_MIN = BEGIN_DAY * DAY_MIN
DAYS = 40


def starts(days: int, at: int = 700) -> list[int]:
    """One a day, with what the day brings."""
    return [day * DAY_MIN + at + day * 37 % 60 for day in range(days)]


def some_later(minutes: list[int]) -> list[int]:
    """Within a minute: two of three times it is the same."""
    return [minute + (place % 3 == 0) for place, minute in enumerate(minutes)]


def found(runs: dict[int, list[int]], days: int, blind: dict[int, frozenset[int]] | None = None) -> list[Finding]:
    """What the detector alone finds; its minutes are since the first day."""
    successor, normal, out = Successor(), Baselines(shapes(runs)), list[Finding]()
    for counts in hours(runs, days):
        hour = normal.meet(replace(counts, blind=blind or {}))
        out += successor.observe(hour, normal, told=counts.hour >= (BEGIN_DAY + 2) * 24)
        normal.learn(hour)
    return [replace(one, minute=one.minute - FIRST_MIN) for one in out]


def test_a_start_that_is_not_followed_is_shown_and_two_in_a_row_are_told():
    """After a month: once is too little for a message, the second start in a row is worth one, the third says nothing
    new; the text has the numbers.
    """
    begun = starts(DAYS)
    one, two = found({START: begun, FOLLOWS: some_later(begun[:-3])}, DAYS)
    assert [one.minute, two.minute] == [begun[-3] + 2, begun[-2] + 2]
    assert one.weight < 3.0 <= two.weight
    assert one.text == (
        "`Finished job-0.service` is followed by `Finished job-1.service` within 2 minutes in 100 % of starts"
        " (33 of 33); not this time"
    )


def test_what_always_came_is_no_finding():
    """A month of days, and of hours."""
    often = list(range(30, DAYS * DAY_MIN, 95))
    assert found({START: starts(DAYS), FOLLOWS: some_later(starts(DAYS))}, DAYS) == []
    assert found({START: often, FOLLOWS: some_later(often)}, DAYS) == []


def test_a_few_starts_teach_nothing():
    """Of twenty that count the first three only make it known."""
    begun = starts(22)
    assert found({START: begun, FOLLOWS: some_later(begun[:-1])}, 22) == []


def test_what_follows_by_chance_is_not_missed():
    """Families of the same service that come at any time, as rare as a start and eight times as often."""
    random = np.random.default_rng(4)
    runs = {START: sorted(starts(DAYS) + starts(DAYS, 100))}
    for family in range(1, 10):
        count = DAYS * (1 if family < 5 else 150)
        runs[family] = sorted(random.integers(0, DAYS * DAY_MIN, count).tolist())
    assert found(runs, DAYS) == []


def test_who_comes_first_is_not_followed_but_follows():
    """A line a few seconds ahead of the start is no successor, though both share their minute mostly."""
    begun = starts(DAYS)
    ahead = [minute - (place % 3 == 0) for place, minute in enumerate(begun)]
    assert found({START: begun, FOLLOWS: ahead[:-1]}, DAYS) == []


def test_what_nobody_could_see_is_neither_learned_nor_missed():
    """The minutes after the start are blind: nothing is found, and the next failure is the first one."""
    begun = starts(DAYS)
    runs = {START: begun, FOLLOWS: some_later(begun[:-2])}
    blind = {1: frozenset(range(FIRST_MIN + begun[-2] + 1, FIRST_MIN + begun[-2] + 30))}
    (one,) = found(runs, DAYS, blind)
    assert one.minute == begun[-1] + 2
    assert one.weight < 3.0


def test_new_words_for_the_same_are_no_failure():
    """After an upgrade it says something that was never said before, and no error."""
    begun = starts(DAYS)
    runs = {START: begun, FOLLOWS: some_later(begun[:-1]), OTHER: [begun[-1] + 1]}
    assert found(runs, DAYS) == []


def test_an_hour_by_minutes_gives_what_it_gives_as_a_whole():
    """Also of a start in the last minutes of the hour before."""
    begun = starts(DAYS, 700)
    begun[-1] = (DAYS - 1) * DAY_MIN + 12 * 60 + 58
    runs = {START: begun, FOLLOWS: some_later(begun[:-1])}
    successor, normal = Successor(), Baselines(shapes(runs))
    rows = [(minute, family) for family, minutes in runs.items() for minute in minutes]
    last = (DAYS - 1) * 24 + 13
    for number in range(last):
        hour = normal.meet(an_hour(number, [one for one in rows if one[0] // 60 == number]))
        assert successor.observe(hour, normal, told=True) == []
        normal.learn(hour)
    seen = []
    for until in range(1, 61):
        hour = normal.meet(an_hour(last, [], until))
        seen += [one for one in copy.deepcopy(successor).observe(hour, normal, told=True) if one not in seen]
    assert seen == successor.observe(normal.meet(an_hour(last, [])), normal, told=True)
    assert [one.minute - FIRST_MIN for one in seen] == [begun[-1] + 2]


def test_who_speaks_on_after_a_busy_minute_begins_nothing(monkeypatch):
    """In a minute in which all speak nobody starts; who was heard in it was no pause before the next."""
    monkeypatch.setattr(module, "BUSY", 3)
    begun = starts(DAYS)
    storm = begun[-1]
    runs = {START: [*begun, storm + 1], FOLLOWS: [*some_later(begun[:-1]), storm]}
    runs |= {family: [*(day * DAY_MIN + 20 * family for day in range(DAYS - 1)), storm] for family in (2, 3, 4)}
    assert found(runs, DAYS) == []
    del runs[2], runs[3], runs[4], runs[START][-1]
    del runs[FOLLOWS][-1]
    assert len(found(runs, DAYS)) == 1


def test_what_is_not_sure_after_a_month_makes_room(monkeypatch):
    """Whoever came first and then no more must not keep all others from being learned."""
    monkeypatch.setattr(module, "RULES", 1)
    early = starts(9, 100)
    begun = starts(62)[10:]
    runs = {2: early, 3: [one + 1 for one in early], START: begun, FOLLOWS: [one + 1 for one in begun[:-1]]}
    assert [one.minute for one in found(runs, 62)] == [begun[-1] + 2]
