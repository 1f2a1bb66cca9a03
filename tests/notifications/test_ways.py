"""Mail against a real SMTP server, JSON and ntfy against a real HTTP server: what arrives, what a refusal means."""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from far_side import always, closed, far_side, notice

from bodies import NOW_US
from devmesh.channels import EmailChannel, NtfyChannel, WebhookChannel
from devmesh.clock import FakeClock
from devmesh.errors import ConfigError
from devmesh.notifications import email as mailing
from devmesh.notifications import make_ways
from devmesh.notifications.model import NotSent, Sent, Told
from devmesh.when import zone_of
from processes import free_port
from tls_certificates import Authority

PASSWORD = "geheim"  # noqa: S105 - of nobody
BERLIN = zone_of("Europe/Berlin")
KEY = "0123456789abcdef"


class Postbox:
    """Takes mails; `refusal` is said instead where it is set."""

    def __init__(self):
        self.mails, self.refusal = [], ""

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - their name
        """Nobody of that name."""
        if address.startswith("nobody"):
            return "550 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, session, envelope):  # noqa: N802
        """Keep it."""
        if self.refusal:
            return self.refusal
        self.mails.append((envelope, session.ssl is not None))
        return "250 taken"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Who signs the certificates here."""
    folder = tmp_path_factory.mktemp("tls")
    made = Authority.make(folder, "ca")
    made.sign("mail", "DNS:localhost")
    return made


@pytest.fixture
def postbox(authority, monkeypatch):
    """A server with STARTTLS that wants a login; `box.way(**changes)` is a channel that leads there."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.folder / "mail.pem")
    box = Postbox()

    def login(server, session, envelope, mechanism, data):
        return AuthResult(success=(data.login, data.password) == (b"mesh", PASSWORD.encode()), handled=False)

    controller = Controller(
        box, hostname="127.0.0.1", port=free_port(), tls_context=context, require_starttls=True, auth_required=True,
        authenticator=login, ready_timeout=10,
    )  # fmt: skip
    controller.start()

    def way(**changes):
        told = {
            "kind": "email", "server": "localhost", "port": controller.port, "user": "mesh", "password": PASSWORD,
            "sender": "mesh@example.org", "to": "a@example.org, b@example.org",
        }  # fmt: skip
        form = EmailChannel(**{**told, **changes})
        return make_ways({"mail": form}, FakeClock(NOW_US), BERLIN, "https://mesh.example")["mail"]

    box.way = way
    yield box
    controller.stop()


def test_a_mail_arrives_encrypted_and_in_one_thread(postbox):
    """The second one refers to the first and has its subject; a repeat has the same Message-ID."""
    way = postbox.way()
    sent = way.send(notice(), None)
    assert sent.answer == "localhost took it for 2 of 2 recipients"
    way.send(notice(), None)
    way.send(closed(title="nas01 is back"), Told(sent.ref, "critical", "open"))
    first, again, last = (parsed(envelope) for envelope, _ in postbox.mails)
    assert all(encrypted for _, encrypted in postbox.mails)
    assert postbox.mails[0][0].rcpt_tos == ["a@example.org", "b@example.org"]
    assert first["Message-ID"] == again["Message-ID"] == last["References"] == last["In-Reply-To"]
    assert last["Message-ID"] != first["Message-ID"]
    assert (first["Subject"], last["Subject"]) == (
        "[DevMesh] Critical: nas01 is unreachable", "Re: [DevMesh] Critical: nas01 is unreachable"
    )  # fmt: skip
    assert "Closed after 12 min: nas01 is back" in last.get_content()
    assert "CET" in last.get_content()


def parsed(envelope):
    """The mail in an envelope."""
    import email

    return email.message_from_bytes(envelope.content, policy=default)


def test_a_wrong_password_lets_the_channel_rest(postbox):
    """Trying again soon would only lock the account."""
    with pytest.raises(NotSent, match="535") as told:
        postbox.way(password="wrong").send(notice(), None)  # noqa: S106
    assert told.value.gone
    assert postbox.mails == []


@pytest.mark.parametrize(("said", "gone"), [("451 try later", False), ("552 too big", True)])
def test_a_mail_that_is_refused(postbox, said, gone):
    """4xx is tried again soon, 5xx in an hour; the words stand in the reason."""
    postbox.refusal = said
    with pytest.raises(NotSent, match=said.split()[0]) as told:
        postbox.way().send(notice(), None)
    assert told.value.gone is gone
    assert said.split(maxsplit=1)[1] in told.value.reason


def test_recipients_that_are_unknown(postbox):
    """One of two: it was taken, and the answer says for how many. All: it was not."""
    assert "1 of 2" in postbox.way(to="a@example.org,nobody@example.org").send(notice(), None).answer
    with pytest.raises(NotSent, match="550"):
        postbox.way(to="nobody@example.org").send(notice(), None)


