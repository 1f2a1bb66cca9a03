"""Compressed files as plain bytes, told by what they hold and not by their name; cut ones up to their last whole line.

A file that was cut, or is damaged, gives what can be had of it: every whole line before the damage and no half one, so
that the whole file, imported later, brings exactly the rest.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BUFFER_BYTES = 256 * 1024
HELD_BYTES = 1024 * 1024  # of a line without an end; a longer one is handed on as it comes
ZSTD_BYTES = 1024  # compressed; at zstd's worst they become 32 MiB
READ_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError)


def unpacked(stream: io.BufferedReader[Any], damaged: Callable[[str], None]) -> BinaryIO:
    """The plain bytes of `stream`. `damaged` hears, while it is read, why it cannot be read to its end."""
    start = stream.peek(8)
    if start.startswith(b"\x1f\x8b"):
        return _buffered(gzip.GzipFile(fileobj=stream), damaged)
    if start.startswith(b"\xfd7zXZ"):
        return _buffered(lzma.LZMAFile(stream), damaged)
    if start.startswith(b"BZh"):
        return _buffered(bz2.BZ2File(stream), damaged)
    if start.startswith(b"\x28\xb5\x2f\xfd"):
        return _buffered(_Zstd(stream), damaged)
    return stream


def _buffered(plain: Any, damaged: Callable[[str], None]) -> BinaryIO:
    return io.BufferedReader(_WholeLines(plain, damaged), BUFFER_BYTES)


class _Zstd:
    """zstd frames one after the other. The package's own reader takes a frame that was cut for a whole one."""

    def __init__(self, stream: BinaryIO) -> None:
        import zstandard

        self._stream, self._unpacker = stream, zstandard.ZstdDecompressor()
        self._frame = self._unpacker.decompressobj()
        self._rest, self._begun = b"", False

    def read1(self, size: int) -> bytes:
        """Some of it, at most 32 MiB whatever `size` says. Raises EOFError, and OSError for what is no zstd."""
        from zstandard import ZstdError

        del size
        while True:
            packed = self._rest or self._stream.read(ZSTD_BYTES)
            if not packed:
                if self._begun:
                    raise EOFError("Compressed file ended before the end of a frame")
                return b""
            if self._frame.eof:
                self._frame = self._unpacker.decompressobj()
            try:
                plain = self._frame.decompress(packed)
            except ZstdError as error:
                raise OSError(str(error)) from error
            self._rest, self._begun = self._frame.unused_data, not self._frame.eof
            if plain:
                return plain


class _WholeLines(io.RawIOBase):
    """Plain bytes to the end, or to the last line end before the damage."""

    def __init__(self, plain: Any, damaged: Callable[[str], None]) -> None:
        super().__init__()
        self._plain, self._damaged = plain, damaged
        self._ready, self._held, self._ended = memoryview(b""), b"", False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        while not self._ready and not self._ended:
            self._read_on()
        view = memoryview(buffer).cast("B")
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _read_on(self) -> None:
        """More that is ready; what stands behind its last line end is held until that line is whole."""
        try:
            data = self._plain.read1(BUFFER_BYTES)  # not read(), which loses what it has when the next part fails
        except READ_ERRORS as error:
            self._damaged(str(error))
            self._ended = True
            return
        end = data.rfind(b"\n") + 1
        if end or len(self._held) + len(data) > HELD_BYTES or not data:
            end = end or len(data)
            self._ready, self._held = memoryview(self._held + data[:end]), data[end:]
        else:
            self._held += data
        self._ended = not data
