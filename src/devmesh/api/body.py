"""Reading a body: every limit holds while it arrives and while it is unpacked.

A bomb of 1,000 to 1 costs no more memory than the limit; a sender slower than the floor loses its connection, not ours.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from typing import Protocol

import zstandard
from fastapi import Request
from starlette.requests import ClientDisconnect

from devmesh.errors import BadRequest, TooLarge, Unavailable, UnsupportedEncoding
from devmesh.settings import Settings

WINDOW_S = 30.0
STEP_BYTES = 256 * 1024
RETRY_AFTER_S = 2
BODIES_AT_ONCE = 4  # of the largest that is taken, of many more that are smaller
ZSTD_WINDOW = 32 * 1024 * 1024


class _Unpacker(Protocol):
    def feed(self, data: bytes, room: int) -> bytes: ...
    def whole(self) -> bool: ...


class Arriving:
    """The plain bytes of all bodies that are being read: many large ones at once must not fill the memory.

    For one event loop.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit, self.held = limit_bytes, 0

    def hold(self, size: int) -> None:
        """Count `size` more bytes. Raises Unavailable, with nothing counted, where that is too much."""
        if self.held + size > self._limit:
            raise Unavailable(
                "Too much arrives at once.", hint="The same request will work shortly.", retry_after_s=RETRY_AFTER_S
            )
        self.held += size

    def let_go(self, size: int) -> None:
        """A body was read, or given up."""
        self.held -= size


async def read_body(request: Request, settings: Settings, arriving: Arriving | None = None) -> bytes:
    """The plain body, counted in `arriving` while it is read.

    Raises TooLarge, UnsupportedEncoding, BadRequest or Unavailable.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower() or "identity"
    unpacker = _unpacker(encoding)
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > settings.max_body_bytes:
        raise _too_large(settings)
    arriving = arriving or Arriving(settings.max_plain_bytes)
    arrived, plain, size = 0, bytearray(), 0
    try:
        async for chunk in _chunks(request, settings):
            arrived += len(chunk)
            if arrived > settings.max_body_bytes:
                raise _too_large(settings)
            for start in range(0, len(chunk), STEP_BYTES):
                piece = chunk[start : start + STEP_BYTES]
                plain += unpacker.feed(piece, settings.max_plain_bytes - len(plain) + 1) if unpacker else piece
                if len(plain) > settings.max_plain_bytes:
                    raise _too_large(settings)
                arriving.hold(len(plain) - size)
                size = len(plain)
    finally:
        arriving.let_go(size)
    if unpacker is not None and arrived and not unpacker.whole():
        raise BadRequest(f"The {encoding} body ends too early.", hint="Send it again whole.")
    return bytes(plain)


async def _chunks(request: Request, settings: Settings) -> AsyncIterator[bytes]:
    """The body as it arrives, at no less than the slowest rate that is borne."""
    stream = request.stream().__aiter__()
    loop = asyncio.get_running_loop()
    began, brought = loop.time(), 0
    while True:
        try:
            chunk = await asyncio.wait_for(anext(stream), WINDOW_S)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise BadRequest("The body stopped arriving.", hint="Send at least 10 KB a second.") from None
        except ClientDisconnect:
            raise BadRequest("The sender went away in the middle of its body.") from None
        brought += len(chunk)
        elapsed = loop.time() - began
        if elapsed > WINDOW_S:
            if brought < settings.min_body_rate * elapsed:
                raise BadRequest("The body arrives too slowly.", hint="Send at least 10 KB a second.")
            began, brought = loop.time(), 0
        yield chunk


def _too_large(settings: Settings) -> TooLarge:
    return TooLarge(
        "The body is over the limit.",
        hint="Send fewer events in one request.",
        limit_bytes=settings.max_body_bytes,
        limit_events=settings.max_events,
    )


def _unpacker(encoding: str) -> _Unpacker | None:
    if encoding == "identity":
        return None
    if encoding in {"gzip", "x-gzip"}:
        return _Gzip()
    if encoding == "zstd":
        return _Zstd()
    raise UnsupportedEncoding(f"Content-Encoding {encoding[:40]!r} is not known here.", hint="identity, gzip or zstd.")


class _Gzip:
    """gzip, several members in a row too."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)

    def feed(self, data: bytes, room: int) -> bytes:
        """At most `room` bytes of what `data` unpacks to."""
        out = bytearray()
        while data and len(out) < room:
            if self._inflate.eof:
                self._inflate = zlib.decompressobj(wbits=31)
            try:
                out += self._inflate.decompress(data, room - len(out))
            except zlib.error as error:
                raise BadRequest("The gzip body cannot be unpacked.", hint="Send it again whole.") from error
            data = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
        return bytes(out)

    def whole(self) -> bool:
        """Whether the last member ended."""
        return self._inflate.eof


class _Zstd:
    """zstd, with a bounded window; unpacks in steps so that a bomb is seen early."""

    def __init__(self) -> None:
        self._make = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj
        self._inflate = self._make(write_size=STEP_BYTES)
        self._eof = False

    def feed(self, data: bytes, room: int) -> bytes:
        """What `data` unpacks to; stops beyond `room` bytes."""
        out = bytearray()
        for start in range(0, len(data), 512):  # at 32,000 to 1, 512 bytes are 16 MiB: the most that one step may bring
            piece = data[start : start + 512]
            while piece and len(out) < room:
                if self._eof:
                    self._inflate, self._eof = self._make(write_size=STEP_BYTES), False
                try:
                    out += self._inflate.decompress(piece)
                except zstandard.ZstdError as error:
                    raise BadRequest("The zstd body cannot be unpacked.", hint="Send it again whole.") from error
                self._eof = self._inflate.eof
                piece = self._inflate.unused_data if self._eof else b""
            if len(out) >= room:
                break
        return bytes(out)

    def whole(self) -> bool:
        """Whether the last frame ended."""
        return self._eof
