"""What an inventory says of two findings: one fault or two."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from test_incidents_grouping import hour

from devmesh.detectors import About, Finding
from devmesh.graph import read_inventory, snapshot_of
from devmesh.incidents import Grouping
from devmesh.incidents.ties import Ties

USERS = [f"app{number}" for number in range(14)]
INVENTORY = f"""
services:
  nfs-server: {{hosts: [nas]}}
  nginx: {{hosts: [edge], depends_on: [shop]}}
  shop: {{hosts: [web], depends_on: [postgresql]}}
  postgresql: {{hosts: [db], type: database}}
  shipper: {{hosts: [all]}}
  watcher: {{hosts: [mon], depends_on: [shipper]}}
{"".join(f"  {name}: {{hosts: [on-{name}], depends_on: [nfs-server]}}{chr(10)}" for name in USERS)}
"""
SERVICES = dict(enumerate(["nfs-server", "nginx", "shop", "postgresql", "shipper", "watcher", "kernel", "odd", *USERS]))
NODES = dict(enumerate(["nas", "edge", "web", "db", "mon", *(f"on-{name}" for name in USERS)]))
SERVICE, NODE = ({name: number for number, name in some.items()} for some in (SERVICES, NODES))


@pytest.fixture(scope="module")
def ties() -> Ties:
    """Of fourteen applications on as many machines that need a file server, and a shop behind a proxy."""
    return Ties(snapshot_of(read_inventory(INVENTORY), NODES.values()), lambda _ids: SERVICES, lambda _ids: NODES)


def of(service: str, node: str, minute: int = 600, kind: str = "error rate", weight: float = 3.2, **more) -> Finding:
    """A finding."""
    about, critical = more.get("about", About.SELF), more.get("critical", False)
    number = SERVICE[service]
    return Finding(minute, kind, kind, number, NODE[node], number, weight, critical, about, kind)


def grouped(ties: Ties | None, findings: list[Finding]) -> list[set[str]]:
    """The services of each incident that is told."""
    grouping = Grouping(ties=ties)
    grouping.observe(hour(10), sorted(findings, key=lambda one: one.minute))
    told = [one for one in grouping.incidents if one.told is not None]
    return [{SERVICES[service] for service, _node in one.pairs} for one in told]


@pytest.mark.parametrize(
    ("one", "other", "whole", "said"),
    [
        (("shop", "web"), ("postgresql", "db"), False, "shop needs postgresql"),
        (("nginx", "edge"), ("postgresql", "db"), False, "nginx needs postgresql"),
        (("postgresql", "db"), ("shop", "web"), False, ""),
        (("shop", "web"), ("kernel", "db"), False, "shop needs db"),
        (("shop", "web"), ("odd", "db"), True, "shop needs db"),
        (("nginx", "edge"), ("nfs-server", "nas"), True, ""),
        (("watcher", "mon"), ("kernel", "nas"), True, ""),  # what runs everywhere ties nobody to every node
        (("shop", "web"), ("shop", "web"), False, ""),
    ],
)
def test_who_needs_whom(ties, one, other, whole, said):
    """Over any number of steps, down to nodes; an undeclared service is its node."""
    pair, needed = ((SERVICE[service], NODE[node]) for service, node in (one, other))
    assert ties.need(pair, needed, whole=whole) == said


def test_who_is_known(ties):
    """By service or by node; a new node with an unknown service is not."""
    assert ties.knows((SERVICE["shop"], 99))
    assert ties.knows((99, NODE["nas"]))
    assert not ties.knows((99, 99))


def cut(minute: int) -> list[Finding]:
    """The file server's node is lost, and all fourteen that need it complain within minutes."""
    lost = of("nfs-server", "nas", minute + 1, "unheard", 5.0, about=About.NODE, critical=True)
    return [lost, *(of(name, f"on-{name}", minute + place % 4) for place, name in enumerate(USERS))]


