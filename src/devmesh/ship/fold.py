"""Text to events: lines with their offsets, and which of them belong together.

A line with a time at its beginning always begins an event. Without one it continues the event before if it is indented,
blank, part of a stack trace (Python, Java, Go, Node) or the end of a block; an apt history block is one event. Offsets
are of the decompressed bytes, so that events have the same numbers whoever reads the file, from wherever: a read may
begin at any event's first byte. Memory is bounded for lines and files of any size.
"""

from __future__ import annotations

import base64
import re
from typing import Any, BinaryIO, Dict, Iterator, List, NamedTuple, Optional

from devmesh.ship.export import MESSAGE_LIMIT_BYTES
from devmesh.ship.identity import LINE_HASH_WINDOW_BYTES, line_hash
from devmesh.ship.piece import Event
from devmesh.ship.stamps import Stamps
from devmesh.ship.textline import Head, parse_line
from devmesh.ship.wire import decode

READ_BYTES = 64 * 1024
EVENT_LIMIT_BYTES = 256 * 1024
EVENT_LIMIT_LINES = 2_000

HOLD, WHOLE_LINES, ALL = "hold", "whole lines", "all"  # what to do with the end of a file, see read_events

_TRACE = re.compile(
    r"Traceback \(most recent call last\):|Caused by: |Suppressed: |During handling of the above"
    r"|The above exception was|goroutine \d+ \[|panic: |fatal error: |\[signal SIG|created by |exit status \d"
    r"|Exception in thread "
    r"|(?:[A-Za-z_$][\w$]*\.)+[A-Z][\w$]*(?:Exception|Error|Throwable)\b"
    r"|(?:Uncaught )?[A-Z]\w*(?:Error|Exception)(?:: |$)"
)
_OPENS_ALONE = re.compile(r"Traceback \(most recent call last\):|Exception in thread |panic: |fatal error: ")
_GO_FRAME = re.compile(r"[\w./*()\[\]{}-]+\(.*\)$")
_CLOSERS = re.compile(r"[\]})]+[,;]?$")
_APT_START, _APT_END = "Start-Date: ", "End-Date: "


class TextEvent(NamedTuple):
    """An event of a text log: bytes first..end-1, and the mark (x) of the line that ends there."""

    first: int
    end: int
    event: Event
    x: str


class Context(NamedTuple):
    """What is known of a log beside its lines."""

    path: str  # the log's own name, without a rotation's suffix
    service: str
    stamps: Stamps
    reference_us: int  # the time of lines that have none, and follow none that has


class _Line(NamedTuple):
    first: int
    end: int
    kept: bytes
    tail: bytes
    ended: bool


def _lines(stream: BinaryIO, offset: int, stop: Optional[int]) -> Iterator[_Line]:
    """Lines of any length, cut to 32 KiB, with the bytes that their hash needs."""
    while stop is None or offset < stop:
        data = stream.readline(READ_BYTES)
        if not data:
            return
        # Zeros before a line are what copytruncate leaves of a file that its writer does not open for appending.
        first, kept, tail = offset, data.lstrip(b"\0")[:MESSAGE_LIMIT_BYTES], data
        offset += len(data)
        while not data.endswith(b"\n"):
            data = stream.readline(READ_BYTES)
            if not data:
                break
            offset += len(data)
            kept = kept or data.lstrip(b"\0")[:MESSAGE_LIMIT_BYTES]
            tail = (tail + data)[-LINE_HASH_WINDOW_BYTES:]
        yield _Line(first, offset, kept, tail[-LINE_HASH_WINDOW_BYTES:], tail.endswith(b"\n"))


