"""From lines to an EventBatch: the rules of time, priority, pid and what remains as fields."""

from __future__ import annotations

import json
import time

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devmesh.events.model import EVENT_BATCH
from devmesh.intake.columns import apply_levels, cut_messages, to_batch
from devmesh.intake.formats.ndjson import decode
from devmesh.intake.model import Limits

NOW = 1_790_000_000_000_000  # 2026-09-21T14:13:20Z
DAY = 86_400_000_000


def batch_of(*events, limits=None, **more):
    """The EventBatch of these events."""
    body = "\n".join(json.dumps({"message": "m", **event}) for event in events).encode()
    return to_batch(decode(body), node="n1", received_us=NOW, limits=limits, **more)


def one(**event):
    """The only row of a batch of one event, its fields decoded."""
    row = batch_of(event).row(0, named=True)
    row["fields"] = json.loads(row["fields"]) if row["fields"] else None
    return row


def test_schema():
    """Whatever comes in, the frame has the fixed schema."""
    for events in ([], [{}], [{"fields": {"a": 1}}], [{"ts": "x"}, {}]):
        batch = batch_of(*events)
        assert dict(batch.schema) == EVENT_BATCH
        assert len(batch) == len(events)


def test_a_plain_event():
    """What the client said stands in the columns; what it did not say has its default."""
    assert one(ts_us=NOW - 5, service="api", priority=3, pid=7, seq=9, node="n2") == {
        "ts_us": NOW - 5,
        "received_us": NOW,
        "node": "n2",
        "service": "api",
        "priority": 3,
        "pid": 7,
        "stream_id": None,
        "seq": 9,
        "message": "m",
        "fields": None,
    }
    row = one()
    assert (row["ts_us"], row["node"], row["service"], row["priority"], row["pid"]) == (NOW, "n1", "unknown", 6, None)
    assert batch_of({}, stream_id=4)["stream_id"].to_list() == [4]


@pytest.mark.parametrize(
    ("ts", "ts_us"),
    [
        ("2026-09-21T14:13:20Z", NOW),
        ("2026-09-21T16:13:20+02:00", NOW),
        ("2026-09-21 14:13:20.000007+00:00", NOW + 7),
        ("2026-09-21T14:13:20,5Z", NOW + 500_000),
        ("2026-09-21T14:13:20.123456789Z", NOW + 123_456),
        ("2026-09-21T14:13:20", NOW),
        (" 2026-09-21T14:13:20Z\n", NOW),
        ("2026-10-25T02:30:00+02:00", None),
        ("2000-01-01T00:00:00Z", 946_684_800_000_000),
    ],
)
def test_iso_times(ts, ts_us):
    """ISO 8601 with any zone, separator and fraction; without a zone it is UTC."""
    row = one(ts=ts)
    if ts_us is None:
        assert row["fields"]["_claimed_ts"] == ts
    else:
        assert (row["ts_us"], row["fields"]) == (ts_us, None)


@pytest.mark.parametrize(
    "claim",
    [
        0,
        -1,
        946_684_799_999_999,
        NOW + DAY + 1,
        4_102_444_800_000_000,
        2**63 - 1,
        -(2**63),
        "1970-01-01T00:00:00Z",
        "2100-01-01T00:00:00Z",
        "+262000-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "yesterday",
        "",
    ],
)
def test_a_time_that_cannot_be_true_becomes_the_arrival(claim):
    """1970, 2100, a day ahead, before 2000 or unreadable: stored at arrival, with the claim beside it."""
    row = one(**({"ts": claim} if isinstance(claim, str) else {"ts_us": claim}))
    assert (row["ts_us"], row["fields"]) == (NOW, {"_claimed_ts": claim})


def test_a_day_ahead_is_still_believed():
    """The borders themselves are true times; ts_us wins over ts."""
    assert one(ts_us=NOW + DAY)["ts_us"] == NOW + DAY
    assert one(ts_us=NOW - 1, ts="2026-01-01T00:00:00Z")["ts_us"] == NOW - 1


