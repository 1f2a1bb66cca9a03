"""A seeded corpus for redaction: 25 kinds of secrets in 40 contexts, and lines of syslog that hold none."""

from __future__ import annotations

import random
from urllib.parse import quote

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def _text(rng, size, letters=ALPHABET):
    return "".join(rng.choices(letters, k=size - 2)) + "q7"


def _card(rng):
    digits = [4, *(rng.randrange(10) for _ in range(14))]
    total = sum(d if i % 2 else sum(divmod(2 * d, 10)) for i, d in enumerate(digits))
    return "".join(map(str, [*digits, -total % 10]))


def _pem(rng):
    body = "\n".join(_text(rng, 64) for _ in range(4))
    return f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----", body


# Each gives the text that stands in a line, and the part of it that must not survive.
KINDS = {
    "aws id": lambda r: (v := "AKIA" + "".join(r.choices(UPPER, k=16)), v),
    "aws secret": lambda r: (f"aws_secret_access_key={(v := _text(r, 40))}", v),
    "bearer": lambda r: (f"Authorization: Bearer {(v := _text(r, 40))}", v),
    "basic": lambda r: (f"Authorization: Basic {(v := 'Ym9iOm' + _text(r, 18))}", v),
    "bearer alone": lambda r: (f"bearer {(v := _text(r, 32))}", v),
    "cookie": lambda r: (f"Cookie: session={(v := _text(r, 24))}", v),
    "set-cookie": lambda r: (f"Set-Cookie: sid={(v := _text(r, 24))}; HttpOnly", v),
    "jwt": lambda r: (v := f"eyJ{_text(r, 20)}.eyJ{_text(r, 40)}.{_text(r, 43)}", v),
    "github": lambda r: (v := "ghp_" + _text(r, 36), v),
    "gitlab": lambda r: (v := "glpat-" + _text(r, 20), v),
    "slack": lambda r: (v := f"xoxb-{r.randrange(10**11, 10**12)}-{_text(r, 24)}", v),
    "discord": lambda r: (f"https://discord.com/api/webhooks/{r.randrange(10**17, 10**18)}/{(v := _text(r, 68))}", v),
    "google": lambda r: (v := "AIza" + _text(r, 35), v),
    "stripe": lambda r: (v := "sk_live_" + _text(r, 24), v),
    "openai": lambda r: (v := "sk-proj-" + _text(r, 40), v),
    "npm": lambda r: (v := "npm_" + _text(r, 36), v),
    "telegram": lambda r: (v := f"{r.randrange(10**8, 10**9)}:AA{_text(r, 33)}", v),
    "ours": lambda r: (v := "dm_" + _text(r, 43), v),
    "card": lambda r: (v := _card(r), v),
    "url": lambda r: (f"postgres://app:{(v := _text(r, 12))}@db.internal:5432/shop", v),
    "password": lambda r: (f"password={(v := _text(r, 10))}", v),
    "json": lambda r: (f'"api_key": "{(v := _text(r, 20))}"', v),
    "flag": lambda r: (f"backup --password {(v := _text(r, 12))} --all", v),
    "sql": lambda r: (f"CREATE USER bob IDENTIFIED BY '{(v := _text(r, 12))}'", v),
    "private key": _pem,
}

CONTEXTS = [
    "{}", "{} ", " {}", "got {} from peer", "error: {}", "[warn] {}", "request failed ({})", "value <{}> refused",
    "a={} b=2", "msg='{}'", 'msg="{}"', "curl -H '{}' https://example.org", 'curl -H "{}" http://10.0.0.1/x',
    "COMMAND=/usr/bin/env {}", "bob : TTY=pts/0 ; PWD=/root ; USER=root ; COMMAND=/bin/sh -c {}", "env: {}",
    "Nov 22 10:00:01 host app[812]: {}", '{{"msg": "{}"}}', 'level=error err="{}"', "level=info msg={} dur=3ms",
    "\x1b[31m{}\x1b[0m", "\t{}", "first line\n{}\nlast line", "{}, retrying", "{}; exit 1", "{}|tee log", "`{}`",
    "docker run -e {} image", "export {}", "GET /x?{} HTTP/1.1", "GET /callback?next={}&x=1", "{}\r", "ünïcode {} ✓",
    "日本語 {}", "trace: {} at main.go:12", "'{}'", '"{}"', "- {}", "# {}", "config loaded: {}",
]  # fmt: skip

KEYWORDS = (
    "authorization",
    "bearer",
    "basic",
    "cookie",
    "password",
    "api_key",
    "identified by",
    "aws_secret_access_key",
)


def _upper_keywords(text):
    for word in KEYWORDS:
        for spelt in (word, word.title()):
            text = text.replace(spelt, word.upper())
    return text


def _double_quotes(text):
    return text.replace("'", '"')


SPELLINGS = {
    "as it is": lambda text, secret: (text, secret),
    "upper case": lambda text, secret: (_upper_keywords(text), secret),
    "other quotes": lambda text, secret: (_double_quotes(text), secret),
    "URL-encoded": lambda text, secret: (quote(text), quote(secret)),
}


def secrets(seed=1):
    """(kind, spelling, text, secret) for every kind in every context and spelling."""
    rng = random.Random(seed)  # noqa: S311 - a corpus, no key
    for kind, make in KINDS.items():
        for context in CONTEXTS:
            for spelling, spell in SPELLINGS.items():
                text, secret = spell(*make(rng))
                yield kind, spelling, context.format(text), secret


