"""What passes between this process and a reader: tasks there, frames back, each with its length before it."""

from __future__ import annotations

import io
import os
import select
import struct
import time
from typing import Any

import msgspec
import polars as pl

from devmesh.intake.model import Limits, Rejected
from devmesh.intake.reading import Kind, Piece, Read

_LENGTH = struct.Struct("<Q")


class _Task(msgspec.Struct, array_like=True):
    piece: Piece
    limits: Limits


class _Answer(msgspec.Struct, array_like=True):
    frame: memoryview
    kinds: list[Kind]
    rejected: list[Rejected]


_encoder = msgspec.msgpack.Encoder()
_tasks = msgspec.msgpack.Decoder(_Task)
_answers = msgspec.msgpack.Decoder(_Answer)


def encode_task(piece: Piece, limits: Limits) -> bytes:
    """What a reader is asked."""
    return _encoder.encode(_Task(piece, limits))


def decode_task(data: bytes) -> tuple[Piece, Limits]:
    """What is asked. Raises msgspec.DecodeError, a ValueError, for anything else."""
    task = _tasks.decode(data)
    return task.piece, task.limits


def encode_read(read: Read) -> bytes:
    """What a reader answers."""
    frame = io.BytesIO()
    read.frame.write_ipc_stream(frame)
    return _encoder.encode(_Answer(frame.getbuffer(), read.kinds, read.rejected))


def decode_read(data: bytes) -> Read:
    """The answer. Raises msgspec.DecodeError, a ValueError, for anything else."""
    answer = _answers.decode(data)
    return Read(pl.read_ipc_stream(io.BytesIO(answer.frame)), answer.kinds, answer.rejected)


def send(to: int, data: bytes) -> None:
    """Write `data` to the descriptor `to`. Raises OSError where the other end is gone."""
    for part in (_LENGTH.pack(len(data)), data):
        left: Any = memoryview(part)
        while left:
            left = left[os.write(to, left) :]


def is_readable(source: int, within_s: float) -> bool:
    """Whether there is something to read, or the end, within that time; for any descriptor, also beyond 1,023."""
    waiting = select.poll()
    waiting.register(source, select.POLLIN)
    return bool(waiting.poll(max(0.0, within_s) * 1000))


def receive(source: int, within_s: float) -> bytes:
    """What was sent. Raises EOFError where the other end is gone, TimeoutError where it does not go on."""
    deadline = time.monotonic() + within_s
    (length,) = _LENGTH.unpack(_exactly(source, _LENGTH.size, deadline))
    return _exactly(source, length, deadline)


def _exactly(source: int, size: int, deadline: float) -> bytes:
    data = bytearray()
    while len(data) < size:
        if not is_readable(source, deadline - time.monotonic()):
            raise TimeoutError("no answer")
        part = os.read(source, min(size - len(data), 1 << 20))
        if not part:
            raise EOFError("it has ended")
        data += part
    return bytes(data)
