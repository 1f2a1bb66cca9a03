"""The way in keeps its promise: what is acknowledged is stored once, what is bad costs no neighbour."""

from __future__ import annotations

import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.exceptions import PanicException

from bodies import NOW_US, assert_counts, line, messages, numbered, request, rows, take, together
from devmesh.db import metadata
from devmesh.errors import DevMeshError, NodeClone, StorageFull, StreamForked, TooLarge, Unavailable
from devmesh.intake import reading
from devmesh.templates import Templates


def test_lines_are_stored_with_what_they_said(mesh):
    """Every column of an event says what its line said."""
    said = {"ts_us": NOW_US - 5, "service": "ssh", "priority": "warning", "pid": 7, "fields": {"A": "b", "N": 1}}
    answer = take(mesh, line("hello", **said))
    assert (answer.stored, answer.repeated, answer.rejected) == (1, 0, 0)
    found = rows(mesh, "SELECT ts_us, received_us, priority, pid, message, fields, stream_id, seq FROM log_events")
    assert found == [(NOW_US - 5, NOW_US, 4, 7, "hello", '{"A":"b","N":1}', None, None)]
    assert_counts(mesh)


def test_a_poison_line_is_rejected_alone(mesh):
    """Bad lines are named by number and field; every neighbour is stored (F30, M17)."""
    bad = [
        b'{"message": 1e400}', b"{broken", b'{"message": "\\ud800"}', b"[" * 30_000, b"\xff\xfe", b'{"ts": "x"}',
        b'{"message": "a", "pid": 99999999999999999999}', b'{"message": NaN}', b'""', b"null",
    ]  # fmt: skip
    body = b"".join(line(f"good {number}") + one + b"\n" for number, one in enumerate(bad))
    answer = take(mesh, body)
    assert (answer.stored, answer.rejected) == (len(bad), len(bad))
    assert [one.line for one in answer.errors] == [2 * number + 2 for number in range(len(bad))]
    assert sorted(messages(mesh)) == sorted(f"good {number}" for number in range(len(bad)))
    assert_counts(mesh)


def test_a_repeat_stores_nothing(mesh):
    """The same batch again, in part again, or overlapping: each entry is stored once."""
    first = take(mesh, numbered(1, 50), stream="s", ranges=((1, 50),))
    again = take(mesh, numbered(1, 50), stream="s", ranges=((1, 50),))
    over = take(mesh, numbered(31, 80), stream="s", ranges=((31, 80),))
    older = take(mesh, numbered(20, 30), stream="s", ranges=((20, 30),))
    assert [(one.stored, one.repeated) for one in (first, again, over, older)] == [(50, 0), (0, 50), (30, 20), (0, 11)]
    assert over.coverage == ((1, 80),)
    assert messages(mesh) == [f"entry {number}" for number in range(1, 81)]
    assert_counts(mesh)


def test_identical_lines_are_both_stored(mesh):
    """Two entries with the same text in the same microsecond are two entries (F16)."""
    body = line("same", seq=1, ts_us=NOW_US) + line("same", seq=2, ts_us=NOW_US)
    assert take(mesh, body, stream="s", ranges=((1, 2),)).stored == 2
    assert take(mesh, line("same", ts_us=NOW_US) * 3).stored == 3
    assert messages(mesh) == ["same"] * 5


def test_a_number_twice_in_one_body_is_stored_once(mesh):
    """Of two lines with one sequence number the first is stored, the second is a repeat."""
    body = line("a", seq=5) + line("b", seq=4) + line("c", seq=5) + line("d", seq=4)
    answer = take(mesh, body, stream="s", ranges=((4, 5),))
    assert (answer.stored, answer.repeated) == (2, 2)
    assert sorted(messages(mesh)) == ["a", "b"]


def test_two_requests_of_one_group_overlap(mesh):
    """Requests that share a commit see each other's coverage."""
    tickets = together(
        mesh,
        request(numbered(1, 30), stream="s", ranges=((1, 30),)),
        request(numbered(20, 40), stream="s", ranges=((20, 40),)),
        request(numbered(1, 30), stream="s", ranges=((1, 30),)),
        request(numbered(1, 9), "n2", stream="s", ranges=((1, 9),)),
    )  # fmt: skip
    answers = [ticket.future.result() for ticket in tickets]
    assert [(one.stored, one.repeated) for one in answers] == [(30, 0), (10, 11), (0, 30), (9, 0)]
    assert len(messages(mesh)) == 49
    assert_counts(mesh)


