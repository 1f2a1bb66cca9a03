"""Guarded mutes (C7): what is muted stays quiet as long as it is what it was, and not a minute longer."""

from __future__ import annotations

import random

import pytest

from bodies import DAY_US, HOUR_US, NOW_US, line, rows, run_whole, take
from devmesh.detectors import About, Finding
from devmesh.detectors.counts import Counts, as_one
from devmesh.errors import InvalidInput, NotFound
from devmesh.incidents.mutes import Mutes, as_finding, holds

MINUTE_US = 60_000_000
NAMES = ("alpha", "bravo", "carol", "delta", "echo", "foxtrot")


class House:
    """A house whose clock goes on with what is said in it."""

    def __init__(self, mesh, clock):
        self.mesh, self.clock = mesh, clock
        self.mutes = Mutes(mesh.db, clock, mesh.templates, mesh.events)
        self.numbers = Counts(mesh.templates, mesh.nodes.service_names.names)

    def say(self, *messages, at_us=None, node="n1", service="app", priority=4, apart_s=0, loops=True):
        """One a millisecond (or every `apart_s`), from `at_us` (now) on; then its templates have families."""
        first = self.clock.now_us() if at_us is None else at_us
        body = b"".join(
            line(text, ts_us=first + place * (apart_s * 1_000_000 or 1_000), service=service, priority=priority)
            for place, text in enumerate(messages)
        )
        take(self.mesh, body, node, received_us=self.clock.now_us())
        for loop in ("template-totals", "assign-families") if loops else ():
            self.mesh.runner.once(loop)

    def past(self, make, *, days=3, every_min=20, **more):
        """What `make(number)` says every so often for some days before now."""
        times = range(NOW_US - days * DAY_US, NOW_US - HOUR_US, every_min * MINUTE_US)
        body = b"".join(line(make(number), ts_us=at, service="app", priority=4) for number, at in enumerate(times))
        take(self.mesh, body, more.pop("node", "n1"), received_us=NOW_US)
        for loop in ("template-totals", "assign-families"):
            run_whole(self.mesh, loop)

    def family(self, part):
        """The family of the one template whose text has this part, or of any of them."""
        return rows(self.mesh, f"SELECT family_id FROM log_templates WHERE template LIKE '%{part}%'")[0][0]  # noqa: S608

    def node(self, name="n1"):
        """A node's number."""
        return self.mesh.nodes.node_names.ids([name])[name]

    def mute(self, part, *, reason="harmless", days=60, **more):
        """Mute a family by a part of its text."""
        until = self.clock.now_us() + days * DAY_US
        return self.mutes.mute(self.family(part), reason, until, "anna", **more)

    def counts(self, hours=3):
        """The counts of the last hours, as the watch has them."""
        until = self.clock.now_us() // MINUTE_US + 1
        said = self.mesh.events.by_minute((until - hours * 60) * MINUTE_US, until * MINUTE_US)
        return as_one(self.numbers.by_family(said), until)

    def check(self):
        """{family: why} of the mutes that end now."""
        return {one.mute.family_id: one.why for one in self.end(self.counts())}

    def end(self, counts):
        """End those that end now, as the watch does."""
        ended = self.mutes.broken(self.mutes.holding(), counts, self.clock.now_us())
        with self.mesh.db.write() as connection:
            self.mutes.close(connection, ended)
        return ended

    def finding(self, family, node="n1", minute=None):
        """A finding of a family."""
        at = self.clock.now_us() // MINUTE_US if minute is None else minute
        return Finding(at, "louder", "louder", 1, self.node(node), family, 4.0, False, About.SELF, "louder")


@pytest.fixture
def house(make_mesh, clock):
    """An empty one."""
    return House(make_mesh(), clock)


def failed(errno):
    """A line with an errno, which stays, and a request's number, which does not."""
    return lambda number: f"write failed, errno {errno} (request {7919 * number % 100_000})"


def test_a_look_alike_a_storm_and_a_split_end_it_within_a_minute(house):
    """Three of three; what is as ever does not."""
    house.past(failed(5))
    house.past(lambda number: f"retrying job {number}", every_min=30)
    house.past(lambda number: f"user {NAMES[number % len(NAMES)]} logged in", every_min=60)
    muted = [house.mute(part) for part in ("write failed", "retrying job", "logged in")]
    assert house.check() == {}
    house.clock.advance(60)
    house.say(failed(5)(1234), "retrying job 4", "user carol logged in")
    assert house.check() == {}
    house.clock.advance(60)
    house.say(failed(28)(1235))
    house.say(*(f"retrying job {number}" for number in range(1000, 1021)))
    [alpha] = [one.id for one in house.mesh.templates.members(house.family("logged in")) if "alpha" in one.text]
    house.mesh.templates.split(alpha)
    house.clock.advance(30)
    ended = house.check()
    assert set(ended) == {one.family_id for one in muted}
    assert ended[muted[0].family_id] == "<n> was 28, and always 5 before"
    assert ended[muted[1].family_id].startswith("it was said 21 times within a minute")
    assert ended[muted[2].family_id] == "its family was split"
    assert house.mutes.holding() == []
    assert {one.ended_why for one in house.mutes.list(active=False)} == set(ended.values())


