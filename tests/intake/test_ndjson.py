"""NDJSON in: a bad line never costs its neighbours, and nothing unvalidated gets through."""

from __future__ import annotations

import json
import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devmesh.errors import TooLarge
from devmesh.intake.formats.ndjson import decode
from devmesh.intake.model import Limits

GOOD = b'{"message":"first"}', b'{"message":"last","seq":7}'

# What stands between two good lines, the field that the answer names, and a word of its reason.
BAD = {
    "no object": (b"[1]", "", "object"),
    "no JSON": (b"hello", "", "malformed"),
    "cut off": (b'{"message":"a"', "", "truncated"),
    "two objects on a line": (b'{"message":"a"}{"message":"b"}', "", "malformed"),
    "byte order mark": (b'\xef\xbb\xbf{"message":"a"}', "", "malformed"),
    "invalid UTF-8 in the message": (b'{"message":"\xff"}', "", "UTF-8"),
    "UTF-8 of a surrogate": (b'{"message":"\xed\xa0\x80"}', "", "UTF-8"),
    "invalid UTF-8 in a field": (b'{"message":"a","fields":{"x":"\xc3"}}', "", "UTF-8"),
    "invalid UTF-8 in a field's name": (b'{"message":"a","fields":{"\xc3":"x"}}', "", "UTF-8"),
    "lone high surrogate": (b'{"message":"a\\ud800 and more"}', "", "surrogate"),
    "lone low surrogate": (b'{"message":"a\\udc00 and more"}', "", "surrogate"),
    "lone surrogate at the end": (b'{"message":"a\\ud800"}', "", ""),
    "lone surrogate in a field": (b'{"message":"a","fields":{"x":"\\udfff and more"}}', "", "surrogate"),
    "raw control character": (b'{"message":"a\x00b"}', "", "malformed"),
    "NaN": (b'{"message":"a","fields":{"x":NaN}}', "", "malformed"),
    "infinity": (b'{"message":"a","fields":{"x":-Infinity}}', "", "malformed"),
    "1e400": (b'{"message":"a","fields":{"x":1e400}}', "fields", "out of range"),
    "an integer of 5,000 digits": (b'{"message":"a","fields":{"x":' + b"1" * 5000 + b"}}", "fields", "out of range"),
    "30,000 brackets": (b'{"message":"a","fields":{"x":' + b"[" * 30_000, "fields", "array"),
    "30,000 objects": (b'{"message":"a","fields":{"x":' + b'{"y":' * 30_000, "fields", "object"),
    "30,000 brackets in an unknown key": (b'{"message":"a","zzz":' + b"[" * 30_000, "", "deep"),
    "message missing": (b'{"service":"a"}', "message", "required"),
    "message null": (b'{"message":null}', "message", "null"),
    "message a number": (b'{"message":5}', "message", "int"),
    "pid over 64 bits": (b'{"message":"a","pid":9223372036854775808}', "pid", "9223372036854775807"),
    "seq below 64 bits": (b'{"message":"a","seq":-9223372036854775809}', "seq", "-9223372036854775808"),
    "pid a float": (b'{"message":"a","pid":1.5}', "pid", "float"),
    "priority an object": (b'{"message":"a","priority":{}}', "priority", "object"),
    "fields a list": (b'{"message":"a","fields":[]}', "fields", "array"),
    "a time and a pid that cannot be": (b'{"message":"a","ts":5,"pid":"x"}', "pid", "str"),
}


@pytest.mark.parametrize(("bad", "field", "reason"), BAD.values(), ids=BAD)
def test_bad_line_is_named_and_costs_no_neighbour(bad, field, reason):
    """The lines around a bad one are kept, and the answer names line, field and reason."""
    decoded = decode(b"\n".join((GOOD[0], bad, GOOD[1])))
    assert decoded.frame["message"].to_list() == ["first", "last"]
    assert decoded.frame["line"].to_list() == [1, 3]
    assert [(r.line, r.field) for r in decoded.rejected] == [(2, field)]
    assert reason in decoded.rejected[0].reason


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"message":"a\\u0000b"}', "a\0b"),
        (b'{"message":"\\ud83d\\ude00"}', "\N{GRINNING FACE}"),
        (b'{"message":""}', ""),
        (b'{"message":"a","message":"b"}', "b"),
        (b'{"message":"a","unknown":{"deep":[1,1e400,"x"]}}', "a"),
        (b'  {"message":"a"}\t\r', "a"),
    ],
)
def test_odd_but_valid_lines_are_kept(line, message):
    """NUL, pairs of surrogates, empty texts, duplicate keys (the last holds) and unknown keys are no faults."""
    for body in (line, b"\n".join((line, b"broken", line))):
        decoded = decode(body)
        assert set(decoded.frame["message"]) == {message}


