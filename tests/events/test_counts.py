"""Counts equal what was stored, whatever was sent in whatever order, and through every loop that rewrites them."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bodies import (
    DAY_US,
    HOUR_US,
    NOW_US,
    assert_counts,
    assert_totals,
    counts_by_day,
    counts_by_minute,
    line,
    recount,
    rows,
    run_whole,
    take,
)
from devmesh.errors import DevMeshError
from devmesh.events import minutes, queries
from devmesh.loops.lease import take as take_lease

law = settings(max_examples=60, deadline=None, derandomize=True)
on_mesh = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.generate],  # shrinking would send many thousands of batches
)
number = st.integers(0, 2**40) | st.integers(0, 3) | st.just(127) | st.just(128) | st.just(2**31)
row = st.tuples(st.integers(0, 2**33), number, number, number, st.integers(0, 7))
counted = st.dictionaries(row, st.integers(1, 2**40), max_size=30)


def frame(counts):
    ordered = sorted(counts.items())
    return pl.DataFrame([(*key, n) for key, n in ordered], schema=minutes.SCHEMA, orient="row")


@pytest.mark.parametrize("whole_h", [1, 24])
def test_counts_by_speaker_are_those_of_the_table(mesh, monkeypatch, whole_h):
    """By hours and by days, over midnight, of all templates and of some; what lies outside is left out."""
    monkeypatch.setattr(queries, "TEXT_IDS", 3)
    for node in ("n1", "n2"):
        body = b"".join(
            line(f"kind {chr(97 + at % 11) * 3}", ts_us=NOW_US + at * HOUR_US // 2, service="svc") for at in range(90)
        )
        take(mesh, body, node)
    first, last = NOW_US // HOUR_US + 1, NOW_US // HOUR_US + 40
    for some in (None, [2, 3]):
        span = f"hour BETWEEN {first} AND {last}" + ("" if some is None else " AND template_id IN (2, 3)")
        table = f"SELECT hour - hour % {whole_h}, template_id, node_id, SUM(n) FROM event_counts WHERE {span}"  # noqa: S608
        wanted = sorted(tuple(map(int, one)) for one in rows(mesh, f"{table} GROUP BY 1, 2, 3"))
        found = pl.concat(mesh.events.spoken(first, last, whole_h=whole_h, template_ids=some))
        assert sorted(found.select("hour", "template_id", "node_id", "n").iter_rows()) == wanted
    assert all(one.is_empty() for one in mesh.events.spoken(first, first, template_ids=[]))


def test_counts_by_hour_are_those_of_the_table(mesh, monkeypatch):
    """Whatever fits in a text; without the nodes that are left out; and none where nothing was said."""
    monkeypatch.setattr(queries, "TEXT_IDS", 3)
    for node in ("n1", "n2"):
        body = b"".join(
            line(f"kind {chr(97 + at % 11) * 3}", ts_us=NOW_US + at * HOUR_US // 7, service="svc") for at in range(40)
        )
        take(mesh, body, node)
    first = NOW_US // HOUR_US
    table = "SELECT hour, template_id, SUM(n) FROM event_counts"
    for left_out in ((), tuple(mesh.nodes.node_names.ids(["n2"]).values())):
        kept = "".join(f" WHERE node_id <> {one}" for one in left_out)
        wanted = sorted((hour, template, int(n)) for hour, template, n in rows(mesh, f"{table}{kept} GROUP BY 1, 2"))
        assert sorted(mesh.events.hours(first, first + 9, but_nodes=left_out).rows()) == wanted
    assert mesh.events.hours(first + 100, first + 200).rows() == []


@law
@given(counted)
def test_a_blob_gives_back_what_it_was_given(counts):
    """Any counts by minute come back equal."""
    assert minutes.decode(minutes.encode(frame(counts))).equals(frame(counts))


@law
@given(st.lists(counted, max_size=4))
def test_joining_blobs_adds_up(several):
    """Joined blobs have the sum of each key."""
    total = Counter()
    for counts in several:
        total.update(counts)
    joined = minutes.joined([minutes.encode(frame(counts)) for counts in several])
    assert joined.equals(frame(total))


@pytest.mark.parametrize("blob", [b"", b"\x00", b"\x63abc"])
def test_an_unknown_blob_is_an_error_of_ours(blob):
    """A blob of another format is told, not guessed at."""
    with pytest.raises(DevMeshError):
        minutes.decode(blob)


event = st.tuples(
    st.sampled_from("ab"), st.sampled_from(["x 1", "x 22", "oops"]), st.integers(0, 3 * 3600), st.integers(0, 7)
)
batches = st.lists(st.lists(event, min_size=1, max_size=8), min_size=1, max_size=5)


def body(batch, at_us=NOW_US):
    return b"".join(
        line(text, service=service, ts_us=at_us - back * 1_000_000, priority=priority)
        for service, text, back, priority in batch
    )


@on_mesh
@given(several=batches)
def test_counts_follow_any_batches(mesh, clock, several):
    """After any batches both counts equal a recount; after the totals loop each template's count does."""
    for batch in several:
        clock.advance(40)
        take(mesh, body(batch), received_us=clock.now_us())
    assert_counts(mesh)
    run_whole(mesh, "template-totals")
    assert_totals(mesh)


