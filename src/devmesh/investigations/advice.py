"""What each kind of finding means in words, and what a person can look at next, as data by the names of rules.

`{service}` and `{node}` stand for names, quoted for a shell: names come from logs, too.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from devmesh.safe import safe

PLAIN = re.compile(r"[\w.@:/+-]+")
KERNEL, OF_UNIT = "kernel", re.compile(r"ctl .*\{service\}")  # which is no unit


@dataclass(frozen=True)
class Advice:
    """`says` goes on after "SERVICE on NODE"; `checks` are what to type or do there."""

    says: str
    checks: tuple[str, ...]


LOGS = "devmesh logs --node {node} --service {service} --since 2h"
ERRORS = LOGS + " --priority err"
STATUS = "On {node}: systemctl status {service}"
BLIND = "devmesh blind --node {node}"


def _advice(says: str, *checks: str) -> Advice:
    return Advice(says, checks)


ADVICE = {
    "out of memory": _advice(
        "ran out of memory", "On {node}: free -h; ps aux --sort=-rss | head",
        "On {node}: systemctl show {service} -p MemoryMax -p MemoryPeak: is a limit too low, or does it grow?",
    ),
    "disk full": _advice(
        "has no disk space left", "On {node}: df -h; df -i",
        "On {node}: du -xh --max-depth=2 / | sort -h | tail; journalctl --disk-usage",
    ),
    "read-only file system": _advice(
        "cannot write: a file system became read-only", "On {node}: dmesg | tail -50; findmnt -o TARGET,OPTIONS",
        "Back up what is on that disk before a repair (fsck).",
    ),
    "kernel panic": _advice(
        "had a kernel fault", "On {node}: journalctl -k -b -1 | tail -100", "Test its memory and its disks.",
    ),
    "hardware error": _advice(
        "reports failing hardware", "On {node}: dmesg | grep -i error | tail; smartctl -a on the disk it names",
        "Is the last backup good?",
    ),
    "file system damaged": _advice(
        "has a damaged file system", "On {node}: dmesg | grep -iE 'ext4|xfs|btrfs' | tail",
        "Is the last backup good? Then unmount and check it (fsck, xfs_repair, btrfs scrub).",
    ),
    "disk wearing out": _advice(
        "reports a disk that loses sectors", "On {node}: smartctl -a on the disk that it names",
        "Is the last backup good? Replace the disk.",
    ),
    "power lost": _advice("runs on battery", "On {node}: upsc ups, or apcaccess: for how long?", "Is the mains back?"),
    "no address": _advice(
        "gets no address by DHCP", "On {node}: ip -br address; networkctl status",
        "Is the DHCP server up? Is the cable in?",
    ),
    "limit reached": _advice(
        "has reached a limit of its system", "On {node}: sysctl net.netfilter.nf_conntrack_count"
        " net.netfilter.nf_conntrack_max fs.file-nr", "On {node}: systemctl show {service} -p LimitNOFILE -p TasksMax",
    ),
    "no connection left": _advice(
        "gets no connection, for too many are open",
        "On the database: who holds them (SHOW PROCESSLIST, pg_stat_activity)?",
    ),
    "task blocked": _advice(
        "waits for storage that does not answer", "On {node}: dmesg | tail; iostat -x 2 3",
        "On {node}: findmnt -t nfs,nfs4,cifs: is a mounted server away?",
    ),
    "segmentation fault": _advice("crashed", "On {node}: coredumpctl info {service}", STATUS),
    "unit failed": _advice("failed", STATUS, "On {node}: journalctl -u {service} -b | tail -50"),
    "certificate not accepted": _advice(
        "does not accept a certificate",
        "openssl s_client -connect HOST:PORT of whom it could not trust: which certificate, until when?",
    ),
    "certificate expired": _advice(
        "has a certificate that expired", "On {node}: certbot certificates, or openssl x509 -enddate -noout -in FILE",
        "Why was it not renewed?",
    ),
    "name not resolved": _advice(
        "cannot resolve names", "On {node}: resolvectl status; getent hosts NAME", "Is the resolver up?",
    ),
    "connection refused": _advice(
        "cannot reach another service", "Is the service up that the lines name? ss -ltn on its node",
        "On {node}: nc -vz HOST PORT as its lines say",
    ),
    "not answering": _advice(
        "waits for answers that do not come", "On {node}: ping and nc -vz HOST PORT as its lines say", LOGS,
    ),
    "failed logins": _advice(
        "sees many failed logins", "On {node}: lastb | head; who",
        "Shut the address out (fail2ban, firewall); are passwords allowed in sshd_config?",
    ),
    "clock jumped": _advice("has a clock that jumped", "On {node}: timedatectl; chronyc tracking"),
    "no shutdown": _advice(
        "came up with no shutdown in good order", "On {node}: journalctl -b -1 -n 100; last -x | head",
        "Power, watchdog, hypervisor: who reset it?",
    ),
    "silence": _advice("fell silent", STATUS, LOGS),
    "node silent": _advice(
        "fell silent as a whole", "ping {node}; is it powered, is its network up?",
        "On {node}: systemctl status devmesh-shipper",
    ),
    "unheard": _advice(
        "is not heard any more: its agent sends nothing", "ping {node}; is it powered, is its network up?",
        "On {node}: systemctl status devmesh-shipper", BLIND,
    ),
    "cut off": _advice(
        "and others are not heard any more: perhaps this server is cut off",
        "On the server: ip -br address; ping of a node", BLIND,
    ),
    "killed": _advice("was killed when memory ran out", "On {node}: free -h; ps aux --sort=-rss | head", STATUS),
    "unmuted": _advice("says what it was muted for, and something new about it", "devmesh mutes --ended", LOGS),
    "overdue": _advice(
        "did not do what it does by plan", "On {node}: systemctl list-timers --all; crontab -l",
        "On {node}: journalctl -u {service} -n 50",
    ),
    "successor": _advice("began something and did not go on as it always does", LOGS, STATUS),
    "error rate": _advice("says far more errors than usual", ERRORS, STATUS),
    "new": _advice("says errors that were never seen", ERRORS, STATUS),
    "louder": _advice("says much more than usual", LOGS, STATUS),
    "quieter": _advice("says much less than usual", LOGS, STATUS),
}  # fmt: skip
OTHER = _advice("is in trouble", LOGS, STATUS)
SORTS = {"louder": "louder", "lasting": "louder", "quieter": "quieter", "new": "new"}  # by how a kind begins


def advice_for(kind: str) -> Advice:
    """What a finding of a kind means."""
    sort = next((sort for begin, sort in SORTS.items() if kind.startswith(begin)), kind)
    return ADVICE.get(kind) or ADVICE.get(sort, OTHER)


def checks_for(kind: str, service: str, node: str) -> list[str]:
    """What to type or do about it; names are quoted, so that none can be more than a name."""
    shown = [one for one in advice_for(kind).checks if service != KERNEL or not OF_UNIT.search(one)]
    return [one.format(service=quoted(service), node=quoted(node)) for one in shown]


def quoted(name: str) -> str:
    """A name as one word of a shell, on one visible line."""
    shown = safe(name)
    return shown if PLAIN.fullmatch(shown) and not shown.startswith("-") else shlex.quote(shown)
