"""Who may look: with the first user everybody signs in, this machine too."""

from __future__ import annotations

import asyncio
import http.client
import urllib.error
import urllib.request
from urllib.parse import quote, urlencode, urlsplit

import pytest

from devmesh.mesh import open_mesh
from devmesh.settings import load_settings
from processes import serving

PASSWORD = "correct horse battery"  # noqa: S105 - of nobody
PEOPLE = {"anna": "admin", "dora": "admin", "emil": "admin", "fay": "admin", "gus": "admin", "ben": "read"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A server where some may sign in; each test has its own, for tries are counted by name."""
    folder = tmp_path_factory.mktemp("guarded") / "data"
    folder.mkdir()
    mesh = open_mesh(load_settings(data_dir=folder, embedding_provider="off"))
    for name, kind in PEOPLE.items():
        mesh.accounts.people.add(name, PASSWORD, kind)
    mesh.close()
    with serving(folder, env={"DEVMESH_UI": "true"}) as server:
        yield server.url


def post(url, path, fields, **headers):
    """(status, headers) of a form that is sent."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    connection.request(
        "POST", path, urlencode(fields), {"Content-Type": "application/x-www-form-urlencoded", **headers}
    )
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders())


def signed_in(url, name="anna"):
    """A session's cookie."""
    status, headers = post(url, "/ui/sign-in", {"name": name, "password": PASSWORD, "next": "/ui/"})
    assert status == 303
    return headers["set-cookie"]


def sign_in(page, name="anna", password=PASSWORD):
    """Fill the form in."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")


def settled(page):
    """Wait until the page of lines asks for nothing more: what it still asked would lead away at a session's end."""
    page.wait_for_selector(".status b")


def test_a_link_leads_to_the_sign_in_and_then_where_it_should(browser, guarded):
    """A wrong password is told; the right one shows what the link said; signing out ends it, for the API too."""
    page = browser.new_page()
    page.goto(f"{guarded}/ui/logs?since=7d&priority=err")
    assert "/ui/sign-in" in page.url
    sign_in(page, password="wrong horse")  # noqa: S106
    page.wait_for_selector("text=Name or password is wrong.")
    sign_in(page)
    page.wait_for_url("**/ui/logs?since=7d&priority=err")
    settled(page)
    assert page.request.get(f"{guarded}/stats").status == 200
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/ui/sign-in")
    assert page.request.get(f"{guarded}/stats").status == 401
    page.close()


def test_an_ended_session_leads_to_the_sign_in_and_back(browser, guarded):
    """When a page asks for more after the session ended elsewhere."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{guarded}/ui/sign-in?next=/ui/logs")
    sign_in(page, "dora")
    page.wait_for_url("**/ui/logs")
    settled(page)
    context.clear_cookies()
    page.get_by_label("Time", exact=True).select_option("7d")
    page.wait_for_url("**/ui/sign-in?next=*")
    sign_in(page, "dora")
    page.wait_for_url("**/ui/logs?since=7d")
    context.close()


def test_a_tail_whose_session_ends_leads_to_the_sign_in(browser, guarded):
    """It stops to tell, tries again as browsers do, and learns why it may not."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{guarded}/ui/sign-in?next=/ui/logs")
    sign_in(page, "fay")
    page.wait_for_url("**/ui/logs")
    settled(page)
    page.get_by_role("button", name="Live", exact=True).click()
    page.get_by_role("button", name="Stop", exact=True).wait_for()
    context.request.post(f"{guarded}/ui/sign-out", headers={"Origin": guarded})
    page.wait_for_url("**/ui/sign-in?next=*live*")
    context.close()


