"""What the way in hands from step to step: limits, decoded bodies and the lines that were rejected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may bring; the pages of the protocol name the defaults.

    `line_bytes` and `fields` guard the store, `events` the memory of a frame, `message_bytes` is what is kept of a
    text.
    """

    events: int = 50_000
    line_bytes: int = 1 << 20
    message_bytes: int = 32 << 10
    fields: int = 64


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that cannot be stored: its number in the body (from 1), the field, and a reason without any log text."""

    line: int
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Decoded:
    """The valid lines of a body as columns, n rows in the order of the lines, and the lines that were rejected.

    `frame` has the columns line (UInt32, from 1), message, ts, node, service (String), ts_us, pid, seq (Int64); all but
    line and message may be null. `priority` and `fields` are lists of n values as the client sent them, because their
    types vary.
    """

    frame: pl.DataFrame
    priority: list[int | str | None]
    fields: list[dict[str, Any] | None]
    rejected: list[Rejected]
