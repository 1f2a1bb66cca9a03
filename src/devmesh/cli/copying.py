"""`devmesh db copy`: the whole store into another one, of either kind."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from devmesh.cli.opening import settings_of, store_exists
from devmesh.cli.status import StatusLine
from devmesh.cli.words import Json, examples
from devmesh.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from devmesh.clock import Clock
    from devmesh.db import Database
    from devmesh.db.copying import Copied

STORE = "devmesh.db"


def install(group: typer.Typer) -> None:
    """Add the command to `devmesh db`."""
    group.command(
        epilog=examples(
            "devmesh db copy --to mysql+pymysql://devmesh:secret@localhost/devmesh",
            "devmesh db copy --from mysql+pymysql://devmesh:secret@localhost/devmesh --to /var/lib/devmesh",
        )
    )(copy)


def copy(
    context: typer.Context,
    to: Annotated[str, typer.Option("--to", metavar="URL", help="The store to fill: a URL, a folder or a file.")],
    from_: Annotated[
        str | None, typer.Option("--from", metavar="URL", help="The store to read (default: the one in force).")
    ] = None,
    json: Json = False,
) -> None:
    """Copy the whole store into an empty one, SQLite or MariaDB.

    Nothing in the source changes. Stop the server first. Broken off, also by kill -9, the same command goes on where
    it stopped. At the end every row of both is compared.
    """
    from devmesh.cli.terminal import emit
    from devmesh.clock import SystemClock

    settings = settings_of(context)
    source_url, target_url = url_of(from_ or settings.store_url), url_of(to)
    if source_url == target_url:
        raise InvalidInput("Both are the same store.", hint="--from URL reads, --to URL is filled.")
    clock = SystemClock()
    began_s = clock.monotonic_s()
    progress = Progress(clock, shown=sys.stderr.isatty() and not json)
    try:
        with (
            _opened(source_url, unsafe=True, must_exist=True) as source,
            _opened(target_url, unsafe=settings.allow_unsafe) as target,
        ):
            copied = _copy(source, target, clock.now_us(), progress)
    except KeyboardInterrupt:
        progress.end()
        sys.stderr.write("Stopped. The same command goes on where it stopped.\n")
        raise
    finally:
        progress.end()
    took_s = clock.monotonic_s() - began_s
    if json:
        emit({"tables": [asdict(one) for one in copied], "seconds": round(took_s, 2)})
    else:
        _report(copied, took_s, target_url)


def _copy(source: Database, target: Database, now_us: int, progress: Progress) -> list[Copied]:
    from devmesh.db.copying import copy as copy_store
    from devmesh.embeddings.stored import tables_of
    from devmesh.events import partitions

    def prepare() -> None:
        partitions.prepare(target, source, now_us)

    return copy_store(source, target, tables_of, prepare=prepare, told=progress.show)


def url_of(told: str) -> str:
    """A URL as it is; a folder or a file as that of the SQLite store there."""
    if "://" in told:
        return told
    path = Path(told).expanduser().absolute()
    return f"sqlite:///{path / STORE if path.is_dir() or not path.suffix else path}"


@contextlib.contextmanager
def _opened(url: str, *, unsafe: bool, must_exist: bool = False) -> Iterator[Database]:
    import devmesh.mesh  # noqa: F401 - brings every room's tables into the metadata
    from devmesh.db import open_database
    from devmesh.db.sqlite import path_of

    path = path_of(url)
    if must_exist and path is not None and not store_exists(path):
        raise NotFound(f"There is no store at {path}.", hint="--from URL, or --data-dir DIR before the command.")
    db = open_database(url, allow_unsafe=unsafe)
    try:
        yield db
    finally:
        db.close()


class Progress(StatusLine):
    """What is done, of which table, how far, how fast."""

    def __init__(self, clock: Clock, *, shown: bool) -> None:
        super().__init__(clock, shown=shown)
        self._begun: tuple[str, float, int] = ("", 0.0, 0)

    def show(self, what: str, name: str, done: int, total: int) -> None:
        """Where the work stands, in rows."""
        from devmesh.cli.terminal import count, shortened

        now = self._clock.monotonic_s()
        if self._begun[0] != what + name:
            self._begun = (what + name, now, done)
        if not self.is_due():
            return
        _which, since_s, before = self._begun
        share = f" {min(done / total, 1):4.0%}" if total else ""
        pace = f", {count(round((done - before) / (now - since_s)))}/s" if now > since_s else ""
        line = f"{what} {name}{share}  {count(done)} rows{pace}"
        self.say(shortened(line, shutil.get_terminal_size().columns - 1))


def _report(copied: list[Copied], took_s: float, target_url: str) -> None:
    from devmesh.cli.terminal import count, many, safe, table, write
    from devmesh.db.sqlite import path_of

    table(["table", "rows"], [[one.table, count(one.rows)] for one in copied if one.rows], right=["rows"])
    now, rows = sum(one.now for one in copied), sum(one.rows for one in copied)
    before = f", {count(rows - now)} of them before" if now < rows else ""
    write(f"{many(rows, 'row')} copied in {took_s:,.0f} s{before}; every row was compared and is the same.")
    path = path_of(target_url)
    then = f"devmesh --data-dir {path.parent} up" if path is not None else "DEVMESH_DATABASE_URL=<that URL> devmesh up"
    write("next: ", safe(then))
