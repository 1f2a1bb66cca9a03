"""The graph in FalkorDB: a projection of one snapshot, and questions over it by Cypher that is fixed, with parameters.

A projection is a graph of its own, named by its snapshot's fingerprint. It is built under another name and renamed when
it is whole: a question finds the graph that it means, or none. Nodes have the labels Thing and Service, Database or
Host; NEEDS leads from who fails to what it needs, BREAKS from what surely ends somebody to whom.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from devmesh.errors import ConfigError, Unavailable
from devmesh.graph.engine import MOST_QUERY_MS, QUERY_MS
from devmesh.graph.kinds import DATABASE, HOST, SERVICE
from devmesh.graph.snapshot import Snapshot, Thing

CONNECT_S, ASK_S, BUILD_S = 2.0, 4.0, 15.0
LOCK_S = 120
CHUNK = 2_000
BEHIND = "The engine does not hold this version of the graph yet."
PORT = 6379
FORM = "It looks like falkordb://host:6379/name, with user:password@ where it has one; falkordbs:// is over TLS."

_NODES = {
    SERVICE: "UNWIND $rows AS r CREATE (:Thing:Service {n: r[0], name: r[1], type: r[2]})",
    DATABASE: "UNWIND $rows AS r CREATE (:Thing:Service:Database {n: r[0], name: r[1], type: r[2]})",
    HOST: "UNWIND $rows AS r CREATE (:Thing:Host {n: r[0], name: r[1]})",
}
_EDGES = "UNWIND $rows AS r MATCH (a:Thing {n: r[0]}), (b:Thing {n: r[1]}) "
_NEEDS = _EDGES + "CREATE (a)-[:NEEDS {way: r[2], types: r[3]}]->(b)"
_BREAKS = _EDGES + "CREATE (a)-[:BREAKS {way: r[2], types: r[3]}]->(b)"
_INDEX = "CREATE INDEX FOR (t:Thing) ON (t.n)"
# Numbers go as text: FalkorDB 4.16 finds a node by a number six times as slowly as by a word.
# One string instead of a list: reading ten thousand values one by one costs the client fifty times what finding them
# costs the engine.
_TREE = "MATCH (t:Thing {n: $n}) CALL algo.BFS(t, -1, $kind) YIELD edges RETURN string.join([e IN edges | e.way], ',')"
_WAYS = (
    "MATCH (a:Thing {n: $start}), (b:Thing {n: $end}) WITH a, b "
    "MATCH w = allShortestPaths((a)-[:NEEDS*]->(b)) RETURN [t IN nodes(w) | t.n] LIMIT $most"
)


@dataclass(frozen=True)
class Address:
    """Where an engine listens, and the name that graphs begin with."""

    host: str = ""
    port: int = PORT
    name: str = "devmesh"
    user: str | None = None
    password: str | None = None
    tls: bool = False
    socket: Path | None = None


def address_of(url: str) -> Address:
    """What `falkordb://user:password@host:port/name` says. Raises ConfigError."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORT
    except ValueError as error:
        raise ConfigError("The setting graph_url cannot be used: it is no URL.", hint=FORM) from error
    if parts.scheme not in {"falkordb", "falkordbs"} or not parts.hostname or parts.query or parts.fragment:
        raise ConfigError("The setting graph_url cannot be used: it names no FalkorDB server.", hint=FORM)
    name = parts.path.strip("/") or "devmesh"
    user, password = (None if one is None else unquote(one) or None for one in (parts.username, parts.password))
    return Address(parts.hostname, port, name, user, password, parts.scheme == "falkordbs")


def plain(value: Any) -> Any:
    """A parameter as it may go out: text without NUL and halves of characters, numbers, booleans, lists of them. Raises
    TypeError for anything else: the client would write its `str` into the query.
    """
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "ignore").decode()
    if type(value) in (int, float, bool):
        return value
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    raise TypeError(type(value).__name__)