def empty(mesh):
    with mesh.db.write() as connection:
        for table in ("log_events", "event_counts", "day_counts", "minute_counts", "followers"):
            connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608
        connection.exec_driver_sql("UPDATE log_templates SET event_count = 0")


@on_mesh
@given(several=batches)
def test_counts_survive_every_rewrite(mesh, clock, several):
    """Minutes joined and hours folded, late events after that, folded again: the sums stay those of a recount."""
    empty(mesh)
    for batch in several:
        clock.advance(400)
        take(mesh, body(batch, clock.now_us()), received_us=clock.now_us())
        run_whole(mesh, "template-totals")
    clock.advance(3 * 3600)
    take(mesh, body(several[0], clock.now_us()), received_us=clock.now_us())
    run_whole(mesh, "template-totals")
    run_whole(mesh, "join-minutes")
    assert_counts(mesh)
    clock.advance(60 * 86_400)
    take(mesh, body(several[-1], clock.now_us() - 58 * DAY_US), received_us=clock.now_us())
    before = counts_by_day(mesh)
    run_whole(mesh, "fold-days")
    assert counts_by_day(mesh) == before
    take(mesh, body(several[-1], clock.now_us() - 58 * DAY_US), received_us=clock.now_us())
    run_whole(mesh, "fold-days")
    assert counts_by_day(mesh) == recount(mesh, DAY_US)
    run_whole(mesh, "template-totals")
    assert_totals(mesh)


def test_minutes_are_joined_into_hours(mesh, clock):
    """An hour after they arrived, rows of one hour become one; the counts stay, and the recent ones stay apart."""
    for _each in range(30):
        clock.advance(110)
        take(mesh, line("x"), received_us=clock.now_us())
    run_whole(mesh, "template-totals")
    run_whole(mesh, "join-minutes")
    assert rows(mesh, "SELECT COUNT(*) FROM minute_counts")[0][0] == 30
    clock.advance(7200)
    take(mesh, line("x"), received_us=clock.now_us())
    run_whole(mesh, "template-totals")
    run_whole(mesh, "join-minutes")
    assert rows(mesh, "SELECT COUNT(*) FROM minute_counts")[0][0] <= 3
    assert_counts(mesh)


def test_minutes_that_no_follower_has_seen_stay(mesh, clock):
    """Rows that the totals loop has not added yet are not joined away under it."""
    for _each in range(5):
        take(mesh, line("x"), received_us=clock.now_us())
    clock.advance(10 * 3600)
    run_whole(mesh, "join-minutes")
    assert rows(mesh, "SELECT COUNT(*) FROM minute_counts")[0][0] == 5
    run_whole(mesh, "template-totals")
    assert_totals(mesh)


def test_old_minutes_go_and_counts_stay(mesh, clock):
    """After 35 days the minutes are let go; the hours are not."""
    take(mesh, line("x"), received_us=clock.now_us())
    run_whole(mesh, "template-totals")
    clock.advance(36 * 86_400)
    run_whole(mesh, "join-minutes")
    assert counts_by_minute(mesh) == Counter()
    assert mesh.events.counted() == 1


