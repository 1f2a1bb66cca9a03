"""The house as a whole: its health part by part, and its sums."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devmesh import __version__
from devmesh.db.sqlite import path_of
from devmesh.errors import DevMeshError

if TYPE_CHECKING:
    from devmesh.loops.runner import LoopState
    from devmesh.mesh import Mesh
    from devmesh.settings import Settings

RATE_WINDOW_US = 300_000_000
SECRET_URLS = ("database_url", "gateway_url", "graph_url")


@dataclass(frozen=True)
class Part:
    """How one part stands: ok, degraded or off, the last two with a reason in words."""

    name: str
    state: str
    reason: str = ""


def health(mesh: Mesh) -> list[Part]:
    """Every part of the house, by what it knows: while the store is away nothing else is asked of it, so that the
    answer comes within seconds.
    """
    store = _store(mesh)
    local = [store, _disk(mesh), _intake(mesh), *_rooms(mesh)]
    if store.state != "ok":
        unknown = Part("nodes", "degraded", "Who has fallen silent is not known while the store is away.")
        return [*local, *_loops(mesh.runner.local_states()), unknown]
    try:
        return [*local, *_channels(mesh), *_loops(mesh.runner.states()), *_nodes(mesh)]
    except DevMeshError as error:  # it went away meanwhile
        return [Part("store", "degraded", error.message), *local[1:], *_loops(mesh.runner.local_states())]


def overall(parts: list[Part]) -> str:
    """Degraded if any part is; a part that is off by choice does not count."""
    return "degraded" if any(part.state == "degraded" for part in parts) else "ok"


def _store(mesh: Mesh) -> Part:
    try:
        mesh.db.scalar("SELECT 1")
    except DevMeshError as error:
        return Part("store", "degraded", error.message)
    return Part("store", "ok", mesh.db.notice())


def _disk(mesh: Mesh) -> Part:
    short = mesh.space.short()
    return Part("disk", "degraded", f"Nothing more is taken in: {short}.") if short else Part("disk", "ok")


def _intake(mesh: Mesh) -> Part:
    trouble = mesh.intake.trouble()
    return Part("intake", "degraded", f"The last lines were not stored: {trouble}") if trouble else Part("intake", "ok")


def _rooms(mesh: Mesh) -> list[Part]:
    state, reason = mesh.embeddings.health()
    return [Part("embeddings", state, reason), Part("graph", *mesh.graph.health())]


def _channels(mesh: Mesh) -> list[Part]:
    """Whether people are told: a part for each channel."""
    troubles = mesh.notifications.troubles()
    if not troubles:
        return [Part("notifications", "off", "No channel is set: nobody is told of incidents.")]
    return [Part(f"channel {one.channel}", one.state, one.reason) for one in troubles]


def _loops(states: list[LoopState]) -> list[Part]:
    return [
        Part(f"loop {state.name}", "degraded", f"Failed {state.failures} times in a row: {state.last_error}")
        if state.failures and state.last_error
        else Part(f"loop {state.name}", "ok")
        for state in states
    ]


def _nodes(mesh: Mesh) -> list[Part]:
    return [Part(f"node {node.name}", "degraded", f"The agent is {node.state}.") for node in mesh.nodes.quiet()]


def stats(mesh: Mesh) -> dict[str, Any]:
    """Events, templates, families, compression (events a template), bytes an event, events a second of late."""
    templates, families = mesh.templates.counts()
    events, now = mesh.events.counted(), mesh.clock.now_us()
    recent = mesh.events.by_minute(now - RATE_WINDOW_US, now, by=())["n"].sum()
    return {
        "events": events,
        "templates": templates,
        "families": families,
        "compression": round(events / templates, 1) if templates else 0.0,
        "bytes_per_event": round(mesh.db.data_bytes() / events, 1) if events else 0.0,
        "store_bytes": store_bytes(mesh),
        "events_per_s": round(int(recent) / (RATE_WINDOW_US / 1e6), 2),
        "version": __version__,
        "redacted": dict(mesh.intake.totals.redacted),
    }


def store_bytes(mesh: Mesh) -> int:
    """What the store takes on disk, SQLite's write-ahead log included."""
    path = path_of(mesh.db.url)
    if path is None:
        return mesh.db.server_bytes()
    files = (path, path.with_name(path.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def configured(settings: Settings, *, everything: bool) -> Iterator[dict[str, Any]]:
    """Settings that somebody set (all of them with `everything`), each with its source, credentials masked."""
    for name, source in settings.sources().items():
        if everything or source != "default" or name == "data_dir":
            value = getattr(settings, name)
            plain = value if isinstance(value, int | float) else _plain(value)
            yield {"name": name, "source": source, "value": masked(str(value)) if name in SECRET_URLS else plain}


def _plain(value: Any) -> str:
    """A setting's value on one line: of channels their names and kinds."""
    if isinstance(value, dict):
        return ", ".join(f"{name} ({one.kind})" for name, one in value.items())
    if isinstance(value, tuple):
        return ", ".join(f"{one.severity} to {' and '.join(one.channels)}" for one in value)
    return str(value)


def masked(url: str) -> str:
    """A URL without the name and password in it."""
    head, at, tail = url.rpartition("@")
    return f"{head.partition('://')[0]}://***@{tail}" if at else url
