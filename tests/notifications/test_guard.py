"""Addresses that must not be reached by way of a webhook's URL (T9): sixty spellings, and what names turn into."""

from __future__ import annotations

import ssl
import threading
import time
from contextlib import contextmanager

import pytest
from far_side import FarSide, always, far_side, hang

from devmesh.clock import FakeClock, SystemClock
from devmesh.errors import ConfigError
from devmesh.notifications import posting
from devmesh.notifications.guard import addresses, look_up, read, read_discord, why_not
from devmesh.notifications.model import NotSent
from devmesh.notifications.posting import Post
from tls_certificates import Authority

# Spellings that some parser somewhere takes for another place than they seem to be.
UNREADABLE = [
    "http://hooks.example.org/x", "ftp://hooks.example.org/", "//hooks.example.org/", "hooks.example.org", "", "https://",
    "https:///x", "https:/hooks.example.org/", "https:\\\\hooks.example.org\\", "https://hooks.example.org\\@127.0.0.1/",
    "https://me@hooks.example.org/", "https://me:secret@hooks.example.org/", "https://hooks.example.org@127.0.0.1/",
    "https://hooks.example.org%40127.0.0.1/", "https://hooks.example.org#@127.0.0.1/", "https://hooks.example.org/#x",
    "https://hooks.example.org:443@127.0.0.1/", "https://hooks.example.org:0/", "https://hooks.example.org:99999/",
    "https://hooks.example.org:8o/", "https://hooks.example.org:/x", "https://hooks.example.org /", " https://a.example/",
    "https://hooks.example.org/\r\nHost: x", "https://hooks.example.org/a b", "https://hooks.example.org/\x00",
    "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/", "https://0177.0.0.1/", "https://127.1/",
    "https://127.0.1/", "https://0/", "https://0x0/", "https://017700000001/", "https://127.0.0.0x1/",
    "https://127.000.000.001/", "https://1.2.3.4.5/", "https://256.1.1.1/", "https://127.0.0.1./", "https://a.example./",
    "https://①②⑦.⓪.⓪.①/", "https://\uff11\uff12\uff17.0.0.1/", "https://127\u30020.0.1/", "https://l\u043ecalhost/", "https://münchen.example/",
    "https://[::1/", "https://::1/", "https://[127.0.0.1]/", "https://[::ffff:127.0.0.1%eth0]/", "https://[fe80::1%25lo]/",
    "https://[v1.x]/", "https://-a.example/", "https://a-.example/", "https://a..example/", "https://a_b.example/",
    "https://*.example/", "javascript:alert(1)", "file:///etc/passwd", "gopher://127.0.0.1:25/_x", "unix:/run/x",
]  # fmt: skip
# Addresses as a DNS server or a URL may give them, and whether a channel that is `private` may use them.
REFUSED = [
    ("127.0.0.1", True), ("127.255.255.254", True), ("::1", True), ("10.0.0.1", True), ("172.16.5.4", True),
    ("192.168.1.1", True), ("100.64.0.1", True), ("fd12:3456::1", True), ("::ffff:192.168.1.1", True),
    ("::ffff:127.0.0.1", True), ("169.254.169.254", False), ("::ffff:169.254.169.254", False), ("fe80::1", False),
    ("fe80::1%eth0", False), ("fd00:ec2::254", False), ("100.100.100.200", False), ("168.63.129.16", False),
    ("192.0.0.192", False), ("0.0.0.1", False), ("0.1.2.3", False), ("::", False), ("::7f00:1", False),
    ("64:ff9b::7f00:1", False), ("64:ff9b:1::7f00:1", False), ("2002:7f00:1::", False), ("2001::7f00:1", False),
    ("224.0.0.1", False), ("ff02::1", False), ("255.255.255.255", False), ("240.0.0.1", False), ("198.18.0.1", False),
    ("192.0.2.1", False), ("2001:db8::1", False), ("fec0::1", False), ("203.0.113.9", False), ("nonsense", False),
]  # fmt: skip


@pytest.mark.parametrize("url", UNREADABLE)
def test_an_odd_spelling_is_no_address(url):
    """One plain form is taken; the error does not repeat what was given."""
    with pytest.raises(ConfigError) as told:
        read(url, what="channel hook")
    assert "channel hook" in told.value.message
    assert not url or len(url) < 9 or url not in told.value.message + told.value.hint


@pytest.mark.parametrize(("address", "private"), REFUSED)
def test_an_address_that_is_not_public_is_refused(address, private):
    """Private ones pass where the channel says so, the others never; also as a literal in the URL."""
    assert why_not(address, private=False)
    assert bool(why_not(address, private=True)) is not private
    literal = f"https://[{address}]/" if ":" in address else f"https://{address}/"
    with pytest.raises((NotSent, ConfigError)):
        addresses(read(literal, what="hook"), private=False, resolve=lambda host, _port: [host])


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_a_public_address_is_fine(address):
    """And needs https, whatever the channel says."""
    assert why_not(address, private=False) == ""
    assert "https" in why_not(address, private=True, plain=True)


