"""Who is affected by what was found, and who may be next by what is only declared."""

from __future__ import annotations

from dataclasses import replace

from devmesh.detectors import About, Finding
from devmesh.graph import read_inventory, snapshot_of
from devmesh.incidents import Ties
from devmesh.investigations import impact_of

INVENTORY = """
services:
  mariadb: {hosts: [db]}
  shop-api: {hosts: [web], depends_on: [mariadb]}
  proxy: {hosts: [edge], depends_on: [shop-api]}
  ssh: {hosts: [all]}
"""
SERVICES = dict(enumerate(["kernel", "mariadb", "shop-api", "proxy", "ssh", "odd"]))
KERNEL, MARIADB, SHOP, PROXY, SSH, ODD = SERVICES
NODES = dict(enumerate(["db", "web", "edge"]))
DB, WEB, EDGE = NODES
HEARD = [
    (MARIADB, DB),
    (SHOP, WEB),
    (PROXY, EDGE),
    (ODD, DB),
    *((one, node) for one in (KERNEL, SSH) for node in NODES),
]
KNOWN = Ties(snapshot_of(read_inventory(INVENTORY), NODES.values()), lambda _ids: SERVICES, lambda _ids: NODES)
DIES = Finding(100, "primitive", "unit failed", MARIADB, DB, 1, 3.0, False, About.SELF, "unit failed")
FAILS = replace(DIES, minute=101, service=SHOP, node=WEB, family=2)
LOST = replace(DIES, kind="node silent", detector="silence", service=SSH, family=None, critical=True, about=About.NODE)


def impact(findings, first, ties=KNOWN):
    """The affected and the next, by number."""
    found = impact_of(findings, first, HEARD, ties, KERNEL)
    return list(found.affected), set(found.next)


def test_who_shows_it_is_affected_and_who_needs_it_may_be_next():
    """The proxy is well so far; who needs nothing of it is neither."""
    affected, later = impact([DIES, FAILS], (MARIADB, DB))
    assert affected == [(MARIADB, DB), (SHOP, WEB)]
    assert later == {(PROXY, EDGE)}


def test_without_an_inventory_nobody_is_next():
    """Only an inventory says who needs whom: also none where it does not know the suspect."""
    assert impact([DIES, FAILS], (MARIADB, DB), None) == ([(MARIADB, DB), (SHOP, WEB)], set())
    assert impact([replace(DIES, service=ODD, node=99)], (ODD, 99))[1] == set()


def test_a_wrong_suspect_takes_nobody_out_of_the_affected():
    """What was found is what was found, whoever is blamed."""
    assert impact([DIES, FAILS], (PROXY, EDGE))[0] == [(MARIADB, DB), (SHOP, WEB)]


def test_on_a_lost_node_are_all_that_were_declared_there():
    """Its kernel stands for it; what nobody declared is machinery. Who needs them elsewhere may be next."""
    affected, later = impact([LOST], (KERNEL, DB))
    assert set(affected) == {(KERNEL, DB), (MARIADB, DB), (SSH, DB)}
    assert later == {(SHOP, WEB), (PROXY, EDGE)}
    assert set(impact([LOST], (KERNEL, DB), None)[0]) == {(KERNEL, DB), (MARIADB, DB), (SSH, DB), (ODD, DB)}