@pytest.mark.sqlite_only
def test_a_benign_line_stays_quiet_for_thirty_days(house):
    """With other numbers in each line, a rhythm, another service's news beside it, and its own service's at times."""
    chance = random.Random(7)  # noqa: S311 - no secret

    def benign(_number):
        return f"{failed(5)(chance.randrange(99_999))} after {chance.randrange(9, 99)} ms"

    house.past(benign, days=7, every_min=50)
    mute = house.mute("write failed")
    for half in range(60):
        house.clock.advance(43_200)
        apart = ["a word of its own"] if half % 10 == 0 else []
        house.say(
            *apart,
            *(benign(0) for _line in range(chance.choice((1, 1, 1, 2, 5)))),
            apart_s=90 * len(apart),
            loops=apart,
        )
        if half % 6 == 0:
            house.say(f"deployed build {'abcdefghij'[half // 6] * 3}", service="other")
        assert house.check() == {}, f"on day {half // 2}"
    assert [one.id for one in house.mutes.holding()] == [mute.id]


@pytest.mark.sqlite_only
def test_it_holds_its_family_on_its_nodes_until_its_end(house):
    """And nothing else."""
    house.past(failed(5))
    mute = house.mute("write failed", node_ids=[house.node()], days=1)
    finding = house.finding(mute.family_id)
    assert holds([mute], finding) == mute
    assert mute.held == "muted: harmless"
    house.say("hello", node="n2")
    assert holds([mute], house.finding(mute.family_id, "n2")) is None
    assert holds([mute], house.finding(mute.family_id + 1)) is None
    assert holds([mute], house.finding(None)) is None
    assert holds([mute], house.finding(mute.family_id, minute=mute.until_us // MINUTE_US + 1)) is None


@pytest.mark.sqlite_only
def test_on_one_node_the_others_lines_mean_nothing(house):
    """Neither a storm nor an unknown value there."""
    house.past(failed(5))
    mute = house.mute("write failed", node_ids=[house.node()])
    house.clock.advance(120)
    house.say(*(failed(28)(number) for number in range(30)), node="n2")
    assert house.check() == {}
    house.say(failed(28)(1))
    assert list(house.check()) == [mute.family_id]


@pytest.mark.sqlite_only
def test_the_cap_that_somebody_gave_is_the_only_one(house):
    """Over it, it ends; what was said before does not count."""
    house.past(failed(5))
    house.say(*(failed(5)(number) for number in range(50)))
    mute = house.mute("write failed", most_per_hour=40)
    house.clock.advance(60)
    house.say(*(failed(5)(number) for number in range(40)))
    assert house.check() == {}
    house.clock.advance(60)
    house.say(failed(5)(7))
    assert house.check() == {mute.family_id: "it was said 41 times within an hour, and 40 is the most"}


def test_a_merge_ends_it_from_either_side(house):
    """A mute never becomes wider by it."""
    house.past(failed(5))
    house.past(lambda number: f"cache was cold {number} times")
    house.past(lambda number: f"queue has {number} jobs")
    writes, caches = house.mute("write failed"), house.mute("cache was")
    house.mesh.templates.merge(house.family("queue has"), writes.family_id)
    house.mesh.templates.merge(caches.family_id, writes.family_id)
    assert house.check() == {
        writes.family_id: "another family was merged into this one",
        caches.family_id: f"its family went into another one, f{writes.family_id}",
    }


@pytest.mark.sqlite_only
def test_a_family_that_went_into_another_is_muted_there(house):
    """Old numbers lead to it, as everywhere."""
    house.past(failed(5))
    house.past(lambda number: f"cache was cold {number} times")
    old, into = house.family("cache was"), house.family("write failed")
    house.mesh.templates.merge(old, into)
    assert house.mutes.mute(old, "same", NOW_US + DAY_US, "anna").family_id == into


def test_a_new_neighbour_ends_it(house):
    """Of its service, on its node, within a minute; others do not."""
    house.past(failed(5))
    house.say("hello", node="n2")
    mute = house.mute("write failed")
    house.clock.advance(600)
    house.say(failed(5)(1))
    house.say("another service says something new", service="db")
    house.say("something new elsewhere", node="n2")
    house.say("something new, two minutes before", at_us=house.clock.now_us() - 120_000_000)
    assert house.check() == {}
    house.clock.advance(30)
    house.say("the controller was reset")
    house.clock.advance(30)
    beside = house.family("controller")
    assert house.check() == {mute.family_id: f"something new was said beside it, f{beside}"}


@pytest.mark.sqlite_only
def test_what_is_said_all_the_time_has_no_neighbours(house):
    """Every new line would be one."""
    house.past(failed(5), every_min=2)
    house.mute("write failed")
    house.clock.advance(600)
    house.say(failed(5)(1), "the controller was reset")
    assert house.check() == {}


@pytest.mark.sqlite_only
def test_a_new_wording_ends_it_where_wordings_were_few(house):
    """A word that its family's text has room for is a value like any other."""
    house.past(lambda number: f"user {NAMES[number % len(NAMES)]} logged in", every_min=60)
    mute = house.mute("logged in")
    house.clock.advance(60)
    house.say("user mallory logged in")
    assert house.family("mallory") == mute.family_id
    assert house.check() == {mute.family_id: "it was said in words that were not known: user mallory logged in"}


@pytest.mark.sqlite_only
def test_a_late_line_is_read_too(house):
    """It belongs to a minute that was looked at before."""
    house.past(failed(5))
    mute = house.mute("write failed")
    house.clock.advance(600)
    house.say(failed(5)(1))
    assert house.check() == {}
    house.clock.advance(120)
    house.say(failed(13)(2), at_us=house.clock.now_us() - 120_000_000)
    assert list(house.check()) == [mute.family_id]


@pytest.mark.sqlite_only
def test_its_date_ends_it(house):
    """And there is nothing to tell then."""
    house.past(failed(5))
    mute = house.mute("write failed", days=1)
    house.clock.advance(86_400)
    assert list(house.mutes.list()) == []
    house.say(failed(5)(3))
    ended = house.end(house.counts())
    assert [(one.mute.id, one.why) for one in ended] == [(mute.id, "its time is over")]
    assert as_finding(ended[0], house.counts(), 3.0) is None


@pytest.mark.sqlite_only
def test_what_ended_is_told_about_the_node_that_said_it(house):
    """A finding that is worth a message by itself."""
    house.past(failed(5))
    mute = house.mute("write failed")
    house.clock.advance(60)
    house.say(failed(28)(3), node="n2")
    counts = house.counts()
    [ended] = house.end(counts)
    told = as_finding(ended, counts, 3.0)
    assert (told.family, told.node, told.minute) == (
        mute.family_id, house.node("n2"), house.clock.now_us() // MINUTE_US,
    )  # fmt: skip
    assert told.text == "no longer muted: <n> was 28, and always 5 before"
    assert told.weight >= 3


def test_people_end_it_and_mute_again(house):
    """The second of the same takes the first one's place; an end stays as it was."""
    house.past(failed(5))
    first = house.mute("write failed")
    second = house.mute("write failed", reason="still harmless")
    assert [one.id for one in house.mutes.list()] == [second.id]
    assert house.mutes.end(second.id, "bert").ended_why == "ended by bert"
    assert house.mutes.end(second.id, "carl").ended_why == "ended by bert"
    assert house.mutes.end(first.id, "carl").ended_why == "muted again by anna"
    assert list(house.mutes.list()) == []
    did = [(deed.who, deed.did) for deed in house.mesh.accounts.audit.list().rows]
    assert did.count(("anna", "muted")) == 2
    assert ("bert", "ended") in did


@pytest.mark.sqlite_only
def test_what_cannot_be_muted_so_says_why(house):
    """And what to do instead; nothing is stored."""
    house.say("hello")
    good = {"family_id": house.family("hello"), "reason": "r", "until_us": NOW_US + DAY_US, "who": "anna"}
    for given in (
        {"reason": "  "},
        {"reason": "x" * 501},
        {"reason": "half \ud800"},
        {"until_us": NOW_US},
        {"until_us": NOW_US + 91 * DAY_US},
        {"until_us": 2**70},
        {"most_per_hour": 0},
        {"most_per_hour": 2**40},
        {"node_ids": [0]},
        {"node_ids": [2**70]},
        {"node_ids": range(1, 1_002)},
    ):
        with pytest.raises(InvalidInput) as raised:
            house.mutes.mute(**{**good, **given})
        assert raised.value.hint
    assert list(house.mutes.list(active=False)) == []


def test_strange_reasons_are_kept_as_they_are(house):
    """Of 500 characters, in any script; numbers that nobody has are not found."""
    house.say("hello")
    reason = ("<b>'; DROP TABLE mutes; -- \U0001f600\x00 \u202e" * 20)[:500]
    house.mute("hello", reason=reason)
    assert [one.reason for one in house.mutes.list()] == [reason]
    for number in (0, -1, 4711, 2**31, 2**70):
        with pytest.raises(NotFound):
            house.mutes.end(number, "anna")
        with pytest.raises(NotFound):
            house.mutes.mute(number, "r", NOW_US + DAY_US, "anna")


@pytest.mark.sqlite_only
def test_a_line_that_was_said_once_is_muted_without_guard_over_values(house):
    """One number says nothing about whether it changes; its rate is guarded all the same."""
    house.say("job 17 was skipped")
    mute = house.mute("was skipped")
    house.clock.advance(60)
    house.say("job 18 was skipped")
    assert house.check() == {}
    assert mute.guard.most == {1: 10, 5: 10, 60: 10}
