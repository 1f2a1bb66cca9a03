"""Who may sign in: `devmesh user`, with and without a running server."""

from __future__ import annotations

import httpx
from cli_house import Served, fill, line

PASSWORD = b"correct horse battery\n"


def test_a_user_is_added_listed_and_removed(empty):
    """The password comes from stdin where there is no terminal, and is shown nowhere."""
    said = empty("user", "add", "anna", stdin=PASSWORD)
    assert "anna may sign in" in said.stdout
    empty("user", "add", "ben", "--read", stdin=PASSWORD)
    users = empty.json("user", "list")["users"]
    assert [(one["name"], one["kind"]) for one in users] == [("anna", "admin"), ("ben", "read")]
    listed = empty("user", "list")
    assert PASSWORD.decode().strip() not in said.output + listed.output
    empty("user", "remove", "ben")
    assert [one["name"] for one in empty.json("user", "list")["users"]] == ["anna"]


def test_who_did_what_is_told(empty):
    """The newest first, with who did it; a list of its own length, and JSON as HTTP has it."""
    empty("token", "create", "--read")
    empty("user", "add", "ben", "--operate", stdin=PASSWORD)
    newest, *_others = empty.json("audit")["audit"]
    assert (newest["who"], newest["did"], newest["what"]) == ("command line", "added user", "ben (operate)")
    assert "made token" not in empty("audit", "--limit", "1").stdout
    empty("user", "add", "eve", "--operate", "--read", stdin=PASSWORD, code=2)


def test_what_cannot_be_is_told(empty):
    """A short password, a name that is taken, a user that is not there."""
    assert "8 to 1,024" in empty("user", "add", "anna", stdin=b"short\n", code=2).stderr
    empty("user", "add", "anna", stdin=PASSWORD)
    assert "exists" in empty("user", "add", "anna", stdin=PASSWORD, code=6).stderr
    empty("user", "remove", "nobody", code=4)


def test_it_works_while_a_server_runs(empty):
    """From then on the machine itself is asked as everybody is; the command line goes on with its own token."""
    fill(empty.data_dir, [line("x")])
    server = Served(empty.data_dir, "serve", "--port", "0")
    try:
        assert httpx.get(f"{server.url}/stats").status_code == 200
        empty("user", "add", "anna", stdin=PASSWORD)
        assert httpx.get(f"{server.url}/stats").status_code == 401
        empty("token", "create", "--read")
        empty("user", "remove", "anna")
        assert httpx.get(f"{server.url}/stats").status_code == 200
    finally:
        server.stop()
