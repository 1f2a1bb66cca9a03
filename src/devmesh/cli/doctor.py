"""`devmesh doctor`: what is configured and from where, what works, what is off, and why.

Looks only; changes nothing. Every check gives a row, whatever fails in it. Ends with 1 where something that should work
does not.
"""

from __future__ import annotations

import logging
import os
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devmesh.cli.opening import holder_of, log_to_stderr, reading, settings_of, store_exists, store_path
from devmesh.cli.words import Json, examples
from devmesh.errors import DevMeshError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from devmesh.settings import Settings

log = logging.getLogger(__name__)
OK, OFF, BROKEN = "ok", "off", "broken"


@dataclass(frozen=True)
class Check:
    """One thing looked at: ok, off (by choice, or not needed yet) or broken; why, and what to do."""

    name: str
    state: str
    reason: str = ""
    hint: str = ""


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples("devmesh doctor", "devmesh doctor --all"), short_help="What works, what is off, and why."
    )(doctor)


def doctor(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="List every setting, the defaults too.")] = False,
    json: Json = False,
) -> None:
    """What is configured and where that comes from; what works, what is off, and why."""
    from devmesh import __version__
    from devmesh.cli.terminal import emit, note, table, write

    told: list[dict[str, Any]] = []
    try:
        settings = settings_of(context)
    except (DevMeshError, OSError) as error:
        checks = [_broken("settings", error), *_rows("sources", _sources)]
    else:
        if settings.log_level == "debug":
            log_to_stderr("debug")
        from devmesh.house import configured

        told += configured(settings, everything=everything or json)
        checks = list(_checks(settings))
    broken = [check for check in checks if check.state == BROKEN]
    if json:
        emit({"version": __version__, "settings": told, "checks": [asdict(check) for check in checks]})
    else:
        write(("DevMesh ", "bold"), __version__)
        if told:
            table(["setting", "from", "value"], [[one["name"], one["source"], str(one["value"])] for one in told])
        write("")
        for check in checks:
            _print(check)
        if broken:
            note(f"{len(broken)} of {len(checks)} checks failed.")
    if broken:
        raise typer.Exit(1)


def _print(check: Check) -> None:
    from devmesh.cli.terminal import safe, write

    style = {OK: "green", OFF: "dim", BROKEN: "bold red"}[check.state]
    write((f"{check.state:<7}", style), (safe(check.name), "bold"), f"  {safe(check.reason)}" if check.reason else "")
    if check.hint:
        write(("       what to do: ", "dim"), safe(check.hint))


def _checks(settings: Settings) -> Iterator[Check]:
    yield from _rows("store", lambda: _store(settings))
    yield from _rows("server", lambda: _server(settings))
    yield from _rows("sources", _sources)
    yield from _rows("embeddings", lambda: _embeddings(settings))
    yield from _rows("notifications", lambda: _notifications(settings))


def _rows(name: str, look: Callable[[], Iterable[Check]]) -> Iterator[Check]:
    """What a check finds; where it fails itself, that."""
    try:
        yield from look()
    except Exception as error:  # whatever ails one check, people want to see the others
        log.debug("check=%s", name, exc_info=True)
        yield _broken(name, error)


def _broken(name: str, error: Exception) -> Check:
    if isinstance(error, DevMeshError):
        return Check(name, BROKEN, error.message, error.hint)
    if isinstance(error, OSError) and error.filename and error.strerror:
        return Check(name, BROKEN, f"{error.filename}: {error.strerror}.")
    where = "DEVMESH_LOG_LEVEL=debug shows where."
    return Check(name, BROKEN, f"This check is at fault itself: {type(error).__name__}.", where)


# -- store and server -------------------------------------------------------------------------------------------------


def _store(settings: Settings) -> Iterator[Check]:
    from devmesh.cli.terminal import count, size
    from devmesh.house import masked, store_bytes

    path = store_path(settings)
    if path is not None and not store_exists(path):
        yield _no_store(path.parent)
        return
    # What ails the embeddings has a row of its own.
    with reading(settings.model_copy(update={"embedding_provider": "off"})) as mesh:
        templates, families = mesh.templates.counts()
        events, short, taken = mesh.events.counted(), mesh.space.short(), store_bytes(mesh)
    holds = f"{size(taken)}, {count(events)} events, {count(families)} families of {count(templates)} templates"
    if path is None:
        yield Check("store", OK, f"MariaDB, {masked(settings.store_url)}, {holds}")
        return
    holder = holder_of(settings)
    held = f"held by process {holder.pid}" if holder else "held by no process"
    yield Check(
        "store",
        OK,
        f"{path}, {holds}; {held}",
    )
    free = size(shutil.disk_usage(path.parent).free)
    yield (
        Check("disk", BROKEN, f"Nothing more is taken in: {short}.", "Free space, or lower DEVMESH_DISK_RESERVE_MB.")
        if short
        else Check("disk", OK, f"{free} free")
    )