@pytest.mark.parametrize(
    ("priority", "code"),
    [(0, 0), (7, 7), ("3", 3), ("err", 3), ("ERROR", 3), ("Warning", 4), (" warn ", 4), ("panic", 0), ("trace", 7),
     ("fatal", 2), ("notice", 5), ("info", 6), ("alert", 1), (None, 6)],
)  # fmt: skip
def test_priority_names_and_numbers(priority, code):
    """Numbers, names in any case and missing ones, declared or in the fields of journald."""
    row = one(priority=priority)
    assert (row["priority"], row["fields"]) == (code, None)
    assert one(fields={"PRIORITY": priority})["priority"] == code


@pytest.mark.parametrize("priority", [8, -1, 2**70, "loud", "", "3.0"])
def test_priority_that_names_none_is_a_claim(priority):
    """It rejects nothing: 6 is stored and the claim is kept."""
    row = one(priority=priority)
    assert (row["priority"], row["fields"]) == (6, {"_claimed_priority": priority})
    assert one(fields={"PRIORITY": priority})["fields"] == {"PRIORITY": priority}


def test_journal_fields_move_into_columns():
    """What the columns say is taken out of fields; what they do not say stays."""
    row = one(
        fields={
            "PRIORITY": "4",
            "_PID": "77",
            "_SYSTEMD_UNIT": "ssh.service",
            "SYSLOG_IDENTIFIER": "sshd",
            "SYSLOG_PID": "77",
            "_HOSTNAME": "n1",
            "_BOOT_ID": "b",
            "__MONOTONIC_TIMESTAMP": "123",
        }
    )
    assert (row["priority"], row["pid"], row["service"]) == (4, 77, "ssh")
    assert row["fields"] == {"SYSLOG_IDENTIFIER": "sshd", "_BOOT_ID": "b", "__MONOTONIC_TIMESTAMP": "123"}


@pytest.mark.parametrize(
    ("event", "kept"),
    [
        ({"priority": 3, "fields": {"PRIORITY": "6"}}, {"PRIORITY": "6"}),
        ({"pid": 1, "fields": {"_PID": "2"}}, {"_PID": "2"}),
        ({"fields": {"_PID": "2", "SYSLOG_PID": "3"}}, {"SYSLOG_PID": "3"}),
        ({"fields": {"_PID": "many"}}, {"_PID": "many"}),
        ({"fields": {"_PID": ["2", "3"]}}, {"_PID": ["2", "3"]}),
        ({"fields": {"PRIORITY": {"x": 1}}}, {"PRIORITY": {"x": 1}}),
        ({"fields": {"_PID": "99999999999999999999"}}, {"_PID": "99999999999999999999"}),
        ({"service": "a", "fields": {"_SYSTEMD_UNIT": "b.service"}}, {"_SYSTEMD_UNIT": "b.service"}),
        ({"fields": {"_SYSTEMD_UNIT": "foo@3f2a9c.service"}}, {"_SYSTEMD_UNIT": "foo@3f2a9c.service"}),
        ({"fields": {"_SYSTEMD_UNIT": "session-1.scope", "SYSLOG_IDENTIFIER": "su"}},
         {"_SYSTEMD_UNIT": "session-1.scope"}),
        ({"fields": {"CONTAINER_NAME": "web"}}, {"CONTAINER_NAME": "web"}),
        ({"fields": {"_HOSTNAME": "other"}}, {"_HOSTNAME": "other"}),
    ],
)  # fmt: skip
def test_what_no_column_says_stays(event, kept):
    """A field that differs from its column is not lost."""
    assert one(**event)["fields"] == kept


def test_rows_do_not_mix():
    """Events with and without fields, in one body, each get their own."""
    batch = batch_of({"fields": {"a": "1"}}, {}, {"fields": {"_PID": "5"}}, {"fields": {}}, {"ts_us": 1}, {"pid": 8})
    assert batch["fields"].to_list() == ['{"a":"1"}', None, None, None, '{"_claimed_ts":1}', None]
    assert batch["pid"].to_list() == [None, None, 5, None, None, 8]


def test_fields_over_the_limit_are_dropped_and_counted():
    """At most 64 fields; what makes the columns is kept first."""
    many = {f"f{i}": i for i in range(100)}
    row = one(fields={**many, "_PID": "5"})
    assert row["pid"] == 5
    assert row["fields"] == {**{f"f{i}": i for i in range(63)}, "_dropped": 37}
    assert one(fields={f"f{i}": i for i in range(64)})["fields"] == {f"f{i}": i for i in range(64)}