def test_many_requests_share_few_commits(mesh):
    """Forty requests at once are answered each with its own, with far fewer commits than requests."""
    before = mesh.intake.totals.commits
    asked = [request(numbered(1, 5), f"n{number}", stream="s", ranges=((1, 5),)) for number in range(40)]
    answers = [ticket.future.result() for ticket in together(mesh, *asked)]
    assert all(one.stored == 5 and one.coverage == ((1, 5),) for one in answers)
    assert mesh.intake.totals.commits - before <= 5
    assert_counts(mesh)


def test_an_empty_body_covers_its_range(mesh):
    """A batch whose entries the agent's filters dropped covers its range with no line."""
    assert take(mesh, b"", stream="s", ranges=((1, 9),), marks=((9, "a"),)).coverage == ((1, 9),)
    answer = take(mesh, numbered(5, 12), stream="s", ranges=((5, 12),))
    assert (answer.stored, answer.repeated) == (3, 5)


def test_a_body_of_rejected_lines_covers_its_range(mesh):
    """Rejected entries are covered: the agent does not send them for ever."""
    answer = take(mesh, b"{bad\n{worse\n", stream="s", ranges=((1, 2),))
    assert (answer.stored, answer.rejected, answer.coverage) == (0, 2, ((1, 2),))


def test_lines_outside_of_the_range_are_rejected(mesh):
    """What the range does not cover is not stored: it would be stored again with its own range."""
    body = numbered(1, 4) + line("none") + line("negative", seq=-3)
    answer = take(mesh, body, stream="s", ranges=((2, 3),))
    assert (answer.stored, answer.rejected) == (2, 4)
    assert [one.line for one in answer.errors] == [1, 4, 5, 6]
    assert messages(mesh) == ["entry 2", "entry 3"]


def test_without_a_range_the_span_is_covered(mesh):
    """A client with numbers and no range covers the span of its body; `each` covers its numbers alone."""
    body = line("a", seq=3) + line("b", seq=9)
    assert take(mesh, body, stream="s").coverage == ((3, 9),)
    assert take(mesh, body, stream="t", each=True).coverage == ((3, 3), (9, 9))


def test_an_idempotency_key_holds(mesh):
    """The same key again stores nothing, for its node alone; also within one group."""
    body = line("x") * 3
    answers = [
        take(mesh, body, idempotency_key="k"), take(mesh, body, idempotency_key="k"),
        take(mesh, body, "n2", idempotency_key="k"), take(mesh, body, idempotency_key="l"),
    ]  # fmt: skip
    assert [(one.stored, one.repeated) for one in answers] == [(3, 0), (0, 3), (3, 0), (3, 0)]
    pair = together(mesh, request(body, idempotency_key="m"), request(body, idempotency_key="m"))
    assert [ticket.future.result().stored for ticket in pair] == [3, 0]


def test_a_key_never_hides_what_a_stream_brings(mesh):
    """A stream's numbers decide alone: a key that repeats must not cover entries without storing them."""
    take(mesh, numbered(1, 3), stream="s", ranges=((1, 3),), idempotency_key="k")
    answer = take(mesh, numbered(4, 6), stream="s", ranges=((4, 6),), idempotency_key="k")
    assert answer.stored == 3
    assert len(messages(mesh)) == 6


def test_a_fork_fails_alone(mesh):
    """A forked batch gets 409 with coverage and marks and stores nothing; its neighbours in the commit are stored."""
    take(mesh, numbered(1, 9), stream="s", ranges=((1, 9),), marks=((9, "aa"),))
    forked, fine = together(
        mesh, request(numbered(10, 19), stream="s", ranges=((10, 19),), prev=(9, "zz")),
        request(numbered(1, 5), "n2", stream="s", ranges=((1, 5),)),
    )  # fmt: skip
    error = forked.future.exception()
    assert isinstance(error, StreamForked)
    assert (error.status, error.body()["coverage"], error.body()["marks"]) == (409, [[1, 9]], [[9, "aa"]])
    assert fine.future.result().stored == 5
    assert len(messages(mesh)) == 14
    again = take(mesh, numbered(10, 19), stream="s", epoch=1, ranges=((10, 19),))
    assert again.stored == 10
    assert_counts(mesh)


def test_a_clone_is_refused(mesh):
    """A second machine as the same node gets 409 and nothing of it is merged (F17)."""
    take(mesh, numbered(1, 3), stream="s", ranges=((1, 3),), machine_id="m1")
    with pytest.raises(NodeClone):
        take(mesh, numbered(4, 6), stream="s", ranges=((4, 6),), machine_id="m2")
    assert len(messages(mesh)) == 3


