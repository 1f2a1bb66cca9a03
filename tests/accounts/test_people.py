"""Users, their passwords and their sessions."""

from __future__ import annotations

import pytest

from bodies import rows
from devmesh.accounts import people as module
from devmesh.accounts.people import SESSION_US, People
from devmesh.errors import Conflict, InvalidInput, NotFound, QuotaExceeded, Unauthorized

GENUINE = module._hasher  # before tests/conftest.py makes it quick
PASSWORD = "correct horse battery"  # noqa: S105 - of nobody


@pytest.fixture
def people(mesh):
    """A house in which anna may sign in."""
    mesh.accounts.people.add("anna", PASSWORD)
    return mesh.accounts.people


def test_the_password_is_stored_as_argon2id_alone(mesh, monkeypatch):
    """Nobody who reads the store learns it, and two equal passwords do not look equal; the cost is that of RFC 9106."""
    monkeypatch.setattr(module, "_hasher", GENUINE)
    for name in ("anna", "ben"):
        mesh.accounts.people.add(name, PASSWORD)
    kept = [row[0] for row in rows(mesh, "SELECT password FROM users")]
    assert all(text.startswith("$argon2id$v=19$m=65536,t=3,p=4$") and PASSWORD not in text for text in kept)
    assert len(set(kept)) == 2


def test_who_knows_the_password_gets_a_session(mesh, people):
    """Its cookie is the user; the store has a hash of it alone."""
    people.add("ben", PASSWORD, "read")
    cookie = people.sign_in("ben", PASSWORD, "192.0.2.1")
    grant = people.check(cookie)
    assert (grant.kind, grant.person, grant.administers) == ("read", "ben", False)
    [(digest,)] = rows(mesh, "SELECT hash FROM sessions")
    assert cookie.partition(".")[0].encode() not in bytes(digest)


@pytest.mark.parametrize(("name", "password"), [("anna", "wrong horse"), ("nobody", PASSWORD), ("", ""), ("anna", "")])
def test_who_does_not_know_it_learns_nothing(people, name, password):
    """A wrong name and a wrong password are refused in the same words."""
    with pytest.raises(Unauthorized, match=r"Name or password is wrong"):
        people.sign_in(name, password, "192.0.2.1")


def test_a_cookie_that_was_made_up_is_refused(people):
    """Without the signature, with another's, cut, or of another secret."""
    cookie = people.sign_in("anna", PASSWORD, "192.0.2.1")
    secret, _dot, signature = cookie.partition(".")
    for forged in (secret, f"{secret}.", f"x{cookie}", f"{secret}.{'0' * 64}", f"other.{signature}", "\udcff.\udcff"):
        with pytest.raises(Unauthorized):
            people.check(forged)


def test_a_session_ends(mesh, people, clock):
    """By signing out, after 30 days, and when its user is removed."""
    first, second, third = (people.sign_in("anna", PASSWORD, f"192.0.2.{n}") for n in range(3))
    people.sign_out(first)
    with pytest.raises(Unauthorized):
        people.check(first)
    people.check(second)
    clock.advance(SESSION_US / 1e6)
    with pytest.raises(Unauthorized):
        people.check(second)
    fresh = people.sign_in("anna", PASSWORD, "192.0.2.9")
    assert rows(mesh, "SELECT COUNT(*) FROM sessions") == [(1,)]  # those that ended are not kept
    people.remove("anna")
    for cookie in (third, fresh):
        with pytest.raises(Unauthorized):
            people.check(cookie)


def test_servers_over_one_store_take_each_others_cookies(mesh, people, clock):
    """The key that signs them lives in the store; a session that was ended elsewhere is refused within 5 s."""
    other = People(mesh.db, clock)
    cookie = people.sign_in("anna", PASSWORD, "192.0.2.1")
    assert other.check(cookie).person == "anna"


def test_an_ended_session_is_remembered_for_5_seconds_at_most(mesh, people, clock):
    """By a server that did not see it end."""
    other = People(mesh.db, clock)
    cookie = people.sign_in("anna", PASSWORD, "192.0.2.1")
    other.check(cookie)
    people.sign_out(cookie)
    clock.advance(5)
    with pytest.raises(Unauthorized):
        other.check(cookie)


def test_tries_are_limited(people, clock):
    """5 a minute for a name from an address, also with the right password; others go on, and a minute later so does
    this one.
    """
    for _try in range(5):
        with pytest.raises(Unauthorized):
            people.sign_in("anna", "wrong horse", "192.0.2.1")
    with pytest.raises(QuotaExceeded) as refused:
        people.sign_in("anna", PASSWORD, "192.0.2.1")
    assert 0 < refused.value.retry_after_s <= 60
    assert people.sign_in("anna", PASSWORD, "192.0.2.2")
    clock.advance(60)
    assert people.sign_in("anna", PASSWORD, "192.0.2.1")


def test_many_names_from_one_address_are_limited_too(people):
    """20 a minute."""
    for number in range(20):
        with pytest.raises(Unauthorized):
            people.sign_in(f"user{number}", "wrong horse", "192.0.2.1")
    with pytest.raises(QuotaExceeded):
        people.sign_in("anna", PASSWORD, "192.0.2.1")


@pytest.mark.parametrize(("name", "password", "kind"), [
    ("", PASSWORD, "admin"), (" anna", PASSWORD, "admin"), ("a\x1b[2J", PASSWORD, "admin"),
    ("x" * 65, PASSWORD, "admin"), ("ben", "short", "admin"), ("ben", "x" * 1025, "admin"), ("ben", PASSWORD, "root"),
])  # fmt: skip
def test_what_cannot_be_a_user_is_refused(people, name, password, kind):
    """Names that cannot be shown, passwords that are none, kinds that nobody knows."""
    with pytest.raises(InvalidInput):
        people.add(name, password, kind)


def test_a_name_is_given_once(people):
    """And who is not there cannot be removed."""
    with pytest.raises(Conflict):
        people.add("anna", PASSWORD)
    with pytest.raises(NotFound):
        people.remove("ben")
    assert [one.name for one in people.list()] == ["anna"]
