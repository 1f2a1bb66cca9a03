"""Times and heads of text log lines, and which lines belong together."""

# Log lines are as long as they are.
# ruff: noqa: E501
from __future__ import annotations

import datetime as dt
import io
import json
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devmesh.ship.fold import ALL, HOLD, WHOLE_LINES, Context, read_events
from devmesh.ship.stamps import Stamps
from devmesh.ship.textline import parse_line

UTC = dt.UTC


def us(text: str) -> int:
    """Microseconds of an ISO time with zone."""
    instant = dt.datetime.fromisoformat(text)
    return int(instant.timestamp()) * 1_000_000 + instant.microsecond


WRITTEN = us("2026-11-22T12:00:00+00:00")


def stamps(**given: object) -> Stamps:
    return Stamps(**{"reference_us": WRITTEN, "zone": UTC, **given})  # type: ignore[arg-type]


def events(text: str | bytes, end: str = ALL, **given: object) -> list[dict]:
    data = text.encode() if isinstance(text, str) else text
    context = Context("/var/log/app.log", "app", stamps(**given), WRITTEN)
    return [found.event for found in read_events(io.BytesIO(data), context, end=end)]


def messages(text: str | bytes, end: str = ALL) -> list[str]:
    return [event["message"] for event in events(text, end)]