def test_lines_of_other_nodes(mesh):
    """Only who may name nodes speaks for others; a foreign line is rejected alone."""
    body = line("mine") + line("foreign", node="n9") + line("own name", node="n1")
    answer = take(mesh, body)
    assert (answer.stored, [one.line for one in answer.errors]) == (2, [2])
    assert take(mesh, body, may_name_nodes=True).stored == 3
    assert {node.name for node in mesh.nodes.list().rows} == {"n1", "n9"}


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 256, "\x1b[31m"])
def test_a_line_with_no_name_for_its_node(mesh, name):
    """A node's name is printable and short, in a line as in the header."""
    answer = take(mesh, line("a", node=name) + line("b", node="fine"), may_name_nodes=True)
    assert (answer.stored, [(one.line, one.field) for one in answer.errors]) == (1, [(1, "node")])


def test_too_many_lines_fail_the_request(make_mesh):
    """Over the limit of events the request is refused as a whole, its neighbours not."""
    mesh = make_mesh(max_events=10)
    big, fine = together(mesh, request(numbered(1, 11), stream="s", ranges=((1, 11),)), request(numbered(1, 10), "n2"))
    assert isinstance(big.future.exception(), TooLarge)
    assert fine.future.result().stored == 10
    assert mesh.nodes.stream_states("n1") == []


def test_a_fault_in_one_request_costs_no_neighbour(mesh, monkeypatch):
    """Where our own code fails on one request, only that one gets a 500."""
    genuine = reading.to_batch

    def faulty(decoded, **more):
        if more["node"] == "bad":
            raise ZeroDivisionError
        return genuine(decoded, **more)

    monkeypatch.setattr(reading, "to_batch", faulty)
    bad, fine = together(mesh, request(line("a"), "bad"), request(line("b"), "good"))
    assert bad.future.exception().status == 500
    assert fine.future.result().stored == 1


def test_a_fault_in_the_joined_frame_costs_no_neighbour(mesh, monkeypatch):
    """The same where the fault shows only once requests are joined."""
    genuine = Templates.recognize

    def faulty(templates, shapes):
        if any("poison" in shape for _service, shape in shapes):
            raise ZeroDivisionError
        return genuine(templates, shapes)

    monkeypatch.setattr(Templates, "recognize", faulty)
    bad, fine, more = together(mesh, request(line("poison"), "bad"), request(line("b")), request(line("c")))
    assert bad.future.exception().status == 500
    assert [ticket.future.result().stored for ticket in (fine, more)] == [1, 1]


def test_a_sender_that_went_away_costs_no_neighbour(mesh):
    """A request whose waiter was cancelled is stored or not; everyone else gets an answer."""
    with mesh.db.write():
        tickets = [mesh.intake.submit(request(line("x"), f"n{number}")) for number in range(3)]
        tickets[0].future.cancel()
    assert [ticket.future.result(30).stored for ticket in tickets[1:]] == [1, 1]
    assert mesh.intake.waiting_bytes == 0


def test_a_failed_commit_acknowledges_nothing(mesh, monkeypatch):
    """Where the transaction fails, every request of it fails, nothing is stored, and the next one works."""
    genuine = type(mesh.events).append

    def failing(self, connection, frame, first_id):
        genuine(self, connection, frame, first_id)
        raise DevMeshError("at the worst moment")

    with monkeypatch.context() as patch:
        patch.setattr(type(mesh.events), "append", failing)
        tickets = together(mesh, request(numbered(1, 5), stream="s", ranges=((1, 5),)), request(line("x"), "n2"))
        assert all(isinstance(ticket.future.exception(), DevMeshError) for ticket in tickets)
    assert messages(mesh) == []
    assert mesh.intake.trouble()
    assert take(mesh, numbered(1, 5), stream="s", ranges=((1, 5),)).stored == 5
    assert mesh.intake.trouble() is None
    assert_counts(mesh)


def test_too_much_that_waits_is_refused(make_mesh):
    """Over the limit of waiting bytes a request gets 503 at once; one alone is always let in."""
    mesh = make_mesh(max_waiting_bytes=1 << 20)
    body = line("x" * 900_000)
    with mesh.db.write():
        first = mesh.intake.submit(request(body))
        with pytest.raises(Unavailable) as caught:
            mesh.intake.submit(request(body))
        assert caught.value.retry_after_s
    assert first.future.result(30).stored == 1
    assert take(mesh, body).stored == 1


