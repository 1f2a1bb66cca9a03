"""The number pass: the first and cheapest step of canonical version 1.

Of 928,000 lines that a fleet wrote, 5,944 were different once their numbers were gone. So numbers go first, over whole
buffers and before any pattern runs; the patterns then see each shape of line once, not each line.

`fold_numbers` writes every run of digits as one `0`. Only an HTTP status code is a verdict, not a number, and stays:
three digits after a closing quote or a bar (`HTTP/1.1" 404`, `"status":404`, `| 404 |`), its zeros as STATUS_ZERO.
Control characters become spaces (but ESC, by which colours are known). Everything is a whole-array operation on bytes:
ASCII digits and letters never occur inside a longer UTF-8 sequence, so no decoding is needed.
"""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import polars as pl

STATUS_ZERO = "\x02"
"""A zero in a status code, so that `0` is always a folded number; the last rule writes it as 0 again."""

_PAD = b"\n" * 6  # so that looking ahead of a sign never leaves the buffer
_BUFFER_BYTES = 600_000  # larger buffers spend their time in page faults, smaller ones in calls
_PARALLEL_ROWS = 32_768  # below this a second thread costs more than it brings
_ESCAPE = 0x1B
_ALIKE = bytes(
    ord("0")
    if ord("0") <= byte <= ord("9")
    else ord(" ")
    if byte < ord(" ") and byte not in {ord("\n"), _ESCAPE}
    else byte
    for byte in range(256)
)

_Bytes = npt.NDArray[np.uint8]


def fold_numbers(messages: pl.Series) -> pl.Series:
    """The same rows (String, no nulls) with numbers folded to `0` and control characters to spaces."""
    rows = 1 + len(messages) * _BUFFER_BYTES // (1 + int(messages.str.len_bytes().sum()))
    slices = [messages.slice(start, rows) for start in range(0, len(messages), rows)]
    if len(messages) < _PARALLEL_ROWS:
        buffers = [_fold_slice(part) for part in slices]
    else:
        with ThreadPoolExecutor(2) as pool:
            buffers = list(pool.map(_fold_slice, slices))
    if not buffers:
        return messages
    return pl.read_lines(io.BytesIO(b"".join(buffers))).to_series().alias(messages.name)


def _fold_slice(lines: pl.Series) -> bytes:
    """The folded text of these rows, each ended by a newline."""
    joined = _joined(lines)
    if joined.count(b"\n") != len(lines) - 1:
        joined = _joined(lines.str.replace_all("\n", " ", literal=True))
    raw = b"".join((_PAD, joined, _PAD))
    alike = np.frombuffer(raw.translate(_ALIKE), np.uint8)
    digit = alike == ord("0")
    keep = ~(digit[1:] & digit[:-1])
    codes = _status_codes(np.frombuffer(raw, np.uint8), digit)
    if len(codes):
        alike = alike.copy()
        for offset in range(3):
            keep[codes + offset - 1] = True
            alike[codes + offset] = _status_digits(raw, codes + offset)
    folded: bytes = alike[1:][keep].tobytes()
    return folded[len(_PAD) - 1 : 1 - len(_PAD)]


def _joined(lines: pl.Series) -> bytes:
    joined: bytes = lines.str.join("\n").cast(pl.Binary).item()
    return joined


def _status_codes(raw: _Bytes, digit: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Where a status code starts: three digits, the first from 1 to 5, after `" `, `| ` or `":`."""
    sign = np.flatnonzero((raw[:-6] == ord('"')) | (raw[:-6] == ord("|")))
    sign = sign[digit[sign + 2] & digit[sign + 3] & digit[sign + 4] & ~digit[sign + 5]]
    after, first = raw[sign + 1], raw[sign + 2]
    is_code = ((after == ord(" ")) | (after == ord(":"))) & (first >= ord("1")) & (first <= ord("5"))
    first_digits: npt.NDArray[np.intp] = sign[is_code] + 2
    return first_digits


def _status_digits(raw: bytes, places: npt.NDArray[np.intp]) -> _Bytes:
    """The digits at these places, with STATUS_ZERO for 0."""
    digits = np.frombuffer(raw, np.uint8)[places]
    return np.where(digits == ord("0"), np.uint8(ord(STATUS_ZERO)), digits)