@pytest.mark.parametrize("after", [-4, 0, 1, 2, 4, 12])
def test_a_cut_node_and_an_unrelated_fault_are_two_messages(ties, after):
    """Fourteen services in one, a certificate that expired at the same time in the other; by time alone it is one."""
    expired = of("nginx", "edge", 620 + after, "certificate expired", 4.0)
    found = grouped(ties, [*cut(620), expired, of("nginx", "edge", 622 + after)])
    assert sorted(map(len, found)) == [1, 15]
    assert {"nginx"} in found
    assert len(grouped(None, [*cut(620), expired])) == 1


@pytest.mark.parametrize("kind", ["new", "certificate expired"])
def test_a_lost_node_joins_what_began_with_it_and_has_no_cause_of_its_own(ties, kind):
    """Nobody declared that the shop needs the file server. Its errors began in the minute in which that node was lost:
    one fault; a certificate that expired is another.
    """
    lost = replace(of("nfs-server", "nas", 616, "node silent", 6.0, about=About.NODE, critical=True), since=601)
    found = grouped(ties, [of("shop", "web", 600, kind), lost])
    assert len(found) == (1 if kind == "new" else 2)
    late = replace(lost, minute=640, since=625)
    assert len(grouped(ties, [of("shop", "web", 600, kind), late])) == 2


@pytest.mark.parametrize("first", ["certificate expired", "certificate not accepted"])
def test_who_accepts_no_certificate_joins_the_one_that_expired(ties, first):
    """Also where no edge ties the client to the proxy; what else fails there at that time does not join."""
    expired = of("nginx", "edge", 600, "certificate expired", 4.0)
    client = of("app1", "on-app1", 600, "certificate not accepted", 3.0, about=About.PEER)
    pair = [expired, replace(client, minute=605)] if first == expired.kind else [client, replace(expired, minute=605)]
    assert len(grouped(ties, pair)) == 1
    assert (
        len(
            grouped(ties, [replace(one, kind="connection refused") if one.about is About.PEER else one for one in pair])
        )
        == 2
    )


def test_a_cascade_is_one_however_its_findings_come(ties):
    """A full disk under a database, the shop, and the proxy before it, in any order."""
    full = of("kernel", "db", kind="disk full", weight=6.0, critical=True)
    for order in permutations([full, of("shop", "web"), of("nginx", "edge"), of("postgresql", "db")]):
        some = [Finding(600 + 3 * place, *list(vars(one).values())[1:]) for place, one in enumerate(order)]
        assert len(grouped(ties, some)) == 1


def test_on_whom_the_inventory_is_silent_time_decides(ties):
    """An unknown service on an unknown node, and two that are no cause by themselves."""
    grouping = Grouping(ties=ties)
    stranger = Finding(605, "new", "new", 98, 98, 98, 3.0, False, About.SELF, "new")
    grouping.observe(hour(10), [of("nginx", "edge", kind="certificate expired"), stranger])
    assert len(grouping.incidents) == 1
    assert len(grouped(ties, [of("nginx", "edge"), of("app1", "on-app1", 605)])) == 1


def test_who_needs_it_and_began_with_it_joins_however_late_it_is_found(ties):
    """A silence that is found two hours after the database's trouble, which goes on, but began in its minutes."""
    grouping = Grouping(ties=ties)
    first, late = of("postgresql", "db", kind="new"), replace(of("shop", "web", 735, "silence", 4.0), since=605)
    assert first.family is not None
    goes_on = [(minute, first.family, first.service, first.node) for minute in range(600, 735, 10)]
    grouping.observe(hour(10, goes_on), [first, late])
    assert len(grouping.incidents) == 1


def test_the_reason_of_a_join_says_who_needs_whom(ties):
    """People read it as the ledger of what one message stands for."""
    grouping = Grouping(ties=ties)
    grouping.observe(hour(10), sorted(cut(620), key=lambda one: one.minute))
    assert "app5 needs nfs-server" in grouping.incidents[0].joins
