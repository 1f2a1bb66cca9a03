"""What stands around a connection: whose a process is, what the container engine says, mounts, units, addresses."""

from __future__ import annotations

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingUnixStreamServer

import pytest
from ship_machine import edges, hexed

from devmesh.ship import containers, mounts, owners, units
from devmesh.ship.connections import Look
from devmesh.ship.owners import Owner

ID = "ab12" * 16
ANY = "0.0.0.0"  # noqa: S104 - written, not bound

CGROUPS = {
    "/system.slice/nginx.service": ("unit", "nginx.service"),
    "/system.slice/system-getty.slice/getty@tty1.service": ("unit", "getty@tty1.service"),
    f"/system.slice/docker-{ID}.scope": ("container", ID),
    f"/docker/{ID}": ("container", ID),
    f"/machine.slice/libpod-{ID}.scope/container": ("container", ID),
    f"/machine.slice/libpod-conmon-{ID}.scope": ("unit", f"libpod-conmon-{ID}.scope"),
    f"/system.slice/web.service/libpod-payload-{ID}": ("unit", "web.service"),
    f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope": ("", ""),
    "/user.slice/user-1000.slice/session-3.scope": ("", ""),
    "/user.slice/user-1000.slice/user@1000.service/app.slice/mail.service": ("", ""),
    "/lxc.payload.101/system.slice/nginx.service": ("", ""),
    "/system.slice/\u202eevil.service": ("", ""),
    "/init.scope": ("init", ""),
    "/": ("program", ""),
}


@pytest.mark.parametrize("path", CGROUPS)
def test_a_process_is_of_the_unit_or_container_that_its_cgroup_names(path):
    """As the service rule would call its lines; people's are nobody's."""
    kind, name = CGROUPS[path]
    assert owners.of_cgroup(f"1:name=systemd:{path}\n0::{path}\n") == Owner(kind, name)
    assert owners.of_cgroup(f"5:memory:/other\n0::{path}\n") == Owner(kind, name)


@contextlib.contextmanager
def engine(path, answer):
    """A container engine that says this at its socket."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def address_string(self):
            return "local"

        def log_message(self, *_arguments):
            return

    with ThreadingUnixStreamServer(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


SAID = [
    {
        "Id": ID,
        "Names": ["/db"],
        "Command": "postgres --secret",
        "Ports": [{"IP": ANY, "PrivatePort": 5432, "PublicPort": 15432, "Type": "tcp"}],
        "NetworkSettings": {"Networks": {"shop": {"IPAddress": "172.18.0.3", "GlobalIPv6Address": ""}}},
        "Mounts": [{"Type": "bind", "Source": "/mnt/nas/pg"}],
        "Labels": {"token": "hunter2"},
    }
]


def test_containers_have_names_addresses_and_published_ports(machine, tmp_path):
    """Sockets in a container's own network are read from outside; the proxy that listens for it is the container."""
    machine.process(5, "/system.slice/docker.service", [1, 2])
    machine.process(6, "/system.slice/shop.service", [3])
    machine.process(9, f"/system.slice/docker-{ID}.scope", [11, 12, 13, 14], net=2)
    machine.table(
        ("0.0.0.0:15432", "0.0.0.0:0", 0x0A, 1),
        ("172.18.0.1:40000", "172.18.0.3:5432", 1, 2),
        ("172.18.0.1:40003", "172.18.0.3:5432", 1, 3),
    )
    machine.table(
        ("0.0.0.0:5432", "0.0.0.0:0", 0x0A, 11), ("127.0.0.1:40001", "127.0.0.1:5432", 1, 12),
        ("172.18.0.3:40002", "10.0.0.9:389", 1, 13), ("127.0.0.1:8125", "0.0.0.0:0", 0x0A, 14), of="9/",
    )  # fmt: skip
    machine.say("self/mountinfo", MOUNTS)
    with engine(tmp_path / "docker.sock", json.dumps(SAID).encode()):
        said = Look(deep=False, proc=str(machine.proc), engines=[str(tmp_path / "docker.sock")], hosts="/none").said
    assert edges(said) == [("db", "10.0.0.9:389", 1, 0), ("shop.service", "172.18.0.3:5432", 1, 0)]
    assert [one["to"] for one in said["connections"]] == ["", "db"]
    assert said["listeners"] == [{"unit": "db", "protocol": "tcp", "address": "", "port": 15432}]
    assert said["mounts"] == [{"unit": "db", "kind": "nfs", "server": "10.0.0.9"}]
    assert not any(word in json.dumps(said) for word in ("secret", "hunter2", "/mnt"))


@pytest.mark.parametrize("answer", [b"", b"{}", b"[[]]", b'[{"Id":1,"Names":7}]', b"[" * 100_000, b"\0\xff"])
def test_an_engine_that_says_nonsense_leaves_containers_without_names(machine, tmp_path, answer):
    """Nothing is told of them, and nothing fails."""
    machine.process(9, f"/docker/{ID}", [11], net=2)
    machine.table(("172.18.0.3:40002", "10.0.0.9:389", 1, 11), of="9/")
    with engine(tmp_path / "docker.sock", answer):
        said = Look(deep=False, proc=str(machine.proc), engines=[str(tmp_path / "docker.sock")], hosts="/none").said
    assert (said["connections"], said["unnamed"]) == ([], 1)


