"""What was seen, in the store: added up by who, whom and source; and the places that tell whose a target is.

Bounded: of what nobody can place, a service keeps `MOST_WAITING` targets of each source, of the rest `MOST_KNOWN`; the
weakest goes for a new one. So lines that name random targets push out one another, not what is seen often.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from devmesh.graph.evidence import Seen
from devmesh.graph.learning.directory import Whom
from devmesh.graph.learning.model import Place, Touch
from devmesh.graph.tables import graph_places, graph_seen

DAY_US = 86_400_000_000
MOST_WAITING, MOST_KNOWN, MOST_ROWS = 50, 200, 50_000
MOST_PLACES = {"address": 64, "listener": 500, "mount": 64}  # of a node
MOST_NODE = 255
KEPT_US, WAITING_US = 400 * DAY_US, 90 * DAY_US
AGENT_US = 3 * DAY_US  # for so long an agent's word holds that it does not say again
CHUNK = 500
Taken = tuple[Seen, Whom]


def key_of(*parts: object) -> str:
    """What finds a row by its words, however long they are."""
    return sha256("\0".join(map(str, parts)).encode("utf-8", "replace")).hexdigest()


def touch_key(one: Seen | Touch) -> str:
    """The key of what was seen."""
    return key_of(one.service, one.node, one.target, one.source)


# -- what was seen -----------------------------------------------------------------------------------------------------


def add(connection: Connection, some: Sequence[Taken], *, once: bool) -> tuple[int, int, int]:
    """Add what was seen to what is known; `once`: of each key what ends no later than what is known counts nothing.
    How many were taken, wait, and were repeats or found no room.
    """
    sums = {True: 0, False: 0, None: 0}
    known = _known(connection, {touch_key(seen) for seen, _whom in some})
    before = {key: max(row.last_us for row in rows.values()) for key, rows in known.items()}
    for seen, whom in some:
        key = touch_key(seen)
        rows = known.setdefault(key, {})
        if once and seen.last_us <= before.get(key, -1):
            sums[None] += 1
            continue
        old = rows.get(whom.name)
        if old is None and not _room(connection, seen, whom.name):
            sums[None] += 1
            continue
        rows[whom.name] = merged(old, seen, whom)
        _write(connection, key, rows[whom.name], new=old is None)
        sums[bool(whom.name)] += 1
    return sums[True], sums[False], sums[None]


def merged(old: Touch | None, seen: Seen, whom: Whom) -> Touch:
    """A row with what was seen added."""
    said = Touch(
        seen.service, seen.node, seen.target, seen.source, whom.name, "" if whom.name else whom.why,
        seen.count, seen.failures, 1, seen.first_us, seen.last_us,
    )  # fmt: skip
    if old is None:
        return said
    return replace(
        said,
        n=old.n + seen.count,
        failures=old.failures + seen.failures,
        days=old.days + (seen.last_us // DAY_US > old.last_us // DAY_US),
        first_us=min(old.first_us, seen.first_us),
        last_us=max(old.last_us, seen.last_us),
    )


def _known(connection: Connection, keys: Iterable[str]) -> dict[str, dict[str, Touch]]:
    wanted, found = sorted(keys), dict[str, dict[str, Touch]]()
    for start in range(0, len(wanted), CHUNK):
        chunk = graph_seen.c.key.in_(wanted[start : start + CHUNK])
        for row in connection.execute(select(graph_seen).where(chunk)):
            found.setdefault(row.key, {})[row.whom] = _touch(row)
    return found


def _room(connection: Connection, seen: Seen, whom: str) -> bool:
    """Make room for one more row; False where there is none."""
    table = graph_seen.c
    same = (table.service == seen.service) & (table.source == seen.source)
    same &= table.whom != "" if whom else table.whom == ""
    there = connection.execute(select(func.count()).select_from(graph_seen).where(same)).scalar_one()
    if there >= (MOST_KNOWN if whom else MOST_WAITING):
        weakest = select(table.id).where(same).order_by(table.n, table.last_us).limit(1)
        connection.execute(delete(graph_seen).where(table.id == connection.execute(weakest).scalar_one()))
        return True
    return int(connection.execute(select(func.count()).select_from(graph_seen)).scalar_one()) < MOST_ROWS


def _write(connection: Connection, key: str, row: Touch, *, new: bool) -> None:
    table = graph_seen.c
    mine = update(graph_seen).where((table.key == key) & (table.whom == row.whom)).values(**asdict(row))
    if new or connection.execute(mine).rowcount == 0:  # what was known may have had to go for another one
        connection.execute(insert(graph_seen).values(key=key, **asdict(row)))


def touches(connection: Connection, *, placed: bool) -> list[Touch]:
    """Everything that was seen, of which it is known whom it means (`placed`), or not known."""
    table = graph_seen.c
    query = select(graph_seen).where(table.whom != "" if placed else table.whom == "")
    order = (table.service, table.node, table.target, table.source, table.whom)
    return [_touch(row) for row in connection.execute(query.order_by(*order))]


def place_waiting(connection: Connection, row: Touch, whom: Whom) -> None:
    """Now it is known whom a row means, or that it means nothing."""
    table, key = graph_seen.c, touch_key(row)
    connection.execute(delete(graph_seen).where((table.key == key) & (table.whom == "")))
    if whom.is_nothing:
        return
    old = _known(connection, [key]).get(key, {}).get(whom.name)
    if old is None:
        _write(connection, key, replace(row, whom=whom.name, why=""), new=True)
        return
    both = replace(
        old,
        n=old.n + row.n,
        failures=old.failures + row.failures,
        days=old.days + row.days,
        first_us=min(old.first_us, row.first_us),
        last_us=max(old.last_us, row.last_us),
    )
    _write(connection, key, both, new=False)


def note_why(connection: Connection, row: Touch, why: str) -> None:
    """Another reason why nobody knows whom it means."""
    _write(connection, touch_key(row), replace(row, why=why), new=False)


def expire(connection: Connection, now_us: int) -> int:
    """Forget what is long ago."""
    table, places = graph_seen.c, graph_places.c
    old = (table.last_us < now_us - KEPT_US) | ((table.whom == "") & (table.last_us < now_us - WAITING_US))
    gone = connection.execute(delete(graph_seen).where(old)).rowcount
    unsaid = places.reported & (places.last_us < now_us - AGENT_US)
    unsaid |= places.last_us < now_us - KEPT_US
    return gone + connection.execute(delete(graph_places).where(unsaid)).rowcount


def _touch(row: Any) -> Touch:
    return Touch(
        row.service, row.node, row.target, row.source, row.whom, row.why,
        int(row.n), int(row.failures), int(row.days), int(row.first_us), int(row.last_us),
    )  # fmt: skip


def replace_source(connection: Connection, source: str, some: Iterable[Touch]) -> None:
    """What was seen from this source is this, and nothing else."""
    connection.execute(delete(graph_seen).where(graph_seen.c.source == source))
    for one in some:
        _write(connection, touch_key(one), one, new=True)


# -- places ------------------------------------------------------------------------------------------------------------


def places(connection: Connection) -> list[Place]:
    """All that are known."""
    rows = connection.execute(select(graph_places).order_by(graph_places.c.key))
    return [
        Place(row.kind, row.node, row.address, row.port, row.service, bool(row.reported), int(row.last_us))
        for row in rows
    ]


def note_places(connection: Connection, some: Iterable[Place]) -> bool:
    """Write places down, the newest word for each; of a node the oldest go where there are too many. Whether anything
    is new.
    """
    table, fresh, nodes = graph_places.c, False, set()
    for one in dict.fromkeys(some):
        key = key_of(one.kind, one.node, one.address, one.port, one.service, one.reported)
        known = connection.execute(select(table.last_us).where(table.key == key)).scalar()
        if known is None:
            connection.execute(insert(graph_places).values(key=key, **asdict(one)))
            nodes.add((one.node, one.kind))
            fresh = True
        elif known < one.last_us:
            connection.execute(update(graph_places).where(table.key == key).values(last_us=one.last_us))
    for node, kind in sorted(nodes):
        _bound_places(connection, node, kind)
    return fresh


def _bound_places(connection: Connection, node: str, kind: str) -> None:
    table = graph_places.c
    same = (table.node == node) & (table.kind == kind)
    newest = select(table.key).where(same).order_by(table.reported.desc(), table.last_us.desc())
    gone = list(connection.execute(newest.offset(MOST_PLACES[kind]).limit(CHUNK)).scalars())
    if gone:
        connection.execute(delete(graph_places).where(table.key.in_(gone)))
