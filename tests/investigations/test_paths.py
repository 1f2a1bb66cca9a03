"""What an inventory adds to the blame: who explains the trouble, who would have to be in it, who is a victim."""

from __future__ import annotations

import pytest

from devmesh.graph import read_inventory, snapshot_of
from devmesh.incidents import Ties
from devmesh.investigations.paths import weighed

INVENTORY = """
services:
  mariadb: {hosts: [db]}
  redis: {hosts: [db2]}
  api: {hosts: [web], depends_on: [mariadb, redis]}
  worker: {hosts: [jobs], depends_on: [mariadb]}
  proxy: {hosts: [edge], depends_on: [api]}
"""
SERVICES = dict(enumerate(["mariadb", "redis", "api", "worker", "proxy", "kernel", "cron"]))
NODES = dict(enumerate(["db", "db2", "web", "jobs", "edge"]))
DB, REDIS, API, WORKER, PROXY = PLACES = [(place, place) for place in range(5)]
PAIRS = [*PLACES, *((5, node) for node in NODES), *((6, node) for node in NODES)]


@pytest.fixture(scope="module")
def ties() -> Ties:
    """Of a shop: a proxy before an API, a worker, two stores."""
    return Ties(snapshot_of(read_inventory(INVENTORY), ()), lambda _ids: SERVICES, lambda _ids: NODES)


def order(ties, blame, troubled, grave=()):
    """The suspects, best first."""
    out = weighed(blame, troubled, grave, PAIRS, ties)
    return sorted(out, key=lambda one: -out[one])


def test_whom_all_in_trouble_need_comes_before_whom_some_need(ties):
    """Nobody names anybody, and the database says nothing: its log is silent, or its network is cut."""
    blame = {API: 1.0, WORKER: 1.0, PROXY: 1.0}
    found = order(ties, blame, blame)
    assert found[0] == DB
    assert found.index(DB) < found.index(REDIS)


def test_who_needs_it_and_is_well_speaks_against_it(ties):
    """Where the worker is well, the cache is as likely as the database, and more."""
    found = weighed({API: 1.0}, [API], (), PAIRS, ties)
    assert found[REDIS] > found[DB] > 0


def test_who_needs_an_accused_is_a_victim_unless_its_trouble_is_its_own(ties):
    """Louder than the cause, as victims are; not where its disk is full."""
    blame = {DB: 3.0, API: 6.0}
    assert order(ties, blame, [DB, API])[0] == DB
    assert order(ties, blame, [DB, API], [API])[0] == API


def test_a_node_explains_what_runs_on_it_and_what_needs_that(ties):
    """The kernel stands for the node; other undeclared services come in only if they are blamed already."""
    found = weighed({(5, 0): 1.0}, [DB, API, WORKER], (), PAIRS, ties)
    assert found[5, 0] > 2.0
    assert (6, 0) not in found


def test_what_nobody_declared_stays_as_it_was(ties):
    """No inventory of it, no change."""
    stranger = (6, 99)
    assert weighed({stranger: 2.5}, [stranger], (), [stranger], ties) == {stranger: 2.5}
