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
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from devmesh.errors import DevMeshError, InvalidInput
from devmesh.intake.columns import apply_levels, cut_messages
from devmesh.intake.model import Limits, Rejected
from devmesh.intake.readers import Readers, Result
from devmesh.intake.reading import FAULTS, Kind, kinds_of, pieces_of
from devmesh.intake.redact import redact
from devmesh.intake.redact_spanning import OpenKeys
from devmesh.intake.request import Request, Ticket
from devmesh.nodes import Claim, Nodes, Range
from devmesh.templates import SAMPLES, Sample, Templates

log = logging.getLogger(__name__)

UNSAID = 8  # less than any level
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

    def __init__(self, nodes: Nodes, templates: Templates, key: bytes, limits: Limits, readers: Readers) -> None:
        self._nodes, self._templates, self._key, self._limits = nodes, templates, key, limits
        self._readers = readers
        self._open_keys = OpenKeys()

    def prepare(self, tickets: Sequence[Ticket]) -> Prepared:
        """Decode, redact, canonicalize. Tickets that cannot be read are answered here and left out."""
        pieces = [list(pieces_of(ticket.request, self._limits)) for ticket in tickets]
        results = iter(self._readers.read_all([piece for own in pieces for piece in own]))
        parts, frames, kinds, at = [], [], list[Kind](), 0
        for ticket, own in zip(tickets, pieces, strict=True):
            taken = self._take(ticket, [next(results) for _ in own], kinds)
            if taken is None:
                continue
            part, frame = taken
            part.start, part.rows = at, len(frame)
            at += len(frame)
            parts.append(part)
            if len(frame):
                frames.append(frame)
        if not frames:
            return Prepared(pl.DataFrame(), parts)
        frame, counts = self._redact(pl.concat(frames), kinds)
        return self._resolve(cut_messages(frame, self._limits), kinds, parts, Counter(counts))

    def _take(self, ticket: Ticket, results: list[Result], kinds: list[Kind]) -> tuple[Part, pl.DataFrame] | None:
        """A ticket's part and frame from what its pieces hold; None once it was answered with its error.

        The kinds of its pieces are added to `kinds`, the column `kind` follows.
        """
        request, frames, rejected, claim = ticket.request, [], list[Rejected](), None
        try:
            for one in results:
                if isinstance(one, BaseException):
                    raise one
                frames.append(one.frame.hstack([one.frame.drop_in_place("kind") + np.uint32(len(kinds))]))
                kinds += one.kinds
                rejected += one.rejected
            batch = pl.concat(frames)
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
        return Part(ticket, node_id, claim, rejected, batch.drop_in_place("line")), batch

    def _redact(self, frame: pl.DataFrame, kinds: list[Kind]) -> tuple[pl.DataFrame, dict[str, int]]:
        """The frame without secrets; messages that had one are of another kind now."""
        masked, counts = redact(frame, self._key, self._open_keys)
        changed = (masked["message"] != frame["message"]).arg_true() if counts else pl.Series(dtype=pl.UInt32)
        if len(changed):
            some = masked[changed]
            new, kind = kinds_of(some["service"].to_list(), some["message"])
            masked = masked.with_columns(masked["kind"].scatter(changed, kind + len(kinds)))
            kinds += new
        return masked, counts

    def _resolve(self, frame: pl.DataFrame, kinds: list[Kind], parts: list[Part], redacted: Counter[str]) -> Prepared:
        """Names to numbers and messages to templates, once for each kind."""
        kinds, kind = _used(kinds, frame.drop_in_place("kind").to_numpy())
        service_ids = self._nodes.service_names.ids({service for service, _shape in kinds})
        known = self._templates.recognize([(service_ids[service], shape) for service, shape in kinds])
        services = np.array([service_ids[service] for service, _shape in kinds], np.int64)
        templates = np.array([one.id for one in known], np.int64)
        levels = np.array([UNSAID if one.level is None else one.level for one in known], np.int8)
        node_ids = self._node_ids(frame.drop_in_place("node"))
        frame.drop_in_place("service")
        numbers = [node_ids, pl.Series("service_id", services[kind]), pl.Series("template_id", templates[kind])]
        frame = apply_levels(frame.hstack(numbers), pl.Series(levels[kind]))
        return Prepared(frame, parts, redacted, self._samples(frame, _last_rows(kind, templates.tolist())))

    def _node_ids(self, names: pl.Series) -> pl.Series:
        distinct = names.unique()
        ids = self._nodes.node_names.ids(set(distinct))
        if len(distinct) == 1:
            return pl.Series("node_id", [ids[distinct[0]]], dtype=pl.Int64).new_from_index(0, len(names))
        return pl.Series("node_id", [ids[name] for name in names], dtype=pl.Int64)

    def _samples(self, frame: pl.DataFrame, last: dict[int, int]) -> list[tuple[int, Sample]]:
        """Some messages each of the batch's templates that lack examples, and one of a few others for their values.

        `last`: each template's last row.
        """
        lacking = self._templates.lacking_samples(last)
        others = [template for template in last if template not in lacking]
        chosen = [last[template] for template in random.sample(others, min(len(others), SAMPLED_KNOWN))]
        wanted = [*_rows_of(sorted(lacking)[:SAMPLED_NEW], frame["template_id"]), *chosen]
        some = pl.DataFrame([frame[name] for name in ("template_id", "ts_us", "node_id", "message")])[wanted]
        return [(template, Sample(*row)) for template, *row in some.iter_rows()]


def _used(kinds: list[Kind], kind: np.ndarray) -> tuple[list[Kind], np.ndarray]:
    """The kinds without those of lines that were refused since, and each row's place in them."""
    used = np.bincount(kind, minlength=len(kinds)) > 0
    if used.all():
        return kinds, kind
    return [one for one, is_used in zip(kinds, used, strict=True) if is_used], (np.cumsum(used) - 1)[kind]


def _last_rows(kind: np.ndarray, templates: list[int]) -> dict[int, int]:
    """Each template's last row, by each row's kind and each kind's template."""
    rows = np.full(len(templates), -1)
    rows[kind] = np.arange(len(kind))
    last: dict[int, int] = {}
    for template, row in zip(templates, rows.tolist(), strict=True):
        if row >= 0:
            last[template] = max(last.get(template, 0), row)
    return last


def _rows_of(wanted: list[int], template_ids: pl.Series) -> list[int]:
    """Up to 5 rows each of the templates `wanted`, from all over the batch: neighbours tend to say the same."""
    if not wanted:
        return []
    rows: dict[int, list[int]] = {template: [] for template in wanted}
    ids = template_ids.to_numpy()
    places = np.flatnonzero(np.isin(ids, wanted))
    for row, template in zip(places.tolist(), ids[places].tolist(), strict=True):
        rows[template].append(row)
    return [own[at] for own in rows.values() for at in range(0, len(own), max(1, -(-len(own) // SAMPLES)))]


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
