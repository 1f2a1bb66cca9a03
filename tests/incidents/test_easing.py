"""Who was silenced with a parent, and stays broken once that is well again: it is told then, whatever the order."""

from __future__ import annotations

from itertools import permutations

import pytest
from test_incidents_grouping import hour
from test_ties import NODE, SERVICE, cut, of, ties

from devmesh.incidents import Grouping
from devmesh.incidents.easing import BACK_MIN, WELL_MIN, parents

__all__ = ["ties"]  # the fixture

LOST = SERVICE["nfs-server"], NODE["nas"]


def app(name: str):
    """A service on its node."""
    return SERVICE[name], NODE[f"on-{name}"]


def says(pair, *minutes):
    """A line of its bad family, in each of these minutes."""
    return [(minute, pair[0], *pair) for minute in minutes]


def grouped(ties, findings, said, until=900):
    """The one incident, after all of it; all of that is said again and again is bad by itself."""
    grouping = Grouping(ties=ties)
    grouping.observe(hour(10, sorted(said)), sorted(findings, key=lambda one: one.minute), until)
    (one,) = [one for one in grouping.incidents if one.told is not None]
    return one


def primitive(name: str, minute: int):
    """Bad news by rule: it keeps an incident open."""
    return of(name, f"on-{name}", minute, "primitive")


BACK = says(LOST, 640)


@pytest.mark.parametrize("gap", [BACK_MIN - 1, BACK_MIN])
def test_who_stays_broken_ten_minutes_after_the_node_is_back_is_left(ties, gap):
    """The node speaks again at 640; one of its fourteen goes on, the others do not."""
    later = says(app("app3"), 639 + gap)
    one = grouped(ties, [*cut(620), primitive("app3", 624)], [*BACK, *later])
    assert (one.signs.eased, one.signs.left) == ((639 + gap, {app("app3")}) if gap >= BACK_MIN else (None, set()))


def test_while_the_parent_is_down_nobody_is_left(ties):
    """However long they go on."""
    one = grouped(ties, [*cut(620), primitive("app3", 624)], says(app("app3"), *range(625, 800, 10)))
    assert one.signs.eased is None


def test_who_is_missing_still_is_left_although_it_says_nothing(ties):
    """The node came back, a service on another one did not."""
    silent = of("app5", "on-app5", 630, "silence", 4.0)
    one = grouped(ties, [*cut(620), silent], BACK)
    assert (one.signs.eased, one.signs.left) == (639 + BACK_MIN, {app("app5")})


def test_a_parent_that_only_said_bad_things_is_well_after_half_an_hour(ties):
    """No node came back: it is quiet for as long as ends an incident."""
    first = of("nfs-server", "nas", 620, "primitive", 4.0)
    goes_on = says(app("app3"), *range(625, 700, 5))
    one = grouped(ties, [first, primitive("app3", 622)], goes_on)
    assert (one.signs.eased, one.signs.left, one.signs.tops) == (620 + WELL_MIN, {app("app3")}, {LOST})


def test_without_an_inventory_nobody_is_a_parent():
    """Nothing is made up."""
    one = grouped(None, [*cut(620), primitive("app3", 624)], [*BACK, *says(app("app3"), 660)])
    assert one.signs.eased is None


def test_what_came_back_is_looked_at_anew(ties):
    """An incident that opens again forgets who was left."""
    again = primitive("app3", 700)
    one = grouped(ties, [*cut(620), primitive("app3", 624), again], [*BACK, *says(app("app3"), 655)], until=720)
    assert (one.reopened, one.signs.eased) == (1, None)


def test_the_order_within_a_minute_says_nothing(ties):
    """Any order of the same findings leaves the same."""
    some = [of("nfs-server", "nas", 620, "unheard", 5.0, critical=True), *(primitive(f"app{n}", 620) for n in range(3))]
    left = {
        frozenset(grouped(ties, order, [*BACK, *says(app("app1"), 655)]).signs.left) for order in permutations(some)
    }
    assert left == {frozenset({app("app1")})}


def test_parents_are_the_farthest_that_others_need(ties):
    """Of a chain the end; of a node all that runs on it is its child; in a ring nobody."""
    chain = [(SERVICE[name], NODE[node]) for name, node in (("nginx", "edge"), ("shop", "web"), ("postgresql", "db"))]
    assert parents(chain, {}, ties) == {chain[2]}
    kernel, odd = (SERVICE["kernel"], NODE["db"]), (SERVICE["odd"], NODE["db"])
    assert parents([*chain, kernel], {kernel: True}, ties) == {kernel}
    assert parents([kernel, odd], {kernel: True}, ties) == set()
