"""The room's verbs: the inventory that people own, and questions over the graph that it makes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from devmesh.accounts import COMMAND_LINE, record
from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.errors import InvalidInput
from devmesh.events import Events
from devmesh.graph import answers, decided, stored
from devmesh.graph.answers import Reach, Risks, Ways
from devmesh.graph.asking import Asking
from devmesh.graph.evidence import Address, Learned, Listener, Seen
from devmesh.graph.files import Files
from devmesh.graph.inventory import read_inventory
from devmesh.graph.learning import Learning
from devmesh.graph.model import Change, Inventory, Loaded, Shown
from devmesh.graph.proposing import propose
from devmesh.graph.snapshot import LEARNED_EDGE, Snapshot, snapshot_of
from devmesh.loops import Loop
from devmesh.nodes import Nodes
from devmesh.paging import LIMIT_DEFAULT, Page, check_limit, first_of
from devmesh.templates import Templates

DAYS, MOST_DAYS = 14.0, 366.0
MOST_WAYS = 10
KEEP_S = 5.0


class Graph:
    """Who touches whom."""

    def __init__(
        self, db: Database, clock: Clock, nodes: Nodes, templates: Templates, events: Events, asking: Asking
    ) -> None:
        self._db, self._clock, self._asking = db, clock, asking
        self._nodes, self._templates, self._events = nodes, templates, events
        self.learning = Learning(db, clock, nodes, templates, events)
        self.files = Files(clock, nodes, self.learning)
        self._known: tuple[tuple[int, Sequence[str]], Snapshot] | None = None

    # -- the inventory -------------------------------------------------------------------------------------------------

    def load(self, text: str, by: str = COMMAND_LINE, *, source: str = "inventory.yaml", apply: bool = True) -> Loaded:
        """Make the inventory in `text` (YAML) the one in force, in one transaction; with `apply` False only say what it
        would change. Raises Refused with every error, TooLarge.
        """
        new = read_inventory(text, source)

        def work(connection: Connection) -> tuple[tuple[Change, ...], int]:
            changes, version = self._differences(connection, new)
            if changes:
                version = stored.replace(connection, new, self._clock.now_us(), by)
                what = f"{len(changes)} differences, version {version}"
                record(connection, self._clock, by, "loaded the inventory", what)
            return changes, version

        if apply:
            changes, version = self._db.transact(work)
        else:
            with self._db.read() as connection:
                changes, version = self._differences(connection, new)
        return self._told(new, changes, version, applied=apply)

    @staticmethod
    def _differences(connection: Connection, new: Inventory) -> tuple[tuple[Change, ...], int]:
        return tuple(stored.differences(stored.read(connection), new)), stored.version_of(connection)

    def _told(self, new: Inventory, changes: tuple[Change, ...], version: int, *, applied: bool) -> Loaded:
        hosts = {host for one in new.services.values() for host in one.hosts}
        heard = snapshot_of(new, ())
        found = [heard.service(one.name) for one in self._nodes.services()]
        spoke = {one.name for one in found if one is not None}
        return Loaded(
            changes, len(new.services), len(new.edges), len(hosts), version, applied,
            tuple(sorted(new.services.keys() - spoke)), tuple(sorted(hosts - set(self._nodes.present()))),
        )  # fmt: skip

    def propose(self, days: float = DAYS) -> str:
        """The text of a first inventory, from what was said in the last `days` days. Raises InvalidInput."""
        if not 0 < days <= MOST_DAYS:
            raise InvalidInput(f"days must be above 0 and at most {MOST_DAYS:g}.", hint=f"{DAYS:g} is the default.")
        return propose(self._nodes, self._templates, self._events, self._clock.now_us(), days)

    # -- the graph -----------------------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """The graph as it is now, in memory; the same object until something changes."""
        hosts = self._nodes.present()
        with self._db.read() as connection:
            key = stored.version_of(connection), hosts
            if self._known is None or self._known[0] != key:
                accepted = decided.accepted(connection)
                self._known = key, snapshot_of(stored.read(connection), hosts, key[0], accepted)
        return self._known[1]

    def list(self, limit: int = LIMIT_DEFAULT, cursor: str | None = None) -> Page[Shown]:
        """At most `limit` (1,000) declared services by name, with their edges. Raises InvalidInput."""
        check_limit(limit)
        with self._db.read() as connection:
            inventory = stored.read(connection)
            _fresh, pairs = decided.with_learned(inventory, decided.accepted(connection))
        names = [name for name in sorted(inventory.services) if cursor is None or name > cursor][: limit + 1]
        wanted, lines = set(names), dict[str, list[str]]()
        for edge in inventory.edges:
            if edge.start in wanted:
                lines.setdefault(edge.start, []).append(f"{edge.type} {edge.end}")
        for start, end in pairs:
            lines.setdefault(start, []).append(f"{LEARNED_EDGE} {end}")
        rows = [_shown(inventory, name, lines.get(name, ())) for name in names]
        return first_of(rows, limit, lambda one: one.name)

    # -- questions -----------------------------------------------------------------------------------------------------

    def blast(self, name: str, limit: int = LIMIT_DEFAULT) -> Reach:
        """Everything that surely fails when this service or host does, over any number of steps; at most `limit`
        (1,000) of it, the nearest first. Raises NotFound, InvalidInput.
        """
        return self._reach(name, limit, breaks=True)

    def causes(self, name: str, limit: int = LIMIT_DEFAULT) -> Reach:
        """Everything whose failure may be why this one fails; limits and errors as `blast`."""
        return self._reach(name, limit, breaks=False)

    def _reach(self, name: str, limit: int, *, breaks: bool) -> Reach:
        check_limit(limit)
        graph = self.snapshot()
        of = graph.find(name)
        over, engine = self._asking.ask(
            lambda falkor: falkor.tree(graph, of.id, breaks=breaks),
            lambda: graph.tree(of.id, breaks=breaks),
        )
        return answers.reach(graph, of, over, breaks=breaks, limit=limit, engine=engine)

    def path(self, start: str, end: str) -> Ways:
        """The shortest ways by which `start` needs `end`, ten at most. Raises NotFound, InvalidInput."""
        graph = self.snapshot()
        one, other = graph.find(start), graph.find(end)
        ways, engine = self._asking.ask(
            lambda falkor: falkor.ways(graph, one.id, other.id, MOST_WAYS),
            lambda: graph.ways(one.id, other.id, MOST_WAYS),
        )
        told = tuple(sorted(answers.steps(graph, way) for way in ways if len(way) > 1))
        return Ways(answers.named(one), answers.named(other), told, engine)

    def risks(self, limit: int = LIMIT_DEFAULT) -> Risks:
        """Rings and single points of failure, the worst first, `limit` (1,000) of each. Raises InvalidInput."""
        check_limit(limit)
        return answers.risks(self.snapshot(), limit)

    # -- what is learned -----------------------------------------------------------------------------------------------

    def learn(
        self, seen: Sequence[Seen], addresses: Sequence[Address] = (), listeners: Sequence[Listener] = ()
    ) -> Learned:
        """See `Learning.learn`."""
        return self.learning.learn(seen, addresses, listeners)

    # -- the engine ----------------------------------------------------------------------------------------------------

    def health(self) -> tuple[str, str]:
        """How the engine stands: ok, degraded or off, the last two with a reason."""
        return self._asking.health()

    def loops(self) -> Sequence[Loop]:
        """The room's side work. The engine's is done in every process: each asks its own."""
        keep = Loop("keep-graph", KEEP_S, lambda _limit, _lease: self.keep(), limit=2, everywhere=True)
        return [keep, *self.learning.loops()]

    def keep(self) -> int:
        """Have the engine run and hold the graph as it is now; how many graphs were built. Raises Unavailable."""
        return self._asking.keep(self.snapshot())

    def stop(self) -> None:
        """End what this process started."""
        self._asking.stop()


def _shown(inventory: Inventory, name: str, edges: Sequence[str]) -> Shown:
    one = inventory.services[name]
    hosts = (*sorted(one.hosts), *(("all",) if one.everywhere else ()))
    return Shown(name, one.type, hosts, one.aliases, tuple(sorted(edges)))
