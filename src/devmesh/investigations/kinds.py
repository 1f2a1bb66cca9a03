"""What people and programs change, as data over the texts of families: matched once for each family.

A kind says what real programs write (dpkg, apt, dnf, pacman, systemd, podman, sudo, sshd, certbot …); none knows a
fleet. `explains`: how much a change of its kind explains of trouble that follows, 0 to 1. `wide`: it concerns its
whole node, not only who said it. `habit`: programs do it by themselves, so one that comes every day is no change.
`only`: what the message itself must hold, where its text says too little (a user's name is `<user>` there).
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of change. `examples` and `others` (what it must not match) are canonical texts, run as tests."""

    name: str
    pattern: re.Pattern[str]
    explains: float
    examples: tuple[str, ...]
    others: tuple[str, ...] = ()
    wide: bool = False
    habit: bool = False
    only: re.Pattern[str] | None = None


def _kind(
    name: str, pattern: str, explains: float, examples: tuple[str, ...], others: tuple[str, ...] = (), *,
    wide: bool = False, habit: bool = False, only: str = "",
) -> Kind:  # fmt: skip
    exactly = re.compile(only, re.IGNORECASE) if only else None
    return Kind(name, re.compile(pattern, re.IGNORECASE), explains, examples, others, wide, habit, exactly)


CRASH = re.compile(
    r"scheduled restart job|failed with result|main process exited, code=(?:dumped|killed|exited, status=(?!0/))"
    r"|killed by the oom killer|restarting failed container",
    re.IGNORECASE,
)  # fmt: skip
BOOT, STARTED, STOPPED, SUDO = "reboot", "started", "stopped", "sudo"
# A command that only looks is no change.
LOOKING = (
    r"COMMAND=(?!\S*/(?:ls|cat|less|more|tail|head|grep|find|stat|id|whoami|true|journalctl|dmesg|df|du|ps|top|htop|ss"
    r"|lsof|last|lastb|who|smartctl|(?:docker|podman) (?:ps|logs|inspect|images|stats)|ip (?:a|r|addr|route|link)"
    r"|apt(?:-get)? (?:update|list|show|search)|(?:zpool|zfs) (?:status|list|get)"
    r"|systemctl (?:--\S+ )*(?:status|show|cat|list-\S+|is-\S+))(?:\s|$))"
)
HEAD = 400  # characters of a text that are looked at