def test_no_engine_is_no_trouble(tmp_path):
    """None that answers, none that is known."""
    assert containers.ask([str(tmp_path / "none.sock")]) == {}


MOUNTS = """\
24 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 24 0:35 / /mnt/nas rw shared:2 - nfs4 nas.lan:/export rw,vers=4.2,addr=10.0.0.9,clientaddr=10.0.0.5
41 24 0:36 / /mnt/my\\040share rw - cifs //nas/share rw,username=anna,password=hunter2
42 24 0:37 / /mnt/home rw - fuse.sshfs anna@[fd00::7]:/home rw
43 24 0:38 / /mnt/odd rw - nfs4 <script>:/x rw
44 24 0:39 broken
"""


def test_mounts_name_their_servers_and_nothing_else(machine):
    """Of NFS, SMB and SSH; no user, no password, no path."""
    machine.say("self/mountinfo", MOUNTS)
    assert [(one.point, one.kind, one.server) for one in mounts.read(str(machine.proc))] == [
        ("/mnt/nas", "nfs", "10.0.0.9"), ("/mnt/my share", "smb", "nas"), ("/mnt/home", "ssh", "fd00::7"),
    ]  # fmt: skip


def test_who_has_files_open_there_needs_the_server(machine):
    """A unit with an open file below a network mount; a folder that only begins alike is another one."""
    machine.say("self/mountinfo", MOUNTS)
    machine.process(10, "/system.slice/jellyfin.service", ["/mnt/nas/film.mkv", "/mnt/home2/x"])
    machine.process(11, "/user.slice/user-1000.slice/session-3.scope", ["/mnt/home/diary"])
    assert machine.look()["mounts"] == [{"unit": "jellyfin.service", "kind": "nfs", "server": "10.0.0.9"}]


SHOWN = """\
Id=paperless.service
Requires=system.slice sysinit.target redis.service mnt-nas.mount
Requisite=
BindsTo=postgresql.service paperless.service

Id=cron.service
Requires=sysinit.target

Id=a<b>.service
Requires=redis.service
"""


def test_units_need_what_they_require_and_bind_to():
    """Targets, slices and themselves are no need; a name that no unit can have is left out."""
    assert units.parse(SHOWN) == {"paperless.service": ["mnt-nas.mount", "postgresql.service", "redis.service"]}
    assert units.parse("no=systemd\n\n\0\xff=") == {}
    assert units.mount_unit("/mnt/my-nas/.x é") == "mnt-my\\x2dnas-.x\\x20\\xc3\\xa9.mount"


def test_a_unit_needs_the_server_of_the_mount_that_it_requires(machine, monkeypatch):
    """Systemd made its Requires= of RequiresMountsFor=."""
    machine.say("self/mountinfo", MOUNTS)
    monkeypatch.setattr(units, "needs", lambda: units.parse(SHOWN))
    said = Look(deep=True, proc=str(machine.proc), engines=(), hosts="/none").said
    assert said["mounts"] == [{"unit": "paperless.service", "kind": "nfs", "server": "10.0.0.9"}]
    assert said["needs"] == [{"unit": "paperless.service", "needs": ["postgresql.service", "redis.service"]}]


def test_own_addresses_are_not_those_of_bridges(machine, tmp_path):
    """What each machine has (loopback, links, docker's bridge) is nobody's; names come with the addresses."""
    trie = "".join(
        f"           |-- {one}\n              /32 host LOCAL\n" for one in ("10.0.0.5", "172.17.0.1", "127.0.0.1")
    )
    machine.say("net/fib_trie", "Local:\n" + trie + "           |-- 10.0.0.255\n              /32 link BROADCAST\n")
    routes = (
        ("eth0", "10.0.0.0", "255.255.255.0"),
        ("docker0", "172.17.0.0", "255.255.0.0"),
        ("eth0", ANY, ANY),
    )
    rows = [
        f"{name} {hexed(to + ':0')[:8]} 00000000 0001 0 0 0 {hexed(mask + ':0')[:8]} 0 0 0\n"
        for name, to, mask in routes
    ]
    machine.say("net/route", "Iface Destination\n" + "".join(rows))
    six = "fd000000000000000000000000000002 04 40 00 82 eth0\nfe8000000000000000fc00fffe000001 04 40 20 80 eth0\n"
    machine.say("net/if_inet6", six)
    (tmp_path / "hosts").write_text("10.0.0.5 NAS.lan nas\n10.0.0.6 other\n127.0.1.1 nas.example # me\n10.0.0.5 <b>\n")
    said = Look(deep=False, proc=str(machine.proc), engines=(), hosts=str(tmp_path / "hosts")).said
    assert said["addresses"] == ["10.0.0.5", "fd00::2"]
    assert said["names"][1:] == ["nas.lan", "nas", "nas.example"]
