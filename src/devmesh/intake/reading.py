"""The pure part of the way in: a piece of a body to columns and shapes. Nothing here knows a store or a secret.

So it can be done anywhere, by several processes at once (`readers.py`), and again where one of them fails. It imports
leaves of the rooms, not their doors, so that such a process is small and quick to start.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from polars.exceptions import PanicException

from devmesh.intake.columns import to_batch
from devmesh.intake.formats.ndjson import decode, lines_in
from devmesh.intake.model import Decoded, Limits, Rejected
from devmesh.nodes.model import is_node_name
from devmesh.templates.canonical import shapes_of

if TYPE_CHECKING:
    from devmesh.intake.request import Request

FAULTS = (Exception, PanicException)  # a panic of polars is no Exception, and must end no thread either
PIECE_BYTES = 640 * 1024
KIND = pl.UInt32

Kind = tuple[str, str]
"""What a template is found by: the service's name and the shape of the message."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole lines of a body, who sent them, and how many lines of the body lie before them."""

    body: bytes
    node: str
    received_us: int
    may_name_nodes: bool = False
    lines_before: int = 0


@dataclass(frozen=True, slots=True)
class Read:
    """n valid lines: an `EventBatch` with the columns `line` (from 1 in the body) and `kind` (UInt32, an index of
    `kinds`), and the lines that were rejected.
    """

    frame: pl.DataFrame
    kinds: list[Kind]
    rejected: list[Rejected]


def pieces_of(request: Request, limits: Limits) -> Iterator[Piece]:
    """A request's body in pieces of some 640 KiB, cut between lines; whole if it is to be refused for its lines."""
    body, start, before = request.body, 0, 0
    whole = len(body) <= PIECE_BYTES or lines_in(body) > limits.events
    while start < len(body) or not start:
        end = len(body) if whole else body.find(b"\n", start + PIECE_BYTES) + 1 or len(body)
        part = body[start:end]
        yield Piece(part, request.node, request.received_us, request.may_name_nodes, before)
        if end == len(body):
            return
        start, before = end, before + lines_in(part)


def read(piece: Piece, limits: Limits) -> Read:
    """Decode a piece. Raises TooLarge where it has more lines than a request may; all else is told by line."""
    decoded = _without_foreign_nodes(decode(piece.body, limits), piece)
    batch = to_batch(decoded, node=piece.node, received_us=piece.received_us, limits=limits)
    kinds, kind = kinds_of(batch["service"].to_list(), batch["message"])
    frame = batch.hstack([decoded.frame["line"] + np.uint32(piece.lines_before), kind])
    rejected = [replace(one, line=one.line + piece.lines_before) for one in decoded.rejected]
    return Read(frame, kinds, rejected)


def kinds_of(services: list[str], messages: pl.Series) -> tuple[list[Kind], pl.Series]:
    """The distinct kinds of n messages (String) of n services, and the column `kind`: each message's place in them."""
    numbers: dict[Kind, int] = {}
    number = numbers.setdefault
    kind = [number(one, len(numbers)) for one in zip(services, shapes_of(messages), strict=True)]
    return list(numbers), pl.Series("kind", kind, dtype=KIND)


def _without_foreign_nodes(decoded: Decoded, piece: Piece) -> Decoded:
    """Reject lines that speak for another node, unless this sender may; and those whose node has no name."""
    named = decoded.frame["node"]
    if named.null_count() == len(named):
        return decoded
    if piece.may_name_nodes:
        nameless = [name for name in named.drop_nulls().unique() if not is_node_name(name)]
        wrong, reason = named.is_in(nameless), "a node's name is 1 to 255 printable characters"
    else:
        wrong, reason = named != piece.node, "this token may only speak for its own node"
    wrong = wrong.fill_null(value=False)
    if not wrong.any():
        return decoded
    return _keep(decoded, ~wrong, [Rejected(line, "node", reason) for line in decoded.frame["line"].filter(wrong)])


def _keep(decoded: Decoded, mask: pl.Series, rejected: list[Rejected]) -> Decoded:
    places = mask.arg_true().to_list()
    return replace(
        decoded,
        frame=decoded.frame.filter(mask),
        priority=[decoded.priority[place] for place in places],
        fields=[decoded.fields[place] for place in places],
        rejected=[*decoded.rejected, *rejected],
    )
