"""A list of hosts in the URL: which one is tried when, and for how long."""

from __future__ import annotations

import pymysql
import pytest

from devmesh.db import hosts as hosts_module
from devmesh.db.hosts import Hosts, hosts_of

URL = "mysql+pymysql://devmesh@db1,db2,db3:3307/devmesh"


class Cursor:
    """Answers as a node of a cluster does."""

    def __init__(self, server):
        self.server = server

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        return None

    def execute(self, sql):
        """Keep what was asked."""
        self.server.asked.append(sql)

    def fetchall(self):
        """The variables."""
        known = {"wsrep_ready": self.server.ready, "wsrep_provider_name": self.server.provider, "Uptime": "100"}
        return tuple(known.items())

    def fetchone(self):
        """What it drew when it was started."""
        return ("drawn",)


class Server:
    """A host as the driver sees it: away, or how it answers."""

    def __init__(self, *, away=False, ready="ON", provider="Galera"):
        self.away, self.ready, self.provider = away, ready, provider
        self.asked, self.closed, self._read_timeout = [], 0, 0.1

    def cursor(self):
        """The driver's."""
        return Cursor(self)

    def close(self):
        """Count it."""
        self.closed += 1


class Driver:
    """The dialect's `connect`, over hosts by their names."""

    def __init__(self, **servers):
        self.servers, self.tried = servers, []

    def connect(self, *, host, **options):
        """Keep what was tried."""
        self.tried.append((host, options))
        if self.servers[host].away:
            raise pymysql.err.OperationalError(2003, "refused")
        return self.servers[host]


def connect(hosts, driver, **options):
    """As SQLAlchemy calls it."""
    return hosts.connect(driver, None, [], {"host": "db1,db2,db3", "connect_timeout": 2, "read_timeout": 2, **options})


@pytest.fixture
def driver():
    """Three nodes that are well."""
    return Driver(db1=Server(), db2=Server(), db3=Server())


def test_a_list_of_hosts_shares_everything_else():
    """The port behind the last one is that of all."""
    assert hosts_of(URL) == ["db1", "db2", "db3"]
    assert hosts_of("mysql+pymysql://root@localhost/d") == ["localhost"]
    assert hosts_of("mysql+pymysql:///d?unix_socket=/run/s") == [""]


def test_the_first_that_takes_statements_is_used_until_it_fails(driver):
    """One that is away or cut off is passed over; nobody goes back to it while the other one answers."""
    hosts = Hosts(URL)
    assert connect(hosts, driver) is driver.servers["db1"]
    driver.servers["db1"].away = True
    driver.servers["db2"].ready = "OFF"
    assert connect(hosts, driver) is driver.servers["db3"]
    assert driver.servers["db2"].closed == 1
    driver.servers["db1"].away = False
    driver.tried.clear()
    assert connect(hosts, driver) is driver.servers["db3"]
    assert [host for host, _options in driver.tried] == ["db3"]


def test_a_host_that_failed_a_statement_is_left_once(driver):
    """Also where several threads say so of the same host."""
    hosts = Hosts(URL)
    connect(hosts, driver)
    hosts.leave("db1", "gone")
    hosts.leave("db1", "gone")
    assert connect(hosts, driver) is driver.servers["db2"]


def test_where_all_are_away_the_last_error_is_raised_in_bounded_time(driver):
    """Every host is tried once; what they get adds up to 5 s, for the connection and for its first words each half."""
    for server in driver.servers.values():
        server.away = True
    with pytest.raises(pymysql.err.OperationalError) as caught:
        connect(Hosts(URL), driver)
    assert caught.value.args == (2003, "db1: refused; db2: refused; db3: refused")
    assert [host for host, _options in driver.tried] == ["db1", "db2", "db3"]
    first = driver.tried[0][1]
    assert first["connect_timeout"] + first["read_timeout"] <= hosts_module.ROUND_S / 3 + 0.01
    assert all(told["connect_timeout"] <= 2 for _host, told in driver.tried)


def test_every_connection_to_a_cluster_waits_for_what_the_others_committed(driver):
    """A server that is alone knows nothing of that."""
    connect(Hosts(URL), driver)
    assert "SET SESSION wsrep_sync_wait=1" in driver.servers["db1"].asked
    alone = Driver(db1=Server(provider="", ready="OFF"), db2=Server(), db3=Server())
    assert connect(Hosts(URL), alone) is alone.servers["db1"]
    assert "SET SESSION wsrep_sync_wait=1" not in alone.servers["db1"].asked


def test_only_the_first_words_are_in_a_hurry(driver):
    """A change of the schema has no time-out, whichever host it goes to; it gets back the one that it came with."""
    assert connect(Hosts(URL), driver, read_timeout=None)._read_timeout is None
    assert driver.tried[0][1]["read_timeout"]
    assert connect(Hosts(URL), driver)._read_timeout == 2