@pytest.mark.parametrize("name", ["", "a b", "a" * 65, "ä", "a\n", "a/b", "\0"])
def test_fields_with_other_names_are_dropped_and_counted(name):
    """Names are [A-Za-z0-9_.-]{1,64}; the others cost themselves only."""
    assert one(fields={name: 1, "a.B-9_": 2})["fields"] == {"a.B-9_": 2, "_dropped": 1}
    assert one(fields={name: 1, "_dropped": 2})["fields"] == {"_dropped": 3}


def test_levels_make_priorities_more_severe_only():
    """The more severe of both is stored; the claim moves into fields, once."""
    batch = batch_of(
        {"priority": 6},
        {"priority": 3},
        {"priority": 6, "fields": {"a": '"_claimed_priority":'}},
        {"priority": "loud"},
        {"priority": 6},
    )
    levels = pl.Series([3, 6, 2, 3, None], dtype=pl.Int8)
    once = apply_levels(batch, levels)
    assert once["priority"].to_list() == [3, 3, 2, 3, 6]
    assert [json.loads(fields) if fields else None for fields in once["fields"]] == [
        {"_claimed_priority": 6},
        None,
        {"_claimed_priority": 6, "a": '"_claimed_priority":'},
        {"_claimed_priority": "loud"},
        None,
    ]
    assert apply_levels(once, levels).equals(once)
    assert dict(once.schema) == EVENT_BATCH


@pytest.mark.parametrize("letter", ["x", "ü", "\N{GRINNING FACE}"])
def test_long_messages_are_cut_with_a_mark(letter):
    """At most the limit is kept, no character is split, the mark counts the missing bytes, the length is kept."""
    limits = Limits(message_bytes=100)
    message = letter * 1000
    size = len(message.encode())
    batch = batch_of({"message": message, "fields": {"a": 1, "_cut": {"B": 5000}}}, {"message": "short"})
    cut = cut_messages(batch, limits)
    kept, mark = cut["message"][0].split(" …")
    assert 90 < len(cut["message"][0].encode()) <= 100
    assert message.startswith(kept)
    assert mark == f"[cut {size - len(kept.encode())} bytes]"
    assert json.loads(cut["fields"][0]) == {"a": 1, "_cut": {"MESSAGE": size, "B": 5000}}
    again = cut_messages(batch_of({"message": message, "fields": {"_cut": {"MESSAGE": 70_000}}}), limits)
    assert json.loads(again["fields"][0]) == {"_cut": {"MESSAGE": 70_000}}
    assert cut.row(1) == batch.row(1)
    assert cut_messages(batch_of({"message": "x" * 100}), limits)["message"][0] == "x" * 100


def test_a_hundred_thousand_services():
    """Every event with its own service stays cheap."""
    body = b"\n".join(b'{"message":"m","service":"s%d"}' % i for i in range(100_000))
    started = time.process_time()
    batch = to_batch(decode(body, Limits(events=100_000)), node="n", received_us=NOW)
    assert time.process_time() - started < 3
    assert batch["service"].n_unique() == 100_000


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=8),
    st.lists,
    max_leaves=4,
)
names = st.sampled_from(
    [
        "PRIORITY",
        "_PID",
        "SYSLOG_PID",
        "UNIT",
        "_SYSTEMD_UNIT",
        "SYSLOG_IDENTIFIER",
        "CONTAINER_NAME",
        "_TRANSPORT",
        "x",
    ]
)


@settings(derandomize=True, max_examples=40, deadline=None)
@given(st.lists(st.dictionaries(names, json_values, max_size=5), max_size=4))
def test_a_batch_equals_its_single_events(rows):
    """Whatever the fields hold, nothing raises, fields stay JSON, and neighbours change nothing."""
    together = batch_of(*({"fields": row} for row in rows))
    for index, row in enumerate(rows):
        alone = batch_of({"fields": row})
        assert together[index].equals(alone)
        if alone["fields"][0]:
            assert json.loads(alone["fields"][0]).items() <= row.items()