def test_who_may_only_look_gets_no_tokens(browser, guarded):
    """The page leaves them out, and the API refuses."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{guarded}/ui/sign-in?next=/ui/health")
    sign_in(page, "ben")
    page.wait_for_selector("text=retention_days")
    assert page.get_by_role("button", name="Make a token").count() == 0
    origin = {"Origin": guarded}
    assert page.request.post(f"{guarded}/tokens", data={"kind": "admin"}, headers=origin).status == 403
    context.close()


def test_the_cookie_is_for_this_server_alone(guarded):
    """No script reads it, no other site sends it along, and where a proxy speaks TLS no plain connection."""
    fields = {"name": "gus", "password": PASSWORD, "next": "/ui/"}
    assert "; secure" in post(guarded, "/ui/sign-in", fields, **{"X-Forwarded-Proto": "https"})[1]["set-cookie"].lower()
    cookie = signed_in(guarded, "gus").lower()
    assert "; secure" not in cookie
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie


@pytest.mark.parametrize("path", ["/ui/", "/ui/logs", "/ui/health", "/ui/nodes", "/ui/templates/f1"])
def test_without_a_session_there_is_no_page(guarded, path):
    """Loopback or not."""
    parts = urlsplit(guarded)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    assert answer.status == 303
    assert answer.getheader("location") == f"/ui/sign-in?next={quote(path, safe='')}"
    connection.close()


@pytest.mark.parametrize(
    "elsewhere",
    ["http://evil.example/", "//evil.example/", "/\\evil.example", "/ui/../../x\r\nSet-Cookie: a=b", "javascript:1"],
)
def test_the_sign_in_leads_nowhere_else(guarded, elsewhere):
    """A link cannot send people to another site through the form."""
    _status, headers = post(guarded, "/ui/sign-in", {"name": "emil", "password": PASSWORD, "next": elsewhere})
    assert headers["location"] == "/ui/"


def test_pages_of_another_origin_cannot_sign_anybody_in(guarded):
    """Nor out."""
    evil = {"Origin": "http://evil.example"}
    assert post(guarded, "/ui/sign-in", {"name": "anna", "password": PASSWORD}, **evil)[0] == 403
    assert post(guarded, "/ui/sign-out", {}, **evil)[0] == 403


async def _websocket(url, **headers):
    """The status of an attempt to open the pages' websocket."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    head = {
        "Host": parts.netloc, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", **headers,
    }  # fmt: skip
    said = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    writer.write(f"GET /ui/_nicegui_ws/socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n{said}\r\n".encode())
    line = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    await writer.wait_closed()
    return int(line.split()[1])


def websocket(url, **headers):
    """The same, in a thread of its own: this one's event loop is Playwright's."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(_websocket(url, **headers))).result()


def test_the_websocket_is_for_pages_of_ours_with_a_session(guarded):
    """Without a session, or for a page of another origin, or of none, it does not open."""
    cookie = signed_in(guarded, "gus").partition(";")[0]
    assert websocket(guarded, Origin=guarded, Cookie=cookie) == 101
    assert websocket(guarded, Origin=guarded) in {401, 403}
    assert websocket(guarded, Origin="http://evil.example", Cookie=cookie) == 403
    assert websocket(guarded, Cookie=cookie) == 403


@pytest.mark.parametrize("path", ["/ui/_nicegui_ws/socket.io/?EIO=4&transport=polling", "/ui/_nicegui_ws/socket.io/"])
def test_pages_of_another_origin_may_not_speak_to_the_server(ui_url, path):
    """Though this machine itself is admin there, for nobody signs in: whose browser it is does not matter."""
    parts = urlsplit(ui_url)
    for method in ("GET", "POST"):
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
        connection.request(method, path, headers={"Origin": "http://evil.example"})
        answer = connection.getresponse()
        assert answer.status == 403
        assert answer.getheader("access-control-allow-origin") is None
        connection.close()


def test_what_is_not_there_is_told(ui_url):
    """In our own words, with the same headers as every page."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{ui_url}/ui/no-such-page", timeout=10)  # noqa: S310 - our own
    assert refused.value.code == 404
    assert "There is no page at this address." in refused.value.read().decode()
    assert "default-src 'none'" in refused.value.headers["content-security-policy"]
    refused.value.close()


def test_too_many_tries_are_refused(guarded):
    """With how long to wait; 429."""
    answers = {post(guarded, "/ui/sign-in", {"name": "carla", "password": "wrong horse"})[0] for _ in range(7)}
    assert answers == {401, 429}


def test_a_stranger_learns_what_to_do_where_nobody_can_sign_in(ui_url):
    """Another Host is a stranger; the form says how the first user is made."""
    asked = urllib.request.Request(f"{ui_url}/ui/", headers={"Host": "mesh.example"})  # noqa: S310 - our own
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310
        text = answer.read().decode()
    assert "devmesh user add" in text
