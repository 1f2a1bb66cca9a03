"""The service rule in examples."""

from __future__ import annotations

import tracemalloc

import polars as pl
import pytest

from devmesh.intake.services import CANDIDATES, clean_name, service_names

HASH = "3f2a9c0b7d" * 6 + "abcd"

EXAMPLES = [
    # journald's unit, `.service` dropped, other kinds of unit kept
    ({"_SYSTEMD_UNIT": "ssh.service", "SYSLOG_IDENTIFIER": "sshd"}, "ssh"),
    ({"_SYSTEMD_UNIT": "dbus.socket"}, "dbus.socket"),
    ({"_SYSTEMD_UNIT": "postgresql@15-main.service"}, "postgresql@15-main"),
    ({"_SYSTEMD_UNIT": "getty@tty1.service"}, "getty@tty1"),
    ({"_SYSTEMD_UNIT": "pve-container@101.service"}, "pve-container@101"),
    ({"_SYSTEMD_UNIT": "foo@facade.service"}, "foo@facade"),
    # instances and ids that change with every start
    ({"_SYSTEMD_UNIT": "foo@3f2a9c.service"}, "foo@*"),
    ({"_SYSTEMD_UNIT": "foo@20260102.service"}, "foo@*"),
    ({"_SYSTEMD_UNIT": "sshd@7-10.0.0.1:22-10.0.0.9:50222.service"}, "sshd@*"),
    ({"_SYSTEMD_UNIT": "systemd-coredump@3-811-0.service"}, "systemd-coredump@*"),
    ({"_SYSTEMD_UNIT": f"docker-{HASH}.scope"}, "docker-*.scope"),
    ({"_SYSTEMD_UNIT": f"libpod-conmon-{HASH}.scope"}, "libpod-conmon-*.scope"),
    ({"_SYSTEMD_UNIT": r"dev-disk-by\x2duuid-5C1F-0a1b2c3d\x2d1111\x2d2222\x2d3333\x2d0123456789ab.device"},
     r"dev-disk-by\x2duuid-5C1F-*.device"),
    ({"_SYSTEMD_UNIT": "run-u1234.service"}, "run-*"),
    ({"_SYSTEMD_UNIT": "run-p811-i9921.service"}, "run-*"),
    ({"_SYSTEMD_UNIT": f"run-r{HASH[:32]}.scope"}, "run-*.scope"),
    ({"SYSLOG_IDENTIFIER": HASH[:12]}, "*"),
    ({"CONTAINER_NAME": "shop_web.1.x3k9q0v7m2n5b8c1z4a6s0d7f"}, "shop_web.1.*"),
    # PID 1 speaks about a unit; nobody else may
    ({"_PID": 1, "UNIT": "nginx.service", "_SYSTEMD_UNIT": "init.scope", "SYSLOG_IDENTIFIER": "systemd"}, "nginx"),
    ({"_PID": 1, "OBJECT_SYSTEMD_UNIT": "nginx.service", "SYSLOG_IDENTIFIER": "systemd"}, "nginx"),
    ({"_PID": 9, "UNIT": "nginx.service", "_SYSTEMD_UNIT": "cron.service"}, "cron"),
    ({"UNIT": "nginx.service", "SYSLOG_IDENTIFIER": "app"}, "app"),
    # who is logged in is no service
    ({"_SYSTEMD_UNIT": "session-4.scope", "SYSLOG_IDENTIFIER": "sudo"}, "sudo"),
    ({"_SYSTEMD_UNIT": "user@1000.service", "SYSLOG_IDENTIFIER": "gnome-shell"}, "gnome-shell"),
    ({"_SYSTEMD_UNIT": "init.scope", "SYSLOG_IDENTIFIER": "systemd"}, "systemd"),
    ({"_PID": 1, "UNIT": "session-4.scope", "_SYSTEMD_UNIT": "init.scope", "SYSLOG_IDENTIFIER": "systemd"}, "systemd"),
    # containers come before the unit of their daemon
    ({"CONTAINER_NAME": "web", "_SYSTEMD_UNIT": "docker.service", "SYSLOG_IDENTIFIER": "dockerd"}, "web"),
    # the kernel, and nobody
    ({"_TRANSPORT": "kernel", "SYSLOG_IDENTIFIER": "kernel"}, "kernel"),
    ({"_TRANSPORT": "kernel"}, "kernel"),
    ({"_TRANSPORT": "stdout"}, "unknown"),
    ({}, "unknown"),
    # what a client declares comes first, and is cleaned alike
    ({"service": "api", "_SYSTEMD_UNIT": "ssh.service"}, "api"),
    ({"service": "api.service"}, "api"),
    ({"service": "", "_SYSTEMD_UNIT": "ssh.service"}, "ssh"),
    ({"service": " a\nb\0"}, "a b"),
    ({"service": " \t", "_SYSTEMD_UNIT": "ssh.service"}, "unknown"),
    ({"service": "ü" * 500}, "ü" * 128),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "service"), EXAMPLES)
def test_example(fields, service):
    """One event, its fields, its service."""
    candidates = pl.DataFrame({k: v for k, v in fields.items() if k in CANDIDATES})
    declared = pl.Series([fields.get("service")], dtype=pl.String)
    pid = pl.Series([fields.get("_PID")], dtype=pl.Int64)
    assert service_names(candidates, declared, pid).to_list() == [service]


def test_a_frame_equals_its_single_events():
    """The examples all at once, in one frame, give the same names."""
    rows = [fields for fields, _ in EXAMPLES]
    candidates = pl.DataFrame(
        {name: [row.get(name) for row in rows] for name in CANDIDATES}, schema=dict.fromkeys(CANDIDATES, pl.String)
    )
    declared = pl.Series([row.get("service") for row in rows], dtype=pl.String)
    pid = pl.Series([row.get("_PID") for row in rows], dtype=pl.Int64)
    assert service_names(candidates, declared, pid).to_list() == [service for _, service in EXAMPLES]


def test_names_are_clean_already():
    """A stored name stays itself when it is declared again."""
    names = pl.Series([service for _, service in EXAMPLES])
    nobody = pl.repeat(None, len(names), dtype=pl.Int64, eager=True)
    assert service_names(pl.DataFrame(), names, nobody).to_list() == names.to_list()


def test_long_names_are_not_remembered():
    """A sender that invents names of a megabyte does not fill the memory: what is remembered of each is short."""
    clean_name.cache_clear()
    names = [f"{number} {'x' * 100_000}" for number in range(20)]
    tracemalloc.start()
    try:
        service_names(pl.DataFrame(), pl.Series(names), pl.Series([None] * 20, dtype=pl.Int64))
        held, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 200_000