def test_a_late_event_while_days_are_folded_is_counted(mesh, clock, monkeypatch):
    """Events of an old hour that arrive in the middle of its folding are in neither count twice nor in none."""
    old = line("x", ts_us=NOW_US)
    take(mesh, old, received_us=clock.now_us())
    clock.advance(60 * 86_400)
    late = _late_events(mesh, monkeypatch, lambda: take(mesh, old + old, received_us=clock.now_us()))
    run_whole(mesh, "fold-days")
    assert late == [True]
    assert mesh.events.counted() == 3
    assert counts_by_day(mesh).total() == 3


def _late_events(mesh, monkeypatch, arrive):
    """Let `arrive` happen right before the next leased transaction begins."""
    from devmesh.loops import Lease

    genuine, done = Lease.write, []

    def write(lease):
        if not done:
            done.append(True)
            arrive()
        return genuine(lease)

    monkeypatch.setattr(Lease, "write", write)
    return done


def test_a_late_event_while_minutes_are_joined_is_counted(mesh, clock, monkeypatch):
    """The same for the minutes."""
    for _each in range(3):
        take(mesh, line("x"), received_us=clock.now_us())
    clock.advance(3 * 3600)
    take(mesh, line("y"), received_us=clock.now_us())
    run_whole(mesh, "template-totals")
    _late_events(mesh, monkeypatch, lambda: take(mesh, line("x", ts_us=NOW_US), received_us=clock.now_us()))
    run_whole(mesh, "join-minutes")
    assert_counts(mesh)


def test_events_expire_and_counts_stay(mesh, clock):
    """Events older than the retention go, day by day, in bounded steps; what they counted stays."""
    old = [line(f"old {number}", ts_us=NOW_US + number) for number in range(30)]
    take(mesh, b"".join(old))
    clock.advance(91 * 86_400)
    take(mesh, line("new"), received_us=clock.now_us())
    run_whole(mesh, "expire-events")
    assert rows(mesh, "SELECT message FROM log_events") == [("new",)]
    assert mesh.events.counted() == 31
    assert mesh.events.stored() == 1


def test_expiry_keeps_what_is_within_the_retention(mesh, clock):
    """No event younger than the retention goes."""
    border = clock.now_us() - 90 * DAY_US
    take(
        mesh,
        line("kept", ts_us=border) + line("kept too", ts_us=border + HOUR_US) + line("gone", ts_us=border - DAY_US),
    )
    run_whole(mesh, "expire-events")
    assert {row[0] for row in rows(mesh, "SELECT message FROM log_events")} == {"kept", "kept too"}


def test_sums_are_fresh_however_far_their_loop_is(mesh, clock):
    """Events of a service are all there before their templates' totals are, in the middle of that, and after it."""
    ids = mesh.nodes.service_names.ids(["a", "b"])
    for number in range(5):
        take(mesh, line("x", service="a") * 2 + line(f"y {number}", service="b"), received_us=clock.now_us())
    for step in range(4):
        assert mesh.events.by_service() == {ids["a"]: 10, ids["b"]: 5}
        with mesh.db.read() as connection:
            assert mesh.templates.events_by_service(connection)[ids["a"]] == min(10, 4 * step)
        clock.advance(1)
        lease = take_lease(mesh.db, clock, "template-totals", "test")
        mesh.events._upkeep.fold_totals(2, lease)


def test_sums_join_hours_and_days(mesh, clock):
    """What people are told of a service is the same before and after its days were folded."""
    take(mesh, line("x", service="a") * 3 + line("y", service="b"))
    take(mesh, line("x", service="a"), "n2")
    before = mesh.events.by_service(), mesh.events.nodes_of(range(1, 9)), mesh.events.daily(range(1, 9))
    clock.advance(60 * 86_400)
    run_whole(mesh, "fold-days")
    after = mesh.events.by_service(), mesh.events.nodes_of(range(1, 9)), mesh.events.daily(range(1, 9))
    assert before == after
    assert sorted(before[0].values()) == [1, 4]
    assert mesh.events.counted() == 5
    take(mesh, line("x", service="a"), received_us=clock.now_us())
    assert mesh.events.daily(range(1, 9)) == [*before[2], (clock.now_us() // DAY_US, 1)]
