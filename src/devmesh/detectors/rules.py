"""Lines that are bad news in any fleet, as data over the texts of families: matched once for each family.

A rule says what programs really write; none knows a fleet, a simulator or a data set. `about`: whom the line accuses.
`least`: so many within five minutes make a finding. `weight`: as in Finding.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from devmesh.detectors.model import About


@dataclass(frozen=True)
class Rule:
    """One kind of bad news. `examples` and `others` (what it must not match) are run as tests."""

    name: str
    pattern: re.Pattern[str]
    weight: float
    about: About
    examples: tuple[str, ...]
    others: tuple[str, ...] = ()
    critical: bool = False
    least: int = 1


def _rule(
    name: str, pattern: str, weight: float, examples: tuple[str, ...], others: tuple[str, ...] = (), *,
    about: About = About.SELF, critical: bool = False, least: int = 1,
) -> Rule:  # fmt: skip
    return Rule(name, re.compile(pattern, re.IGNORECASE), weight, about, examples, others, critical, least)


RULES = (
    _rule(
        "out of memory",
        r"out of memory: kill|\boom[-_ ]kill|killed by the oom killer|memory cgroup out of memory"
        r"|\bkilled .{1,200} due to memory (?:pressure|used)|low memory! at or below",
        6.0,
        (
            "Out of memory: Killed process <n> (mysqld)", "A process of this unit has been killed by the OOM killer.",
            "Killed <path> due to memory pressure for <path> being <n>% > <n>% for > <dur> with reclaim activity",
            "low memory! at or below SIGTERM limits: mem <n>%, swap <n>%",
        ),
        ("memory usage is normal",),
        critical=True,
    ),
    _rule(
        "disk full",
        r"no space left|\benospc\b|errcode: 28\b|disk quota exceeded|(?:disk|file ?system|volume) (?:is )?full\b",
        6.0,
        ("OSError: [Errno <n>] No space left on device: '<path>'", "filesystem is full"),
        ("disk is fully operational",),
        critical=True,
    ),
    _rule(
        "read-only file system",
        r"read-only file ?system|remounting filesystem read-only|\berofs\b",
        6.0,
        ("EXT4-fs (sda2): Remounting filesystem read-only",),
        ("mounted <path> read-only as configured",),
        about=About.NODE,
        critical=True,
    ),
    _rule(
        "kernel panic",
        r"kernel panic|\boops: |bug: unable to handle|general protection fault",
        6.0,
        ("Kernel panic - not syncing: Fatal exception", "BUG: unable to handle page fault for address: <hex>"),
        about=About.NODE,
        critical=True,
    ),
    _rule(
        "hardware error",
        r"\bi/o error\b|hardware error|machine check|uncorrect(?:able|ed) ecc|failed command: (?:read|write)"
        r"|unrecovered read error|medium error|\bpool\b.*\b(?:degraded|faulted|suspended)|failed smart"
        r"|disk failure on|fail event detected on md|fallen off the bus|nvme.{0,40}controller is down"
        r"|rejecting i/o to offline device|critical temperature reached",
        6.0,
        (
            "I/O error, dev sda, sector <n> op <hex>:(WRITE)", "mce: [Hardware Error]: Machine check events logged",
            "md/raid<n>:md<n>: Disk failure on sdb<n>, disabling device.",
            "Fail event detected on md device <path>, component device <path>",
            "NVRM: GPU <hex>: GPU has fallen off the bus.", "nvme nvme<n>: controller is down; will reset: CSTS=<hex>",
        ),
        ("hardware health is good", "RebuildFinished event detected on md device <path>"),
        about=About.NODE,
        critical=True,
    ),
    _rule(
        "file system damaged",
        r"\bext\S{1,3}-fs error|\bxfs \(.{1,40}(?:corruption|shutting down filesystem)"
        r"|btrfs (?:error|critical|warning).{0,60}(?:\berrs: |csum failed|corrupt)|structure needs cleaning",
        4.5,
        (
            "EXT<n>-fs error (device sdb<n>): ext<n>_lookup:<n>: inode #<n>: comm nfsd: deleted inode referenced: <n>",
            "XFS (sdb<n>): Corruption detected. Unmount and run xfs_repair",
            "BTRFS error (device sda<n>): bdev <path> errs: wr <n>, rd <n>, flush <n>, corrupt <n>, gen <n>",
        ),
        ("EXT<n>-fs (sda<n>): mounted filesystem with ordered data mode", "BTRFS info (device sda<n>): scrub: started"),
        about=About.NODE,
        critical=True,
    ),
    _rule(
        "disk wearing out",
        r"(?:currently unreadable \(pending\)|offline uncorrectable) sectors|\bfailing[ _]now\b",
        3.2,
        (
            "Device: <path> [SAT], <n> Currently unreadable (pending) sectors",
            "Device: <path> [SAT], <n> Offline uncorrectable sectors",
        ),
        ("Device: <path> [SAT], SMART Usage Attribute: <n> Temperature_Celsius changed from <n> to <n>",),
    ),
    _rule(
        "power lost",
        r"\bups\b.{0,60}\b(?:on battery|battery is low)|running on ups batteries",
        3.2,
        ("UPS ups@localhost on battery", "UPS ups@localhost battery is low", "Running on UPS batteries."),
        ("UPS ups@localhost on line power",),
    ),
    _rule(
        "no address",
        r"dhcp lease lost|no dhcpoffers received|no working leases in persistent database"
        r"|\bdhcp\S{0,4} .{0,20}request timed out",
        4.3,
        ("eth<n>: DHCP lease lost", "No DHCPOFFERS received.", "dhcp<n> (eth<n>): request timed out"),
        ("eth<n>: DHCPv4 address <ip> via <ip>", "DHCPACK of <ip> from <ip>"),
    ),
    _rule(
        "limit reached",
        r"table full, dropping packet|neighbou?r table overflow|too many open files|\be[mn]file\b"
        r"|fork rejected by pids controller",
        3.2,
        (
            "nf_conntrack: nf_conntrack: table full, dropping packet",
            "<ts> [crit] <n>#<n>: accept<n>() failed (<n>: Too many open files)",
            "cgroup: fork rejected by pids controller in <path>",
        ),
        ("opened <n> files",),
    ),
    _rule(
        "no connection left",
        r"too many connections(?! from)",
        3.2,
        ("pymysql.err.OperationalError: (<n>, 'Too many connections')",),
        ("error: too many connections from <ip>",),
        about=About.PEER,
        least=3,
    ),
    _rule(
        "task blocked",
        r"blocked for more than|soft lockup|hard lockup|rcu.{0,40}stall",
        4.0,
        ("INFO: task borg:<n> blocked for more than <dur>.", "watchdog: BUG: soft lockup - CPU#<n> stuck for <dur>!"),
        about=About.PEER,
    ),
    _rule(
        "segmentation fault",
        r"segfault at|segmentation fault|core dumped|general protection ip",
        3.0,
        ("nginx[<n>]: segfault at <hex> ip <hex>", "server process was terminated by signal <n>: Segmentation fault"),
    ),
    _rule(
        "unit failed",
        r"failed with result|start request repeated too quickly"
        r"|main process exited, code=(?:dumped|killed|exited, status=(?!0/|143))",
        3.0,
        ("mariadb.service: Failed with result 'core-dump'.", "Main process exited, code=exited, status=<n>/FAILURE"),
        ("x.service: Deactivated successfully.",),
    ),
    _rule(
        "certificate not accepted",
        r"certificate[_ ]verify[_ ]failed|x509: certificate|alert unknown ca\b|tls: (?:bad|unknown) certificate"
        r"|\bverify error: ?depth=",
        3.0,
        (
            "certificate verify failed: certificate has expired", "x509: certificate signed by unknown authority",
            "SSL_accept() failed: error:<hex>:SSL routines::tlsv1 alert unknown ca: SSL alert number 48",
            "http: TLS handshake error from <ip>: remote error: tls: bad certificate",
            "<ip> VERIFY ERROR: depth=<v>, error=certificate has expired: CN=<v>, serial=<v>",
        ),
        about=About.PEER,
    ),
    _rule(
        "certificate expired",
        r"certificate[_ ](?:has |is )?expired|certificate .{0,60}\bexpired\b",
        4.0,
        ("SSL alert number 45: certificate expired",),
        ("session expired",),
    ),
    _rule(
        "name not resolved",
        r"name resolution|could not resolve|\bno such host\b|host not found|name or service not known",
        1.5,
        ("httpx.ConnectError: [Errno -3] Temporary failure in name resolution", "lookup db: no such host"),
        about=About.PEER,
    ),
    _rule(
        "connection refused",
        r"connection refused|\beconnrefused\b|no route to host|host is down|network is unreachable",
        1.5,
        ("dial tcp <ip>: connect: connection refused",),
        about=About.PEER,
    ),
    _rule(
        "not answering",
        r"timed out|\btimeout\b|deadline exceeded|not responding|unreachable|stale file handle",
        1.2,
        ("nfs: server <ip> not responding, still trying", "upstream timed out (<n>: Connection timed out)"),
        about=About.PEER,
    ),
    _rule(
        "failed logins",
        r"failed password|authentication failure|invalid user|failed login|login failed"
        r"|maximum authentication attempts",
        4.0,
        ("Failed password for root from <ip> port <n> ssh2", "Invalid user admin from <ip> port <n>"),
        ("session opened for user root",),
        least=20,
    ),
    _rule(
        "clock jumped",
        r"time has been changed|system clock (?:wrong|was stepped)|clocksource.{0,60}unstable|time jumped",
        3.0,
        ("System clock wrong by <dur>", "Time jumped backwards, rotating."),
        about=About.NODE,
    ),
)  # fmt: skip

BOOTED = re.compile(r"^Linux version ", re.IGNORECASE)
SHUT_DOWN = re.compile(
    r"reached target .*(?:shutdown|reboot|power-off|final)|system (?:is|will) (?:reboot|power)|^journal stopped"
    r"|shutting down\.$",
    re.IGNORECASE,
)  # fmt: skip

# What DevMesh itself writes of incidents into its log: all the bad words of a fault, and no news.
OWN = re.compile(r"^(?:<ts> )?(?:[A-Z]+ )?(?:devmesh\.(?:incidents|notifications|investigations)[.\w]* |incident=<n> )")


def rule_of(text: str) -> Rule | None:
    """The first rule that a family's text matches."""
    return next((one for one in RULES if one.pattern.search(text)), None)