HEADS = [
    # line, time, host, identifier, pid, priority, message
    ("Nov 21 09:08:07 web1 sshd[42]: Accepted key", "2026-11-21T09:08:07+00:00", "web1", "sshd", 42, None, "Accepted key"),
    ("Nov  1 09:08:07 web1 kernel: [ 1.5] usb 1-1", "2026-11-01T09:08:07+00:00", "web1", "kernel", None, None, "[ 1.5] usb 1-1"),
    ("<13>Nov 21 09:08:07 web1 app: hi", "2026-11-21T09:08:07+00:00", "web1", "app", None, 5, "hi"),
    ("Nov 21 09:08:07 web1 last message repeated 3 times", "2026-11-21T09:08:07+00:00", "web1", "", None, None, "last message repeated 3 times"),
    ("2026-11-21T09:08:07.123456+01:00 web1 CRON[7]: (root) CMD", "2026-11-21T08:08:07.123456+00:00", "web1", "CRON", 7, None, "(root) CMD"),
    ("2026-11-21T09:08:07Z INFO main: started", "2026-11-21T09:08:07+00:00", "", "", None, None, "INFO main: started"),
    ('<34>1 2026-11-21T09:08:07.5Z h su 77 ID47 [a b="c]\\"d"] \ufefffailed', "2026-11-21T09:08:07.5+00:00", "h", "su", 77, 2, "failed"),
    ("<165>1 2026-11-21T09:08:07Z h app - - - text", "2026-11-21T09:08:07+00:00", "h", "app", None, 5, "text"),
    ("2026-11-21 09:08:07 status installed vim:amd64 2:9", "2026-11-21T09:08:07+00:00", "", "", None, None, "status installed vim:amd64 2:9"),
    ("2026-11-21 09:08:07,123 - root - ERROR - boom", "2026-11-21T09:08:07.123+00:00", "", "", None, None, "- root - ERROR - boom"),
    ("[2026-11-21 09:08:07.5 +0200] worker ready", "2026-11-21T07:08:07.5+00:00", "", "", None, None, "worker ready"),
    ("2026/11/21 09:08:07 [error] 31#31: *1 open() failed", "2026-11-21T09:08:07+00:00", "", "", 31, None, "[error] 31#31: *1 open() failed"),
    ('{"t":{"$date":"2026-11-21T09:08:07.903+02:00"},"s":"I"}', "2026-11-21T07:08:07.903+00:00", "", "", None, None, '{"t":{"$date":"2026-11-21T09:08:07.903+02:00"},"s":"I"}'),
    ("[Sat Nov 21 09:08:07.25 2026] [core:error] [pid 9:tid 1] x", "2026-11-21T09:08:07.25+00:00", "", "", 9, None, "[core:error] [pid 9:tid 1] x"),
    ('1.2.3.4 - - [21/Nov/2026:09:08:07 +0100] "GET / HTTP/1.1" 200 5', "2026-11-21T08:08:07+00:00", "", "", None, None, '1.2.3.4 - - [21/Nov/2026:09:08:07 +0100] "GET / HTTP/1.1" 200 5'),
    ("21-Nov-2026 09:08:07.100 client 1.1.1.1: query", "2026-11-21T09:08:07.1+00:00", "", "", None, None, "client 1.1.1.1: query"),
    ("1:M 21 Nov 2026 09:08:07.100 * Ready", "2026-11-21T09:08:07.1+00:00", "", "", None, None, "1:M 21 Nov 2026 09:08:07.100 * Ready"),
    ("update-alternatives 2026-11-21 09:08:07: run with", "2026-11-21T09:08:07+00:00", "", "", None, None, "update-alternatives 2026-11-21 09:08:07: run with"),
    ("1763716087.250 12 10.0.0.1 TCP_MISS/200", "2025-11-21T09:08:07.25+00:00", "", "", None, None, "12 10.0.0.1 TCP_MISS/200"),
    ("[1763716087] SERVICE ALERT: x", "2025-11-21T09:08:07+00:00", "", "", None, None, "SERVICE ALERT: x"),
    ("type=SYSCALL msg=audit(1763716087.250:12): arch", "2025-11-21T09:08:07.25+00:00", "", "", None, None, "type=SYSCALL msg=audit(1763716087.250:12): arch"),
    ("11/21/2026 09:08:07 PM done", "2026-11-21T21:08:07+00:00", "", "", None, None, "done"),
    ("21/11/2026 09:08:07 done", "2026-11-21T09:08:07+00:00", "", "", None, None, "done"),
    ("[GIN] 2026/11/21 - 09:08:07 | 401 | 505µs", "2026-11-21T09:08:07+00:00", "", "", None, None, "[GIN] 2026/11/21 - 09:08:07 | 401 | 505µs"),
    ("11/21/2026-09:08:07.25  [**] [1:20:4] ET EXPLOIT", "2026-11-21T09:08:07.25+00:00", "", "", None, None, "[**] [1:20:4] ET EXPLOIT"),
    ('1.2.3.4 - - [11/21/2026:09:08:07 -0100] "GET / HTTP/1.1" 200', "2026-11-21T10:08:07+00:00", "", "", None, None, '1.2.3.4 - - [11/21/2026:09:08:07 -0100] "GET / HTTP/1.1" 200'),
    ("11/21/26, 10:08:07 PM MST.5 web_php[2].ERR", "2026-11-21T22:08:07+00:00", "", "", None, None, "MST.5 web_php[2].ERR"),
    ('{"eventTime": "2026-11-21T09:08:07.001","eventName": "x"}', "2026-11-21T09:08:07.001+00:00", "", "", None, None, '{"eventTime": "2026-11-21T09:08:07.001","eventName": "x"}'),
    ("21.11.2026 09:08:07 done", "2026-11-21T09:08:07+00:00", "", "", None, None, "done"),
    ("081109 203615 148 INFO dfs", "2008-11-09T20:36:15+00:00", "", "", None, None, "148 INFO dfs"),
    ('{"time":"2026-11-21T09:08:07Z","msg":"x"}', "2026-11-21T09:08:07+00:00", "", "", None, None, '{"time":"2026-11-21T09:08:07Z","msg":"x"}'),
    ('{"ts":1763716087.25,"msg":"x"}', "2025-11-21T09:08:07.25+00:00", "", "", None, None, '{"ts":1763716087.25,"msg":"x"}'),
    ("level=info ts=2026-11-21T09:08:07Z msg=x", "2026-11-21T09:08:07+00:00", "", "", None, None, "level=info ts=2026-11-21T09:08:07Z msg=x"),
    ("no time here 12:30", None, "", "", None, None, "no time here 12:30"),
    ("2026-13-45 09:08:07 not a day", None, "", "", None, None, "2026-13-45 09:08:07 not a day"),
    ("<999>odd", None, "", "", None, None, "<999>odd"),
]  # fmt: skip


