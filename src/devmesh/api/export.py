"""The result of a question as a file: NDJSON for programs, CSV for spreadsheets, in pages with short reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
from fastapi.responses import StreamingResponse

from devmesh.errors import InvalidInput
from devmesh.events import Event, Filter

if TYPE_CHECKING:
    from devmesh.mesh import Mesh

PAGE = 2_000
COLUMNS = ("time", "node", "service", "priority", "pid", "template", "message")
# A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r")
MEDIA = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}


def download(mesh: Mesh, only: Filter, form: str) -> StreamingResponse:
    """The answer that a browser saves. Raises InvalidInput for another format."""
    if form not in MEDIA:
        raise InvalidInput(f"format must be one of {', '.join(MEDIA)}.", hint="ndjson is the default.")
    write = _csv if form == "csv" else _ndjson
    name = f'attachment; filename="devmesh-logs.{form}"'
    return StreamingResponse(
        _parts(mesh, only, write),
        media_type=MEDIA[form],
        headers={"Content-Disposition": name, "X-Accel-Buffering": "no"},
    )


def _parts(mesh: Mesh, only: Filter, write: Callable[[Iterable[Event]], bytes]) -> Iterator[bytes]:
    if write is _csv:
        yield (",".join(COLUMNS) + "\r\n").encode()
    cursor = None
    while True:
        page = mesh.events.query(only, PAGE, cursor)
        if page.events:
            yield write(page.events)
        cursor = page.cursor
        if cursor is None:
            return


def _ndjson(events: Iterable[Event]) -> bytes:
    return b"".join(msgspec.json.encode(event) + b"\n" for event in events)


def _csv(events: Iterable[Event]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    for one in events:
        time = datetime.fromtimestamp(one.ts_us / 1e6, UTC).isoformat(timespec="microseconds")
        row = (time, one.node, one.service, one.priority, one.pid, one.template_id, one.message)
        writer.writerow([cell(value) for value in row])
    return out.getvalue().encode("utf-8", "replace")


def cell(value: object) -> object:
    """A value that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