# ruff: noqa: E501 - lines as programs write them
BENIGN = [
    "Failed password for root from 10.0.0.{n} port {p} ssh2",
    "Accepted publickey for bob from 10.0.0.{n} port {p} ssh2: ED25519 SHA256:{b43}",
    "pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)",
    "pam_unix(sudo:auth): authentication failure; logname=bob uid={p} euid=0 tty=/dev/pts/{n} ruser=bob rhost=  user=bob",
    "bob : TTY=pts/{n} ; PWD=/home/bob ; USER=root ; COMMAND=/usr/bin/apt update",
    "pam_unix(sshd:auth): password: required for user{n}",
    "(root) CMD (   cd / && run-parts --report /etc/cron.hourly)",
    "TCP: request_sock_TCP: Possible SYN flooding on port {p}. Sending cookies.  Check SNMP counters.",
    'audit: type=1400 audit({ts}.{n}:{p}): apparmor="ALLOWED" operation="open" name="/proc/{p}/fd" pid={p} key=(null)',
    'type=SYSCALL msg=audit({ts}.{n}:{p}): arch=c000003e syscall=59 success=yes exit=0 key="rootcmd"',
    "usb 1-{n}: New USB device found, idVendor=046d, idProduct=c{n}, bcdDevice= 1.00",
    "[UFW BLOCK] IN=eth0 OUT= MAC=52:54:00:12:34:56:52:55:0a:00:02:02:08:00 SRC=10.0.0.{n} DST=10.0.0.1 LEN=60 SPT={p} DPT=22",
    '10.0.0.{n} - - [22/Nov/2026:10:00:{n}] "GET /index.html?page={n}&sort=key HTTP/1.1" 200 {p} "https://example.org/" "Mozilla/5.0"',
    '[GIN] 2026/11/22 - 10:00:01 | 200 | {n}.{p}ms | 10.0.0.{n} | POST "/api/generate"',
    'level=info ts=2026-11-22T10:00:01Z caller=main.go:{n} msg="request done" tokens={p} prompt_tokens={n} duration={n}ms',
    "llama_print_timings: eval time = {p}.00 ms / {n} tokens ({n}.00 ms per token, {n}.00 tokens per second)",
    "invalid token: unexpected end of JSON input",
    "token expired at 2026-11-22T10:00:01Z, asking for a new token",
    'Error: secret "default/db" not found',
    'kubelet: MountVolume.SetUp succeeded for volume "kube-api-access-{h5}" pod "web-{h5}"',
    "Started run-docker-runtime\\x2drunc-moby-{h64}-runc.{h5}.mount - /run/docker/runtime-runc.",
    "container {h64} died: exit code 137",
    "sha256:{h64} pulled in {n}s",
    "commit {h40} by bob",
    "systemd[1]: Starting user@1000.service - User Manager for UID 1000...",
    "dhclient: DHCPREQUEST of 10.0.0.{n} on eth0 to 10.0.0.1 port 67 xid=0x{h8}",
    "named: client @0x7f{h8} 10.0.0.{n}#{p} (example.org): query: example.org IN A +E(0)K (10.0.0.1)",
    "postfix/smtp[{p}]: 4Fk{h8}: to=<bob@example.org>, relay=mail.example.org[10.0.0.{n}]:25, delay={n}, status=sent (250 ok)",
    "dovecot: imap-login: Login: user=<bob>, method=PLAIN, rip=10.0.0.{n}, lip=10.0.0.1, mpid={p}, TLS, session=<{b11}>",
    "mysqld: Access denied for user 'bob'@'10.0.0.{n}' (using password: YES)",
    'postgres: FATAL:  password authentication failed for user "bob"',
    "redis: WARNING: no password is set",
    "basic authentication failed for bob",
    "polkit: authorization: denied for bob",
    "sk-learn job task-{n} on disk-{p} done",
    "dm_snapshot: loaded module dm_thin_pool_with_a_rather_long_name",
    "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7 took {n}ms",
    '{{"ts":{ts}{n},"level":"info","msg":"handled","request_id":"{uuid}","size":{p}}}',
    "kernel: [{p}.{ts}] EXT4-fs (sda{n}): mounted filesystem {uuid} r/w",
    "metric load=0.{ts}41{p} mem={ts}{n}0 order=40{ts}{n}9",
    "https://example.org:8080/a@b ssh://git@example.org/repo.git http://[::1]:{p}/",
    "see https://docs.example.org/keys#api-key: how to make one",
    "compass: north bypass=1 passed=12 passes: 3 pass: {n} fail: 0",
    "Passed key: agent; keyboard: us; monkey=1 hockey: {n}",
]  # fmt: skip


def benign(count, seed=2):
    """`count` lines that hold no secret."""
    rng = random.Random(seed)  # noqa: S311 - a corpus, no key

    def hexa(size):
        return "".join(rng.choices("0123456789abcdef", k=size))

    for index in range(count):
        yield BENIGN[index % len(BENIGN)].format(
            n=rng.randrange(2, 60),
            p=rng.randrange(1024, 65536),
            ts=rng.randrange(1_700_000_000, 1_800_000_000),
            h5=hexa(5),
            h8=hexa(8),
            h40=hexa(40),
            h64=hexa(64),
            b11=_text(rng, 11),
            b43=_text(rng, 43),
            uuid=f"{hexa(8)}-{hexa(4)}-4{hexa(3)}-a{hexa(3)}-{hexa(12)}",
        )
