"""Which findings belong together, when an incident is worth a message, and when it ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from devmesh.detectors import About, Finding
from devmesh.incidents import Grouping
from devmesh.memory import Minutes

ONE = Finding(600, "primitive", "disk full", 1, 1, 7, 6.0, True, About.SELF, "disk full")


def hour(number: int, said: list[tuple[int, int, int, int]] = []) -> Minutes:  # noqa: B006
    """An hour in which (minute, family, service, node) were said."""
    rows = sorted(said)
    columns = [np.array([row[place] for row in rows], dtype=np.int64) for place in range(4)]
    ones = np.ones(len(rows), dtype=np.int64)
    return Minutes(number, (number + 1) * 60, *columns, ones, ones)


def numbers(grouping: Grouping) -> list[int]:
    """How many findings each incident has."""
    return [len(one.findings) for one in grouping.incidents]


def test_findings_of_one_service_or_node_are_one_incident():
    """Each join says why."""
    grouping = Grouping()
    some = [ONE, replace(ONE, minute=615, node=2), replace(ONE, minute=629, service=3, node=2)]
    grouping.observe(hour(10), some)
    assert numbers(grouping) == [3]
    assert grouping.incidents[0].joins == ["first", "same service", "same node"]


def test_strangers_at_the_same_time_are_one_and_later_are_two():
    """Within twenty minutes it is one fault with two faces."""
    grouping = Grouping()
    grouping.observe(hour(10), [ONE, replace(ONE, minute=618, service=8, node=8, family=9)])
    assert numbers(grouping) == [2]
    grouping = Grouping()
    grouping.observe(hour(10), [ONE, replace(ONE, minute=624, service=8, node=8, family=9)])
    assert numbers(grouping) == [1, 1]


def test_a_lost_node_is_told_by_itself_unless_all_began_together():
    """Eleven minutes after somebody else's trouble began it is another incident; three minutes after, or found late but
    lost at that time, it is the same.
    """
    lost = Finding(611, "unheard", "unheard", 5, 5, None, 5.0, True, About.NODE, "no heartbeat")
    grouping = Grouping()
    grouping.observe(hour(10), [ONE, lost])
    assert numbers(grouping) == [1, 1]
    for together in (replace(lost, minute=603), replace(lost, minute=630, since=602)):
        grouping = Grouping()
        grouping.observe(hour(10), [ONE, together])
        assert numbers(grouping) == [2]


def test_rare_things_of_a_whole_day_do_not_add_up():
    """Two small ones of a service are enough within an hour; 75 minutes apart, in an incident that its line kept open,
    they are not.
    """
    small = replace(ONE, detector="new", kind="new", weight=2.0, critical=False)
    for minute, told in ((655, 655), (675, None)):
        grouping = Grouping()
        for number in range(10, 17):
            said = [(number * 60 + place, 7, 1, 1) for place in range(0, 60, 20)]
            some = [small, replace(small, minute=minute, family=8)]
            grouping.observe(hour(number, said), [one for one in some if one.minute // 60 == number])
        assert [one.told for one in grouping.incidents] == [told]


def test_what_a_family_says_on_a_second_node_is_evidence_by_half():
    """A driver's odd error on two nodes is less than two errors of two services."""
    odd = replace(ONE, detector="new", kind="new", weight=1.5, critical=False)
    for other, told in ((replace(odd, node=2), None), (replace(odd, service=2, node=2, family=8), 600)):
        grouping = Grouping()
        grouping.observe(hour(10), [odd, other])
        assert [one.told for one in grouping.incidents] == [told]


def test_what_goes_on_for_hours_does_not_swallow_another_fault_on_its_node():
    """Its own comes to it at any time."""
    grouping = Grouping()
    for number in range(10, 14):
        said = [(number * 60 + minute, 7, 1, 1) for minute in range(0, 60, 20)]
        later = [replace(ONE, minute=800, service=9, family=9), replace(ONE, minute=801, family=8)]
        grouping.observe(hour(number, said), [ONE] if number == 10 else later if number == 13 else [])
    assert numbers(grouping) == [2, 1]