class Falkor:
    """Graphs in one FalkorDB."""

    def __init__(self, address: Address) -> None:
        self._address = address

    def is_projected(self, snapshot: Snapshot) -> bool:
        """Whether the engine holds this very graph. Raises Unavailable."""
        with self._connected(ASK_S) as db:
            return bool(db.connection.exists(self._key(snapshot)))

    def project(self, snapshot: Snapshot) -> None:
        """Build this graph, unless another process is at it, and drop those before. Raises Unavailable."""
        with self._connected(BUILD_S) as db:
            mine, lock = uuid4().hex, f"{self._address.name}:lock"
            if not db.connection.set(lock, mine, nx=True, ex=LOCK_S):
                return
            try:
                self._drop(db, but=self._key(snapshot))
                key = f"{self._address.name}:building"
                _build(db.select_graph(key), snapshot)
                if db.connection.get(lock) == mine:
                    db.connection.rename(key, self._key(snapshot))
            finally:
                if db.connection.get(lock) == mine:
                    db.connection.delete(lock)

    def tree(self, snapshot: Snapshot, number: int, *, breaks: bool) -> dict[int, int]:
        """As `Snapshot.tree`, but for the order. Raises Unavailable."""
        rows = self._ask(snapshot, _TREE, {"n": str(number), "kind": "BREAKS" if breaks else "NEEDS"})
        said = rows[0][0] if rows and rows[0][0] else ""
        ways = (way.split() for way in said.split(",")) if said else ()
        return {int(there): int(here) for here, there in ways}

    def ways(self, snapshot: Snapshot, start: int, end: int, most: int) -> list[list[int]]:
        """As `Snapshot.ways`, but for the order. Raises Unavailable."""
        if start == end:
            return [[start]]
        rows = self._ask(snapshot, _WAYS, {"start": str(start), "end": str(end), "most": most})
        return [[int(one) for one in row[0]] for row in rows]

    def _ask(self, snapshot: Snapshot, cypher: str, values: Mapping[str, Any]) -> list[list[Any]]:
        with self._connected(ASK_S) as db:
            graph = db.select_graph(self._key(snapshot))
            given = {name: plain(value) for name, value in values.items()}
            return list(graph.ro_query(cypher, given, timeout=QUERY_MS).result_set)

    def _key(self, snapshot: Snapshot) -> str:
        return f"{self._address.name}:{snapshot.fingerprint}"

    def _drop(self, db: Any, but: str) -> None:
        """Graphs of earlier versions, and one that was broken off."""
        for key in db.connection.scan_iter(match=f"{_literal(self._address.name)}:*", count=1_000):
            if key != but and _is_graph(key.removeprefix(f"{self._address.name}:")):
                db.connection.delete(key)

    @contextlib.contextmanager
    def _connected(self, timeout_s: float) -> Iterator[Any]:
        """A client whose every call ends within `timeout_s` seconds; its errors become Unavailable."""
        from falkordb import FalkorDB
        from redis.backoff import NoBackoff
        from redis.exceptions import RedisError
        from redis.retry import Retry

        at = self._address
        where: dict[str, Any] = {"host": at.host, "port": at.port, "ssl": at.tls, "username": at.user}
        where |= {"password": at.password, "ssl_check_hostname": at.tls}
        if at.socket is not None:
            where = {"unix_socket_path": str(at.socket)}
        try:
            db = FalkorDB(
                **where, socket_timeout=timeout_s, socket_connect_timeout=CONNECT_S, retry=Retry(NoBackoff(), 0)
            )
            with contextlib.closing(db.connection):
                yield db
        except (RedisError, OSError) as error:
            if "empty key" in str(error):
                raise Unavailable(BEHIND) from error
            raise Unavailable(f"The graph engine does not answer: {str(error)[:200]}.") from error


def _build(graph: Any, snapshot: Snapshot) -> None:
    """The nodes and edges of a snapshot, in statements of bounded size."""

    def run(cypher: str, rows: Sequence[Any]) -> None:
        for start in range(0, len(rows), CHUNK):
            graph.query(cypher, {"rows": plain(rows[start : start + CHUNK])}, timeout=MOST_QUERY_MS)

    graph.query(_INDEX)
    for label, cypher in _NODES.items():
        run(cypher, [(str(one.id), one.name, one.type) for one in snapshot.things if _label(one) == label])
    for cypher, adjacent, turned in ((_NEEDS, snapshot.needs, False), (_BREAKS, snapshot.breaks, True)):
        rows = []
        for here, some in adjacent.items():
            for there in some:
                types = snapshot.types[(there, here) if turned else (here, there)]
                rows.append((str(here), str(there), f"{here} {there}", types))
        run(cypher, rows)


def _label(one: Thing) -> str:
    return DATABASE if one.type.lower() == DATABASE else one.kind


def _is_graph(rest: str) -> bool:
    return rest == "building" or (len(rest) == 16 and all(char in "0123456789abcdef" for char in rest))  # noqa: PLR2004


def _literal(text: str) -> str:
    """Text in a pattern of Redis."""
    return "".join(f"\\{char}" if char in "*?[]\\^-" else char for char in text)
