"""Whom a witness names, and whom not: ports before words, an inventory where an address is not enough, whole nodes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devmesh.detectors import About, Finding
from devmesh.graph import read_inventory, snapshot_of
from devmesh.incidents import Ties
from devmesh.investigations import Fleet, Ranking

INVENTORY = """
services:
  shop-api: {hosts: [apps]}
  chat-api: {hosts: [apps]}
  node-exporter: {hosts: [store]}
  mariadb: {hosts: [store]}
  postgresql: {hosts: [store]}
  proxy: {hosts: [edge], depends_on: [chat-api]}
  metrics: {hosts: [edge]}
"""
NAMES = ["kernel", "shop-api", "chat-api", "node-exporter", "mariadb", "postgresql", "proxy", "metrics"]
SERVICES = dict(enumerate(NAMES))
KERNEL, SHOP, CHAT, EXPORTER, MARIADB, POSTGRES, PROXY, METRICS = range(len(NAMES))
APPS, STORE, EDGE = range(3)
NODES = {APPS: "apps", STORE: "store", EDGE: "edge"}
PAIRS = (
    *((KERNEL, node) for node in NODES), (SHOP, APPS), (CHAT, APPS), (EXPORTER, STORE), (MARIADB, STORE),
    (POSTGRES, STORE), (PROXY, EDGE), (METRICS, EDGE),
)  # fmt: skip
FLEET = Fleet(SERVICES, NODES, PAIRS, {"10.0.0.11": STORE, "10.0.0.12": APPS})
SLOW = Finding(100, "primitive", "not answering", PROXY, EDGE, 1, 1.2, False, About.PEER, "not answering")


def known(text: str = INVENTORY) -> Fleet:
    """The fleet with an inventory."""
    return replace(FLEET, ties=Ties(snapshot_of(read_inventory(text), ()), lambda _ids: SERVICES, lambda _ids: NODES))


def order(fleet, findings, lines):
    """The suspects by name, best first."""
    found = Ranking(fleet).suspects(findings, lambda family, _node: lines.get(family, ()))
    return [f"{SERVICES[one.service]} on {NODES[one.node]}" for one in found]


def test_a_port_that_says_who_it_is_goes_before_words():
    """The pool of targets is called `node`, as the first word of another service there."""
    lines = {1: ["pool=node target=http://10.0.0.11:3306/ deadline exceeded"]}
    assert order(FLEET, [SLOW], lines)[0] == "mariadb on store"
    assert "node-exporter on store" not in order(FLEET, [SLOW], lines)


def test_the_path_of_an_url_names_nobody():
    """`/shop/` is what was asked for, not who was asked."""
    lines = {1: ['upstream "http://10.0.0.12:8000/shop/cart" timed out']}
    assert order(FLEET, [SLOW], lines)[0] == "kernel on apps"


def test_an_inventory_says_who_is_meant_by_an_address():
    """The proxy needs one service there; with two of them it may be either, and with a wrong one lines still count."""
    lines = {1: ["upstream 10.0.0.12:8000 timed out"]}
    assert order(known(), [SLOW], lines)[0] == "chat-api on apps"
    both = known(INVENTORY.replace("[chat-api]", "[chat-api, shop-api]"))
    assert order(both, [SLOW], lines)[0] == "kernel on apps"
    wrong = known(INVENTORY.replace("[chat-api]", "[postgresql]"))
    assert order(wrong, [SLOW], {1: ["10.0.0.11:3306 timed out"]})[0] == "mariadb on store"


def test_several_that_one_node_holds_are_one_node_that_cannot_be_reached():
    """Two stores, none of which says that anything is wrong with it: not both at once."""
    other = replace(SLOW, service=METRICS, family=2)
    lines = {1: ["mariadb at 10.0.0.11:3306 timed out"], 2: ["postgresql at 10.0.0.11:5432 timed out"]}
    assert order(FLEET, [SLOW, other], lines)[0] == "kernel on store"
    assert order(known(), [SLOW, other], lines)[0] == "kernel on store"


def test_one_of_several_that_fails_by_its_own_words_is_no_node():
    """The store says that it dies; its neighbour is missed by somebody who waits for both."""
    other = replace(SLOW, service=METRICS, family=2)
    dies = Finding(100, "primitive", "unit failed", MARIADB, STORE, 3, 3.0, False, About.SELF, "unit failed")
    lines = {1: ["mariadb at 10.0.0.11:3306 timed out"], 2: ["postgresql at 10.0.0.11:5432 timed out"]}
    assert order(FLEET, [SLOW, other, dies], lines)[0] == "mariadb on store"


def test_two_names_of_one_port_are_no_two_services():
    """A line that may mean either accuses both, and not their node."""
    lines = {1: ["mariadb or postgresql at 10.0.0.11 timed out"]}
    assert "kernel on store" not in order(FLEET, [SLOW], lines)


def test_who_only_complains_is_less_to_blame_than_whom_it_names():
    """However loud it is: errors that were never seen before, and many of them."""
    loud = [
        replace(SLOW, detector=detector, kind=detector, family=family, weight=3.5, about=About.SELF)
        for detector, family in (("new", 1), ("louder", 3), ("error rate", None))
    ]
    lines = {1: ["mariadb at 10.0.0.11:3306 timed out"], 3: ["504 Gateway Time-out"]}
    assert order(FLEET, [SLOW, *loud], lines)[:2] == ["mariadb on store", "proxy on edge"]


def test_a_full_disk_of_its_own_is_no_complaint():
    """What is grave is a witness's own trouble, whomever it names besides."""
    full = replace(SLOW, kind="disk full", family=4, weight=6.0, critical=True, about=About.SELF)
    lines = {1: ["mariadb at 10.0.0.11:3306 timed out"]}
    assert order(FLEET, [SLOW, full], lines)[0] == "proxy on edge"


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ("TLS handshake error: expired certificate", "proxy on edge"),
        ("cache is cold, 17 keys", "shop-api on apps"),
    ],
)
def test_a_certificate_that_nobody_accepts_is_that_of_who_speaks_of_it(said, first):
    """Clients name nobody; who is a little louder with handshakes that fail holds the certificate. Who is louder with
    anything else does not.
    """
    refused = replace(SLOW, kind="certificate not accepted", service=SHOP, node=APPS, weight=3.0)
    louder = Finding(100, "louder", "louder", PROXY, EDGE, 2, 0.5, False, About.SELF, "6 in 5 minutes, normal 0.01")
    lines = {1: ["certificate verify failed: certificate has expired"], 2: [said]}
    fresh = replace(refused, detector="new", kind="new", weight=1.5, about=About.SELF)
    late = replace(louder, minute=104)
    assert order(FLEET, [refused, fresh, late], lines)[0] == first
