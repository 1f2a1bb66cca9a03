"""The head of a text log's line: when, which host, which program, which process, and the text that is left.

Known heads: RFC 5424 and RFC 3164 syslog, rsyslog's ISO form, and any of the times of `stamps` (dpkg, alternatives,
nginx and Apache, Python's logging, MariaDB, PostgreSQL, squid …), in JSON and logfmt lines the usual keys. A time at
the very beginning is taken off the message; one inside stays in it (an access log's line is kept whole).
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple, Optional

from devmesh.ship.stamps import Stamps

HEAD_CHARS = 4_096
PRIORITIES = 192  # 24 facilities of 8
PID_DIGITS = 10
# Numbers of seconds, milliseconds and microseconds since the epoch, told apart by their size.
SECONDS, MILLISECONDS, MICROSECONDS, TOO_MUCH = 1e9, 1e11, 1e14, 1e17
_PRI = re.compile(r"<(\d{1,3})>")
_RFC5424 = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?P<ts>\S+) (?P<host>\S+) (?P<app>\S+) (?P<pid>\S+) \S+ "
    r'(?:-|(?:\[[^\]"\\]*(?:"(?:[^"\\]|\\.)*"[^\]"\\]*)*\])+)(?: \ufeff?|$)'
)
_SYSLOG = re.compile(r"\s(?P<host>[\w.:-]+)\s(?P<app>[^\s:\[]{1,64})(?:\[(?P<pid>\d{1,10})\])?:(?: |$)")
_HOST_ONLY = re.compile(r"\s([\w.:-]+)\s(?=last message repeated|message repeated|-- MARK --)")
_LEVEL = re.compile(
    r"(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|CRIT|CRITICAL|FATAL|ALERT|EMERG|PANIC)\Z", re.IGNORECASE
)
_PIDS = re.compile(r"\[?\w*\]? ?(\d{1,10})#\d+: |(?:\[[\w:.-]+\] ){0,3}\[pid (\d{1,10})[:\]]")
_LOGFMT = re.compile(r'(?:^|\s)(?:time|ts|timestamp|t)="?([^"\s][^"]{9,40})')
_JSON_KEYS = ("time", "ts", "timestamp", "@timestamp", "Timestamp", "StartUTC", "eventTime", "t", "date")


class Head(NamedTuple):
    """What a line says of itself; None and "" where it does not."""

    ts_us: Optional[int]
    leads: bool  # the time stands at the beginning: the line begins an event, whatever was before
    host: str
    identifier: str
    pid: Optional[int]
    priority: Optional[int]
    message: str


def parse_line(line: str, stamps: Stamps) -> Head:
    """The head of one line (without its line end) and its message."""
    match = _RFC5424.match(line[:HEAD_CHARS])
    if match:
        return _rfc5424(line, match, stamps)
    priority, at = None, 0
    pri = _PRI.match(line)
    if pri and int(pri[1]) < PRIORITIES:
        priority, at = int(pri[1]) & 7, pri.end()
    if line.startswith("{", at):
        return Head(_json_time(line[at:], stamps), True, "", "", None, priority, line[at:])
    stamp = stamps.find(line[at : at + HEAD_CHARS])
    if stamp is None:
        return Head(_logfmt_time(line, stamps), False, "", "", None, priority, line[at:])
    leads = not line[at : at + stamp.start].strip("[(< ")
    if not leads:
        return Head(stamp.ts_us, _clf(line), "", "", None, priority, line[at:])
    return _after_stamp(line, at + stamp.start, at + stamp.end, stamp.ts_us, priority)


def _after_stamp(line: str, start: int, end: int, ts_us: int, priority: Optional[int]) -> Head:
    stamp = line[start:end]
    named = not stamp[0].isdigit()
    if named or ("T" in stamp and stamp[-1] in "Z0123456789" and ("+" in stamp or "Z" in stamp or "-" in stamp[11:])):
        syslog = _SYSLOG.match(line[: end + HEAD_CHARS], end)
        if syslog and not _LEVEL.match(syslog["host"]):
            pid = int(syslog["pid"]) if syslog["pid"] else None
            return Head(ts_us, True, syslog["host"], syslog["app"], pid, priority, line[syslog.end() :])
        alone = _HOST_ONLY.match(line[: end + HEAD_CHARS], end)
        if alone:
            return Head(ts_us, True, alone[1], "", None, priority, line[alone.end() :])
    rest = _rest(line[end:])
    pids = _PIDS.match(rest[:HEAD_CHARS])
    pid = int(pids[1] or pids[2]) if pids else None
    return Head(ts_us, True, "", "", pid, priority, rest)


def _rest(text: str) -> str:
    """The message behind a time: its closing bracket or colon and one space are the time's."""
    if text[:1] and text[0] in "])>:;,|":
        text = text[1:]
    return text.lstrip(" \t")


def _clf(line: str) -> bool:
    """Whether a time inside the line is an access log's, so that the line surely begins an event."""
    return line.find(" [", 0, 200) > 0 and not line[:1].isspace()


def _rfc5424(line: str, match: Any, stamps: Stamps) -> Head:
    host, app, pid = ("" if match[name] == "-" else match[name] for name in ("host", "app", "pid"))
    number = int(pid) if pid.isdigit() and len(pid) <= PID_DIGITS else None
    return Head(stamps.parse(match["ts"]), True, host, app, number, int(match["pri"]) & 7, line[match.end() :])


def _json_time(text: str, stamps: Stamps) -> Optional[int]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    for key in _JSON_KEYS:
        value = document.get(key)
        if isinstance(value, dict):
            value = value.get("$date")  # MongoDB's
        if isinstance(value, str):
            found = stamps.parse(value)
            if found is not None:
                return found
        if isinstance(value, (int, float)) and not isinstance(value, bool) and SECONDS <= value < TOO_MUCH:
            return int(value * (1e6 if value < MILLISECONDS else 1e3 if value < MICROSECONDS else 1))
    return None


def _logfmt_time(line: str, stamps: Stamps) -> Optional[int]:
    match = _LOGFMT.search(line[:512])
    return stamps.parse(match[1]) if match else None
