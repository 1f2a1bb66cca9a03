"""TLS: the agent speaks only to a server whose certificate holds, says what is wrong, and sends nothing else (F27)."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from ship_server import serving

from devmesh.ship.agent import EXIT_UNAVAILABLE, Agent
from devmesh.ship.errors import OptionsError
from devmesh.ship.options import Options, parse
from tls_certificates import Authority

HERE = "IP:127.0.0.1"


@pytest.fixture
def ours(tmp_path) -> Authority:
    """The authority that the agent is told to believe."""
    return Authority.make(tmp_path, "ours")


@pytest.fixture
def log(tmp_path) -> str:
    """A text log of three lines."""
    path = tmp_path / "app.log"
    path.write_text("".join(f"2026-11-20T10:00:0{n}Z line {n} of the test of TLS\n" for n in range(3)))
    return str(path)


def test_a_server_with_a_certificate_of_our_authority_is_spoken_to(fake, ship_once, ours, log):
    """--tls-ca names the authority: everything arrives."""
    with serving(fake, ours.sign("server", HERE)) as url:
        assert ship_once(to=url, tls_ca=str(ours.certificate), files=(log,)) == 0
    assert len(fake.messages()) == 3


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("wrong host", "not valid for '127.0.0.1'"),
        ("unknown authority", "no authority that is trusted here signed it"),
        ("authority not named", "no authority that is trusted here signed it"),
        ("expired", "certificate has expired"),
        ("plain http", "no TLS is spoken there"),
    ],
)
def test_nothing_is_sent_without_proof(fake, ship_once, ours, log, tmp_path, caplog, fault, said):
    """Not a line, no heartbeat, no token, also not over http; one message says why and what to do."""
    certificate = {
        "wrong host": lambda: ours.sign("server", "DNS:another.example"),
        "unknown authority": lambda: Authority.make(tmp_path, "theirs").sign("server", HERE),
        "authority not named": lambda: ours.sign("server", HERE),
        "expired": lambda: ours.sign("server", HERE, days=-1),
        "plain http": lambda: None,
    }[fault]()
    tls_ca = None if fault == "authority not named" else str(ours.certificate)
    token = tmp_path / "token"
    token.write_text("dm_secret\n")
    with serving(fake, certificate) as url:
        address = url.replace("http://", "https://")
        assert ship_once(to=address, tls_ca=tls_ca, files=(log,), token_file=str(token)) == EXIT_UNAVAILABLE
    assert (fake.requests, fake.heartbeats, fake.heads, fake.streams) == ([], [], [], {})
    (told,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert said in told


def test_after_the_certificate_was_mended_everything_arrives(fake, ship_once, ours, log):
    """What could not be sent was kept."""
    with serving(fake, ours.sign("wrong", "DNS:another.example")) as url:
        assert ship_once(to=url, tls_ca=str(ours.certificate), files=(log,)) == EXIT_UNAVAILABLE
    with serving(fake, ours.sign("right", HERE)) as url:
        assert ship_once(to=url, tls_ca=str(ours.certificate), files=(log,)) == 0
    assert len(fake.messages()) == 3


@pytest.mark.parametrize(
    ("to", "content", "said"),
    [
        ("https://127.0.0.1:1", None, "No such file"),
        ("https://127.0.0.1:1", "no certificate\n", "no certificate"),
        ("http://127.0.0.1:1", "ours", "https://"),
    ],
)
def test_an_authority_that_cannot_be_used_ends_the_start(ship_once, ours, tmp_path, to, content, said):
    """--tls-ca with a file that is not there or holds none, or with an address without TLS: said before anything."""
    path = ours.certificate
    if content != "ours":
        path = tmp_path / "ca.pem"
        if content:
            path.write_text(content)
    with pytest.raises(OptionsError, match=r"--tls-ca .*") as told:
        ship_once(to=to, tls_ca=str(path), files=("/x",))
    assert said in str(told.value)


def test_the_option_is_read():
    """As the agent alone takes it."""
    assert parse(["--to", "https://x", "--tls-ca", "/etc/ca.pem"]).tls_ca == str(Path("/etc/ca.pem"))


def test_a_trouble_that_stays_is_told_once_an_hour(clock, tmp_path, caplog):
    """Not every 30 s all night; another trouble at once, and the same one anew after it was well."""
    delivery = Agent(Options(to="https://127.0.0.1:1"), str(tmp_path), clock).delivery

    def told(*troubles: str) -> int:
        caplog.clear()
        for trouble in troubles:
            delivery.later(trouble)
            clock.ahead_s += 30
        return sum(record.levelno >= logging.WARNING for record in caplog.records)

    assert told(*["expired"] * 119) == 1
    assert told("expired", "expired") == 1
    assert told("expired", "refused", "refused") == 1
    delivery.succeeded()
    assert told("refused") == 1
