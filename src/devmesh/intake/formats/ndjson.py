"""NDJSON bodies to columns: one event a line, decoded in bulk, and line by line where a body has a bad one.

Promises: a bad line never costs its neighbours and is named by number, field and reason; nothing that is not valid
UTF-8 and valid JSON gets through (no lone surrogates, NaN, infinities, integers beyond 64 bits in columns); memory
and stack are bounded whatever is sent. Unknown keys are ignored, blank lines skipped, of duplicate keys the last
one holds. A time that cannot be read rejects nothing: it stays as a claim.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import numpy as np
import polars as pl

from devmesh.errors import TooLarge
from devmesh.intake.model import Decoded, Limits, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator

# Values below `fields` may nest five deep. A bound in the type keeps hostile depth from reaching whoever encodes,
# stores or reads the JSON later with less stack than we have here.
_Scalar = str | int | float | bool | None
_Deep1 = _Scalar | list[_Scalar] | dict[str, _Scalar]
_Deep2 = _Scalar | list[_Deep1] | dict[str, _Deep1]
_Deep3 = _Scalar | list[_Deep2] | dict[str, _Deep2]
_Deep4 = _Scalar | list[_Deep3] | dict[str, _Deep3]
_Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_CLAIM_CHARS: Final = 64
_FIELD_OF_ERROR = re.compile(r"^`\$\.(\w+)|required field `(\w+)`")


class Line(msgspec.Struct, gc=False):
    """One line of a body as the protocol has it."""

    message: str
    ts: str | None = None
    ts_us: _Int64 | None = None
    node: str | None = None
    service: str | None = None
    priority: int | str | None = None
    pid: _Int64 | None = None
    seq: _Int64 | None = None
    fields: dict[str, _Deep4] | None = None


class _LooseLine(Line, gc=False):
    """The same with times of any type: the second look at a line whose time cannot be read."""

    ts: Any = None
    ts_us: Any = None


_decoder = msgspec.json.Decoder(Line)
_loose_decoder = msgspec.json.Decoder(_LooseLine)


def decode(body: bytes, limits: Limits | None = None) -> Decoded:
    """Decode an NDJSON body.

    Raises `TooLarge` when it has more lines than `limits.events`, blank ones included; all else is told by line.
    """
    limits = limits or Limits()
    count = lines_in(body)
    if count > limits.events:
        raise TooLarge(
            f"The body has more than {limits.events} lines.",
            hint="Send fewer events in one request.",
            limit_events=limits.events,
        )
    lines = None if _has_long_line(body, limits.line_bytes) else _in_bulk(body)
    # decode_lines also takes two objects on one line and one object over two; a body whose counts agree has neither
    # (or as many of both, which harms nobody).
    if lines is not None and len(lines) == count:
        return _columns(lines, pl.int_range(1, len(lines) + 1, dtype=pl.UInt32, eager=True), [])
    return _line_by_line(body, limits)


def lines_in(body: bytes) -> int:
    """How many lines a body has, blank ones and one without its end included."""
    return int(np.count_nonzero(np.frombuffer(body, np.uint8) == ord("\n"))) + (not body.endswith(b"\n"))


def _has_long_line(body: bytes, limit: int) -> bool:
    """Whether a line is over the limit, in jumps of a line's length."""
    start = 0
    while len(body) - start > limit:
        end = body.rfind(b"\n", start, start + limit + 1)
        if end < 0:
            return True
        start = end + 1
    return False


def _in_bulk(body: bytes) -> list[Line] | None:
    """All lines at once, or None if any of them is bad."""
    try:
        return _decoder.decode_lines(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _line_by_line(body: bytes, limits: Limits) -> Decoded:
    lines: list[Line] = []
    numbers: list[int] = []
    rejected: list[Rejected] = []
    for number, text in _numbered(body):
        if len(text) > limits.line_bytes:
            rejected.append(Rejected(number, "", f"the line is longer than {limits.line_bytes} bytes"))
            continue
        line = _one(number, text)
        if isinstance(line, Rejected):
            rejected.append(line)
        else:
            lines.append(line)
            numbers.append(number)
    return _columns(lines, pl.Series(numbers, dtype=pl.UInt32), rejected)


def _numbered(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers, without their ends."""
    for number, line in enumerate(io.BytesIO(body), 1):
        text = line.strip()
        if text:
            yield number, text


def _one(number: int, text: bytes) -> Line | Rejected:
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as error:
        rejected = _rejected(number, error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _rejected(number, error)
    if rejected.field not in {"ts", "ts_us"}:
        return rejected
    try:
        return _claiming(_loose_decoder.decode(text))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _rejected(number, error)


def _rejected(number: int, error: Exception) -> Rejected:
    """What was wrong, in words that hold no text of the line."""
    if isinstance(error, UnicodeDecodeError):
        return Rejected(number, "", "the line is not valid UTF-8")
    if isinstance(error, RecursionError):
        return Rejected(number, "", "the line nests too deep")
    reason, _, path = str(error).partition(" - at ")
    match = _FIELD_OF_ERROR.search(path or reason)
    return Rejected(number, match[1] or match[2] if match else "", reason)


def _claiming(line: _LooseLine) -> Line:
    """The line with its times as a claim in `ts`, where text that is no time becomes the time of arrival."""
    if type(line.ts_us) is int and -(2**63) <= line.ts_us < 2**63:
        line.ts = None
        return line
    claim = line.ts if line.ts_us is None else line.ts_us
    line.ts = str(claim)[:_CLAIM_CHARS] if isinstance(claim, str | int | float) else type(claim).__name__
    line.ts_us = None
    return line


def _columns(lines: list[Line], numbers: pl.Series, rejected: list[Rejected]) -> Decoded:
    frame = pl.DataFrame(
        [
            numbers.alias("line"),
            pl.Series("message", [line.message for line in lines], dtype=pl.String),
            pl.Series("ts", [line.ts for line in lines], dtype=pl.String),
            pl.Series("ts_us", [line.ts_us for line in lines], dtype=pl.Int64),
            pl.Series("node", [line.node for line in lines], dtype=pl.String),
            pl.Series("service", [line.service for line in lines], dtype=pl.String),
            pl.Series("pid", [line.pid for line in lines], dtype=pl.Int64),
            pl.Series("seq", [line.seq for line in lines], dtype=pl.Int64),
        ]
    )
    return Decoded(frame, [line.priority for line in lines], [line.fields for line in lines], rejected)