@pytest.mark.parametrize("line", HEADS, ids=[line[0][:40] for line in HEADS])
def test_heads_of_known_formats(line):
    """Time, host, program, process, priority and text come out of each known head."""
    text, when, host, identifier, pid, priority, message = line
    head = parse_line(text, stamps())
    assert head.ts_us == (None if when is None else us(when))
    assert (head.host, head.identifier, head.pid, head.priority, head.message) == (
        host,
        identifier,
        pid,
        priority,
        message,
    )


def test_a_year_that_is_not_written_is_the_latest_that_fits():
    """December read in January is last year's; today's lines are this year's; 29 February is a leap year's."""
    january = stamps(reference_us=us("2027-01-03T10:00:00+00:00"))
    assert january.parse("Dec 31 23:59:59") == us("2026-12-31T23:59:59+00:00")
    assert january.parse("Jan  1 00:00:01") == us("2027-01-01T00:00:01+00:00")
    assert january.parse("Jan  3 23:00:00") == us("2027-01-03T23:00:00+00:00")
    assert january.parse("Jan  5 00:00:00") == us("2026-01-05T00:00:00+00:00")
    assert january.parse("Feb 29 12:00:00") == us("2024-02-29T12:00:00+00:00")
    eve = stamps(reference_us=us("2026-12-31T23:59:58+00:00"))
    assert eve.parse("Jan  1 00:00:01") == us("2027-01-01T00:00:01+00:00")


def test_a_given_first_year_counts_on_over_new_year():
    """--year 2023: the log begins in 2023, and each step from December to January is the next year."""
    years = stamps(first_year=2023)
    said = [
        "Nov 30 10:00:00",
        "Dec 31 23:59:59",
        "Jan  1 00:00:00",
        "Dec 31 23:59:59",
        "Jun  1 00:00:00",
        "Dec  1 00:00:00",
        "Jan  2 00:00:00",
    ]
    found = [dt.datetime.fromtimestamp(years.parse(text) / 1e6, UTC).year for text in said]
    assert found == [2023, 2023, 2024, 2023, 2024, 2024, 2025]


def test_a_zone_that_is_not_written_is_the_given_one():
    """Berlin's summer and winter; the hour that comes twice is meant the first time; a written zone always wins."""
    berlin = stamps(zone=ZoneInfo("Europe/Berlin"))
    assert berlin.parse("2026-07-01 12:00:00") == us("2026-07-01T10:00:00+00:00")
    assert berlin.parse("2026-11-20 12:00:00") == us("2026-11-20T11:00:00+00:00")
    assert berlin.parse("2026-10-25 02:30:00") == us("2026-10-25T00:30:00+00:00")
    assert berlin.parse("2026-11-20 12:00:00 +0000") == us("2026-11-20T12:00:00+00:00")
    assert berlin.parse("Oct 25 03:30:00") == us("2026-10-25T02:30:00+00:00")


PYTHON = 'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n    boom()\nValueError: no'
FOLDED = [
    f"2026-11-21 09:08:07 ERROR failed\n{PYTHON}",
    f"2026-11-21 09:08:07 ERROR failed\n{PYTHON}\n\nDuring handling of the above exception, another exception occurred:\n\n{PYTHON}",
    "2026-11-21 09:08:07 ERROR x\njava.lang.IllegalStateException: no\n\tat a.B.c(B.java:1)\nCaused by: java.io.IOException: y\n\t... 3 more",
    "2026-11-21 09:08:07 x\npanic: runtime error: nil\n[signal SIGSEGV: x]\n\ngoroutine 1 [running]:\nmain.main()\n\t/a.go:3 +0x1d\nexit status 2",
    "2026-11-21 09:08:07 x\nTypeError: undefined\n    at f (/a.js:1:2)\n    at g (/a.js:3:4)",
    "2026-11-21 09:08:07 config {\n  a: 1,\n  b: 2\n}",
    PYTHON,
]  # fmt: skip