def read_events(
    stream: BinaryIO, context: Context, start: int = 0, end: str = ALL, stop: Optional[int] = None
) -> Iterator[TextEvent]:
    """The events of a decompressed stream that stands at offset `start`, up to offset `stop` (default: all of it).

    `end`: ALL ends the last event with the stream, WHOLE_LINES leaves out a line without its end, HOLD leaves out the
    last event as well, because more of it may be written. Where `stop` cuts into an event, HOLD leaves that event out.
    """
    builder: Optional[_Builder] = None
    last_ts_us: Optional[int] = None
    for line in _lines(stream, start, stop):
        if not line.ended and end != ALL:
            break
        text = decode(line.kept, cut=len(line.kept) < line.end - line.first)[0].rstrip("\r\n").lstrip("\0\ufeff")
        head = parse_line(text, context.stamps)
        if builder is not None and builder.takes(text, head):
            builder.add(line, text)
            continue
        if builder is not None:
            if builder.says_something:
                yield builder.event(context, last_ts_us)
            last_ts_us = builder.head.ts_us or last_ts_us
        builder = _Builder(line, text, head)
    if builder is not None and builder.says_something and end != HOLD:
        yield builder.event(context, last_ts_us)


class _Builder:
    """One event while its lines arrive."""

    def __init__(self, line: _Line, text: str, head: Head) -> None:
        self.head = head
        self._first, self._end, self._tail = line.first, line.end, line.tail
        self._texts: List[str] = [head.message]
        self._raw: List[bytes] = [line.kept]
        self._kept_bytes = len(line.kept)
        self._length = line.end - line.first
        self._count = 1
        self._blank_end = not text
        self._indented = False
        self._trace = bool(_OPENS_ALONE.match(text))
        self._apt = text.startswith(_APT_START)

    @property
    def says_something(self) -> bool:
        """Blank lines alone are no event."""
        return any(self._texts)

    def takes(self, text: str, head: Head) -> bool:
        """Whether the line continues this event."""
        if self._length > EVENT_LIMIT_BYTES or self._count >= EVENT_LIMIT_LINES:
            return False
        if self._apt:
            return not text.startswith(_APT_START)
        if head.leads or text.startswith(_APT_START):
            return False
        if not text or text[0] in " \t":
            return True
        if self._trace:
            # The first line of a trace that is not indented names the exception; Go's frames and chained causes go on.
            return self._indented or bool(_TRACE.match(text) or _GO_FRAME.match(text))
        if _CLOSERS.match(text):
            return True
        return self.head.leads and not self._blank_end and bool(_TRACE.match(text))

    def add(self, line: _Line, text: str) -> None:
        """One more line of this event."""
        self._trace = self._trace or bool(_TRACE.match(text))
        self._blank_end = not text
        self._indented = text[:1] in {" ", "\t"}
        self._end, self._tail = line.end, line.tail
        self._length += line.end - line.first
        self._count += 1
        if self._kept_bytes < MESSAGE_LIMIT_BYTES:
            self._texts.append(text)
            self._raw.append(line.kept)
            self._kept_bytes += len(line.kept)

    def event(self, context: Context, last_ts_us: Optional[int]) -> TextEvent:
        """The finished event."""
        head = self.head
        message = "\n".join(self._texts).rstrip()
        fields: Dict[str, Any] = {"_FILE": context.path}
        data = b"".join(self._raw)
        encoded = message.encode("utf-8", "replace")
        if len(encoded) > MESSAGE_LIMIT_BYTES:
            message = decode(encoded[:MESSAGE_LIMIT_BYTES], cut=True)[0]
        if len(encoded) > MESSAGE_LIMIT_BYTES or self._length > len(data):
            fields["_cut"] = {"MESSAGE": self._length}
        if decode(data, cut=self._length > len(data))[1]:
            fields["_raw"] = {"MESSAGE": base64.b64encode(data[:MESSAGE_LIMIT_BYTES]).decode("ascii")}
        ts_us = head.ts_us if head.ts_us is not None else last_ts_us
        event: Event = {
            "ts_us": context.reference_us if ts_us is None else ts_us,
            "seq": self._first,
            "message": message,
            "service": head.identifier or context.service,
            "fields": fields,
        }
        if head.pid is not None:
            event["pid"] = head.pid
        if head.priority is not None:
            event["priority"] = head.priority
        if head.host:
            event["host"] = head.host
        return TextEvent(self._first, self._end, event, line_hash(self._tail))
