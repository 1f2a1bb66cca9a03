"""History of journald in both its formats: what is read equals what the agent would have sent."""

from __future__ import annotations

import base64
import io
import json
import shutil
import struct
import subprocess
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devmesh.intake.formats.history import Cursor
from devmesh.intake.formats.journal_export import read_journal_export
from devmesh.intake.formats.journal_json import LINE_BYTES, NULL_BYTES, read_journal_json

SEQNUM_ID, BOOT = "a" * 32, "b" * 32
REMOTE = Path("/lib/systemd/systemd-journal-remote")


def cursor(seq):
    """A cursor as journald writes it."""
    return f"s={SEQNUM_ID};i={seq:x};b={BOOT};m=1;t=2;x=c0ffee"


def from_json(*entries):
    """What is read from these objects, one a line."""
    return list(read_journal_json(io.BytesIO("".join(json.dumps(entry) + "\n" for entry in entries).encode()), "n1"))


def from_export(data):
    """What is read from an export stream."""
    return list(read_journal_export(io.BytesIO(data), "n1"))


def test_a_json_entry():
    """Cursor, times, message and fields; what the node says anyway and the ballast is left out."""
    (past,) = from_json(
        {
            "__CURSOR": cursor(26),
            "__REALTIME_TIMESTAMP": "1790000000000000",
            "__MONOTONIC_TIMESTAMP": "77",
            "MESSAGE": "héllo",
            "PRIORITY": "6",
            "_HOSTNAME": "n1",
            "_MACHINE_ID": "m",
            "_PID": 5,
        }
    )
    assert past.cursor == Cursor(SEQNUM_ID, 26, "c0ffee")
    assert past.event == {
        "message": "héllo",
        "ts_us": 1_790_000_000_000_000,
        "fields": {"PRIORITY": "6", "_PID": "5", "_MONOTONIC": "77"},
    }


def test_the_traps_of_json():
    """Bytes are lists of numbers, repeated fields lists of values, and large ones null."""
    raw = b"\x1b[31mred\xff\0"
    (past,) = from_json(
        {"MESSAGE": list(raw), "A": ["x", "y"], "B": None, "C": [[1, 2], "z"], "D": [], "E": {"x": 1.5}}
    )
    assert past.cursor is None
    assert past.event["message"] == raw.decode(errors="replace")
    assert past.event["fields"] == {
        "A": "x",
        "A.2": "y",
        "B": "",
        "C": "\x01\x02",
        "C.2": "z",
        "E": '{"x":1.5}',
        "_raw": {"MESSAGE": base64.b64encode(raw).decode()},
        "_cut": {"B": NULL_BYTES},
    }


def test_where_entries_lie():
    """Bytes are counted over the decompressed file, line ends and blank lines included, broken lines too."""
    lines = [b'{"MESSAGE":"a"}\n', b"\n", b"broken\n", b'{"MESSAGE":"b"}']
    found = list(read_journal_json(io.BytesIO(b"".join(lines)), "n1"))
    assert [(past.first_byte, past.end_byte, past.event and past.event["message"], past.fault) for past in found] == [
        (0, 16, "a", ""),
        (17, 24, None, "the line is no JSON object"),
        (24, 39, "b", ""),
    ]


@pytest.mark.parametrize(
    "line",
    [b"[1]", b"5", b'{"MESSAGE":"\xff"}', b'{"MESSAGE":"\\ud800"}', b'{"a":' + b"[" * 30_000, b'{"a":1e400}', b"{"],
)
def test_a_broken_line_is_a_fault_and_costs_no_neighbour(line):
    """Whatever it is, the entries around it are read."""
    good = b'{"MESSAGE":"a"}'
    found = list(read_journal_json(io.BytesIO(b"\n".join((good, line, good))), "n1"))
    assert [past.event is None for past in found] == [False, True, False]


