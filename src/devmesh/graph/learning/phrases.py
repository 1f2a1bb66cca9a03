"""How programs say whom they touch, as data: `cue` is looked for in the text of a template, once; `said` in its lines.

What programs really write; no rule knows a fleet. Direction is what matters: a rule names who is *called* by the
speaker. That a client came from somewhere (an access log, a login) is no edge, so a template that tells of one
(`CALLED_BY`) is read by no rule but those for proxies, which say both ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from devmesh.graph.naming import ACCUSING

# A target: a URL, or a host with or without a port, in whichever way the port is written.
HOST = r"(?:[\w.+-]+@)?(?:\[[0-9a-fA-F:.%]+\]|[A-Za-z0-9_](?:[\w.-]*\w)?)"
URL = r"[a-z][a-z0-9.+-]*://(?:[^\s\"'<>,;()@\\/]*@)?[^\s\"'<>,;()\\]+"
PORT = r"(?:['\"]?(?: ?\([\w.:%-]*\))?,? port[ =:]{1,2}['\"]?(?P<port>\d{1,5}))?"
TARGET = rf"[\"'`(\\]*(?P<to>{URL}|(?:{HOST})(?:[:#]\d{{1,5}}(?!\d))?){PORT}"
AT = rf"[\"'`(\\]*(?P<to>{URL}|(?:{HOST})[:#]\d{{1,5}}(?!\d))"  # with a port, or it is a word like any other
WORD = r"['\"`]?(?P<to>[A-Za-z0-9_](?:[\w.-]*\w)?)['\"`]?"
SOCKET = r"(?P<to>/[\w@%+=./-]+)"


class What(Enum):
    """What a line tells."""

    CALLS = "calls"  # the speaker calls `to`
    WORD = "word"  # the same, but a single word: only where it is a service's very name
    MOUNTED = "mounted"  # the speaker uses files that its node mounts
    LISTENS = "listens"  # the speaker listens on `port` of `to`
    MOUNTS = "mounts"  # the node mounts files of `to`
    OWN = "own"  # `to` is an address of the node


@dataclass(frozen=True)
class Phrase:
    """One way to say it. `examples`: lines and what they name; `others`: lines that it does not read. Tests try all."""

    name: str
    cue: re.Pattern[str]
    said: re.Pattern[str]
    what: What
    examples: tuple[tuple[str, str], ...]
    others: tuple[str, ...] = ()
    proxy: bool = False  # it says both ends, so it is read where a client is named, too
    failed: bool = False  # it tells of trouble whatever else it says
    port: int = 0  # where it names none


@dataclass(frozen=True)
class Found:
    """What one line tells: `to` as it stands there, with its port."""

    what: What
    to: str
    port: int
    failed: bool


def _phrase(
    name: str, cue: str, said: str, *examples: tuple[str, str], what: What = What.CALLS, others: tuple[str, ...] = (),
    proxy: bool = False, failed: bool = False, port: int = 0,
) -> Phrase:  # fmt: skip
    looked, read_by = re.compile(cue, re.IGNORECASE), re.compile(said, re.IGNORECASE)
    return Phrase(name, looked, read_by, what, examples, others, proxy=proxy, failed=failed, port=port)


CALLED_BY = re.compile(
    r"\bfrom [\"'\[(]?<(?:ip|host|email|mac)>|\bclient\b|\brhost\b|\baccepted\b|<agent>|\bHTTP/|\b(?:user|login)\b"
    r"|^<ip> |\"(?:GET|POST|PUT|HEAD|DELETE|PATCH|OPTIONS) ",
    re.IGNORECASE,
)
PHRASES = (
    _phrase(
        "connects", r"connect(?:ed|ing|ion)? to ",
        r"connect(?:ed|ing|ion)? to (?:the )?(?:\w+ )?"
        rf"(?:(?:server|host|master|primary|broker|database)(?: (?:at|on))? )?{AT}",
        ("Connected to redis://redis-server:6379/0", "redis://redis-server:6379/0"),
        ("consumer: Cannot connect to amqp://guest:**@10.0.0.9:5672//: [Errno 111]", "amqp://guest:**@10.0.0.9:5672//"),
        ("Slave I/O thread: connected to master 'repl@10.0.0.5:3306',replication started", "repl@10.0.0.5:3306"),
        ("Error 111 connecting to 10.0.0.3:6379. Connection refused", "10.0.0.3:6379"),
        others=("laptop (ipv4:10.0.0.9:4000) connect to service media initially as user anna",),
    ),
    _phrase(
        "connects to a host and port", r"connect(?:ed|ing|ion)? to .{0,80}port",
        rf"connect(?:ed|ing|ion)? to (?:the )?(?:(?:\w+ )?(?:server|host|database)(?: (?:at|on))? )?{TARGET}(?<=\d)",
        ('connection to server at "10.0.0.4", port 5432 failed: Connection refused', "10.0.0.4:5432"),
        ('connection to server at "db01.lan" (10.0.0.4), port 5432 failed: timed out', "db01.lan:5432"),
        ("could not connect to '10.0.0.4' port 3306: [Errno 111] Connection refused", "10.0.0.4:3306"),
        ("ssh: connect to host nas port 22: Connection refused", "nas:22"),
    ),
    _phrase(
        "dials", r"\bdial (?:tcp|udp)[46]? <", rf"\bdial (?:tcp|udp)[46]? (?:[\d.:\[\]a-f]+->)?{AT}",
        ("dial tcp 10.0.0.4:5432: connect: connection refused", "10.0.0.4:5432"),
        ("dial tcp 10.0.0.9:40100->10.0.0.4:5432: i/o timeout", "10.0.0.4:5432"),
        failed=True,
    ),
    _phrase(
        "proxies", r"\bupstream: ", rf"\bupstream: {AT}",
        (
            'upstream timed out (110: timed out), client: 10.0.0.7, upstream: "http://10.0.0.8:8000/", host: "x"',
            "http://10.0.0.8:8000/",
        ),
        proxy=True,
    ),
    _phrase(
        "proxied", r"\"[\w.-]+@\w+\" \"<", rf"\"[\w.-]+@\w+\" \"(?P<to>{URL})\" \d+ms$",
        (
            '10.0.0.7 - - [d] "GET / HTTP/2.0" 200 9 "-" "-" 1 "web@docker" "http://10.0.0.8:8000" 3ms',
            "http://10.0.0.8:8000",
        ),
        others=('10.0.0.7 - - [d] "GET / HTTP/2.0" 404 9 "-" "-" 1 "-" "-" 0ms',),
        proxy=True,
    ),
    _phrase(
        "asks upstream", r"\bupstream (?!server|response)", rf"\bupstream (?:\S+ at )?{AT}",
        ("upstream ollama at 10.0.0.8:11434 timed out after 30.0s", "10.0.0.8:11434"),
        ("retrying upstream http://10.0.0.8:11434", "http://10.0.0.8:11434"),
    ),
    _phrase(
        "requests",
        r"HTTP Request: |\b(?:get|post|put|head|delete|patch) \W*<url>|\b(?:call|request|requests|requesting|fetch"
        r"|fetching|query|querying|proxying|forwarding|scraping|polling|reach|contact|contacting)"
        r" (?:to |from |of |server )?\W*<(?:url|ip|host)>",
        rf"\b(?:get|post|put|head|delete|patch|to|from|of|call|request|requests|requesting|fetch|fetching|query|querying"
        rf"|scraping|polling|reach|server|contact|contacting) {AT}",
        ('HTTP Request: POST http://ollama:11434/api/chat "HTTP/1.1 200 OK"', "http://ollama:11434/api/chat"),
        ('Get "http://10.0.0.2:9100/metrics": context deadline exceeded', "http://10.0.0.2:9100/metrics"),
        ("call to http://10.0.0.8:11434 took 9.12s", "http://10.0.0.8:11434"),
        ("failed to reach 10.0.0.8:8080", "10.0.0.8:8080"),
        others=('10.0.0.7 - - [d] "GET http://10.0.0.8/ HTTP/1.1" 200 9 "-" "curl"',),
    ),
    _phrase(
        "names its target", r"\b(?:target|endpoint|upstream|url|uri|dsn|brokers?|datasource|backend|proxyTo)=",
        rf"\b(?:target|endpoint|upstream|url|uri|dsn|brokers?|datasource|backend|proxyTo)={AT}",
        ('scrape_pool=node target=http://10.0.0.2:9100/metrics msg="Scrape failed"', "http://10.0.0.2:9100/metrics"),
        ('msg="sent" url="http://10.0.0.2:3100/loki/api/v1/push"', "http://10.0.0.2:3100/loki/api/v1/push"),
    ),
    _phrase(
        "keeps a pool", r"ConnectionPool\(", rf"ConnectionPool\(host='(?P<to>{HOST})', port=(?P<port>\d{{1,5}})\)",
        ("HTTPConnectionPool(host='10.0.0.8', port=8000): Max retries exceeded with url: /x", "10.0.0.8:8000"),
    ),
    _phrase(
        "Node's sockets", r"\bconnect (?:ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH)|\bgetaddrinfo E",
        rf"\b(?:connect (?:ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH)|getaddrinfo [A-Z_]+) {TARGET}",
        ("Error: connect ECONNREFUSED 10.0.0.5:6379", "10.0.0.5:6379"),
        failed=True,
    ),
    _phrase(
        "MySQL's socket", r"through socket '", rf"through socket '{SOCKET}'",
        ("Can't connect to local MySQL server through socket '/run/mysqld/mysqld.sock' (2)", "/run/mysqld/mysqld.sock"),
        failed=True,
    ),
    _phrase(
        "MySQL's host", r"can't connect to (?:mysql|mariadb) server on", rf"server on {TARGET}",
        ("Can't connect to MySQL server on 'db01:3306' (111)", "db01:3306"),
        ("(2003, \"Can't connect to MySQL server on '10.0.0.4' ([Errno 111] Connection refused)\")", "10.0.0.4:3306"),
        failed=True, port=3306,
    ),
    _phrase(
        "waits for", r"\bwait-for-it(?:\.sh)?: |\bwaiting for (?:tcp:)?\S*<",
        rf"(?:\bwaiting \d+ seconds for|wait-for-it(?:\.sh)?:|\bwaiting for) (?:tcp:(?://)?)?{AT}",
        ("wait-for-it.sh: waiting 15 seconds for mariadb:3306", "mariadb:3306"),
        ("wait-for-it.sh: mariadb:3306 is available after 0 seconds", "mariadb:3306"),
    ),
    _phrase(
        "forwards names", r"\b(?:using nameserver|forwarded \S+ to|connection error \() ?<",
        rf"\b(?:using nameserver|forwarded \S+ to|connection error \() ?{AT}",
        ("dnsmasq[7]: using nameserver 127.0.0.1#5335", "127.0.0.1#5335"),
    ),
    _phrase(
        "asks for names", r"\blookup \S+ on <", rf"\blookup \S+ on {AT}",
        ("lookup mariadb on 10.0.0.53:53: server misbehaving", "10.0.0.53:53"),
        failed=True,
    ),
    _phrase(
        "names a service",
        r"\b(?:connect(?:ed|ing|ion)? to|call to|reach|querying|slow query: \S+ on|lookup) [\"'`]?(?!<)\w"
        r"|\w (?:is )?(?:unavailable|unreachable|could not be resolved)",
        rf"\b(?:(?:connect(?:ed|ing|ion)? to|call to|reach|querying|slow query: \S+ on|lookup) {WORD}"
        r"|(?P<by>[A-Za-z0-9_][\w.-]*\w) (?:is )?(?:unavailable|unreachable|could not be resolved))",
        ("call to mariadb took 9120 ms", "mariadb"),
        ("request 1 failed: mariadb unavailable", "mariadb"),
        what=What.WORD,
    ),
    _phrase(
        "a dead mount", r"stale (?:nfs )?file handle", r"stale (?:nfs )?file handle",
        ("open /mnt/nas/data/1: stale NFS file handle", ""),
        what=What.MOUNTED, failed=True,
    ),
    _phrase(
        "listens", r"\b(?:listen(?:ing|s)?|uvicorn running|server socket created|serving)\b",
        r"\b(?:listen(?:ing|s)?|uvicorn running|server socket created|serving)\b.{0,40}?(?:[ =:/'\"]|\b)"
        r"(?P<to>\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:]*\]|\*|localhost)?['\"]?(?::|,? port:? ['\"]?)(?P<port>\d{2,5})\b",
        ("Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)", "0.0.0.0:8000"),
        ('listening on IPv4 address "0.0.0.0", port 5432', "0.0.0.0:5432"),
        ("Server socket created on IP: '0.0.0.0', port: '3306'.", "0.0.0.0:3306"),
        ('level=info msg="Listening on" address=[::]:9100', "[::]:9100"),
        ("Server listening on 0.0.0.0 port 22.", "0.0.0.0:22"),
        ('msg="HTTP Server Listen" address=[::]:3000 protocol=http', "[::]:3000"),
        what=What.LISTENS,
    ),
    _phrase(
        "is ready", r"socket: '.{1,40}' port: |mode=\w+, port=",
        r"(?:socket: '[^']+' +port: |mode=\w+, port=)(?P<port>\d{2,5})",
        ("Version: '11.8.3'  socket: '/run/mysqld/mysqld.sock'  port: 3306  mariadb.org", ":3306"),
        ("# Running mode=standalone, port=6379.", ":6379"),
        what=What.LISTENS,
    ),
    _phrase(
        "mounts", r"nfs: server |mounting \S+:", rf"(?:nfs: server|mounting) (?P<to>{HOST})(?: not responding| ok|:/)",
        ("nfs: server 10.0.0.15 not responding, still trying", "10.0.0.15"),
        ("nfs: server nas OK", "nas"),
        what=What.MOUNTS,
    ),
    _phrase(
        "has an address", r"\bbound to <ip>|new lease, address=|DHCPv\S+ address <|new address record for <",
        r"\b(?:bound to|new lease, address=|DHCPv4 address|new address record for) ?(?P<to>\d{1,3}(?:\.\d{1,3}){3})\b",
        ("bound to 10.0.0.18 -- renewal in 3000 seconds.", "10.0.0.18"),
        ("eno1: DHCPv4 address 10.0.0.18/24, gateway 10.0.0.1 acquired from 10.0.0.1", "10.0.0.18"),
        what=What.OWN, proxy=True,
    ),
)  # fmt: skip

_PORTED = re.compile(r"[:#]\d+$")


def phrases_for(template: str) -> tuple[Phrase, ...]:
    """The phrases by which lines of a template may tell something; most have none."""
    found = [one for one in PHRASES if one.cue.search(template)]
    if found and CALLED_BY.search(template):
        found = [one for one in found if one.proxy]
    return tuple(found)


def read(message: str, by: Sequence[Phrase]) -> Iterator[Found]:
    """What a line tells; nothing where a proxy's names several ends, for a client wrote a part of it."""
    for phrase in by:
        found = {_words(one, phrase.port) for one in phrase.said.finditer(message)}
        if phrase.proxy and len(found) > 1:
            continue
        failed = phrase.failed or bool(ACCUSING.search(message))
        for to, port in sorted(found):
            yield Found(phrase.what, to, port, failed)


def _words(found: re.Match[str], port: int) -> tuple[str, int]:
    named = found.groupdict()
    to = (named.get("to") or named.get("by") or "").rstrip(".:")
    return to, int(named.get("port") or (0 if _PORTED.search(to) else port))
