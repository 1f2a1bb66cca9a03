"""What an inventory adds to the blame: who explains the trouble, who would have to be in it, who is a victim."""

from __future__ import annotations

import pytest

from devmesh.graph import read_inventory, snapshot_of
from devmesh.incidents import Ties
from devmesh.investigations.paths import Paths, Trouble

INVENTORY = """
services:
  mariadb: {hosts: [db]}
  redis: {hosts: [db2]}
  api: {hosts: [web], depends_on: [mariadb, redis]}
  worker: {hosts: [jobs], depends_on: [mariadb]}
  proxy: {hosts: [edge], depends_on: [api]}
"""
KERNEL = 5
SERVICES = dict(enumerate(["mariadb", "redis", "api", "worker", "proxy", "kernel", "cron"]))
NODES = dict(enumerate(["db", "db2", "web", "jobs", "edge"]))
DB, REDIS, API, WORKER, PROXY = PLACES = [(place, place) for place in range(5)]
PAIRS = [*PLACES, *((KERNEL, node) for node in NODES), *((6, node) for node in NODES)]


@pytest.fixture(scope="module")
def ties() -> Ties:
    """Of a shop: a proxy before an API, a worker, two stores."""
    return Ties(snapshot_of(read_inventory(INVENTORY), ()), lambda _ids: SERVICES, lambda _ids: NODES)


def weighed(ties, blame, troubled, grave=(), begun=None):
    """The blame as the inventory sees it; all began in the same minute unless `begun` says otherwise."""
    since = dict.fromkeys(troubled, 100) | (begun or {})
    return Paths(ties, PAIRS, KERNEL).weighed(blame, Trouble(since, troubled, grave))


def order(ties, blame, troubled, grave=(), begun=None):
    """The suspects, best first."""
    out = weighed(ties, blame, troubled, grave, begun)
    return sorted(out, key=lambda one: -out[one])


def test_whom_all_in_trouble_need_comes_before_whom_some_need(ties):
    """Nobody names anybody, and the database says nothing: its log is silent, or its network is cut."""
    blame = {API: 1.0, WORKER: 1.0, PROXY: 1.0}
    found = order(ties, blame, blame)
    assert found[0] == DB
    assert found.index(DB) < found.index(REDIS)


def test_who_needs_it_and_is_well_speaks_against_it(ties):
    """Where the worker is well, the cache is as likely as the database, and more."""
    found = weighed(ties, {API: 1.0}, [API])
    assert found[REDIS] > found[DB] > 0


def test_who_needs_an_accused_is_a_victim_unless_its_trouble_is_its_own(ties):
    """Louder than the cause, as victims are; not where its disk is full."""
    blame = {DB: 3.0, API: 6.0}
    assert order(ties, blame, [DB, API])[0] == DB
    assert order(ties, blame, [DB, API], [API])[0] == API


def test_a_node_explains_what_runs_on_it_and_what_needs_that(ties):
    """The kernel stands for the node; no other service that nobody declared does."""
    found = weighed(ties, {(KERNEL, 0): 1.0, (6, 0): 1.0}, [DB, API, WORKER])
    assert found[KERNEL, 0] > 2.0
    assert found[6, 0] == 1.0


def test_what_nobody_declared_stays_as_it_was(ties):
    """No inventory of it, no change."""
    stranger = (6, 99)
    assert weighed(ties, {stranger: 2.5}, [stranger]) == {stranger: 2.5}


def test_who_was_in_trouble_before_is_no_victim(ties):
    """A cause comes first: the database that fails ten minutes after the API explains nothing of it."""
    blame, since = {DB: 3.0, API: 3.5}, {DB: 110, API: 100}
    assert order(ties, blame, [DB, API], begun=since)[0] == API
    assert order(ties, blame, [DB, API], begun={DB: 100, API: 110})[0] == DB
    assert order(ties, blame, [DB, API], begun={DB: 101, API: 100})[0] == DB  # found within the same minutes


def test_whose_trouble_is_grave_has_it_from_nobody(ties):
    """Who needs a store and has a full disk itself is no evidence against the store."""
    found = weighed(ties, {API: 6.0, WORKER: 6.0}, [API, WORKER], grave=[API, WORKER])
    assert DB not in found or found[DB] == 0
    assert found[API] == 6.0


def test_a_service_in_many_places_is_one_suspect_not_many():
    """Where lines name one of its places the others are none; where they name none each bears its share alone."""
    declared = "services:\n  exporter: {hosts: [all]}\n  metrics: {hosts: [web], depends_on: [exporter]}\n"
    services, hosts = {0: "exporter", 1: "metrics"}, {0: "db", 1: "web", 2: "edge", 3: "jobs"}
    known = Ties(snapshot_of(read_inventory(declared), hosts.values()), lambda _ids: services, lambda _ids: hosts)
    metrics, places = (1, 1), [(0, node) for node in hosts]
    paths, trouble = Paths(known, [metrics, *places], None), Trouble({metrics: 100}, [metrics], ())
    named = paths.weighed({metrics: 1.0, (0, 0): 2.0}, trouble)
    assert set(named) == {metrics, (0, 0)}
    unnamed = paths.weighed({metrics: 1.0}, trouble)
    assert sum(unnamed[one] for one in places) <= 3.0
    assert named[0, 0] > 2.0 + max(unnamed[one] for one in places)


WRONG = INVENTORY.replace("depends_on: [mariadb]", "depends_on: [mariadb, proxy]")


def test_a_wrong_edge_is_outweighed_by_what_lines_say():
    """Somebody declared that the worker needs the proxy. It does not: the database fails by its own words, the proxy is
    well, or merely times out later.
    """
    wrong = Ties(snapshot_of(read_inventory(WRONG), ()), lambda _ids: SERVICES, lambda _ids: NODES)
    assert order(wrong, {DB: 4.0, WORKER: 2.0}, [DB, WORKER])[0] == DB
    found = order(wrong, {DB: 4.0, WORKER: 2.0, PROXY: 2.5}, [DB, WORKER, PROXY], begun={PROXY: 103})
    assert found[0] == DB


def test_a_missing_edge_leaves_the_evidence_as_it_is():
    """Nobody declared that the worker needs the database, which bears the blame by what lines say."""
    few = INVENTORY.replace("worker: {hosts: [jobs], depends_on: [mariadb]}", "worker: {hosts: [jobs]}")
    missing = Ties(snapshot_of(read_inventory(few), ()), lambda _ids: SERVICES, lambda _ids: NODES)
    assert order(missing, {DB: 2.2, WORKER: 1.9}, [WORKER])[0] == DB
