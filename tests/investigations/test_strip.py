"""What people and programs changed: which lines tell of it, the strip, and which change is to blame."""

from __future__ import annotations

import pytest

from bodies import DAY_US, NOW_US, line, run_whole, take
from devmesh.clock import FakeClock
from devmesh.investigations.kinds import KINDS, kind_of
from devmesh.investigations.strip import Strip, causes

DAY = NOW_US // DAY_US * DAY_US - DAY_US
SECOND, MINUTE, HOUR = 1_000_000, 60_000_000, 3_600_000_000
# (minute of the day, node, service, line, what it is); three of them break something.
SCRIPT = (
    (60, "db", "dpkg", "upgrade tzdata:all 2025a-1 2025b-1", "packages"),
    (120, "web", "nginx", "Reloaded nginx.service - A high performance web server.", "reloaded"),
    (180, "apps", "podman", "image pull docker.io/library/redis:7", "image"),
    (240, "nas", "kernel", "Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org) (gcc-12) #1 SMP", "reboot"),
    (300, "apps", "api", "Deploying version 1.4.2", "deploy"),  # breaks the api
    (301, "apps", "sshd", "Accepted publickey for root from 10.0.0.3 port 51234 ssh2: ED25519 SHA256:x", "root login"),
    (420, "web", "certbot", "Successfully received certificate.", "certificate"),
    (480, "db", "sudo", "alice : TTY=pts/0 ; PWD=/root ; USER=root ; COMMAND=/usr/bin/vi /etc/hosts", "sudo"),
    (540, "db", "mariadb", "Started mariadb.service - MariaDB 11.8 database server.", "started"),  # breaks mariadb
    (600, "nas", "systemd", "Mounted mnt-disk.mount - /mnt/disk.", "mount"),
    (660, "web", "prometheus", "Completed loading of configuration file", "configuration"),
    (720, "web", "dpkg", "upgrade libssl3:amd64 3.0.11-1 3.0.13-1", "packages"),  # breaks nginx
)
BROKEN = {4: (302, "apps", "api"), 8: (543, "db", "mariadb"), 11: (725, "web", "nginx")}


@pytest.fixture
def strip(make_mesh):
    """A day of twelve changes among ordinary lines; the strip, and how to ask it by name."""
    mesh = make_mesh(clock=FakeClock(DAY + DAY_US))
    for place, (minute, node, service, text, _kind) in enumerate(SCRIPT):
        take(mesh, line(text, service=service, ts_us=DAY + minute * MINUTE + place), node)
    ordinary = b"".join(line(f"served {n} requests", service="api", ts_us=DAY + n * MINUTE) for n in range(1440))
    take(mesh, ordinary, "apps")
    run_whole(mesh, "assign-families")
    return mesh, Strip(mesh.nodes, mesh.templates, mesh.events)


def say(mesh, at_us: int, text: str, service: str, node: str):
    """One line."""
    take(mesh, line(text, service=service, ts_us=at_us), node)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_kind_knows_its_lines_and_no_others(kind):
    """As real programs phrase them."""
    assert [one for one in kind.examples if kind_of(one) is not kind] == []
    assert [one for one in kind.others if kind_of(one) is kind] == []


def test_all_twelve_changes_are_on_the_strip_and_nothing_else(strip):
    """Newest first, each with its line."""
    mesh, read = strip
    found = read.read(DAY, DAY + DAY_US)
    assert [(one.kind, one.text) for one in found] == [(one[4], one[3]) for one in reversed(SCRIPT)]
    assert [one.at_us for one in found] == sorted((one.at_us for one in found), reverse=True)
    assert mesh.events.context(found[0].event_id, 0, 0).events[0].message == SCRIPT[-1][3]
    nas = mesh.nodes.node_names.ids(["nas"], create=False)["nas"]
    assert {one.node_id for one in read.read(DAY, DAY + DAY_US, [nas])} == {nas}


