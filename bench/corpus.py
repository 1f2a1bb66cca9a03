"""A seeded corpus of log events: varied real lines from a folder, else the phrases of a built-in generator.

Numbers, addresses and hexadecimal words of each line are drawn anew for each event, so that equal lines are rare while
shapes repeat as they do in a fleet. Times run over one day; services follow a steep (Zipf) distribution, as in real
fleets.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path

DAY_US = 86_400_000_000
START_US = (time.time_ns() // 1_000 // DAY_US - 1) * DAY_US  # yesterday, UTC: a fleet's data are recent
BODY_EVENTS = 5_000
TARGET_BYTES = 240
# A status code is no number that varies: `" 404` and `Status":404` stay.
_DIGITS = re.compile(r'(?<![A-Za-z_0-9])(?<!" )(?<!tatus":)(?<!tatus": )\d{2,}|\b[0-9a-f]{8,}\b')

# One phrase a line reads better than one wrapped.
# ruff: noqa: E501
PHRASES = [
    ("sshd", 6, "Accepted publickey for {user} from 10.{n8}.{n8}.{n8} port {n16} ssh2: ED25519 SHA256:{hex43}"),
    ("sshd", 6, "Failed password for invalid user {user} from 203.0.113.{n8} port {n16} ssh2"),
    ("sshd", 6, "pam_unix(sshd:session): session opened for user {user}(uid={n16}) by (uid=0)"),
    ("sshd", 6, "Received disconnect from 203.0.113.{n8} port {n16}:11: Bye Bye [preauth]"),
    ("systemd", 6, "Started session-{n16}.scope - Session {n16} of User {user}."),
    ("systemd", 6, "{unit}.service: Deactivated successfully, consumed {n8}.{n16}s CPU time."),
    ("systemd", 3, "{unit}.service: Main process exited, code=exited, status={n8}/FAILURE"),
    ("cron", 6, "pam_unix(cron:session): session closed for user {user}"),
    ("cron", 6, "({user}) CMD (   cd / && run-parts --report /etc/cron.hourly # job {n16})"),
    (
        "kernel",
        4,
        "[UFW BLOCK] IN=eth0 OUT= MAC={mac}:{mac} SRC=198.51.100.{n8} DST=10.0.0.{n8} LEN={n8} TOS=0x00 PREC=0x00 TTL={n8} ID={n16} PROTO=TCP SPT={n16} DPT={n16} WINDOW={n16} RES=0x00 SYN URGP=0",
    ),
    ("kernel", 6, "eth0: renamed from veth{hex8}"),
    (
        "kernel",
        3,
        "EXT4-fs error (device sd{letter}{n8}): ext4_find_entry:{n16}: inode #{n16}: comm {unit}: reading directory lblock {n8}",
    ),
    (
        "nginx",
        6,
        '10.{n8}.{n8}.{n8} - {user} [20/Jan/2026:14:{n8}:{n8} +0000] "GET /api/v1/items/{n16}?page={n8} HTTP/1.1" 200 {n16} "-" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"',
    ),
    (
        "nginx",
        3,
        '{n16}#{n16}: *{n16} connect() failed (111: Connection refused) while connecting to upstream, client: 10.{n8}.{n8}.{n8}, server: app.example.org, request: "POST /login HTTP/1.1", upstream: "http://127.0.0.1:{n16}/login"',
    ),
    (
        "devmesh-api",
        6,
        'level=info ts=2026-01-20T14:{n8}:{n8}.{n16}Z caller=handler.go:{n8} msg="request finished" method=POST path=/ingest status=200 duration={n8}.{n16}ms trace={hex16}',
    ),
    (
        "devmesh-api",
        4,
        '{{"level":"warning","time":"2026-01-20T14:{n8}:{n8}Z","message":"slow query","duration_ms":{n16},"table":"log_events","rows":{n16}}}',
    ),
    ("ollama", 6, '[GIN] 2026/01/20 - 14:{n8}:{n8} | 200 |  {n8}.{n16}s |   10.0.0.{n8} | POST     "/api/embed"'),
    (
        "mariadbd",
        4,
        "Aborted connection {n16} to db: 'devmesh' user: '{user}' host: '10.0.0.{n8}' (Got timeout reading communication packets)",
    ),
    (
        "postfix",
        6,
        "{hex8}: to=<{user}@example.org>, relay=mail.example.org[192.0.2.{n8}]:25, delay={n8}.{n8}, delays=0.{n8}/0/0.{n8}/0.{n8}, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {hex8})",
    ),
    (
        "dockerd",
        6,
        'time="2026-01-20T14:{n8}:{n8}.{n16}Z" level=info msg="Container {hex16} failed to exit within 10s of signal 15 - using the force"',
    ),
    ("smartd", 4, "Device: /dev/sd{letter} [SAT], {n8} Currently unreadable (pending) sectors"),
    (
        "backup",
        6,
        "Archive nas-{n16} created: {n16} files, {n8}.{n8} GB original size, {n8}.{n8} MB deduplicated, took {n8} min {n8} s",
    ),
]


def _fill(rng: random.Random, phrase: str) -> str:
    return phrase.format(
        n8=rng.randrange(256),
        n16=rng.randrange(65_536),
        hex8=f"{rng.getrandbits(32):08x}",
        hex16=f"{rng.getrandbits(64):016x}",
        hex43=f"{rng.getrandbits(172):043x}",
        mac=f"{rng.getrandbits(8):02x}:{rng.getrandbits(8):02x}:{rng.getrandbits(8):02x}",
        user=rng.choice(("root", "anna", "ben", "backup", "www-data", "git", "prometheus")),
        unit=rng.choice(("fstrim", "logrotate", "docker", "paperless", "jellyfin", "borgmatic")),
        letter=rng.choice("abcdef"),
    )


def _real_lines(folder: Path) -> list[tuple[str, str]]:
    """(service, line) of every text log below a folder."""
    found = []
    for path in sorted(folder.rglob("*.log")):
        service = re.split(r"[-_.]", path.name)[0].lower()
        lines = path.read_text(errors="replace").splitlines()
        found += [(service, line[:2_000]) for line in lines if line.strip()]
    return found


def _renewed(rng: random.Random, line: str) -> str:
    """The same line with other numbers."""

    def draw(match: re.Match[str]) -> str:
        text = match[0]
        return (
            f"{rng.randrange(10 ** len(text)):0{len(text)}d}"
            if text.isdigit()
            else f"{rng.getrandbits(4 * len(text)):0{len(text)}x}"
        )

    return _DIGITS.sub(draw, line)


def messages(events: int, data: Path | None, seed: int) -> Iterator[tuple[str, int, str]]:
    """(service, priority, message), seeded; real lines are padded or cut to about 240 bytes by joining none: lengths
    are theirs.
    """
    rng = random.Random(seed)  # noqa: S311 - a corpus, not a secret
    lines = _real_lines(data) if data else []
    rng.shuffle(lines)
    for _ in range(events):
        if lines and rng.random() < 0.8:
            service, line = (
                lines[min(int(rng.paretovariate(0.6)) - 1, len(lines) - 1)] if rng.random() < 0.5 else rng.choice(lines)
            )
            yield service, 6, _renewed(rng, line)
        else:
            service, priority, phrase = rng.choice(PHRASES)
            yield service, priority, _fill(rng, phrase)


def bodies(events: int, data: Path | None, seed: int = 1, size: int = BODY_EVENTS) -> Iterator[bytes]:
    """NDJSON bodies of `size` events with ts_us, service, priority, pid and message, in order of time."""
    step, lines = DAY_US // max(events, 1), []
    for at, (service, priority, message) in enumerate(messages(events, data, seed)):
        event = {
            "ts_us": START_US + at * step,
            "service": service,
            "priority": priority,
            "pid": 1_000 + hash_of(service) % 3_000,
            "seq": at + 1,
            "message": message,
        }
        lines.append(json.dumps(event, ensure_ascii=False))
        if len(lines) == size:
            yield ("\n".join(lines) + "\n").encode()
            lines = []
    if lines:
        yield ("\n".join(lines) + "\n").encode()


def hash_of(text: str) -> int:
    """A number for a text that is the same in every run."""
    return sum(ord(letter) * 31**place for place, letter in enumerate(text[:8]))
