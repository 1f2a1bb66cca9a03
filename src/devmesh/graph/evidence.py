"""What somebody saw of who touches whom, as it crosses the room's door: `Graph.learn(seen, addresses, listeners)`.

**Once**: of each (service, node, target, source) spans of time follow one another. A span that ends no later than what
was taken counts nothing, so a report may be sent again; one that ends later counts whole. So a reporter sends spans
that do not overlap, oldest first: what it saw since its last report, not since it started.
"""

from __future__ import annotations

from dataclasses import dataclass

LOGS, NETWORK, UNITS, MOUNTS, CONFIG, ORDER = "logs", "network", "units", "mounts", "config", "order"
SOURCES = (LOGS, NETWORK, UNITS, MOUNTS, CONFIG, ORDER)
MOST_CHARS = 255  # of a target
MOST_SEEN, MOST_ADDRESSES, MOST_LISTENERS = 2_000, 64, 500  # of one report; addresses and listeners of one node


@dataclass(frozen=True)
class Seen:
    """`service` on `node` touched `target`, or wants to: `count` times between two times, `failures` of them in vain.

    `service`: as logs call it. `target`: as the evidence words it, at most 255 characters: `10.0.0.18:3306`,
    `db01.lan:5432`, `[::1]:80`, `http://db01/x`, `mariadb.service`, `unix:/run/x.sock`, `nas:/export`. `source`: one of
    `SOURCES`. A declaration that stands (config, units, mounts) is seen once a report: count 1, both times now.
    """

    service: str
    node: str
    target: str
    source: str
    first_us: int
    last_us: int
    count: int = 1
    failures: int = 0


@dataclass(frozen=True)
class Address:
    """An address (no port, no prefix length), or a DNS name, that is this node's own."""

    node: str
    address: str


@dataclass(frozen=True)
class Listener:
    """`service` listens on a port of a node. `address`: as bound; empty, `0.0.0.0`, `*` or `::` means any."""

    node: str
    address: str
    port: int
    service: str


@dataclass(frozen=True)
class Learned:
    """What became of a report: seen things that now count for an edge (`taken`), those that wait for an address or a
    listener that tells whose their target is (`unresolved`), and those that say nothing (`ignored`: repeats, what leads
    to oneself, what is no target).
    """

    taken: int = 0
    unresolved: int = 0
    ignored: int = 0