def test_thin_evidence_is_not_told_and_gathers():
    """Weights of one service fade, those of several add up; slight ones never do."""
    grouping = Grouping()
    thin = [replace(ONE, weight=1.5, critical=False, family=family) for family in range(4)]
    grouping.observe(hour(10), thin)
    assert grouping.incidents[0].told is None
    grouping = Grouping()
    grouping.observe(hour(10), [*thin, replace(thin[0], minute=601, service=2)])
    assert grouping.incidents[0].told == 601
    assert grouping.incidents[0].severity == "warning"
    slight = Grouping()
    slight.observe(hour(10), [replace(ONE, weight=0.8, critical=False, service=one) for one in range(50)])
    assert slight.incidents[0].told is None


def test_an_incident_lasts_while_its_lines_go_on_and_closes_after():
    """However long: five hours of one line are one incident, half an hour of quiet ends it."""
    grouping = Grouping()
    for number in range(10, 15):
        grouping.observe(
            hour(number, [(number * 60 + minute, 7, 1, 1) for minute in range(0, 60, 20)]),
            [ONE] if number == 10 else [],
        )
    assert len(grouping.incidents) == 1
    assert grouping.incidents[0].closed is None
    grouping.observe(hour(15), [])
    assert grouping.incidents[0].closed == 14 * 60 + 40


def test_who_is_missing_keeps_it_open_until_it_speaks():
    """Silence has no lines."""
    grouping = Grouping()
    grouping.observe(hour(10), [replace(ONE, kind="silence", detector="silence", family=None)])
    for number in range(11, 15):
        grouping.observe(hour(number), [])
    assert grouping.incidents[0].closed is None
    grouping.observe(hour(15, [(905, 1, 1, 1)]), [])
    grouping.observe(hour(16), [])
    assert grouping.incidents[0].closed is not None


def test_what_comes_back_soon_opens_the_same_incident_again():
    """And counts; much later it is another."""
    grouping = Grouping()
    grouping.observe(hour(10), [ONE])
    grouping.observe(hour(11), [])
    grouping.observe(hour(12), [replace(ONE, minute=725)])
    assert (len(grouping.incidents), grouping.incidents[0].reopened) == (1, 1)
    for number in range(13, 17):
        grouping.observe(hour(number), [])
    grouping.observe(hour(17), [replace(ONE, minute=1025)])
    assert len(grouping.incidents) == 2


def test_what_is_found_late_opens_nothing_again():
    """It goes into the closed incident in whose time it was said; what lies hours before it is another one."""
    grouping = Grouping()
    grouping.observe(hour(10), [ONE, replace(ONE, minute=625)])
    grouping.observe(hour(12), [])
    late = [replace(ONE, minute=610, family=9), replace(ONE, minute=300)]
    for one in late:
        grouping.observe(hour(13), [one])
    assert numbers(grouping) == [3, 1]
    assert [(one.reopened, one.closed) for one in grouping.incidents] == [(0, 625), (0, 300)]
    assert grouping.incidents[0].joins[2] == "same service, found late"


def test_what_is_let_go_hours_later_is_no_part_of_what_began_since():
    """Neither a stranger's nor its own open incident takes it in: both keep their onset."""
    for who in ({"service": 8, "node": 8, "family": 9}, {}, {"service": 8, "family": 9}):
        grouping = Grouping()
        grouping.observe(hour(20), [replace(ONE, minute=1200)], 1210)
        grouping.observe(hour(20), [replace(ONE, minute=900, **who)], 1211)
        assert numbers(grouping) == [1, 1]
        assert (grouping.incidents[0].onset, grouping.incidents[0].grown) == (1200, 1200)


def test_what_comes_a_little_late_does_not_make_an_incident_older():
    """It begins earlier then, and what was new in it last stays so."""
    grouping = Grouping()
    grouping.observe(hour(20), [replace(ONE, minute=1200)], 1210)
    grouping.observe(hour(20), [replace(ONE, minute=1185, service=2)], 1211)
    assert numbers(grouping) == [2]
    assert (grouping.incidents[0].onset, grouping.incidents[0].grown) == (1185, 1200)
