"""The export reader on any bytes: fields of every kind, entries broken off, sizes that lie."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from devmesh.ship.export import Entry, read_entries
from devmesh.ship.wire import LINE_LIMIT_BYTES, encode, journal_event

CURSOR = b"__CURSOR=s=%032x;i=%x;b=%032x;m=1;t=2;x=%x\n"


def text_field(name: bytes, value: bytes) -> bytes:
    return name + b"=" + value + b"\n"


def binary_field(name: bytes, value: bytes) -> bytes:
    return name + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"


def entry(seq: int, *fields: bytes) -> bytes:
    return CURSOR % (7, seq, 9, seq * 16) + b"__REALTIME_TIMESTAMP=5\n" + b"".join(fields) + b"\n"


def read(data: bytes) -> list[Entry]:
    return list(read_entries(io.BytesIO(data)))


def message(found: Entry) -> str:
    return journal_event(found, "host")["message"]


def test_text_and_binary_fields():
    """Both forms, an empty value, a line end inside, and where each entry lies in the export."""
    data = entry(1, text_field(b"MESSAGE", b"plain"), text_field(b"E", b"")) + entry(
        2, binary_field(b"MESSAGE", b"a\n\nb=c\n")
    )
    first, second = read(data)
    assert (first.seqnum_id, first.seq, first.x, first.realtime_us) == (f"{7:032x}", 1, "10", 5)
    assert journal_event(first, "h")["fields"] == {"E": ""}
    assert message(second) == "a\n\nb=c\n"
    assert (first.first_byte, first.end_byte, second.end_byte) == (0, second.first_byte, len(data))


def test_address_fields_are_no_fields_of_the_event():
    """Newer systemds write __SEQNUM and __SEQNUM_ID beside the cursor; in short and in long entries they stay here."""
    address = text_field(b"__SEQNUM", b"1") + text_field(b"__SEQNUM_ID", b"%032x" % 7)
    data = entry(1, address, text_field(b"A", b"1")) + entry(2, address, binary_field(b"A", b"1\n"))
    assert [journal_event(found, "h")["fields"] for found in read(data)] == [{"A": "1"}, {"A": "1\n"}]


def test_an_entry_that_was_broken_off_is_not_whole_and_its_neighbour_is():
    """Journalctl meets damage and starts the next entry without ending this one."""
    data = CURSOR % (7, 1, 9, 1) + text_field(b"MESSAGE", b"half") + entry(2, text_field(b"MESSAGE", b"whole"))
    assert [(found.seq, found.whole) for found in read(data)] == [(1, False), (2, True)]
    assert [found.whole for found in read(entry(1, text_field(b"A", b"b"))[:-3])] == [False]
    assert [found.whole for found in read(b"MESSAGE\n" + struct.pack("<Q", 2**63) + b"abc")] == [False]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.binary(max_size=400))
def test_no_bytes_make_it_fail(data):
    """Anything at all is read to its end; each entry is an event that JSON can hold."""
    for found in read(data) + read(entry(1, data)):
        json.loads(encode(journal_event(found, "host")))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.sampled_from([b"MESSAGE", b"A", b"LONG_NAME", b"_PID"]), st.binary(max_size=60)), max_size=8)
)
def test_what_was_written_is_read(fields):
    """Every field in the order it was written, as text or as binary; the quick path gives the same."""
    plain = all(b"\n" not in value for _name, value in fields)
    written = [(text_field if plain else binary_field)(name, value) for name, value in fields]
    (found,) = read(entry(3, *written))
    got = found.fields if found.text is None else [(n, v.encode(), len(v.encode())) for n, v in found.text.items()]
    assert [(name.encode(), value) for name, value, _length in got] == fields
    assert found.whole


def test_a_field_of_any_size_costs_little_memory():
    """200 MB in one field, in both forms: 32 KiB of it are kept, and the next entry is there (F13)."""

    class Sparse(io.RawIOBase):
        """head, then `size` bytes x, then tail."""

        def __init__(self, head: bytes, size: int, tail: bytes) -> None:
            self.parts = [(len(head), head), (size, None), (len(tail), tail)]

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:
            while self.parts and self.parts[0][0] == 0:
                self.parts.pop(0)
            if not self.parts:
                return 0
            left, content = self.parts[0]
            count = min(left, len(buffer))
            buffer[:count] = b"x" * count if content is None else content[-left:][:count]
            self.parts[0] = (left - count, content)
            return count

    size = 200_000_000
    tail = b"\n\n" + entry(2, text_field(b"MESSAGE", b"next"))
    head = CURSOR % (7, 1, 9, 1)
    tracemalloc.start()
    for start in (b"MESSAGE=", b"MESSAGE\n" + struct.pack("<Q", size)):
        huge, after = read_entries(io.BufferedReader(Sparse(head + start, size, tail)))
        event = journal_event(huge, "host")
        assert event["fields"]["_cut"] == {"MESSAGE": size}
        assert len(event["message"]) == 32_768
        assert message(after) == "next"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000


def test_an_event_fits_into_a_line():
    """60 fields of control characters swell six times in JSON: they are cut with a mark, never over the limit."""
    fields = [binary_field(b"F%d" % n, b"\x01" * 8_000) for n in range(60)]
    (found,) = read(entry(1, binary_field(b"MESSAGE", b"\x02" * 32_000), *fields))
    line = encode(journal_event(found, "host"))
    assert len(line) <= LINE_LIMIT_BYTES
    assert json.loads(line)["fields"]["_cut"]["F5"] == 8_000
    assert len(encode(journal_event(found, "host"), 2_000)) < 4_000
