"""Whom a target means: loopback, NAT, names with and without a domain, ports by who listens; never a guess."""

from __future__ import annotations

import pytest

from devmesh.graph import read_inventory
from devmesh.graph.learning.directory import (
    CROWDED,
    ITSELF,
    NO_PORT,
    NO_TARGET,
    OUTSIDE,
    SHARED,
    UNKNOWN_HOST,
    UNKNOWN_PORT,
    Directory,
)
from devmesh.graph.learning.known import directory_of
from devmesh.graph.learning.model import ADDRESS, LISTENER, MOUNT, Place

INVENTORY = read_inventory("""\
services:
  postgresql: {hosts: [db01]}
  postgres-exporter: {hosts: [db01]}
  shop: {hosts: [apps, apps2], aliases: [shop-old]}
  nfs-server: {hosts: [nas.lan]}
""")
HEARD = [
    ("redis-server", "apps"), ("paperless-web-1", "apps"), ("paperless-db-1", "apps"), ("other-db-1", "apps2"),
    ("nfs-mountd", "nas.lan"), ("systemd-resolved", "apps"), ("docs", "apps"), ("docs", "apps2"), ("api", "apps"),
]  # fmt: skip
PLACES = [
    Place(ADDRESS, "db01", "10.0.0.12", reported=True),
    Place(ADDRESS, "apps", "10.0.0.13", reported=True),
    Place(ADDRESS, "apps", "172.17.0.1", reported=True),
    Place(ADDRESS, "apps2", "172.17.0.1", reported=True),
    Place(ADDRESS, "db01", "pg.corp.example", reported=True),
    Place(ADDRESS, "apps2", "10.0.0.12"),  # a line said so once; the agent of another node says otherwise
    Place(LISTENER, "apps", "0.0.0.0", 8000, "docs", reported=True),  # noqa: S104 - what an agent reports
    Place(LISTENER, "apps", "127.0.0.1", 9000, "api", reported=True),
    Place(LISTENER, "apps", "", 8100, "docs"),
    Place(LISTENER, "apps", "", 8100, "api"),
    Place(LISTENER, "apps", "unix:/run/api.sock", 0, "api", reported=True),
    Place(MOUNT, "apps", "nas.lan"),
]


@pytest.fixture(scope="module")
def known() -> Directory:
    """A small fleet."""
    return directory_of(INVENTORY, ["db01", "apps", "apps2", "nas.lan"], HEARD, PLACES)


@pytest.mark.parametrize(
    ("said", "whom"),
    [
        ("10.0.0.12:5432", "postgresql"),  # by the port, and not the exporter of that name
        ("db01:5432", "postgresql"), ("db01.lan:5432", "postgresql"), ("pg.corp.example:5432", "postgresql"),
        ("nas:/export", "nfs-server"), ("nas.lan:/export", "nfs-server"),  # declared, its helper is not
        ("127.0.0.1:6379", "redis-server"), ("localhost:6379", "redis-server"), ("[::1]:6379", "redis-server"),
        ("10.0.0.13:6379", "redis-server"), ("172.17.0.1:6379", "redis-server"),  # its own node's
        ("127.0.0.1:9000", "api"), ("apps:8000", "docs"),
        ("redis-server:6379", "redis-server"), ("redis-server", "redis-server"), ("REDIS-SERVER.lan:1", "redis-server"),
        ("shop-old:80", "shop"), ("shop.service", "shop"), ("unix:/run/api.sock", "api"),
        ("db:5432", "paperless-db-1"),  # the container of the same stack on that node
        ("nfs:", "nfs-server"),  # what the node mounts
    ],
)  # fmt: skip
def test_a_target_means_a_service(known, said, whom):
    """As a service on apps says it."""
    found = known.whom("paperless-web-1", "apps", said)
    assert (found.name, found.why) == (whom, "")


@pytest.mark.parametrize(
    ("said", "node", "why"),
    [
        ("172.17.0.1:6379", "db01", SHARED),  # every Docker host has it
        ("8.8.8.8:53", "apps", OUTSIDE), ("10.9.9.9:80", "apps", UNKNOWN_HOST),
        ("api.github.com:443", "apps", UNKNOWN_HOST), ("db01.example.com:5432", "apps", UNKNOWN_HOST),
        ("10.0.0.12:1234", "apps", UNKNOWN_PORT), ("10.0.0.12", "apps", NO_PORT),
        ("10.0.0.13:9000", "db01", UNKNOWN_PORT),  # it listens on loopback alone
        ("apps:8100", "db01", CROWDED), ("127.0.0.53:53", "apps", NO_TARGET), ("224.0.0.251:5353", "apps", NO_TARGET),
        ("nfs:", "db01", UNKNOWN_HOST), ("db:5432", "apps2", UNKNOWN_HOST),
    ],
)  # fmt: skip
def test_what_nobody_knows_is_not_guessed(known, said, node, why):
    """There is a reason instead."""
    assert known.whom("paperless-web-1", node, said).why == why


def test_nobody_touches_itself(known):
    """Not on its own port, not another instance of itself, not under another name."""
    for service, node, said in (
        ("docs", "apps2", "apps:8000"),
        ("docs", "apps", "localhost:8000"),
        ("shop", "apps", "shop-old"),
    ):
        assert known.whom(service, node, said).why == ITSELF
