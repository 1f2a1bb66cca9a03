"""The only wiring: `open_mesh(settings)` builds the base, then the rooms in the order of an entry's life.

Faces call `mesh.<room>.<verb>`; nothing else in the house knows more than its left neighbours.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from uuid import uuid4

from devmesh.accounts import Accounts
from devmesh.analysis import Analysis
from devmesh.channels import hours_of
from devmesh.clock import Clock, SystemClock
from devmesh.db import Database, open_database, schema
from devmesh.db.care import fold_log
from devmesh.db.space import Space
from devmesh.db.sqlite import path_of
from devmesh.detectors import Detectors, Tuning, names_in
from devmesh.embeddings import GatewayProvider, LocalProvider, Provider
from devmesh.embeddings.service import Embeddings, Questions
from devmesh.errors import ConfigError, InvalidInput
from devmesh.events import Events
from devmesh.graph import Asking, Graph
from devmesh.heap import Spare
from devmesh.incidents import Incidents
from devmesh.intake import Intake, Limits
from devmesh.investigations import Investigations
from devmesh.loops import Loop, Runner
from devmesh.memory import Blind, Memory
from devmesh.nodes import Nodes
from devmesh.notifications import Announcer, Notifications, Plan, Quiet, make_ways
from devmesh.search import Finder
from devmesh.search.service import Search
from devmesh.settings import Settings
from devmesh.templates import Bounds, Templates
from devmesh.when import zone_of

QUESTION_TIMEOUT_S = 3.0  # a person waits for it; the words alone answer meanwhile


@dataclass(frozen=True)
class Mesh:
    """The house, opened: every room and the base they stand on."""

    settings: Settings
    clock: Clock
    db: Database
    space: Space
    accounts: Accounts
    nodes: Nodes
    templates: Templates
    events: Events
    intake: Intake
    embeddings: Embeddings
    search: Search
    memory: Memory
    graph: Graph
    detectors: Detectors
    incidents: Incidents
    investigations: Investigations
    notifications: Notifications
    analysis: Analysis
    runner: Runner

    def start(self) -> None:
        """Begin to take events in and to run the loops."""
        self.space.keep_ballast()
        self.intake.start()
        self.runner.start()

    def close(self) -> None:
        """Finish what waits, stop the loops, close the store."""
        self.intake.stop()
        self.runner.stop()
        self.graph.stop()
        self.db.close()


def open_mesh(settings: Settings, *, clock: Clock | None = None, read_only: bool = False) -> Mesh:
    """Open the store of `settings`, bring its schema up to date and build the rooms; nothing runs yet."""
    clock = clock or SystemClock()
    db = open_database(settings.store_url, read_only=read_only, allow_unsafe=settings.allow_unsafe)
    try:
        schema.upgrade(db)
    except BaseException:
        db.close()
        raise
    owner = f"{socket.gethostname()[:20]}-{os.getpid()}-{uuid4().hex[:8]}"
    folder = (path_of(settings.store_url) or settings.data_dir / "devmesh.db").parent
    if not read_only:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    space = Space(folder, settings.disk_reserve_mb, settings.disk_reserve_percent, db)
    db.on_full = space.release
    accounts = Accounts(db, clock)
    nodes = Nodes(db, clock, max_nodes=settings.max_nodes, max_services=settings.max_services)
    bounds = Bounds(settings.max_templates_per_service, settings.max_templates, settings.max_new_templates_per_minute)
    templates = Templates(db, clock, bounds)
    events = Events(
        db,
        clock,
        owner,
        node_names=nodes.node_names.names,
        service_names=nodes.service_names.names,
        templates=templates,
        retention_days=settings.retention_days,
        make_room=space.make_room,
    )
    limits = Limits(settings.max_events, settings.max_line_bytes, settings.max_message_bytes, settings.max_fields)
    intake = Intake(
        db,
        clock,
        nodes,
        templates,
        events,
        limits=limits,
        max_waiting_bytes=settings.max_waiting_bytes,
        space=space,
        helpers=settings.readers,
    )
    provider = make_provider(settings, clock)
    embeddings = Embeddings(db, clock, templates, provider, settings.embedding_batch)
    search = Search(templates, nodes.service_names.names, _finder(settings, clock, provider, embeddings))
    memory = Memory(clock, templates, events, Blind(db, clock, nodes, events))
    asking = Asking(settings.graph_url, settings.data_dir / "graph", settings.store_url)
    graph = Graph(db, clock, nodes, templates, events, asking)
    detectors = Detectors(db, templates, events, memory, nodes.service_names.names)
    incidents = Incidents(db, clock, nodes, templates, events, detectors, _tuning(settings), graph)
    investigations = Investigations(db, clock, nodes, templates, events, memory, incidents, settings.timezone)
    notifications = _notifications(settings, db, clock, intake)
    announcer = Announcer(clock, nodes, incidents, investigations, notifications, zone_of(settings.timezone))
    analysis = Analysis(clock, nodes, templates, events, graph, incidents, investigations)
    rooms = (nodes, templates, events, embeddings, search, memory, graph, incidents, investigations, notifications)
    loops = [*(loop for room in (*rooms, announcer) for loop in room.loops()), *_care(settings, db, space, intake)]
    runner = Runner(db, clock, owner, loops)
    return Mesh(
        settings, clock, db, space, accounts, nodes, templates, events, intake, embeddings, search, memory, graph,
        detectors, incidents, investigations, notifications, analysis, runner,
    )  # fmt: skip


def _tuning(settings: Settings) -> Tuning:
    try:
        off = names_in(settings.detectors_off)
    except InvalidInput as error:
        told = f"The setting detectors_off cannot be used: {error.message}"
        raise ConfigError(told, hint=f"{error.hint} Correct DEVMESH_DETECTORS_OFF.") from error
    return Tuning(settings.learn_hours, settings.tell_from, off)


def _finder(settings: Settings, clock: Clock, provider: Provider | None, embeddings: Embeddings) -> Finder:
    words = sentences = None
    if provider is not None:
        words = provider if isinstance(provider, LocalProvider) else LocalProvider()  # once: it takes 15 MB
    if isinstance(provider, GatewayProvider):
        sentences = Questions(embeddings, lambda name: make_gateway(settings, clock, name, QUESTION_TIMEOUT_S))
    return Finder(words, sentences)


def _notifications(settings: Settings, db: Database, clock: Clock, intake: Intake) -> Notifications:
    zone = zone_of(settings.timezone)
    quiet = Quiet(hours_of(settings.quiet_hours), zone, settings.quiet_critical)
    ways = make_ways(settings.channels, clock, zone, settings.public_url)
    plan = Plan(settings.channels, settings.routes, quiet, settings.messages_per_minute)
    return Notifications(db, clock, plan, ways, intake.redact)


def _care(settings: Settings, db: Database, space: Space, intake: Intake) -> list[Loop]:
    """What no room sees to: the write-ahead log, and memory after a load."""
    spare = Spare(lambda: intake.totals.lines, db.shrink)
    return [
        Loop("fold-wal", 10.0, lambda _limit, _lease: int(fold_log(db, settings.wal_limit_mb, space)), limit=2),
        Loop("give-memory-back", 10.0, lambda _limit, _lease: int(spare.give_back()), limit=2, everywhere=True),
    ]


def make_provider(settings: Settings, clock: Clock) -> Provider | None:
    """The embedding model that the settings ask for; None for off."""
    kind = settings.embedding_provider or ("gateway" if settings.gateway_url else "local")
    if kind == "off":
        return None
    if kind == "local":
        return LocalProvider()
    return make_gateway(settings, clock, settings.embedding_model, settings.embedding_timeout)


def make_gateway(settings: Settings, clock: Clock, model: str, timeout_s: float) -> GatewayProvider:
    """A model of the gateway that the settings name."""
    return GatewayProvider(
        settings.gateway_url,
        model,
        clock=clock,
        timeout_s=timeout_s,
        delay_s=settings.embedding_delay_s,
        token=settings.gateway_token.get_secret_value(),
    )