def test_every_column_and_type():
    """All keys of the protocol arrive as columns; priority and fields as they were sent."""
    event = {
        "message": "m",
        "ts": "2026-01-02T03:04:05Z",
        "ts_us": 5,
        "node": "n",
        "service": "s",
        "priority": "err",
        "pid": 1,
        "seq": 2**63 - 1,
        "fields": {"a": [1, {"b": None}]},
    }
    decoded = decode(json.dumps(event).encode())
    assert decoded.frame.row(0, named=True) == {
        "line": 1,
        **{key: value for key, value in event.items() if key not in {"priority", "fields"}},
    }
    assert (decoded.priority, decoded.fields) == (["err"], [event["fields"]])


def test_blank_lines_and_crlf_keep_the_numbers_true():
    """Blank lines count as lines but are no events; CRLF ends a line like LF."""
    decoded = decode(b'\r\n{"message":"a"}\r\n \t\n\n{"message":"b"}\r\nx\r\n')
    assert decoded.frame["line"].to_list() == [2, 5]
    assert [r.line for r in decoded.rejected] == [6]
    assert decode(b"").frame.is_empty()
    assert decode(b"\n \n").rejected == []


def test_an_object_over_two_lines_is_two_bad_lines():
    """The bulk decoder would take it; the body's structure is one event a line for all of us."""
    decoded = decode(b'{"message":\n"a"}\n{"message":"b"}')
    assert decoded.frame["message"].to_list() == ["b"]
    assert [r.line for r in decoded.rejected] == [1, 2]


@pytest.mark.parametrize(
    ("line", "ts", "ts_us"),
    [
        (b'{"message":"a","ts":1700000000}', "1700000000", None),
        (b'{"message":"a","ts_us":"soon"}', "soon", None),
        (b'{"message":"a","ts_us":99999999999999999999999}', "99999999999999999999999", None),
        (b'{"message":"a","ts_us":-1.5e300}', "-1.5e+300", None),
        (b'{"message":"a","ts":[[[1]]],"ts_us":5}', None, 5),
        (b'{"message":"a","ts":{"x":"' + b"y" * 500 + b'"}}', "dict", None),
    ],
)
def test_time_rejects_nothing(line, ts, ts_us):
    """A time of the wrong type or beyond 64 bits stays as a claim; the event is kept."""
    decoded = decode(line)
    assert decoded.rejected == []
    assert decoded.frame.select("ts", "ts_us").row(0) == (ts, ts_us)


def test_a_line_over_the_limit_is_rejected_alone():
    """One line of 40 MB between two good ones: it is refused quickly, they are kept."""
    huge = b'{"message":"' + b"x" * 40_000_000 + b'"}'
    started = time.process_time()
    decoded = decode(b"\n".join((GOOD[0], huge, GOOD[1])))
    assert time.process_time() - started < 1
    assert decoded.frame["message"].to_list() == ["first", "last"]
    assert [(r.line, r.field) for r in decoded.rejected] == [(2, "")]
    assert "1048576 bytes" in decoded.rejected[0].reason


@pytest.mark.parametrize("more", [0, 1])
def test_the_line_limit_is_exact(more):
    """A line of exactly the limit is taken, one byte more is not, wherever it stands."""
    line = b'{"message":"' + b"x" * (100 - 14 + more) + b'"}'
    for body in (line, b"\n".join((GOOD[0], line)), b"\n".join((line, GOOD[0])), line + b"\n"):
        assert len(decode(body, Limits(line_bytes=100)).rejected) == more


def test_too_many_lines_are_refused_before_decoding():
    """More lines than a request may have is an error of the request; blank ones count, so that they bound memory."""
    limits = Limits(events=3)
    assert len(decode(b'{"message":"a"}\n' * 3, limits).frame) == 3
    for body in (b'{"message":"a"}\n' * 4, b"\n" * 60_000_000):
        with pytest.raises(TooLarge) as error:
            decode(body, limits)
        assert error.value.body()["limit_events"] == 3


def test_reasons_hold_no_text_of_the_line():
    """What is told to the sender and to logs never repeats what the line said."""
    for bad, _, _ in BAD.values():
        secret = bad.replace(b'"a', b'"hunter2hunter2')
        assert all("hunter2" not in r.reason + r.field for r in decode(secret).rejected)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 3))
def test_any_bytes_between_good_lines(junk, cut):
    """Whatever bytes come, nothing but the answer comes out, the neighbours live, and what is kept is valid UTF-8."""
    line = msgspec.json.encode({"message": "x", "fields": {"k": "v"}})
    junk = (line[: cut * 9] + junk).replace(b"\n", b"")
    decoded = decode(b"\n".join((GOOD[0], junk, GOOD[1])))
    messages = decoded.frame["message"].to_list()
    assert messages[0] == "first"
    assert messages[-1] == "last"
    assert len(messages) + len(decoded.rejected) == (3 if junk.strip() else 2)
    assert all(message.encode() for message in messages if message)