def _no_store(data_dir: Path) -> Check:
    """Whether one could be made in `data_dir`."""
    there = next(folder for folder in (data_dir, *data_dir.parents) if folder.exists())
    elsewhere = "Set DEVMESH_DATA_DIR to a folder of yours."
    if not there.is_dir():
        return Check("store", BROKEN, f"{data_dir} cannot be made: {there} is no folder.", elsewhere)
    if not os.access(there, os.W_OK):
        return Check("store", BROKEN, f"{data_dir} cannot be made: no right to write in {there}.", elsewhere)
    return Check("store", OFF, f"There is none in {data_dir} yet.", "devmesh up, or devmesh import PATH")


def _server(settings: Settings) -> Iterator[Check]:
    """The server that holds the store, or on MariaDB the one of this data folder, by its own words."""
    holder = holder_of(settings)
    if holder is None or not holder.url:
        of_here = "" if store_path(settings) is not None else f" from {settings.data_dir}"
        yield Check("server", OFF, f"No server runs on this store{of_here}.", "devmesh up")
        return
    from devmesh.cli.remote import Remote

    try:
        with Remote(holder.url, holder.token) as remote:
            said = remote.call("GET", "/health")
    except DevMeshError as error:
        yield Check("server", BROKEN, error.message, f"Process {holder.pid} holds the store; look at its output.")
        return
    yield Check("server", OK, f"{holder.url}, process {holder.pid}")
    yield from _amiss(said.get("parts", []))


def _amiss(parts: Iterable[dict[str, str]]) -> Iterator[Check]:
    """What of the server is not ok, without what is off by settings that have a row of their own here."""
    for part in parts:
        if part["state"] != OK and (part["state"] != OFF or part["name"] not in ("embeddings", "notifications")):
            yield Check(f"server: {part['name']}", BROKEN if part["state"] == "degraded" else OFF, part["reason"])


# -- what this machine has to send ------------------------------------------------------------------------------------


def _sources() -> Iterator[Check]:
    """What the agent of this machine could read, as this user."""
    from devmesh.ship.identity import machine_id
    from devmesh.ship.journal_file import local_journal_dirs, scan
    from devmesh.ship.piece import Changed
    from devmesh.ship.sources import text_logs

    directories = local_journal_dirs(machine_id())
    rights = "Run as root, or: sudo usermod -aG systemd-journal,adm $USER (then sign in again)."
    if not directories:
        yield Check("journal", OFF, "This machine keeps no journal; text logs are read instead.")
    elif shutil.which("journalctl") is None:
        yield Check("journal", BROKEN, "There is a journal, but no journalctl to read it.", "Install systemd.")
    else:
        try:
            files, unreadable = scan(directories, [])
        except (Changed, OSError):
            files, unreadable = [], []
        found = f"{len(files)} readable files in {', '.join(directories)}"
        if unreadable:
            yield Check("journal", BROKEN, f"{found}; {len(unreadable)} may not be read by this user.", rights)
        else:
            yield Check("journal", OK if files else OFF, found)
    logs = text_logs(with_syslog=not directories)
    yield Check("text logs", OK if logs else OFF, f"{len(logs)} readable below /var/log", "" if logs else rights)


def _embeddings(settings: Settings) -> Iterator[Check]:
    """Whether the embedding model answers."""
    from devmesh.clock import SystemClock
    from devmesh.mesh import make_provider

    provider = make_provider(settings, SystemClock())
    if provider is None:
        yield Check("embeddings", OFF, "Switched off by DEVMESH_EMBEDDING_PROVIDER=off: search goes by words alone.")
        return
    try:
        vectors = provider.embed(["disk is dying"])
    except DevMeshError as error:
        yield Check("embeddings", BROKEN, error.message, error.hint)
        return
    yield Check("embeddings", OK, f"{provider.name}, {vectors.shape[1]} dimensions")


# -- telling people ---------------------------------------------------------------------------------------------------


def _notifications(settings: Settings) -> Iterator[Check]:
    """The channels that are set, and whether their addresses can be used; what ails them the server says."""
    from datetime import UTC

    from devmesh.clock import SystemClock
    from devmesh.notifications import make_ways

    if not settings.channels:
        yield Check("notifications", OFF, "No channel is set: nobody is told of incidents.", "See docs/settings.md.")
        return
    make_ways(settings.channels, SystemClock(), UTC, settings.public_url)
    named = ", ".join(f"{name} ({form.kind})" for name, form in settings.channels.items())
    yield Check("notifications", OK, f"{named}; 'devmesh notify test NAME' sends one")