def test_a_disk_that_is_nearly_full_is_refused(mesh, monkeypatch):
    """Below the reserve nothing is taken in, reads go on, and with room again it works (F35)."""
    take(mesh, line("before"))
    with monkeypatch.context() as patch:
        patch.setattr(mesh.space, "short", lambda: "1 MiB is free of 100 MiB, 5 MiB are kept in reserve")
        with pytest.raises(StorageFull) as caught:
            take(mesh, line("while"))
        assert caught.value.retry_after_s == 60
        assert messages(mesh) == ["before"]
    assert take(mesh, line("after")).stored == 1


def test_stopping_answers_everyone(make_mesh):
    """What was taken before the stop is stored; what comes later gets 503."""
    mesh = make_mesh()
    with mesh.db.write():
        tickets = [mesh.intake.submit(request(line("x"), f"n{number}")) for number in range(5)]
        stopper = threading.Thread(target=mesh.intake.stop)
        stopper.start()
    stopper.join(30)
    assert [ticket.future.result(1).stored for ticket in tickets] == [1] * 5
    with pytest.raises(Unavailable):
        mesh.intake.submit(request(line("late")))


def test_secrets_never_reach_the_store(mesh):
    """What redaction masks is in no table: not in events, templates, samples or values."""
    take(
        mesh,
        line("login password=hunter2secret ok", fields={"CMD": "curl -H 'Authorization: Bearer abc.def.ghi123456'"}),
    )
    for loop in ("template-totals", "template-samples", "assign-families"):
        mesh.runner.once(loop)
    dump = "\n".join(str(row) for table in metadata.tables for row in rows(mesh, f"SELECT * FROM {table}"))  # noqa: S608
    assert "hunter2secret" not in dump
    assert "abc.def.ghi123456" not in dump
    assert mesh.intake.totals.redacted.total() >= 2


text = st.text(max_size=30) | st.sampled_from(
    ["\x00", "a\x00b", "\U0001f600", "\x1e", "\x1b[2J", "\u202e", "a" * 40_000]
)
entry = st.fixed_dictionaries(
    {"message": text},
    optional={
        "ts_us": st.integers(-(2**63), 2**63 - 1) | st.just(NOW_US), "pid": st.integers(-(2**63), 2**63 - 1),
        "service": text, "priority": st.integers(-9, 99) | text, "fields": st.dictionaries(text, text, max_size=3),
        "ts": text | st.sampled_from(["2100-01-01T00:00:00Z", "1970-01-01", "2026-11-22 10:00:00,5"]),
    },
)  # fmt: skip


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(entry, max_size=5), min_size=1, max_size=4))
def test_any_valid_lines_are_all_stored_and_counted(mesh, batches):
    """Whatever valid lines say, each is stored, and both counts equal a recount."""
    before = rows(mesh, "SELECT COUNT(*) FROM log_events")[0][0]
    tickets = together(mesh, *[request(b"".join(line(**one) for one in batch)) for batch in batches])
    answers = [ticket.future.result() for ticket in tickets]
    assert [one.stored for one in answers] == [len(batch) for batch in batches]
    assert rows(mesh, "SELECT COUNT(*) FROM log_events")[0][0] == before + sum(map(len, batches))
    assert_counts(mesh)


@pytest.mark.parametrize("place", ["devmesh.templates.Templates.recognize", "devmesh.intake.reading.decode"])
def test_a_panic_of_polars_costs_one_request(mesh, monkeypatch, place):
    """A panic, which is no Exception in Python, fails the request that brought it; the next one is taken."""

    def panic(*_args):
        raise PanicException

    with monkeypatch.context() as patch:
        patch.setattr(place, panic)
        with pytest.raises(DevMeshError):
            take(mesh, line("bad"))
    assert take(mesh, line("good")).stored == 1
    assert messages(mesh) == ["good"]


def test_a_panic_in_the_commit_costs_one_commit(mesh, monkeypatch):
    """The same in the second thread: nothing is stored, and the next commit works."""

    def panic(*_args):
        raise PanicException

    with monkeypatch.context() as patch:
        patch.setattr(mesh.events, "append", panic)
        with pytest.raises(DevMeshError):
            take(mesh, line("bad"))
    assert take(mesh, line("good")).stored == 1
    assert messages(mesh) == ["good"]


def test_a_request_that_meets_the_end_is_told(mesh, monkeypatch):
    """A request that gets in line while intake stops has an answer, not a wait for nobody."""
    monkeypatch.setattr(mesh.space, "check", mesh.intake.stop)
    with pytest.raises(Unavailable):
        take(mesh, line("late"))
