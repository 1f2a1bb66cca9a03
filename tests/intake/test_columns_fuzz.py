"""Any line at all goes through every pure step of intake: nothing raises, nothing is lost, everything stays JSON."""

from __future__ import annotations

import json

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from devmesh.events.model import EVENT_BATCH
from devmesh.intake.columns import apply_levels, cut_messages, to_batch
from devmesh.intake.formats.ndjson import decode
from devmesh.intake.model import Limits
from devmesh.intake.redact import redact
from devmesh.intake.redact_spanning import OpenKeys

NOW = 1_790_000_000_000_000
texts = st.text(max_size=12) | st.sampled_from(
    [
        "password=hunter2",
        "token: ",
        "-----BEGIN PRIVATE KEY-----",
        "ü" * 60,
        "\0",
        "9" * 30,
        "a.service",
        "1",
        "2026-01-01T00:00:00Z",
        "c3Rhcg==",
        '"_claimed_priority":',
    ]
)
scalars = st.none() | st.booleans() | texts | st.integers(-(2**70), 2**70) | st.floats()
values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(texts, scalars, max_size=3)
journald = ("PRIORITY", "_PID", "SYSLOG_PID", "UNIT", "OBJECT_SYSTEMD_UNIT", "_SYSTEMD_UNIT", "CONTAINER_NAME")
others = (
    "SYSLOG_IDENTIFIER",
    "_TRANSPORT",
    "_HOSTNAME",
    "_raw",
    "_cut",
    "_dropped",
    "_claimed_ts",
    "_claimed_priority",
)
names = texts | st.sampled_from([*journald, *others, "password", "x"])
keys = st.sampled_from(["message", "ts", "ts_us", "node", "service", "priority", "pid", "seq", "fields", "other"])
events = st.dictionaries(keys, values, max_size=6).flatmap(
    lambda event: st.dictionaries(names, values, max_size=6).map(
        lambda fields: {"message": "m", "fields": fields, **event}
    )
)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.lists(events, max_size=5), st.lists(st.none() | st.integers(0, 7), min_size=5, max_size=5))
def test_every_step_on_any_lines(rows, levels):
    """Rows and rejected lines add up, the schema holds, times are true, priorities 0..7, fields JSON objects."""
    body = "\n".join(json.dumps(row) for row in rows).encode()
    decoded = decode(body)
    assert len(decoded.frame) + len(decoded.rejected) == len(rows)
    batch = to_batch(decoded, node="n", received_us=NOW, limits=Limits(fields=4))
    batch, _ = redact(batch, b"k", OpenKeys())
    batch = apply_levels(batch, pl.Series(levels[: len(batch)], dtype=pl.Int8))
    batch = cut_messages(batch, Limits(message_bytes=64))
    assert dict(batch.schema) == EVENT_BATCH
    for row in batch.iter_rows(named=True):
        assert 946_684_800_000_000 <= row["ts_us"] <= NOW + 86_400_000_000
        assert 0 <= row["priority"] <= 7
        assert 1 <= len(row["service"]) <= 128
        assert len(row["message"].encode()) <= 64
        assert "hunter2" not in row["message"]
        if row["fields"] is not None:
            fields = json.loads(row["fields"])
            assert fields
            assert isinstance(fields, dict)
            assert "hunter2" not in json.dumps(list(fields.values()))
