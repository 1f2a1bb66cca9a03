"""The number pass: the first and cheapest step of canonical version 1.

Of 928,000 lines that a fleet wrote, 5,944 were different once their numbers were gone. So numbers and random identities
go first, over whole buffers and before any pattern runs; the patterns then see each shape of line once, not each line.

`fold_numbers` writes every run of digits as one `0`, a hexadecimal word of 8 characters or more with digits and
letters as HEX_MARK, a UUID as UUID_MARK and a MAC address as MAC_MARK. Only an HTTP status code is a verdict, not a
number, and stays: three digits without a unit or fraction (`402ms`) after a closing quote, a bar or the key of a status
(`HTTP/1.1" 404`, `| 404 |`, `"status":404`), its zeros as STATUS_ZERO. Control characters become spaces, so that no
message holds a mark (but ESC stays, by which colours are known). Of a line that was drawn over only what a terminal
shows in the end is read.

Everything is a whole-array operation on bytes: ASCII characters never occur inside a longer UTF-8 sequence, so no
decoding is needed.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import polars as pl

STATUS_ZERO, HEX_MARK, UUID_MARK, MAC_MARK = "\x02", "\x03", "\x04", "\x05"

_PAD = b"\n" * 40  # so that looking around never leaves the buffer: a UUID has 36 characters
_PART_BYTES = 600_000  # larger parts spend their time in page faults, smaller ones in calls
_ESCAPE = 0x1B
_DRAWN_OVER = re.compile(rb"^[^\n]*\r([^\r\n])", re.MULTILINE)
_ONE_LINE = str.maketrans("\r\n", "  ")
_ALIKE = bytes(
    ord("0")
    if ord("0") <= byte <= ord("9")
    else ord(" ")
    if byte < ord(" ") and byte not in {ord("\n"), _ESCAPE}
    else byte
    for byte in range(256)
)
_UUID_SIGNS, _UUID_LENGTH = (8, 13, 18, 23), 36
_MAC_SIGNS, _MAC_LENGTH = (2, 5, 8, 11, 14), 17

_Bytes = npt.NDArray[np.uint8]
_Mask = npt.NDArray[np.bool_]
_Places = npt.NDArray[np.intp]


def fold_numbers(messages: pl.Series | list[str]) -> list[str]:
    """The rows (String, no nulls) with numbers and identities folded and control characters as spaces."""
    if not len(messages):
        return []
    folded = _fold(messages)
    if len(folded) != len(messages):  # some message holds newlines
        return _fold([_as_shown(text).translate(_ONE_LINE) for text in messages])
    return folded


def _as_shown(text: str) -> str:
    """What a terminal shows in the end of lines that were drawn over, as by a progress bar: what follows the last
    carriage return within a line.
    """
    return _DRAWN_OVER.sub(rb"\1", text.encode()).decode() if "\r" in text else text


def _fold(texts: pl.Series | list[str]) -> list[str]:
    joined = "\n".join(texts).encode() if isinstance(texts, list) else texts.str.join("\n").cast(pl.Binary).item()
    if b"\r" in joined:
        joined = _DRAWN_OVER.sub(rb"\1", joined)
    # In one thread: two were no faster, for each of these short operations waits for Python's lock.
    return b"\n".join(map(_fold_part, _parts(joined))).decode().split("\n")


def _parts(joined: bytes) -> list[bytes]:
    """The text in parts of whole lines, without the newlines between them."""
    parts, start = [], 0
    while len(joined) - start > _PART_BYTES:
        end = joined.find(b"\n", start + _PART_BYTES)
        if end < 0:
            break
        parts.append(joined[start:end])
        start = end + 1
    return [*parts, joined[start:]]


def _fold_part(lines: bytes) -> bytes:
    """The folded text of these lines."""
    raw = b"".join((_PAD, lines, _PAD))
    text, out = np.frombuffer(raw, np.uint8), np.frombuffer(bytearray(raw.translate(_ALIKE)), np.uint8)
    digit = out == ord("0")
    keep = np.empty(len(out), np.bool_)
    keep[0] = True
    np.logical_not(digit[1:] & digit[:-1], out=keep[1:])
    _keep_status_codes(text, digit, out, keep)
    letter = ((text | np.uint8(0x20)) - np.uint8(ord("a"))) < np.uint8(6)
    hexadecimal = digit | letter
    _fold_words(text, letter, hexadecimal, out, keep)
    _fold_shape(text == ord("-"), hexadecimal, _UUID_SIGNS, _UUID_LENGTH, UUID_MARK, out, keep)
    _fold_shape(text == ord(":"), hexadecimal, _MAC_SIGNS, _MAC_LENGTH, MAC_MARK, out, keep)
    folded: bytes = pl.Series(out).filter(pl.Series(keep)).to_numpy().tobytes()  # twice as fast as out[keep]
    return folded[len(_PAD) : -len(_PAD)]


def _keep_status_codes(text: _Bytes, digit: _Mask, out: _Bytes, keep: _Mask) -> None:
    """Write three digits that could be a status code, after `" `, `| `, `us":` or `de":`, as they are."""
    three = digit[2:-3] & digit[3:-2] & digit[4:-1] & ~digit[5:]
    sign = (text[:-5] == ord('"')) | (text[:-5] == ord("|"))
    after = (text[1:-4] == ord(" ")) | (text[1:-4] == ord(":"))
    code = np.flatnonzero(three & sign & after) + 2
    first, second = text[code], text[code + 1]
    code = code[(first >= ord("1")) & (first <= ord("5")) & ((second <= ord("2")) | (second == ord("9")))]
    behind, next_but_one = text[code + 3], text[code + 4]
    with_unit = ((behind | np.uint8(0x20)) - np.uint8(ord("a"))) < np.uint8(26)
    code = code[~with_unit & ~((behind == ord(".")) & (next_but_one - np.uint8(ord("0")) < np.uint8(10)))]
    end, before = text[code - 3], text[code - 4]
    of_status = ((before == ord("u")) & (end == ord("s"))) | ((before == ord("d")) & (end == ord("e")))
    code = code[(text[code - 1] == ord(" ")) | (of_status & (text[code - 2] == ord('"')))]
    for place in (code, code + 1, code + 2):
        keep[place] = True
        out[place] = np.where(text[place] == ord("0"), np.uint8(ord(STATUS_ZERO)), text[place])


def _fold_words(text: _Bytes, letter: _Mask, hexadecimal: _Mask, out: _Bytes, keep: _Mask) -> None:
    """One HEX_MARK for each run of 8 or more hexadecimal characters that ends a word and has digits and letters.

    A number with a one-letter unit (`12345678B`) is none: the length of a number must not change its shape.
    """
    long = hexadecimal[:-1] & hexadecimal[1:]  # two in a row begin here; then four, then eight
    long = long[:-2] & long[2:]
    long = long[:-4] & long[4:]
    edges = np.flatnonzero(long[1:] != long[:-1])
    first, last = edges[::2] + 1, edges[1::2] + 7
    if not len(first):
        return
    edges = np.stack((first, last + 1), axis=1).ravel()
    letters = np.add.reduceat(letter.view(np.uint8), edges, dtype=np.int32)[::2]
    plain = (letters == 0) | (letters == last + 1 - first) | ((letters == 1) & letter[last])
    mixed = ~plain & (((text[last + 1] | np.uint8(0x20)) - np.uint8(ord("a"))) >= np.uint8(26))
    _mark(first[mixed], last[mixed] + 1, HEX_MARK, out, keep)


def _fold_shape(
    sign: _Mask, hexadecimal: _Mask, signs: tuple[int, ...], length: int, mark: str, out: _Bytes, keep: _Mask
) -> None:
    """One mark for each word of this length that has signs at these places and hexadecimal characters at the others."""
    room = len(sign) - length
    here = sign[signs[0] : room + signs[0]] & sign[signs[1] : room + signs[1]]
    first = np.flatnonzero(here & sign[signs[2] : room + signs[2]])
    if not len(first):
        return
    others = [offset for offset in range(length) if offset not in signs]
    fits = sign[first[:, np.newaxis] + np.array(signs)].all(axis=1)
    first = first[fits]
    first = first[hexadecimal[first[:, np.newaxis] + np.array(others)].all(axis=1)]
    alone = ~(hexadecimal[first - 1] | sign[first - 1] | hexadecimal[first + length] | sign[first + length])
    _mark(first[alone], first[alone] + length, mark, out, keep)


def _mark(first: _Places, end: _Places, mark: str, out: _Bytes, keep: _Mask) -> None:
    """Keep one mark of each range, which is not empty."""
    if not len(first):
        return
    lengths = end - first
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    keep[np.repeat(first, lengths) + within] = False
    keep[first] = True
    out[first] = ord(mark)
