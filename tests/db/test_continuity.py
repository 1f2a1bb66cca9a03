"""Which servers may have lost what was heard of the database before."""

from __future__ import annotations

import pytest

from devmesh.db.continuity import Continuity
from devmesh.errors import Unavailable


@pytest.fixture
def time_s():
    """Seconds that the test moves: `time_s[0]`."""
    return [1_000.0]


@pytest.fixture
def told():
    """What was called."""
    return []


@pytest.fixture
def watched(time_s, told):
    """A house at one server that has been running for 50 s."""
    made = Continuity(lambda: time_s[0])
    made.met("db1", 50)
    made.watch(lambda: told.append("older"))
    return made


def test_the_same_server_and_one_that_ran_all_along_lost_nothing(watched, time_s, told):
    """More connections, a night without any, the next host of a list, and the first one again after it joined anew."""
    time_s[0] += 0.4
    watched.met("db1", 50)
    time_s[0] += 30_000
    watched.met("db1", 30_051)
    watched.met("db2", 40_000)
    time_s[0] += 100
    watched.heard()
    time_s[0] += 20
    watched.met("db1", 60)
    assert told == []


@pytest.mark.parametrize("host", ["db1", "db2"])
def test_a_server_that_was_started_since_may_have_lost_some(watched, time_s, told, host):
    """Whichever it is: it is told once, and nobody gets a connection from then on."""
    time_s[0] += 20
    for _each in range(2):
        with pytest.raises(Unavailable):
            watched.met(host, 5)
    with pytest.raises(Unavailable):
        watched.met("db3", 90_000)
    assert told == ["older"]


def test_a_server_that_died_in_its_first_second_is_another_one(time_s, told):
    """Its times say nothing yet: it is known by what it draws at each start."""
    made = Continuity(lambda: time_s[0])
    made.met("db1", 0, "drawn first")
    made.watch(lambda: told.append("older"))
    time_s[0] += 0.5
    made.met("db1", 1, "drawn first")
    assert told == []
    time_s[0] += 0.5
    with pytest.raises(Unavailable, match="may know less: this server starts anew"):
        made.met("db1", 0, "drawn again")
    assert told == ["older"]


def test_what_was_seen_before_somebody_watched_is_told_then(time_s, told):
    """A database that was started anew while a server started; whoever does not watch is let work."""
    made = Continuity(lambda: time_s[0])
    made.met("db1", 50)
    time_s[0] += 20
    made.met("db1", 5)
    assert told == []
    made.watch(lambda: told.append("older"))
    assert told == ["older"]


def test_a_database_that_has_just_begun_is_no_other_one(time_s, told):
    """Boot: MariaDB and the house start in the same second, and the pools open their first connections."""
    made = Continuity(lambda: time_s[0])
    made.watch(lambda: told.append("older"))
    for uptime_s in (0, 0, 1):
        time_s[0] += 0.3
        made.met("db1", uptime_s)
    assert told == []
