"""The number pass: the first and cheapest step of canonical version 1.

Of 928,000 lines that a fleet wrote, 5,944 were different once their numbers were gone. So numbers go first, over whole
buffers and before any pattern runs; the patterns then see each shape of line once, not each line.

`fold_numbers` writes every run of digits as one `0`, and keeps what is a name or a verdict, not a number:

- one or two digits after a word of letters stay (`ssh2`, `eth0`, `v4`), unless a digit stands before those letters
  (`2024-01-02T03`, hexadecimal text);
- a status code stays: three digits after a closing quote and a space or a colon (`HTTP/1.1" 404`, `"status":404`).

Control characters become spaces. Everything is a whole-array operation on bytes: ASCII digits and letters never occur
inside a longer UTF-8 sequence, so no decoding is needed.
"""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import polars as pl

_PAD = b"\n" * 6  # so that looking two bytes back and four ahead never leaves the buffer
_ROWS = 4_096  # rows a buffer: larger ones spend their time in page faults, smaller ones in calls
_PARALLEL_ROWS = 32_768  # below this a second thread costs more than it brings

_Bytes = npt.NDArray[np.uint8]
_Mask = npt.NDArray[np.bool_]


def fold_numbers(messages: pl.Series) -> pl.Series:
    """The same rows (String, no nulls) with numbers folded to `0` and control characters to spaces."""
    lines = messages.str.replace_all("\n", " ", literal=True)
    slices = [lines.slice(start, _ROWS) for start in range(0, len(lines), _ROWS)]
    if len(lines) < _PARALLEL_ROWS:
        buffers = [_fold_slice(part) for part in slices]
    else:
        with ThreadPoolExecutor(2) as pool:
            buffers = list(pool.map(_fold_slice, slices))
    if not buffers:
        return messages
    return pl.read_lines(io.BytesIO(b"".join(buffers))).to_series().alias(messages.name)


def _fold_slice(lines: pl.Series) -> bytes:
    """The folded text of these rows, each ended by a newline."""
    joined: bytes = lines.str.join("\n").cast(pl.Binary).item()
    text = np.frombuffer(_PAD + joined + _PAD, np.uint8)
    return _fold(text)[len(_PAD) - 1 : 1 - len(_PAD)].tobytes()


def _fold(text: _Bytes) -> _Bytes:
    """Fold one padded buffer; the first byte is dropped."""
    digit: _Mask = (text - np.uint8(ord("0"))) < np.uint8(10)
    letter: _Mask = ((text | np.uint8(0x20)) - np.uint8(ord("a"))) < np.uint8(26)
    number = digit.copy()
    after_name = digit[2:-2] & letter[1:-3] & ~digit[:-4]
    long = after_name & digit[3:-1] & digit[4:]
    name = after_name & ~long
    number[2:-2] ^= name
    number[3:-1] &= ~name
    _keep_status_codes(text, digit, number)
    out = np.where(number, np.uint8(ord("0")), text)
    out[(text < np.uint8(ord(" "))) & (text != np.uint8(ord("\n")))] = ord(" ")
    repeated = number[1:] & number[:-1]
    repeated[2:-1] &= ~long
    folded: _Bytes = out[1:][~repeated]
    return folded


def _keep_status_codes(text: _Bytes, digit: _Mask, number: _Mask) -> None:
    """Unmark three digits, the first from 1 to 5, after `" ` or `":`."""
    quote = (text[:-6] == ord('"')) | (text[:-6] == ord("|"))
    after = (text[1:-5] == ord(" ")) | (text[1:-5] == ord(":"))
    first = np.flatnonzero(quote & after & digit[2:-4]) + 2
    code = first[(text[first] - np.uint8(ord("1")) < 5) & digit[first + 1] & digit[first + 2] & ~digit[first + 3]]
    for offset in range(3):
        number[code + offset] = False
