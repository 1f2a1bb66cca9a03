"""How programs say whom they touch: each phrase reads its examples as they stand and in no other direction."""

from __future__ import annotations

import polars as pl
import pytest

from devmesh.graph.learning.phrases import PHRASES, What, phrases_for, read
from devmesh.graph.learning.targets import Target, is_nobodys, target_of
from devmesh.templates import canonicalize

EXAMPLES = [(one, message, named) for one in PHRASES for message, named in one.examples]
OTHERS = [(one, message) for one in PHRASES for message in one.others]
# Somebody came: who called is no edge of whoever says so.
INCOMING = (
    'INFO:     10.0.0.7:40112 - "GET /health HTTP/1.1" 200 OK',
    '10.0.0.7 - - [23/Nov/2026:08:00:00 +0000] "GET /connect to db:5432 HTTP/1.1" 200 9 "-" "connected to redis:6379"',
    "Accepted password for anna from 10.0.0.7 port 5555 ssh2",
    "Failed password for invalid user connected to db:5432 from 10.0.0.7 port 5555 ssh2",
    "Connection closed by authenticating user root 10.0.0.7 port 4100 [preauth]",
    "Aborted connection 7 to db: 'docs' user: 'docs' host: '10.0.0.7' (Got timeout reading communication packets)",
    '[GIN] 2026/11/23 - 08:00:00 | 200 |  1.2s |  10.0.0.7 | POST     "/api/chat"',
    "1:M 01 Jan 2026 08:00:00.000 # Client id=7 addr=10.0.0.7:4100 laddr=10.0.0.3:6379 fd=8 name= closed",
    "connect from mail.example.org[10.0.0.7]",
    "New client connected from 10.0.0.7:4100 as sensor (p2, c1, k60).",
)


def told(message: str) -> list[tuple[What, str]]:
    """What the phrases for its template read in a message."""
    [template] = canonicalize(pl.Series([message])).to_list()
    return [(one.what, f"{one.to}:{one.port}" if one.port else one.to) for one in read(message, phrases_for(template))]


@pytest.mark.parametrize(("phrase", "message", "named"), EXAMPLES, ids=[f"{a.name}: {c}" for a, _b, c in EXAMPLES])
def test_a_phrase_reads_its_examples(phrase, message, named):
    """By the text of the template that the message has; no other target of that kind is read."""
    assert {to for what, to in told(message) if what is phrase.what} == {named}


@pytest.mark.parametrize(("phrase", "message"), OTHERS)
def test_a_phrase_leaves_other_lines_alone(phrase, message):
    """What looks like it, and is not."""
    assert [to for what, to in told(message) if what is phrase.what] == []


@pytest.mark.parametrize("message", INCOMING)
def test_who_called_is_no_edge(message):
    """Access logs, logins, a client's address: the direction is the other one, whatever words the client chose."""
    assert told(message) == []


def test_a_proxys_line_of_which_a_client_wrote_a_part_tells_nothing():
    """Two ends where there should be one: somebody put the other into a header."""
    line = 'timed out, client: 10.0.0.7, request: "GET /", upstream: "http://10.0.0.8:80/", referrer: "{}"'
    assert told(line.format("x")) == [(What.CALLS, "http://10.0.0.8:80/")]
    assert told(line.format('upstream: "http://10.0.0.4:5432/')) == []


@pytest.mark.parametrize(
    ("said", "target"),
    [
        ("10.0.0.18:3306", Target("10.0.0.18", 3306)),
        ("DB01.lan.:5432", Target("db01.lan", 5432)),
        ("[::1]:80", Target("::1", 80)),
        ("::ffff:10.0.0.1", Target("10.0.0.1")),
        ("fe80::1%eth0", Target("fe80::1")),
        ("127.0.0.1#5335", Target("127.0.0.1", 5335)),
        ("http://db01/x?y", Target("db01", 80)),
        ("redis://:[REDACTED:url:f1de55]@cache:6379/0", Target("cache", 6379)),
        ("postgresql+psycopg://u@db/x", Target("db", 5432)),
        ("nas:/export", Target("nas", 2049)),
        ("//nas/media", Target("nas", 445)),
        ("mariadb.service", Target(unit="mariadb.service")),
        ("unix:/run/x.sock", Target(socket="/run/x.sock")),
        ("http://unix:/run/php.sock:/x", Target(socket="/run/php.sock")),
        ("999.1.1.1:5", None), ("12:30", None), ("a b", None), ("x:99999", None), ("/", None), ("", None), ("-", None),
        ("network-online.target", None), ("mnt-nas.mount", None), ("x" * 300, None), ("a\x00b", None),
    ],
)  # fmt: skip
def test_a_target_is_read_as_it_is_worded(said, target):
    """Host and port, URL, unit, socket, mount; and its short form means the same."""
    assert target_of(said) == target
    assert target is None or target_of(str(target)) == target


@pytest.mark.parametrize(
    "address", ["224.0.0.251", "255.255.255.255", "169.254.3.4", "fe80::1", "ff02::fb", "127.0.0.53"]
)
def test_some_addresses_are_nobodys(address):
    """Groups, broadcast, links, stub resolvers: no node has them."""
    assert is_nobodys(address)