def test_a_line_over_the_limit_is_a_fault_in_bounded_memory():
    """A line of four times the limit is passed over; the next one is read; offsets stay true."""

    class Endless(io.RawIOBase):
        """A long line that is never in memory as a whole, then an entry."""

        left = 4 * LINE_BYTES
        tail = io.BytesIO(b'\n{"MESSAGE":"next"}\n')

        def readline(self, size=-1):
            if not self.left:
                return self.tail.readline(size)
            count = min(size, self.left)
            self.left -= count
            return b"x" * count

    tracemalloc.start()
    first, second = read_journal_json(Endless(), "n1")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * LINE_BYTES
    assert (first.event, second.event["message"]) == (None, "next")
    assert (first.end_byte, second.first_byte) == (4 * LINE_BYTES + 1, 4 * LINE_BYTES + 1)


scalars = st.none() | st.text(max_size=8) | st.integers() | st.floats()


@settings(derandomize=True, max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.text(max_size=6), scalars | st.lists(scalars | st.lists(scalars, max_size=2), max_size=3), max_size=4
    )
)
def test_any_object_is_read(fields):
    """Any JSON object gives one entry whose event is JSON again."""
    (past,) = from_json(fields)
    assert past.event is None or json.dumps(past.event)


def test_an_export_entry():
    """The agent's own reader: binary fields, cursor, offsets, and an entry that breaks off is a fault."""
    one = (
        f"__CURSOR={cursor(1)}\n__REALTIME_TIMESTAMP=5\n".encode() + b"MESSAGE\n" + struct.pack("<Q", 3) + b"a\xffb\n\n"
    )
    two = f"__CURSOR={cursor(2)}\nMESSAGE=x\n_HOSTNAME=other\n\n".encode()
    half = f"__CURSOR={cursor(3)}\nMESSAGE=ha".encode()
    found = from_export(one + two + half)
    assert [past.cursor.seq for past in found] == [1, 2, 3]
    assert found[0].event == {
        "message": "a\ufffdb",
        "ts_us": 5,
        "fields": {"_raw": {"MESSAGE": base64.b64encode(b"a\xffb").decode()}},
    }
    assert found[1].event == {"message": "x", "fields": {"_HOSTNAME": "other"}}
    assert (found[2].event, found[2].fault) == (None, "the entry is damaged or breaks off")
    assert [(past.first_byte, past.end_byte) for past in found[:2]] == [(0, len(one)), (len(one), len(one + two))]


@pytest.mark.skipif(not REMOTE.exists() or not shutil.which("journalctl"), reason="needs systemd-journal-remote")
def test_both_formats_of_a_real_journal_say_the_same(tmp_path):
    """One journal, written as JSON and as export by journalctl itself: the same events, cursors included."""
    odd = [b"plain", b"\x1b[1mcolour", b"\xff\xfe bytes", b"two\nlines", "ünïcode ✓".encode(), b"x" * 20_000, b""]
    data = b"".join(
        f"__REALTIME_TIMESTAMP={1_790_000_000_000_000 + i}\n__MONOTONIC_TIMESTAMP={i}\n_BOOT_ID={BOOT}\n".encode()
        + b"PRIORITY=6\nTAG=a\nTAG=b\nMESSAGE\n"
        + struct.pack("<Q", len(text))
        + text
        + b"\n\n"
        for i, text in enumerate(odd)
    )
    path = tmp_path / "x.journal"
    subprocess.run([str(REMOTE), "-o", str(path), "-"], input=data, check=True, capture_output=True)

    def written(form):
        command = ["journalctl", "--file", str(path), "--all", "-o", form]
        return io.BytesIO(subprocess.run(command, check=True, capture_output=True).stdout)

    by_json = list(read_journal_json(written("json"), "n1"))
    by_export = list(read_journal_export(written("export"), "n1"))
    assert len(by_json) == len(odd)
    for one, other in zip(by_json, by_export, strict=True):
        assert one.cursor == other.cursor
        assert {**one.event, "fields": _comparable(one.event)} == {**other.event, "fields": _comparable(other.event)}


def _comparable(event):
    """Fields without the order of repeated ones, which journalctl does not keep."""
    fields = dict(event["fields"])
    fields["TAG"] = sorted((fields.pop("TAG"), fields.pop("TAG.2")))
    return fields