def test_one_private_address_among_public_ones_is_enough():
    """A name that answers both is not asked again in the hope of the other."""
    place = read("https://hooks.example.org/", what="hook")
    with pytest.raises(NotSent, match=r"hooks\.example\.org is 127\.0\.0\.1, which is private"):
        addresses(place, private=False, resolve=lambda *_: ["93.184.216.34", "127.0.0.1"])
    for empty in (list, lambda: look_up("no-such-name.invalid", 443)):
        with pytest.raises(NotSent):
            addresses(place, private=False, resolve=lambda *_, found=empty: found())


@pytest.mark.parametrize(
    "url",
    [
        "https://discord.com/api/webhooks/1/a-B_c", "https://discordapp.com/api/webhooks/1/a",
        "https://ptb.discord.com/api/v10/webhooks/1/a?thread_id=5",
    ],
)  # fmt: skip
def test_a_discord_url_is_read(url):
    """As people copy it."""
    assert read_discord(url, what="team").port == 443


@pytest.mark.parametrize(
    "url",
    [
        "https://discord.com.evil.example/api/webhooks/1/a", "https://evil.example/discord.com/api/webhooks/1/a",
        "https://discord.com:8443/api/webhooks/1/a", "https://discord.com/api/webhooks/1/a/../../../users",
        "https://discord.com/api/users/1", "http://discord.com/api/webhooks/1/a", "https://xdiscord.com/api/webhooks/1/a",
        "https://discord.com/api/webhooks/1/a?wait=true", "https://discord.com/api/webhooks/1/a#x",
        "https://discord.com/api/webhooks/x/a", "https://me@discord.com/api/webhooks/1/a",
    ],
)  # fmt: skip
def test_a_discord_channel_leads_to_discord(url):
    """Nowhere else, and to webhooks alone."""
    with pytest.raises(ConfigError):
        read_discord(url, what="team")


# -- the request itself -----------------------------------------------------------------------------------------------


@contextmanager
def tls_side(folder, host):
    """A far side with a certificate for `host`; it notes the name that clients ask for."""
    authority = Authority.make(folder, "ca")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.sign("far", f"DNS:{host}"))
    server, names = FarSide(), []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server, names, authority.certificate
    server.shutdown()
    server.server_close()
    thread.join()


def test_it_connects_to_the_address_that_was_judged(tmp_path, monkeypatch):
    """The name is looked up once; Host, the TLS name and the certificate stay those of the URL; another host's
    certificate is refused.
    """
    asked = []

    def resolve(host, port):
        asked.append((host, port))
        return ["127.0.0.1"] if len(asked) % 2 else ["169.254.169.254"]

    with tls_side(tmp_path, "hooks.example.org") as (server, names, certificate):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        port = server.server_address[1]
        post = Post(SystemClock(), private=True, resolve=resolve)
        assert post(read(f"https://hooks.example.org:{port}/x", what="hook"), b"{}").status == 200
        assert asked == [("hooks.example.org", port)]
        assert names == ["hooks.example.org"]
        assert server.requests[0][2]["Host"] == f"hooks.example.org:{port}"
        other = Post(SystemClock(), private=True, resolve=lambda *_: ["127.0.0.1"])
        with pytest.raises(NotSent, match="certificate"):
            other(read(f"https://other.example.org:{port}/x", what="hook"), b"{}")


def place(server):
    """The far side's address."""
    return read(f"http://127.0.0.1:{server.server_address[1]}/x", what="hook", private=True)


def test_a_redirect_is_not_followed():
    """Wherever it leads; the reason says what to do."""
    with far_side() as server, far_side() as trap:
        for status in (301, 302, 303, 307, 308):
            server.answers = [always(status, Location=f"http://127.0.0.1:{trap.server_address[1]}/")]
            with pytest.raises(NotSent, match="redirects; set the final address"):
                Post(FakeClock(), private=True)(place(server), b"{}")
        assert trap.requests == []


def drip(handler):
    """A byte now and then, for ever."""
    handler.send_response(200)
    handler.end_headers()
    while not handler.server.over.wait(0.05):
        handler.wfile.write(b"x")
        handler.wfile.flush()


def test_it_is_over_in_time(monkeypatch):
    """A peer that says nothing costs the time-out; one that took the message and drips was told."""
    monkeypatch.setattr(posting, "TIMEOUT_S", 0.3)
    with far_side() as server:
        begun = time.monotonic()
        server.answers = [hang]
        with pytest.raises(NotSent, match="did not answer within"):
            Post(SystemClock(), private=True)(place(server), b"{}")
        server.answers = [drip]
        assert Post(SystemClock(), private=True)(place(server), b"{}").status == 200
        assert time.monotonic() - begun < 5


def test_a_long_answer_is_cut():
    """64 KiB are read."""
    with far_side() as server:
        server.answers = [always(200, b"x" * 5_000_000)]
        assert len(Post(FakeClock(), private=True)(place(server), b"{}").body) == posting.REPLY_BYTES