KINDS = (
    _kind(
        "packages",
        r"^(?:<ts> )?(?:upgrade|install|remove|purge) (?:<package>|\S+:(?:all|amd64|arm64|\S*<n>)) \S+"
        r"|^(?:<ts> )?status installed "
        r"|^(?:setting up|unpacking|removing) (?:<package>|\S+) \((?:<version>|\S*\d|\S*<n>)"
        r"|^packages that (?:will be|were) upgraded|^(?:\S+ )?(?:sub(?:debug|info)|info|debug)? ?"
        r"(?:upgraded?|installed?|removed?|reinstalled?|downgraded?|erased?|updated): \S+"
        r"|^(?:\[<ts>\] )?(?:\[alpm\] )?(?:upgraded|installed|removed|reinstalled|downgraded) \S+ "
        r"\(\S*(?:<n>|<version>|\d)"
        r"|^all upgrades installed|unattended-upgrade: all upgrades installed|^commandline: (?:apt|dnf|yum|pacman)",
        0.6,
        (
            "<ts> upgrade <package> <version> <version>", "status installed <package> <version>",
            "Setting up <package> (<version>) ...", "Packages that will be upgraded: libssl<n> openssl",
            "[<ts>] [ALPM] upgraded linux (<n>-<n> -> <n>-<n>)", "Upgraded: <package>",
            "<ts> SUBDEBUG Upgrade: openssl-<n>:<n>", "All upgrades installed",
        ),
        (
            "No packages found that can be upgraded unattended and no pending auto-removals",
            "<ts> status half-configured <package> <version>", "install failed", "Removing old backups",
        ),
        wide=True,
    ),
    _kind(
        "image",
        r"^image pull |^pulled image |image pulled|^image \S+ pulled|^status: downloaded newer image",
        0.6,
        ("image pull docker.io/library/nginx:latest", 'time=<v> level=info msg="image pulled" remote=<v>'),
        ("image pull failed", "pulling image failed: timeout"),
    ),
    _kind(
        "container",
        r"^container (?:start|create|init|remove|died) <|^started libcontainer container|^container started",
        0.6,
        ("container start <hex> (image=<v>, name=web)", "Started libcontainer container <hex>."),
        habit=True,
    ),
    _kind(
        BOOT,
        r"^linux version ",
        0.7,
        ("Linux version <n>-<n>-amd<n> (<email>) (gcc-<n> (Debian <n>-<n>) <n>)",),
        ("running on Linux version <n>",),
        wide=True,
    ),
    _kind(
        "deploy",
        r"\bdeploy(?:ing|ed|ment)? (?:of )?(?:version|release|revision|commit|v?<n>|complete|finished|succeeded)"
        r"|\bnew (?:version|release) (?:is )?(?:deployed|live|installed|activated)|^switching to (?:release|generation)"
        r"|\b(?:switched|rolled back) to (?:version|release|generation)|\bnew generation <n> activated"
        r"|^starting \S+ version <n>|^starting \S+, version <n>",
        0.9,
        ("Deploying version <n>", "starting api version <n>", "switched to release <n>", "deployment finished"),
        ("deploy key refused",),
        habit=True,
    ),
    _kind(
        "configuration",
        r"\b(?:configuration|config)(?: file)?s? (?:was |has been |successfully )?"
        r"(?:re)?(?:loaded|changed|updated|read)\b"
        r"|reload(?:ing|ed) (?:the )?config|loading of configuration file|received sighup|signal process started"
        r"|^reconfiguring|(?:sigusr1|sighup) received|^\(<?\w+>?\) reload \(|firewall reloaded|policy loaded",
        0.8,
        (
            "Completed loading of configuration file filename=<v>", "received SIGHUP, reloading configuration files",
            "signal process started", "configuration was changed",
        ),
        ("cannot load configuration",),
        habit=True,
    ),
    _kind(
        "reloaded",
        r"^reloaded (?!session)",
        0.7,
        ("Reloaded nginx.service - A high performance web server.",),
        habit=True,
    ),
    _kind(
        STARTED,
        r"^started (?!session |user |libcontainer|run-|.{0,60}\.(?:timer|scope|path|slice|target|device)\b)"
        r"(?!.*\[<n>\])"
        r"|^server process started|started server process|ready for connections|start worker processes"
        r"|ready to accept connections|^application startup complete",
        0.7,
        (
            "Started nginx.service - A high performance web server and a reverse proxy server.",
            "INFO: Started server process [<n>]", "mariadbd: ready for connections.",
        ),
        ("Started Session <n> of User <user>.", "Started apt-daily.timer - Daily apt.", "Starting up"),
        habit=True,
    ),
    _kind(
        STOPPED,
        r"^stopped (?!session |user |target |run-|.{0,60}\.(?:timer|scope|path|slice|target|device)\b)"
        r"|^shutting down$|^graceful server shutdown|^finished server process|normal shutdown$",
        0.7,
        ("Stopped nginx.service - A high performance web server.", "mariadbd: Normal shutdown"),
        ("Stopped target Network.",),
        habit=True,
    ),
    _kind(
        "daemon-reload",
        r"^reloading requested from client pid|^reloading\.$|^reloading\.\.\.$|^reexecuting\b|^reexecution requested",
        0.3,
        ("Reloading requested from client PID <n> ('systemctl')...", "Reloading."),
        wide=True, habit=True,
    ),
    _kind(
        "mount",
        r"^(?:un)?mounted (?:<path>|\S+\.mount)|filesystem (?:<\w+> )?(?:was )?(?:un)?mounted|mounted filesystem"
        r"|^unmounting filesystem|: unmounting filesystem",
        0.5,
        ("Mounted mnt-nas.mount - <path>.", "EXT<n>-fs (sda<n>): mounted filesystem with ordered data mode."),
        ("not mounted",),
        wide=True, habit=True,
    ),
    _kind(
        "certificate",
        r"successfully received certificate|^congratulations, all renewals|renewals? succeeded"
        r"|fullchain\.pem \(success\)|^renewing an existing certificate"
        r"|certificate (?:was |has been )?(?:renewed|obtained|replaced|reloaded)"
        r"|certificate obtained successfully|new certificate deployed",
        0.6,
        ("Successfully received certificate.", "Certificate was renewed for <host>"),
        ("Failed to renew certificate <host>", "No renewals were attempted."),
        wide=True,
    ),
    _kind(
        SUDO,
        r"\bTTY=.*\bCOMMAND=",
        0.25,
        ("alice : TTY=<v> ; PWD=<v> ; USER=<v> ; COMMAND=<v> restart nginx",),
        ("pam_unix(sudo:session): session opened for user <user>(uid=<n>) by <user>(uid=<n>)",),
        wide=True, only=LOOKING,
    ),
    _kind(
        "root login",
        r"^accepted \S+ for (?:<user>|root) from|^new session \S+ of user root",
        0.15,
        ("Accepted publickey for <user> from <ip> port <n> ssh<n>: ED<n> <v>", "New session <n> of user root."),
        ("Failed password for <user> from <ip>",),
        wide=True, habit=True, only=r"\b(?:for|user) root\b",
    ),
    _kind(
        "account",
        r"^new (?:user|group): name=|^changed? (?:user|password)|^delete user |\) replace \(|^password changed for",
        0.2,
        ("new user: name=<v>, UID=<v>, GID=<v>, home=<v>, shell=<v>, from=<v>", "(<user>) REPLACE (<user>)"),
        wide=True,
    ),
)  # fmt: skip

_FAILED = re.compile(r"\bfail(?:ed|ure)?\b|\berror\b|\bcannot\b|\bcould not\b|\btimeout\b|\btimed out\b", re.IGNORECASE)
_ANY = re.compile("|".join(f"(?:{one.pattern.pattern})" for one in KINDS), re.IGNORECASE)


def kind_of(text: str) -> Kind | None:
    """The first kind that a family's text matches, by its head; what failed changed nothing."""
    head = text[:HEAD]
    if not _ANY.search(head):
        return None
    found = next(one for one in KINDS if one.pattern.search(head))
    return None if found.name != SUDO and _FAILED.search(head) else found
