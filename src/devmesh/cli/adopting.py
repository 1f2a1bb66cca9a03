"""`devmesh db adopt`: the events of a database of the old schema, through our own way in, each once.

The old database is a stream: an event's number in it is its old id, so what was taken is known wherever it was broken
off, and a second run brings what came since. Nothing in the old one changes.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devmesh.cli.opening import log_to_stderr, settings_of
from devmesh.cli.words import Json, examples
from devmesh.errors import InvalidInput

if TYPE_CHECKING:
    from devmesh.cli.copying import Progress
    from devmesh.cli.history.stores import Store
    from devmesh.db.old import Old, Shape
    from devmesh.intake import Answer
    from devmesh.nodes import Range, StreamKey

NODE = "adopted"  # who the stream belongs to, and who rows without a host speak for
BODY_BYTES = 4 * 1024 * 1024
SHOWN = 10
DAY_US = 86_400_000_000


@dataclass
class Tally:
    """What became of the rows that this run read."""

    read: int = 0
    stored: int = 0
    repeated: int = 0
    rejected: int = 0
    expiring: int = 0
    reasons: list[dict[str, Any]] = field(default_factory=list)


def install(group: typer.Typer) -> None:
    """Add the command to `devmesh db`."""
    group.command(
        epilog=examples(
            "devmesh db adopt mysql+pymysql://reader:secret@old-server/devmesh",
            "devmesh db adopt mysql+pymysql://reader@old-server/logs --column message=raw_line --column node=box",
        )
    )(adopt)


def adopt(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="The old database; a user who may only SELECT is enough.")],
    column: Annotated[
        list[str] | None,
        typer.Option("--column", metavar="PART=NAME", help="Which column holds a part (id, message, ts, node …)."),
    ] = None,
    node: Annotated[str, typer.Option(metavar="NAME", help="The machine of rows that name none.")] = NODE,
    tz: Annotated[str, typer.Option(metavar="ZONE", help="Zone of times that have none (DATETIME).")] = "UTC",
    json: Json = False,
) -> None:
    """Bring the events of a DevMesh database of the old schema in.

    They go through the same way in as any other: redacted, with patterns and counts of this version; embeddings are
    made anew. Nothing in the old database changes. Broken off, the same command goes on; nothing is stored twice.
    """
    from devmesh.cli.copying import Progress
    from devmesh.cli.imports import way_in
    from devmesh.clock import SystemClock
    from devmesh.db.old import Old
    from devmesh.when import zone_of

    settings = settings_of(context)
    log_to_stderr("warning" if settings.log_level == "info" else settings.log_level)
    clock = SystemClock()
    progress = Progress(clock, shown=sys.stderr.isatty() and not json)
    old = Old(url, _told(column or []))
    tally = Tally()
    try:
        with way_in(settings, progress) as store:
            border_us = clock.now_us() - settings.retention_days * DAY_US
            Adoption(old, store, node, zone_of(tz), border_us, tally).run(progress)
    except KeyboardInterrupt:
        progress.end()
        sys.stderr.write("Stopped. What was stored stays; the same command goes on from there.\n")
        raise
    finally:
        progress.end()
        old.close()
    _report(tally, old.shape, settings.retention_days, json=json)


def _told(pairs: Sequence[str]) -> dict[str, str]:
    told = dict(pair.partition("=")[::2] for pair in pairs)
    if not all(told.values()):
        raise InvalidInput("--column takes PART=NAME.", hint="--column message=raw_line")
    return told


class Adoption:
    """One run over the old table."""

    def __init__(self, old: Old, store: Store, node: str, zone: dt.tzinfo, border_us: int, tally: Tally) -> None:
        self._old, self._store, self._node, self._zone, self._tally = old, store, node, zone, tally
        self._border_us = border_us

    def run(self, progress: Progress) -> None:
        """Bring what is not there yet. Raises what the store raises."""
        from devmesh.nodes.ranges import missing

        span = self._old.span()
        if span is None:
            return
        lowest, highest, about = span
        key, coverage = self._stream()
        for first, last in missing(coverage, lowest, highest):
            at = first
            for rows in self._old.pages(first, last):
                for body_rows in self._bodies(rows):
                    end = int(body_rows[-1][0]["id"])
                    self._send(key, body_rows, (at, end))
                    at = end + 1
                progress.show("adopting", "log_events", self._tally.read, about)
        self._store.wait()

    def _stream(self) -> tuple[StreamKey, Sequence[Range]]:
        """The stream that this database is, and what is known of it; one of the same name with other rows under the
        same ids is another database, thus another epoch.
        """
        from devmesh.cli.history.old_rows import mark_of
        from devmesh.nodes import StreamKey

        name, epoch = f"old-{self._old.database}", 0
        states = sorted(
            (one for one in self._store.states(NODE) if one.key.seqnum_id == name), key=lambda one: -one.key.epoch
        )
        for state in states:
            rows = [(self._old.row(seq), x) for seq, x in state.marks]
            if not any(row for row, _x in rows) or any(row and mark_of(row) == x for row, x in rows):
                return state.key, state.coverage
            epoch = max(epoch, state.key.epoch + 1)
        return StreamKey(name, epoch), ()

    def _bodies(self, rows: Sequence[dict[str, Any]]) -> Iterator[list[tuple[dict[str, Any], bytes]]]:
        """Rows with their lines, as many as go in one request."""
        from devmesh.cli.history.old_rows import line_of

        part: list[tuple[dict[str, Any], bytes]] = []
        size, most = 0, min(BODY_BYTES, self._store.max_bytes // 2)
        for row in rows:
            line = line_of(row, self._node, self._zone)
            if part and (size + len(line) > most or len(part) >= self._store.max_events):
                yield part
                part, size = [], 0
            part.append((row, line))
            size += len(line)
        if part:
            yield part

    def _send(self, key: StreamKey, rows: Sequence[tuple[dict[str, Any], bytes]], span: Range) -> None:
        from devmesh.cli.history.old_rows import mark_of, time_us
        from devmesh.cli.history.stores import Body

        ids = [row["id"] for row, _line in rows]
        times = [time_us(row["ts"], self._zone) for row, _line in rows]
        self._tally.read += len(rows)
        self._tally.expiring += sum(1 for time in times if time is not None and time < self._border_us)
        data = b"".join([line for _row, line in rows])
        spans = ((span, mark_of(rows[-1][0])),)
        self._store.send(Body(NODE, key, data, spans), lambda answer: self._answered(answer, ids))

    def _answered(self, answer: Answer, ids: Sequence[int]) -> None:
        tally = self._tally
        tally.stored += answer.stored
        tally.repeated += answer.repeated
        tally.rejected += answer.rejected
        for one in answer.errors:
            tally.reasons.append({"id": ids[one.line - 1], "field": one.field, "reason": one.reason})


def _report(tally: Tally, shape: Shape, retention_days: int, *, json: bool) -> None:
    from devmesh.cli.terminal import count, emit, safe, write

    if json:
        sums = {name: getattr(tally, name) for name in ("read", "stored", "repeated", "rejected", "expiring")}
        columns = {**shape.columns, **{part: pair[0] for part, pair in shape.lookups.items()}}
        emit({**sums, "columns": columns, "fields": shape.more, "left": shape.left, "errors": tally.reasons})
        return
    for part, name in shape.columns.items():
        write((f"{part:<10}", "dim"), safe(name))
    for part, (name, names) in shape.lookups.items():
        write((f"{part:<10}", "dim"), safe(f"{name}, named in {names}"))
    if shape.missing:
        write(("none for  ", "dim"), safe(", ".join(shape.missing)), "  (--column PART=NAME says which)")
    if shape.more:
        write(("fields    ", "dim"), safe(", ".join(shape.more)))
    if shape.left:
        write(("made anew ", "dim"), safe(", ".join(shape.left)))
    write(
        f"{count(tally.read)} read: {count(tally.stored)} stored, {count(tally.repeated)} repeated, "
        f"{count(tally.rejected)} rejected"
    )
    for one in tally.reasons[:SHOWN]:
        sys.stderr.write(f"rejected id {one['id']}  {safe(one['field'] + ': ' + one['reason'])}\n")
    if tally.expiring and tally.stored:
        sys.stderr.write(
            f"Older than the {retention_days} days that single events are kept: {count(tally.expiring)} events. Their "
            "lines go within minutes, their counts and patterns stay.\nhint: DEVMESH_RETENTION_DAYS=36500 keeps them.\n"
        )