@pytest.mark.parametrize("text", FOLDED, ids=["python", "chained", "java", "go", "node", "braces", "bare"])
def test_stack_traces_are_one_event(text):
    """Continued lines belong to the event before, the next line with a time begins another."""
    after = "2026-11-21 09:08:09 next"
    assert len(messages(f"{text}\n{after}\n")) == 2
    first, second = messages(f"{text}\n{after}\n")
    assert first.splitlines()[1:] == text.splitlines()[1:]
    assert second == "next"


def test_lines_that_belong_to_nothing_stay_alone():
    """Plain lines without times are events of their own, at the time of the line before them."""
    found = events("2026-11-21 09:08:07 one\nplain two\nplain three\n")
    assert [event["message"] for event in found] == ["one", "plain two", "plain three"]
    assert {event["ts_us"] for event in found} == {us("2026-11-21T09:08:07+00:00")}
    assert events("nothing known\n")[0]["ts_us"] == WRITTEN


def test_an_apt_history_block_is_one_event():
    """From Start-Date to the next one."""
    block = "\nStart-Date: 2026-11-21  09:08:07\nCommandline: apt install x\nInstall: x:amd64 (1)\nEnd-Date: 2026-11-21  09:08:09\n"
    found = events(block + block)
    assert len(found) == 2
    assert found[0]["ts_us"] == us("2026-11-21T09:08:07+00:00")
    assert found[0]["message"].endswith("End-Date: 2026-11-21  09:08:09")


def test_the_end_of_a_file_is_held_as_asked():
    """HOLD keeps the last event back, WHOLE_LINES a line without its end, ALL gives everything."""
    text = "2026-11-21 09:08:07 one\n2026-11-21 09:08:08 two\n2026-11-21 09:08:09 thr"
    assert messages(text, HOLD) == ["one"]
    assert messages(text, WHOLE_LINES) == ["one", "two"]
    assert messages(text, ALL) == ["one", "two", "thr"]


def test_lines_of_any_size_and_bytes_of_any_kind():
    """A 40 MB line costs 32 KiB, zeros before a line are passed over, bytes that are no text are kept beside it."""

    class Endless(io.RawIOBase):
        left = 40_000_000

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:
            count = min(len(buffer), self.left)
            buffer[:count] = b"x" * count
            self.left -= count
            return count

    context = Context("/x", "x", stamps(), WRITTEN)
    (huge,) = read_events(io.BufferedReader(Endless()), context)
    assert len(huge.event["message"]) == 32_768
    assert (huge.first, huge.end, huge.event["fields"]["_cut"]) == (0, 40_000_000, {"MESSAGE": 40_000_000})
    assert messages(b"\0" * 200_000 + b"2026-11-21 09:08:07 after\n") == ["after"]
    (odd,) = events(b"2026-11-21 09:08:07 caf\xe9\r\n")
    assert odd["message"] == "caf\ufffd"
    assert "_raw" in odd["fields"]
    (half,) = events(b"\xc2")
    assert (half["message"], half["fields"]["_raw"]) == ("\ufffd", {"MESSAGE": "wg=="})


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(st.one_of(st.binary(max_size=40), st.sampled_from(FOLDED).map(str.encode), st.just(b"")), max_size=12))
def test_events_tile_the_file_and_do_not_depend_on_where_reading_began(parts):
    """Events lie in order without overlap, nothing but blank lines between them; reading from an event that begins with a
    time gives the same events, and every event is JSON.
    """
    data = b"\n".join(parts)
    context = Context("/x", "x", stamps(), WRITTEN)
    found = list(read_events(io.BytesIO(data), context))
    at = 0
    for event in found:
        assert at <= event.first < event.end <= len(data)
        assert not data[at : event.first].strip(b"\0\r\n\xef\xbb\xbf")
        json.dumps(event.event).encode()
        at = event.end
    assert not data[at:].strip(b"\0\r\n\xef\xbb\xbf")
    for index, event in enumerate(found):
        line = data[event.first : event.end].split(b"\n")[0].decode("utf-8", "replace")
        if parse_line(line, stamps()).leads and line[:1] == "2":
            again = list(read_events(io.BytesIO(data[event.first :]), context, start=event.first))
            assert [(e.first, e.end, e.x) for e in again] == [(e.first, e.end, e.x) for e in found[index:]]
