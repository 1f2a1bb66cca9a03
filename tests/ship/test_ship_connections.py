"""What the agent tells of connections: read from the real kernel, checked against `ss`; and of machines in a folder."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys

import pytest
from ship_machine import HEAD, edges

from devmesh.ship import owners, sockets
from devmesh.ship.connections import Look
from devmesh.ship.owners import Owner

LISTEN = """
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
taken = [server.accept() for _ in range(3)]
sys.stdin.read()
"""
CALL = """
import socket, sys
made = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(3)]
print("ok", flush=True)
sys.stdin.read()
"""
ANY = "0.0.0.0"  # noqa: S104 - written, not bound
ID = "ab12" * 16


@contextlib.contextmanager
def child(*arguments):
    """A child process and the first line that it wrote; it ends with its input."""
    command = [sys.executable, "-c", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.pid, process.stdout.readline().strip()
        finally:
            process.stdin.close()


@pytest.fixture
def two(monkeypatch):
    """A real listener and a real caller with three connections, in units of their own: (port, pid, pid)."""
    with child(LISTEN) as (listener, port), child(CALL, port) as (caller, _ok):
        of = {listener: "shop-db.service", caller: "shop.service"}
        real = owners.owner_of
        monkeypatch.setattr(
            owners, "owner_of", lambda proc, pid: Owner(owners.UNIT, of[pid]) if pid in of else real(proc, pid)
        )
        yield int(port), listener, caller


def test_a_real_connection_is_told_with_both_ends(two):
    """Three connections of one unit are one entry; the end that accepted them is a listener and no caller."""
    port, _listener, _caller = two
    said = Look(deep=False, engines=()).said
    ours = [one for one in said["connections"] if one["unit"].startswith("shop")]
    target = {"unit": "shop.service", "protocol": "tcp", "address": "127.0.0.1", "port": port}
    assert ours == [{**target, "count": 3, "unanswered": 0, "to": ""}]
    assert {**target, "unit": "shop-db.service"} in said["listeners"]


def test_it_sees_what_ss_sees(two):
    """`ss -tunp` names the same processes for the same sockets."""
    if shutil.which("ss") is None:
        pytest.skip("no ss here")
    port, listener, caller = two
    told = subprocess.run(["ss", "-tnpH"], capture_output=True, text=True, check=True, timeout=30).stdout
    rows = [line.split() for line in told.splitlines()]
    at = f"127.0.0.1:{port}"
    expected = {(listener, row[3], row[4]) for row in rows if row[3] == at and f"pid={listener}," in row[5]}
    expected |= {(caller, row[3], row[4]) for row in rows if row[4] == at and f"pid={caller}," in row[5]}
    assert len(expected) == 6
    found = owners.walk("/proc").sockets
    pids = {"shop-db.service": listener, "shop.service": caller}
    seen = {
        (pids[found[one.inode].name], f"{one.local}:{one.local_port}", f"{one.remote}:{one.remote_port}")
        for one in sockets.read("/proc/net")
        if one.state == sockets.ESTABLISHED and port in (one.local_port, one.remote_port)
    }
    assert seen == expected


def test_who_asked_is_decided_by_who_listens(machine):
    """Incoming is no edge, also at high ports; who waits for an answer asked; what nothing decides is only counted."""
    machine.process(10, "/system.slice/nginx.service", [1, 2, 3, 4, 5, 6])
    machine.table(
        ("0.0.0.0:50051", "0.0.0.0:0", 0x0A, 1),
        ("10.0.0.5:50051", "10.0.0.9:80", 0x01, 2),  # came in, however low the other port
        ("10.0.0.5:40000", "10.0.0.7:8080", 0x01, 3),
        ("10.0.0.5:40001", "10.0.0.8:50000", 0x01, 4),  # both may be a caller's
        ("10.0.0.5:40002", "10.0.0.7:45000", 0x02, 5),  # no answer yet
        ("10.0.0.5:40003", "10.0.0.5:50051", 0x01, 6),  # itself, where it listens
    )
    said = machine.look()
    assert edges(said) == [
        ("nginx.service", "10.0.0.5:50051", 1, 0),
        ("nginx.service", "10.0.0.7:8080", 1, 0),
        ("nginx.service", "10.0.0.7:45000", 1, 1),
    ]
    assert said["undecided"] == 1


def test_six_and_four_are_one(machine):
    """An IPv4 address in a table of IPv6 is written as IPv4; a listener on `::` takes both; UDP is read, too."""
    machine.process(10, "/system.slice/dns.service", [1, 2, 3])
    machine.table(
        ("::ffff:10.0.0.5:53", "::ffff:10.0.0.9:41000", 1, 1),
        ("::ffff:10.0.0.5:41000", "::ffff:10.0.0.9:53", 1, 3),
        name="tcp6",
    )
    machine.table(("0.0.0.0:53", "0.0.0.0:0", 7, 2), ("0.0.0.0:45000", "0.0.0.0:0", 7, 2), name="udp")
    said = machine.look()
    assert said["listeners"] == [{"unit": "dns.service", "protocol": "udp", "address": "", "port": 53}]
    assert edges(said) == [("dns.service", "10.0.0.9:53", 1, 0)]


def test_what_people_run_is_only_counted(machine):
    """Neither the name nor the target of a session's connections is told."""
    machine.process(10, "/user.slice/user-1000.slice/session-3.scope", [1], comm="secret-app")
    machine.table(("10.0.0.5:40000", "203.0.113.7:443", 1, 1))
    said = machine.look()
    assert (said["connections"], said["unnamed"]) == ([], 1)
    assert "secret" not in json.dumps(said)
    assert "203.0.113.7" not in json.dumps(said)


def test_where_it_may_not_look_it_says_so(machine, monkeypatch):
    """Without rights sockets of others have no owner: they are counted, and so are the processes."""
    machine.process(10, "/system.slice/nginx.service", [1])
    machine.table(("10.0.0.5:40000", "10.0.0.7:80", 1, 1))
    real = os.listdir

    def listdir(path):
        if str(path).endswith("/10/fd"):
            raise PermissionError
        return real(path)

    monkeypatch.setattr(os, "listdir", listdir)
    said = machine.look()
    assert (said["connections"], said["unnamed"], said["closed"]) == ([], 1, 1)


def test_a_socket_of_systemd_is_whose_service_it_is(machine):
    """Socket activation: systemd holds the listener, too, and is not meant."""
    machine.process(1, "/init.scope", [7])
    machine.process(20, "/system.slice/ssh.service", [7])
    machine.table(("0.0.0.0:22", "0.0.0.0:0", 0x0A, 7))
    assert machine.look()["listeners"] == [{"unit": "ssh.service", "protocol": "tcp", "address": "", "port": 22}]


def test_it_is_bounded(machine):
    """50,000 connections to as many places are a summary of 1,000 and a number."""
    machine.process(10, "/system.slice/scan.service", range(1, 3001))
    machine.table(*((f"10.0.0.5:{40_000 + n % 9000}", f"10.1.{n // 250}.{n % 250}:80", 1, n) for n in range(1, 3001)))
    said = machine.look()
    assert (len(said["connections"]), said["left_out"]) == (1000, 2000)
    assert len(json.dumps(said)) < 200_000


def test_a_table_that_cannot_be_read_is_none(machine):
    """Another kernel's format, half a line, no IPv6: what can be read is."""
    machine.say("net/tcp", HEAD + "  0: nonsense\n")
    machine.say("net/udp", HEAD + "  0: 0100007F:00FF 0100007F:00FF 01\n")
    assert machine.look()["connections"] == []
