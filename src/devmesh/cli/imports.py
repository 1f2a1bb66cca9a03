"""`devmesh import`: history into the store, each event once, whoever brought it before."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from devmesh.cli.opening import log_to_stderr, settings_of, writing
from devmesh.cli.words import Json, examples
from devmesh.errors import DevMeshError, InvalidInput, Unavailable

if TYPE_CHECKING:
    from datetime import tzinfo

    from devmesh.cli.history.inputs import Input
    from devmesh.cli.history.progress import Progress
    from devmesh.cli.history.sending import Tally
    from devmesh.cli.history.stores import Store
    from devmesh.mesh import Mesh
    from devmesh.settings import Settings

DAY_US = 86_400_000_000
SHOWN_ERRORS = 10
AGAIN = "The same command goes on where this one stopped; nothing is stored twice."
LEARNING = ("template-totals", "template-samples", "assign-families", "embed-families")


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "import",
        epilog=examples(
            "devmesh import /var/log/nginx/access.log*",
            "devmesh import old-server/ --node nas --tz Europe/Berlin",
            "journalctl -o export | devmesh import -",
            "ssh pi journalctl -o json --all | devmesh import - --node pi",
        ),
        short_help="Bring history in: log files, journals, pipes.",
    )(import_)


def import_(
    context: typer.Context,
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Files, folders, or - for stdin.")],
    form: Annotated[
        str, typer.Option("--format", metavar="F", help="auto, journal-json, journal-export, syslog, ndjson or plain.")
    ] = "auto",
    node: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The machine they come from (default: this one; journals name theirs)."),
    ] = None,
    service: Annotated[
        str | None, typer.Option(metavar="NAME", help="The service of all of it (default: as the lines say).")
    ] = None,
    year: Annotated[
        int | None, typer.Option(metavar="Y", min=1970, max=2200, help="Year of the first line, where times have none.")
    ] = None,
    tz: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Zone of times that have none (default: this machine's).")
    ] = None,
    json: Json = False,
) -> None:
    """Bring history into the store; what is there already is not stored twice.

    Knows a file again by its content: grown, rotated, compressed, or sent by the agent before. gzip, zstd, xz and bzip2
    are unpacked. Stack traces and other continued lines become one event. Run it again after an interruption.
    """
    from devmesh.cli.history.formats import FORMATS, Reading
    from devmesh.cli.history.inputs import inputs_of
    from devmesh.cli.history.progress import Progress
    from devmesh.clock import SystemClock
    from devmesh.nodes import is_node_name
    from devmesh.when import zone_of

    if form not in FORMATS:
        raise InvalidInput(f"There is no format {form!r}.", hint=f"One of {', '.join(FORMATS)}.")
    if node is not None and not is_node_name(node):
        raise InvalidInput("--node cannot name a node.", hint="1 to 255 printable characters, no space around them.")
    settings = settings_of(context)
    log_to_stderr("warning" if settings.log_level == "info" else settings.log_level)
    sources = inputs_of(paths)
    how = Reading("", 0, node, service, year, zone_of(tz) if tz else None)
    total = sum(one.size_bytes for one in sources)
    progress = Progress(SystemClock(), total, shown=sys.stderr.isatty() and not json)
    tallies: list[Tally] = []
    try:
        with way_in(settings, progress) as store:
            tallies.extend(_import_all(store, settings, sources, form, how, progress))
    except KeyboardInterrupt:
        progress.end()
        sys.stderr.write("Stopped. What was stored stays; the same command goes on from there.\n")
        raise
    finally:
        progress.end()
        if tallies:
            _report(tallies, settings, json=json)
            if (year or tz) and not json:
                _tell_times_stay(sum(one.repeated for one in tallies))
    if any(tally.trouble for tally in tallies):
        raise typer.Exit(1)


def _import_all(
    store: Store, settings: Settings, sources: Sequence[Input], form: str, how: object, progress: Progress
) -> Iterator[Tally]:
    from devmesh.cli.history.formats import Reading
    from devmesh.cli.history.sending import Importer
    from devmesh.clock import SystemClock

    assert isinstance(how, Reading)  # noqa: S101

    def moved(source: Input, events: int) -> None:
        progress.show(source.name, sum(one.read_bytes for one in sources), events)

    border_us = SystemClock().now_us() - settings.retention_days * DAY_US
    importer = Importer(store, border_us=border_us, moved=moved)
    for source in sources:
        yield importer.take(source, form, replace(how, base=source.base, written_us=source.written_us))
    store.wait()


class Says(Protocol):
    """Who shows what is done."""

    def say(self, text: str) -> None:
        """In words."""
        ...


@contextlib.contextmanager
def way_in(settings: Settings, progress: Says) -> Iterator[Store]:
    """The store's way in: this process's own, or that of the server that holds it."""
    from devmesh.cli.history.stores import LocalStore, RemoteStore
    from devmesh.cli.remote import Remote

    with writing(settings) as house:
        if isinstance(house, Remote):
            remote = RemoteStore(house, settings)
            try:
                yield remote
            finally:
                remote.close()
            return
        house.intake.start()
        house.db.watch(lambda: None, "this command ends", AGAIN)
        try:
            yield LocalStore(house)
        except Unavailable as error:
            error.hint = error.hint if AGAIN in error.hint else f"{error.hint} {AGAIN}".lstrip()
            raise
        finally:
            house.intake.stop()
        progress.say("Learning patterns …")
        _learn(house)


def _learn(mesh: Mesh) -> None:
    """What the server's loops would do now: totals, samples, families and their vectors."""
    for name in LEARNING:
        if name not in {state.name for state in mesh.runner.states()}:
            continue
        with contextlib.suppress(DevMeshError):  # a gateway that is away: the next server catches up
            while mesh.runner.once(name):
                pass


