"""First half of the way in, outside any transaction: bodies to one frame with numbers for nodes, services and
templates.

Requests that wait together are joined before they are canonicalized, because polars is twenty times cheaper on large
frames. A request that cannot be read fails alone.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from polars.exceptions import PanicException

from devmesh.errors import DevMeshError, InvalidInput
from devmesh.intake.columns import apply_levels, cut_messages, to_batch
from devmesh.intake.formats.ndjson import decode
from devmesh.intake.model import Decoded, Limits, Rejected
from devmesh.intake.redact import redact
from devmesh.intake.redact_spanning import OpenKeys
from devmesh.intake.request import Request, Ticket
from devmesh.nodes import Claim, Nodes, Range, is_node_name
from devmesh.templates import SAMPLES, Sample, Templates

log = logging.getLogger(__name__)

FAULTS = (Exception, PanicException)  # a panic of polars is no Exception, and must end no thread either
SAMPLED_NEW = 512
SAMPLED_KNOWN = 16


@dataclass
class Part:
    """One request's share of the joined frame: rows `start` to `start + rows`."""

    ticket: Ticket
    node_id: int
    claim: Claim | None
    rejected: list[Rejected]
    lines: pl.Series  # of each row, in the body
    start: int = 0
    rows: int = 0


@dataclass
class Prepared:
    """A joined frame (columns of log_events without id) and whose rows are whose."""

    frame: pl.DataFrame
    parts: list[Part]
    redacted: Counter[str] = field(default_factory=Counter)
    seen: list[tuple[int, Sample]] = field(default_factory=list)


class Preparer:
    """Turns waiting tickets into one `Prepared`."""

    def __init__(self, nodes: Nodes, templates: Templates, key: bytes, limits: Limits) -> None:
        self._nodes, self._templates, self._key, self._limits = nodes, templates, key, limits
        self._open_keys = OpenKeys()

    def prepare(self, tickets: Sequence[Ticket]) -> Prepared:
        """Decode, redact, canonicalize. Tickets that cannot be read are answered here and left out."""
        parts, frames, at = [], [], 0
        for ticket in tickets:
            read = self._read(ticket)
            if read is None:
                continue
            part, frame = read
            part.start, part.rows = at, len(frame)
            at += len(frame)
            parts.append(part)
            if len(frame):
                frames.append(frame)
        if not frames:
            return Prepared(pl.DataFrame(), parts)
        frame, counts = redact(pl.concat(frames), self._key, self._open_keys)
        return self._resolve(cut_messages(frame, self._limits), parts, Counter(counts))

    def _read(self, ticket: Ticket) -> tuple[Part, pl.DataFrame] | None:
        """A ticket's part and frame; None once it was answered with its error."""
        request = ticket.request
        try:
            decoded = decode(request.body, self._limits)
            decoded = _without_foreign_nodes(decoded, request)
            batch = to_batch(decoded, node=request.node, received_us=request.received_us, limits=self._limits)
            batch = batch.with_columns(decoded.frame["line"])
            rejected = list(decoded.rejected)
            claim = None
            if request.stream is not None:
                batch, claim = _claim(request, batch, rejected)
            node_id = self._nodes.node_names.ids([request.node])[request.node]
            self._nodes.check_machine(node_id, request.machine_id)
        except DevMeshError as error:
            ticket.fail(error)
            return None
        except FAULTS:  # one request's fault must not cost its neighbours; the sender bisects on 500
            log.exception("intake cannot read a request node=%s bytes=%d", request.node, len(request.body))
            ticket.fail(DevMeshError("The server could not read this request.", hint="The server's own log says why."))
            return None
        return Part(ticket, node_id, claim, rejected, batch["line"]), batch.drop("line")

    def _resolve(self, frame: pl.DataFrame, parts: list[Part], redacted: Counter[str]) -> Prepared:
        """Names to numbers and messages to templates."""
        nodes, services = frame["node"].to_list(), frame["service"].to_list()
        node_ids = self._nodes.node_names.ids(set(nodes))
        service_ids = self._nodes.service_names.ids(set(services))
        spoke = [service_ids[name] for name in services]
        known = self._templates.recognize(spoke, frame["message"])
        template_ids = [one.id for one in known]
        frame = frame.drop("node", "service").with_columns(
            pl.Series("node_id", [node_ids[name] for name in nodes], dtype=pl.Int64),
            pl.Series("service_id", spoke, dtype=pl.Int64),
            pl.Series("template_id", template_ids, dtype=pl.Int64),
        )
        frame = apply_levels(frame, pl.Series([one.level for one in known], dtype=pl.Int8))
        return Prepared(frame, parts, redacted, self._samples(frame, template_ids))

    def _samples(self, frame: pl.DataFrame, template_ids: list[int]) -> list[tuple[int, Sample]]:
        """Some messages each of the batch's templates that lack examples, and one of a few others for their values."""
        last = {template: row for row, template in enumerate(template_ids)}
        lacking = self._templates.lacking_samples(last)
        others = [template for template in last if template not in lacking]
        chosen = [last[template] for template in random.sample(others, min(len(others), SAMPLED_KNOWN))]
        wanted = [*_rows_of(sorted(lacking)[:SAMPLED_NEW], template_ids), *chosen]
        some = frame[wanted].select("template_id", "ts_us", "node_id", "message")
        return [(template, Sample(*row)) for template, *row in some.iter_rows()]


