"""Every question's answer is what looking at each line would give, page by page."""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest
from sqlalchemy import event

from bodies import DAY_US, HOUR_US, NOW_US, line, numbered, rows, run_whole, take
from devmesh.clock import FakeClock
from devmesh.errors import InvalidInput, NotFound
from devmesh.events import Filter, queries, windows

WORDS = [
    "disk",
    "Disk FULL",
    "100%",
    "a_b",
    "back\\slash",
    "x\x00y",
    "\x1e",
    "\U0001f600",
    "päth",
    "PÄTH",
    "'; --",
    "[a-z]",
    "",
]


def fill(mesh, clock, number=160, seed=1):
    """Random events over 40 days, many at equal times, sent in several commits; returns them as the store has them."""
    chance = random.Random(seed)  # noqa: S311 - data, no secrets
    for _commit in range(8):
        clock.advance(3_600)
        body = []
        for _event in range(number // 8):
            back = chance.choice([0, 1, 60, 3_600, 86_400, 40 * 86_400]) * chance.randint(0, 3) * 1_000_000
            text = " ".join(chance.choice(WORDS) for _word in range(chance.randint(1, 4)))
            service = chance.choice(["common"] * 20 + ["rare", "b"])
            node = chance.choice(["n1", "n2"])
            more = {"service": service, "node": node, "priority": chance.randint(0, 7)}
            body.append(line(text, ts_us=clock.now_us() - back, **more))
        take(mesh, b"".join(body), may_name_nodes=True, received_us=clock.now_us())
    return truth(mesh)


def truth(mesh):
    columns = "ts_us, id, node_id, service_id, priority, template_id, message"
    return rows(mesh, f"SELECT {columns} FROM log_events ORDER BY ts_us DESC, id DESC")  # noqa: S608


def expected(found, asked):
    """Filtering as a person would do it."""
    kept = []
    for ts, number, node, service, priority, template, message in found:
        fits = (
            (asked.node_ids is None or node in asked.node_ids)
            and (asked.service_ids is None or service in asked.service_ids)
            and (asked.template_ids is None or template in asked.template_ids)
            and (asked.priority is None or priority <= asked.priority)
            and (asked.since_us is None or ts >= asked.since_us)
            and (asked.until_us is None or ts < asked.until_us)
            and (not asked.contains or ascii_lower(asked.contains) in ascii_lower(message))
            and (not asked.regex or re.search(asked.regex, message) is not None)
        )
        if fits:
            kept.append(f"{ts}-{number}")
    return kept


def ascii_lower(text):
    return "".join(char.lower() if char.isascii() else char for char in text)


def paged(mesh, asked, limit):
    """The ids of every page, one after the other."""
    found, cursor = [], None
    for _page in range(500):
        page = mesh.events.query(asked, limit, cursor)
        assert len(page.events) <= limit
        found += [event.id for event in page.events]
        cursor = page.cursor
        if cursor is None:
            return found
    raise AssertionError("the pages never end")


def questions(mesh, seed):
    """Random filters over what `fill` stored."""
    chance = random.Random(seed)  # noqa: S311 - data, no secrets
    services = mesh.nodes.service_names.ids(["common", "rare", "b"])
    nodes = mesh.nodes.node_names.ids(["n1", "n2"])
    templates = [row[0] for row in rows(mesh, "SELECT id FROM log_templates")]
    for _each in range(16):
        since = NOW_US - chance.randint(-10, 60) * DAY_US if chance.random() < 0.3 else None
        yield Filter(
            node_ids=(nodes[chance.choice(["n1", "n2"])],) if chance.random() < 0.3 else None,
            service_ids=(services[chance.choice(["common", "rare", "b"])],) if chance.random() < 0.5 else None,
            template_ids=tuple(chance.sample(templates, 3)) if chance.random() < 0.2 else None,
            priority=chance.randint(0, 7) if chance.random() < 0.3 else None,
            since_us=since,
            until_us=since + chance.randint(1, 30) * HOUR_US * 12 if since and chance.random() < 0.5 else None,
            contains=chance.choice([*WORDS, "DISK", "sk f", "%", "_", "\\", "0%"]) or None
            if chance.random() < 0.4
            else None,
            regex=chance.choice(["[Dd]isk", "^a_b", "1..%$", "\\\\", "p.th"]) if chance.random() < 0.3 else None,
        )


@pytest.mark.parametrize("stage", ["fresh", "joined", "folded"])
def test_pages_equal_brute_force(mesh, clock, monkeypatch, stage):
    """Any filter with any page size finds exactly what matches, in order, at every age of the counts."""
    for name in ("SLICE_ROWS", "COUNTED_ROWS"):
        monkeypatch.setattr(queries, name, 20)
    fill(mesh, clock)
    run_whole(mesh, "template-totals")
    if stage != "fresh":
        clock.advance(7_200 if stage == "joined" else 60 * 86_400)
        run_whole(mesh, "join-minutes")
        run_whole(mesh, "fold-days")
    found = truth(mesh)
    for number, asked in enumerate(questions(mesh, 5)):
        assert paged(mesh, asked, (5, 17, 100)[number % 3]) == expected(found, asked), asked
        assert mesh.events.count(asked) == len(expected(found, asked)), asked


def test_the_last_of_a_service_whose_old_minutes_are_gone(mesh, clock):
    """An hour whose minutes were let go is looked through whole, also when late events of that hour came since."""
    take(mesh, line("early", service="a", ts_us=NOW_US) + line("other", service="b", ts_us=NOW_US + 60_000_000))
    run_whole(mesh, "template-totals")
    clock.advance(36 * 86_400)
    run_whole(mesh, "join-minutes")
    take(mesh, line("late", service="a", ts_us=NOW_US + 20 * 60_000_000), received_us=clock.now_us())
    service = tuple(mesh.nodes.service_names.ids(["a"]).values())
    page = mesh.events.query(Filter(service_ids=service))
    assert [event.message for event in page.events] == ["late", "early"]


@pytest.mark.parametrize(
    "word", ["a\x00secret", "\x1e", "%", "_", "\\", "100%_\\", "\U0001f600", "PATH", "ß", "KISS", "x" * 900]
)
def test_words_are_found_as_they_are(mesh, word):
    """No character of a word means more than itself; ASCII letters match in both cases."""
    texts = [f"before {word} after", f"before {word.lower()} after", f"{word}", "none", word[:-1] + "#", "\x00" + word]
    texts.append("before \u212ai\u017f\u017f after")  # a KISS to who folds more than ASCII
    take(mesh, b"".join(line(text) for text in texts))
    wanted = sorted(text for text in texts if ascii_lower(word) in ascii_lower(text))
    page = mesh.events.query(Filter(contains=word))
    assert sorted(event.message for event in page.events) == wanted
    assert mesh.events.count(Filter(contains=word)) == len(wanted)


@pytest.mark.parametrize("pattern", ["^a", "z$", "a.z", "\\x1e", "(?i)A", "\\x00", "^$", "^.{3}$", "\U0001f600"])
def test_expressions_see_each_message_whole(mesh, pattern):
    """Separators, NUL and line ends inside of messages move no border between messages."""
    texts = ["abz", "a\x1ez", "\x1e", "\x1e\x1e", "a\x00z", "a\nz", "", "A", "\U0001f600", "a" * 100, "z\x1ea"]
    take(mesh, b"".join(line(text) for text in texts))
    plain = pattern.replace("(?i)", "")
    flags = re.IGNORECASE if plain != pattern else 0
    # Rust's $ is the end alone, Python's also stands before a last line end; its dot takes no line end in both.
    wanted = sorted(text for text in texts if re.search(plain.replace("$", "\\Z"), text, flags))
    page = mesh.events.query(Filter(regex=pattern))
    assert sorted(event.message for event in page.events) == wanted
    assert mesh.events.count(Filter(regex=pattern)) == len(wanted)


@pytest.mark.parametrize("pattern", ["(", "(?=a)", "\\1", "x" * 1_001, "[", "(a{1000}){1000}"])
def test_a_bad_expression_is_an_error_that_says_so(mesh, pattern):
    """What Rust's engine does not take is told, with nothing looked through."""
    take(mesh, line("x"))
    with pytest.raises(InvalidInput):
        mesh.events.query(Filter(regex=pattern))
    with pytest.raises(InvalidInput):
        mesh.events.count(Filter(regex=pattern))


def test_many_events_of_one_instant_page_through(mesh, monkeypatch):
    """More events at one microsecond than a slice holds are still paged without loss or repeat."""
    monkeypatch.setattr(queries, "SLICE_ROWS", 10)
    take(mesh, b"".join(line(f"word {number}", ts_us=NOW_US) for number in range(45)) + line("word", ts_us=NOW_US - 1))
    for asked in (Filter(), Filter(contains="word"), Filter(regex="word")):
        assert paged(mesh, asked, 7) == expected(truth(mesh), asked)


def test_events_are_found_by_their_numbers(mesh):
    """A node's events with these numbers are found in each of its streams, near a time or in all of it."""
    take(mesh, numbered(1, 50), stream="a", ranges=((1, 50),))
    take(mesh, numbered(40, 60, NOW_US - 400 * DAY_US), stream="b", ranges=((40, 60),))
    take(mesh, numbered(1, 50), "n2", stream="a", ranges=((1, 50),))
    take(mesh, line("no number"))
    [node] = mesh.nodes.node_names.ids(["n1"]).values()
    found = mesh.events.numbered(node, (48, 52))
    assert [one.seq for one in found] == [48, 49, 50, 48, 49, 50, 51, 52]
    assert len({one.stream_id for one in found}) == 2
    assert {one.message for one in found} == {f"entry {number}" for number in range(48, 53)}
    near = mesh.events.numbered(node, (48, 52), (NOW_US + 49_000_000, NOW_US + 50_000_000))
    assert [one.message for one in near] == ["entry 49"]


class HurriedClock(FakeClock):
    """A second passes with every look at it."""

    def monotonic_s(self):
        """One second later than the last time."""
        self.advance(1)
        return super().monotonic_s()


def test_a_search_stops_after_two_seconds_with_a_cursor(make_mesh, tmp_path, monkeypatch):
    """A slow search gives what it found, how far it came and where to go on; nothing is lost on the way."""
    monkeypatch.setattr(queries, "SLICE_ROWS", 10)
    mesh = make_mesh(tmp_path / "slow", clock=HurriedClock(NOW_US))
    take(mesh, b"".join(line(f"word {number % 9}", ts_us=NOW_US - number * 1_000) for number in range(100)))
    asked = Filter(contains="word 3")
    page = mesh.events.query(asked, 50)
    assert page.cursor is not None
    assert page.searched_to_us is not None
    assert page.searched_to_us > NOW_US - 99_000
    assert [event.id for event in page.events] == [
        one for one in expected(truth(mesh), asked) if int(one.split("-")[0]) >= page.searched_to_us
    ]
    assert paged(mesh, asked, 50) == expected(truth(mesh), asked)


def test_searched_to_never_says_too_much(mesh):
    """Everything younger than searched_to_us was looked through: a full page ends at its last event."""
    take(mesh, b"".join(line("word", ts_us=NOW_US - number) for number in range(10)))
    for asked in (Filter(contains="word"), Filter(regex="word"), Filter(priority=6), Filter()):
        page = mesh.events.query(asked, 3)
        assert page.searched_to_us == NOW_US - 2


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_limits_are_limits(mesh, limit):
    """A page holds 1 to 10,000 events."""
    with pytest.raises(InvalidInput):
        mesh.events.query(Filter(), limit)


@pytest.mark.parametrize("cursor", ["x", "1", "-", "1-", "9" * 30 + "-1", "1-2-x", "\x00-1"])
def test_a_bad_cursor_is_told(mesh, cursor):
    """What is no cursor is no position."""
    with pytest.raises(InvalidInput):
        mesh.events.query(Filter(), 1, cursor)


def test_context_is_of_the_same_node(mesh):
    """The lines around an event are its node's, in order, that event among them."""
    for node in ("n1", "n2"):
        take(mesh, b"".join(line(f"{node} {number}", ts_us=NOW_US + number) for number in range(9)), node)
    event = next(one for one in mesh.events.query(Filter(), 100).events if one.message == "n1 4")
    around = mesh.events.context(event.id, 2, 3)
    assert [one.message for one in around.events] == [f"n1 {number}" for number in range(2, 8)]
    assert (around.looked_from_us, around.looked_to_us) == (None, None)
    with pytest.raises(NotFound):
        mesh.events.context("1-1")


def test_context_equals_brute_force(mesh, clock):
    """Around any event stand the lines of its node that are next to it, however far apart they are."""
    found = fill(mesh, clock)
    chance = random.Random(3)  # noqa: S311 - data, no secrets
    for ts, number, node, *_more in chance.sample(found, 12):
        of_node = [f"{row[0]}-{row[1]}" for row in reversed(found) if row[2] == node]
        place, before, after = of_node.index(f"{ts}-{number}"), chance.randint(0, 30), chance.randint(0, 30)
        around = mesh.events.context(f"{ts}-{number}", before, after)
        assert [one.id for one in around.events] == of_node[max(0, place - before) : place + after + 1]
        assert (around.looked_from_us, around.looked_to_us) == (None, None)


@pytest.mark.parametrize("oldest", [True, False])
def test_context_of_a_quiet_node_stops_after_two_seconds(make_mesh, tmp_path, oldest):
    """Where the next lines are far away, context gives those it came to and says how far it looked, on either side."""
    mesh = make_mesh(tmp_path / "slow", clock=HurriedClock(NOW_US))
    take(mesh, b"".join(line(f"{number}", ts_us=NOW_US - number * 80 * DAY_US) for number in range(10)))
    ids = [event.id for event in mesh.events.query(Filter(), 100).events]
    around = mesh.events.context(ids[-1] if oldest else ids[0], 9, 9)
    seen, there = [one.message for one in around.events], [str(number) for number in reversed(range(10))]
    assert 1 <= len(seen) < 10
    assert seen == (there[: len(seen)] if oldest else there[-len(seen) :])
    reached, silent = around.looked_from_us, around.looked_to_us
    if oldest:
        reached, silent = silent, reached
    assert silent is None
    assert abs(reached - NOW_US + (9 if oldest else 0) * 80 * DAY_US) < (len(seen) + 1) * 80 * DAY_US


@pytest.mark.parametrize("folded", [False, True])
def test_shares_cover_a_window_evenly(mesh, clock, folded):
    """Whatever the counts and the window are: no instant is left out or in two of them, and none holds very many."""
    found = fill(mesh, clock, number=400)
    if folded:
        clock.advance(60 * 86_400)
        run_whole(mesh, "fold-days")
    times, chance = [row[0] for row in found], random.Random(2)  # noqa: S311 - data, no secrets

    def ask(query, values):
        with mesh.db.read() as connection:
            return connection.execute(query, values).all()

    for rows_each in (1, 7, 50, 1_000):
        low, high = sorted(chance.choices([min(times), max(times) + 1, chance.choice(times), NOW_US], k=2))
        parts = list(windows.shares(ask, (low, high + 1), rows_each))
        assert all(first < last for first, last in parts)
        assert [high + 1, *(first for first, _last in parts)] == [*(last for _first, last in parts), low]
        if not folded:
            hours = {part: {ts // HOUR_US for ts in times if part[0] <= ts < part[1]} for part in parts}
            held = [sum(part[0] <= ts < part[1] for ts in times) for part in parts if len(hours[part]) > 1]
            assert all(n <= 2 * rows_each for n in held)


def test_a_count_is_many_short_reads(mesh, monkeypatch):
    """Counting everything keeps no read open: each of its transactions asks the store once."""
    monkeypatch.setattr(queries, "SLICE_ROWS", 10)
    monkeypatch.setattr(queries, "COUNTED_ROWS", 10)
    take(mesh, b"".join(line(f"word {number}", ts_us=NOW_US - number * 180_000_000) for number in range(100)))
    asked = Counter()
    event.listen(mesh.db._reader, "begin", lambda _connection: asked.update(["transactions"]))
    event.listen(mesh.db._reader, "before_cursor_execute", lambda *_all: asked.update(["statements"]))
    for question in (Filter(contains="word"), Filter(regex="word")):
        asked.clear()
        assert mesh.events.count(question) == 100
        assert asked["transactions"] >= 10
        assert asked["statements"] == 2 * asked["transactions"]  # BEGIN is one of them


def test_the_newest_of_all_are_read_at_once(mesh, monkeypatch):
    """Where every event matches, a page is one look at the events, and nobody walks over those behind it first."""
    monkeypatch.setattr(queries, "SLICE_ROWS", 10)
    take(mesh, b"".join(line(f"word {number}", ts_us=NOW_US - number * HOUR_US) for number in range(30)))
    said = []
    event.listen(mesh.db._reader, "before_cursor_execute", lambda *told: said.append(told[2]))
    assert len(mesh.events.query(Filter(since_us=NOW_US - 40 * HOUR_US), 20).events) == 20
    looks = [one for one in said if "FROM log_events" in one and "AS anon_1" not in one]
    assert len(looks) == 1


def test_names_that_nobody_has_match_nothing(mesh):
    """A filter of no ids finds nothing, and counts nothing."""
    take(mesh, line("x"))
    for asked in (Filter(node_ids=()), Filter(service_ids=()), Filter(template_ids=())):
        assert mesh.events.query(asked).events == []
        assert mesh.events.count(asked) == 0


def test_retention_makes_no_question_fail(mesh, clock):
    """Questions over a store whose events have all expired are answered with nothing."""
    take(mesh, line("x", service="a"))
    service = tuple(mesh.nodes.service_names.ids(["a"]).values())
    clock.advance(200 * 86_400)
    run_whole(mesh, "expire-events")
    for asked in (Filter(), Filter(service_ids=service), Filter(contains="x"), Filter(regex="x")):
        assert mesh.events.query(asked).events == []
        assert mesh.events.count(asked) == 0