def _report(tallies: list[Tally], settings: Settings, *, json: bool) -> None:
    from devmesh.cli.terminal import count, emit, many, safe, table, viewer_zone, write

    sums = {
        name: sum(getattr(one, name) for one in tallies)
        for name in ("events", "stored", "repeated", "rejected", "expiring")
    }
    if json:
        files = [{**asdict(one), "events": one.events} for one in tallies]
        emit({**sums, "retention_days": settings.retention_days, "files": files})
        return
    if len(tallies) > 1:
        rows = [[count(one.stored), count(one.repeated), count(one.rejected), one.format, one.path] for one in tallies]
        table(["stored", "repeated", "rejected", "format", "file"], rows, right=["stored", "repeated", "rejected"])
    write(
        f"{count(sums['stored'])} stored, {count(sums['repeated'])} repeated, {count(sums['rejected'])} rejected",
        _span(tallies, viewer_zone(settings.timezone)),
    )
    for tally in tallies:
        _report_errors(tally)
        if tally.trouble:
            sys.stderr.write(f"{safe(tally.path)}: {safe(tally.trouble)}\n")
    if sums["expiring"] and sums["stored"]:
        days, old = settings.retention_days, many(sums["expiring"], "event")
        sys.stderr.write(
            f"Older than the {days} days that single events are kept: {old}. Their lines go within minutes, "
            "their counts and patterns stay.\nhint: DEVMESH_RETENTION_DAYS=36500 keeps them.\n"
        )


def _tell_times_stay(repeated: int) -> None:
    """The span above is that of the times as they were read now."""
    from devmesh.cli.terminal import count

    if repeated:
        sys.stderr.write(
            f"The {count(repeated)} repeated events keep the times that they were stored with: --year and --tz are for "
            "new ones.\nhint: --node with another name brings them in once more.\n"
        )


def _span(tallies: list[Tally], zone: tzinfo) -> str:
    """From when to when the events are: a wrong guess of the year is seen here."""
    from devmesh.cli.terminal import stamp

    first = min((one.first_us for one in tallies if one.first_us is not None), default=None)
    last = max((one.last_us for one in tallies if one.last_us is not None), default=None)
    return "" if first is None or last is None else f"; from {stamp(first, zone)[:19]} to {stamp(last, zone)[:19]}"


def _report_errors(tally: Tally) -> None:
    from devmesh.cli.terminal import count, safe

    for one in tally.errors[:SHOWN_ERRORS]:
        where = f":{one.line}" if one.line is not None else ""
        named = f"{one.field}: " if one.field else ""
        sys.stderr.write(f"rejected {safe(tally.path)}{where}  {safe(named + one.reason)}\n")
    if tally.rejected > SHOWN_ERRORS:
        more = count(tally.rejected - SHOWN_ERRORS)
        sys.stderr.write(f"rejected {safe(tally.path)}  and {more} more lines (--json lists up to 1,000)\n")