def _rows_of(wanted: list[int], template_ids: list[int]) -> list[int]:
    """Up to 5 rows each of the templates `wanted`, from all over the batch: neighbours tend to say the same."""
    if not wanted:
        return []
    rows: dict[int, list[int]] = {template: [] for template in wanted}
    for row, template in enumerate(template_ids):
        if template in rows:
            rows[template].append(row)
    return [own[at] for own in rows.values() for at in range(0, len(own), max(1, -(-len(own) // SAMPLES)))]


def _without_foreign_nodes(decoded: Decoded, request: Request) -> Decoded:
    """Reject lines that speak for another node, unless this sender may; and those whose node has no name."""
    named = decoded.frame["node"]
    if named.null_count() == len(named):
        return decoded
    if request.may_name_nodes:
        nameless = [name for name in named.drop_nulls().unique() if not is_node_name(name)]
        wrong, reason = named.is_in(nameless), "a node's name is 1 to 255 printable characters"
    else:
        wrong, reason = named != request.node, "this token may only speak for its own node"
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


def _claim(request: Request, batch: pl.DataFrame, rejected: list[Rejected]) -> tuple[pl.DataFrame, Claim | None]:
    """What the request covers, and its rows that lie within; the others are rejected by line."""
    assert request.stream is not None  # noqa: S101 - the caller asks only for streams
    seqs = batch["seq"]
    valid = seqs.is_not_null() & (seqs >= 0)
    ranges = request.ranges
    if ranges is not None:
        within = pl.any_horizontal(
            [pl.col("seq").is_between(first, last) for first, last in ranges] or [pl.lit(value=False)]
        )
        valid &= batch.select(within.fill_null(value=False)).to_series()
    if not valid.all():
        lines = batch["line"].filter(~valid)
        rejected += [Rejected(line, "seq", "the line's seq is missing or outside of the range") for line in lines]
        batch = batch.filter(valid)
    if ranges is None:
        ranges = _spans(batch["seq"].to_numpy(), each=request.each)
    if not ranges:
        return batch, None
    if len(ranges) > 1 and list(ranges) != sorted(ranges):
        raise InvalidInput("The ranges must stand in ascending order.", hint="<first>-<last>,<first>-<last>;<x>")
    return batch, Claim(request.stream, ranges, request.marks, request.prev)


def _spans(seqs: np.ndarray, *, each: bool) -> tuple[Range, ...]:
    """The span of the seqs, or with `each` their runs of neighbours."""
    if not len(seqs):
        return ()
    ordered = np.unique(seqs)
    if not each:
        return ((int(ordered[0]), int(ordered[-1])),)
    breaks = np.flatnonzero(np.diff(ordered) > 1)
    firsts, lasts = ordered[np.r_[0, breaks + 1]], ordered[np.r_[breaks, len(ordered) - 1]]
    return tuple(zip(firsts.tolist(), lasts.tolist(), strict=True))