def test_a_server_without_encryption_gets_no_password(postbox):
    """Nor one whose certificate nobody vouches for, or that hangs: a reason, no mail."""
    controller = Controller(Postbox(), hostname="127.0.0.1", port=free_port())
    controller.start()
    with pytest.raises(NotSent, match="STARTTLS"):
        postbox.way(port=controller.port).send(notice(), None)
    plain = postbox.way(port=controller.port, security="none", user="", password="")
    assert plain.send(notice(), None).answer.startswith("localhost took it")
    controller.stop()
    with pytest.raises(NotSent, match="localhost cannot be used"):
        postbox.way(port=controller.port).send(notice(), None)
    with pytest.raises(NotSent, match="certificate"):
        postbox.way(server="127.0.0.1").send(notice(), None)


def test_a_server_that_drips_is_cut(postbox, monkeypatch):
    """However it keeps each single time-out."""
    monkeypatch.setattr(mailing, "WHOLE_S", 0.3)
    monkeypatch.setattr(Postbox, "handle_DATA", never)
    with pytest.raises(NotSent):
        postbox.way().send(notice(), None)


async def never(self, server, session, envelope):
    """An answer that does not come."""
    import asyncio

    await asyncio.sleep(2)
    return "250 late"


def test_json_is_signed():
    """Over the time and the body, as the page says; whoever has the key can tell, and a repeat is known as one."""
    with far_side() as server:
        port = server.server_address[1]
        form = WebhookChannel(kind="webhook", url=f"http://127.0.0.1:{port}/in?x=1", key=KEY, private=True)
        way = make_ways({"hook": form}, FakeClock(NOW_US), BERLIN, "https://mesh.example")["hook"]
        assert way.send(notice(quotes=("\u202e x",)), None) == Sent("7", "127.0.0.1 answered 200")
        way.send(notice(), None)
        _, path, heads, body = server.requests[0]
        at = heads["DevMesh-Timestamp"]
        wanted = hmac.new(KEY.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
        assert (heads["DevMesh-Signature"], path) == (f"sha256={wanted}", "/in?x=1")
        assert int(at) == NOW_US // 1_000_000
        assert [one[2]["DevMesh-Delivery"] for one in server.requests] == ["7-1", "7-1"]
        told = json.loads(body)
        assert told["headline"] == "Critical: nas01 is unreachable"
        assert (told["url"], told["version"]) == ("https://mesh.example/ui/incidents/7", 1)


def test_a_push_message_is_as_loud_as_it_is_severe():
    """As JSON to the server of the topic, with the token; what is long is cut below 4,096 bytes."""
    with far_side() as server:
        port = server.server_address[1]
        form = NtfyChannel(kind="ntfy", url=f"http://127.0.0.1:{port}/base/alarm", token="tk_1", private=True)  # noqa: S106
        way = make_ways({"phone": form}, FakeClock(NOW_US), BERLIN, "https://mesh.example")["phone"]
        way.send(notice(title="a\r\nTags: x", lines=("ä" * 5_000,)), None)
        way.send(closed(), None)
        (_, path, heads, body), (_, _, _, last) = server.requests
        told = json.loads(body)
        assert (path, heads["Authorization"]) == ("/base/", "Bearer tk_1")
        assert (told["topic"], told["priority"], told["click"]) == ("alarm", 5, "https://mesh.example/ui/incidents/7")
        assert told["title"] == r"Critical: a\x0d\x0aTags: x"
        assert len(told["message"].encode()) < 4096
        assert (json.loads(last)["priority"], json.loads(last)["tags"]) == (3, ["white_check_mark"])
        server.answers = [always(401, {"code": 40101, "error": "unauthorized"})]
        with pytest.raises(NotSent, match=r"401 \(unauthorized\)") as refused:
            way.send(notice(), None)
        assert refused.value.gone


@pytest.mark.parametrize("url", ["https://ntfy.sh", "https://ntfy.sh/", "https://ntfy.sh/a?x=1"])
def test_a_push_channel_names_its_topic(url):
    """Else the start says so."""
    with pytest.raises(ConfigError, match="topic"):
        make_ways({"phone": NtfyChannel(kind="ntfy", url=url)}, FakeClock(NOW_US), BERLIN, "")


def test_a_channel_that_is_not_private_stays_out_of_the_house():
    """The address of this machine is refused before anything is sent."""
    with far_side() as server:
        form = WebhookChannel(kind="webhook", url=f"https://localhost:{server.server_address[1]}/", key=KEY)
        way = make_ways({"hook": form}, FakeClock(NOW_US), BERLIN, "")["hook"]
        with pytest.raises(NotSent, match="private = true allows it"):
            way.send(notice(), None)
        assert server.requests == []