def test_the_change_that_broke_it_stands_first_and_harmless_ones_are_never_blamed(strip):
    """Three of three; also where nothing that was changed broke it."""
    mesh, read = strip
    services = mesh.nodes.service_names.ids(["nginx", "api", "mariadb", "redis", "smbd"])
    nodes = mesh.nodes.node_names.ids(["apps", "db", "web", "nas"], create=False)
    names = {number: name for name, number in services.items()}
    trouble = [(minute, node, service, place) for place, (minute, node, service) in BROKEN.items()]
    trouble += [(330, "apps", "redis", None), (490, "db", "mariadb", None), (255, "nas", "smbd", None)]
    for minute, node, service, place in trouble:
        begun = DAY + minute * MINUTE
        pair = services[service], nodes[node]
        changes = read.read(begun - 6 * HOUR, begun + MINUTE)
        found = causes(changes, {pair: begun}, [pair], names)
        harmless = found if place is None else found[1:]
        if place is not None:
            assert found[0].change.text == SCRIPT[place][3]
        assert all(one.confidence <= 0.3 for one in harmless), (service, harmless)


def test_who_only_looks_changes_nothing(strip):
    """As root, too; who restarts something does."""
    mesh, read = strip
    begin = DAY + 1100 * MINUTE
    for n, command in enumerate(("systemctl status api", "journalctl -xe", "apt update", "systemctl restart api")):
        text = f"anna : TTY=pts/0 ; PWD=/home/anna ; USER=root ; COMMAND=/usr/bin/{command}"
        say(mesh, begin + n, text, "sudo", "apps")
    run_whole(mesh, "assign-families")
    assert [one.text[-21:] for one in read.read(begin, begin + MINUTE)] == ["systemctl restart api"]


def test_what_came_after_the_trouble_did_not_cause_it(strip):
    """A deploy that mends it is no cause."""
    mesh, read = strip
    api, apps = (mesh.nodes.service_names.ids(["api"])["api"], mesh.nodes.node_names.ids(["apps"])["apps"])
    found = causes(read.read(DAY, DAY + DAY_US), {(api, apps): DAY + 290 * MINUTE}, [(api, apps)], {api: "api"})
    assert [one.change.kind for one in found if one.change.kind == "deploy"] == []


def test_a_boot_takes_in_what_it_starts_and_a_crash_what_comes_up_again(strip):
    """One reboot, no fifty started units; a restart by systemd is nobody's change. A new kernel is told."""
    mesh, read = strip
    boot = DAY + 900 * MINUTE
    say(mesh, boot, "Linux version 6.1.0-20-amd64 (debian-kernel@lists.debian.org) (gcc-12) #1 SMP", "kernel", "nas")
    for n in range(5):
        say(mesh, boot + n * SECOND, f"Started unit{'abcde'[n]}.service - Something.", "systemd", "nas")
    crash = DAY + 1000 * MINUTE
    say(mesh, crash, "mariadb.service: Failed with result 'core-dump'.", "mariadb", "db")
    say(mesh, crash + SECOND, "mariadb.service: Scheduled restart job, restart counter is at 1.", "mariadb", "db")
    say(mesh, crash + 2 * SECOND, "Started mariadb.service - MariaDB 11.8 database server.", "mariadb", "db")
    run_whole(mesh, "assign-families")
    assert [one.kind for one in read.read(boot - MINUTE, DAY + DAY_US)] == ["reboot"]
    assert [one.kind for one in read.read(DAY, DAY + DAY_US) if one.at_us == boot] == ["new kernel"]


def test_repeats_are_folded_and_what_comes_each_day_by_itself_is_no_change(strip):
    """Forty packages are one change with a count."""
    mesh, read = strip
    for n in range(40):
        say(
            mesh, DAY + 800 * MINUTE + n * SECOND, f"upgrade lib{'abcdefgh'[n % 8]}:amd64 1.{n} 1.{n + 1}", "dpkg", "db"
        )
    for day in range(1, 6):
        at = DAY - day * DAY_US + 810 * MINUTE
        say(mesh, at, "Reloaded rsyslog.service - System Logging Service.", "rsyslog", "db")
    say(mesh, DAY + 810 * MINUTE, "Reloaded rsyslog.service - System Logging Service.", "rsyslog", "db")
    say(mesh, DAY + 811 * MINUTE, "Reloaded unbound.service - DNS.", "unbound", "db")
    run_whole(mesh, "assign-families")
    found = read.read(DAY + 790 * MINUTE, DAY + DAY_US)
    assert [(one.kind, one.n) for one in found] == [("reloaded", 1), ("packages", 40)]
    assert found[0].text.startswith("Reloaded unbound")
