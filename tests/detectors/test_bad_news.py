"""The rules of bad news: each matches its examples and nothing else that it must not."""

from __future__ import annotations

import polars as pl
import pytest

from devmesh.detectors.rules import BOOTED, RULES, SHUT_DOWN, rule_of
from devmesh.templates.canonical import canonicalize

ORDINARY = (
    'GET "<path>" <n> <dur>', "Started session <n> of user root.", "Accepted publickey for <user>", "pool is healthy",
    "Deactivated successfully.", "cache is full of hits", "memory: <size> free", "certificate renewed",
)  # fmt: skip
RAW = (  # of smartd, the kernel, upsmon, systemd, NetworkManager, dhclient, nginx, earlyoom and PyMySQL
    ("Device: /dev/sdb [SAT], 8 Currently unreadable (pending) sectors (changed +8)", "disk wearing out"),
    ("md/raid1:md0: Disk failure on sdb1, disabling device.", "hardware error"),
    ("EXT4-fs error (device sdb1): ext4_lookup:1785: inode #131: comm nfsd: deleted inode", "file system damaged"),
    ("BTRFS warning (device sda1): csum failed root 5 ino 257 off 0 csum 0x1234 expected", "file system damaged"),
    ("XFS (sdb1): Corruption detected. Unmount and run xfs_repair", "file system damaged"),
    ("UPS ups@localhost on battery", "power lost"),
    ("eth0: DHCP lease lost", "no address"),
    ("<warn>  [1700000000.1234] dhcp4 (eth0): request timed out", "no address"),
    ("No DHCPOFFERS received.", "no address"),
    ("nf_conntrack: nf_conntrack: table full, dropping packet", "limit reached"),
    ("2026/11/20 03:10:20 [crit] 812#812: accept4() failed (24: Too many open files)", "limit reached"),
    ("Killed /system.slice/a.service due to memory pressure for /system.slice being 85.31% > 60.00%", "out of memory"),
    ("low memory! at or below SIGTERM limits: mem 10.00%, swap 10.00%", "out of memory"),
    ("http: TLS handshake error from 10.0.0.7:41234: remote error: tls: bad certificate", "certificate not accepted"),
    ("pymysql.err.OperationalError: (1040, 'Too many connections')", "no connection left"),
)


@pytest.mark.parametrize("rule", RULES, ids=lambda one: one.name)
def test_a_rule_matches_its_examples_and_not_the_others(rule):
    """Each example finds this very rule, whichever stand before it."""
    for text in rule.examples:
        assert rule_of(text) is rule, text
    for text in rule.others:
        assert not rule.pattern.search(text), text


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_lines_match_no_rule(text):
    """What programs say every day is no bad news."""
    assert rule_of(text) is None


@pytest.mark.parametrize(("line", "name"), RAW)
def test_a_line_as_it_was_written_finds_its_rule(line, name):
    """Templates leave of a line what the rules go by."""
    rule = rule_of(canonicalize(pl.Series([line]))[0])
    assert rule is not None
    assert rule.name == name


def test_boots_and_shutdowns_are_told_apart():
    """As kernel and systemd write them."""
    assert BOOTED.search("Linux version <n>-amd64 (<email>)")
    assert not BOOTED.search("loaded Linux version of the tool")
    for text in ("Reached target shutdown.target - System Shutdown.", "Journal stopped", "System is rebooting."):
        assert SHUT_DOWN.search(text), text
