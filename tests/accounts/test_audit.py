"""Who did what: written with what was done, shown newest first, bounded."""

from __future__ import annotations

import pytest

from bodies import NOW_US, line, run_whole, take
from devmesh.accounts import audit
from devmesh.errors import Conflict, InvalidInput, NotFound, Unauthorized

PASSWORD = "correct horse battery"  # noqa: S105 - of nobody


def deeds(mesh):
    """(who, did, what) of everything, the oldest first."""
    return [(one.who, one.did, one.what) for one in reversed(mesh.accounts.audit.list().rows)]


def test_tokens_users_and_sign_ins_are_written_down(mesh):
    """With who did it; a name that nobody has is not kept, for it may be a password in the wrong field."""
    accounts = mesh.accounts
    accounts.create_token("node", "nas")
    accounts.people.add("anna", PASSWORD, by="token 7")
    accounts.people.sign_in("anna", PASSWORD, "192.0.2.1")
    for name in ("anna", PASSWORD):
        with pytest.raises(Unauthorized):
            accounts.people.sign_in(name, "wrong horse", "192.0.2.1")
    accounts.revoke(1, "anna")
    accounts.people.remove("anna")
    assert deeds(mesh) == [
        ("command line", "made token", "1 (node nas)"),
        ("token 7", "added user", "anna (admin)"),
        ("anna", "signed in", "from 192.0.2.1"),
        ("anna", "failed to sign in", "from 192.0.2.1"),
        ("somebody", "failed to sign in", "from 192.0.2.1"),
        ("anna", "revoked token", "1"),
        ("command line", "removed user", "anna"),
    ]


def test_what_was_refused_was_not_done(mesh):
    """A name that is taken, a token, a user and a node that are not there."""
    mesh.accounts.people.add("anna", PASSWORD)
    with pytest.raises(Conflict):
        mesh.accounts.people.add("anna", PASSWORD)
    for what in (
        lambda: mesh.accounts.revoke(9),
        lambda: mesh.accounts.people.remove("x"),
        lambda: mesh.nodes.retire("x"),
    ):
        with pytest.raises(NotFound):
            what()
    assert len(deeds(mesh)) == 1


def test_what_people_make_of_templates_is_written_down(mesh):
    """Words, splits, merges; retired nodes, too."""
    names = ("alpha", "bravo", "carol", "delta", "echo", "foxtrot")
    take(mesh, b"".join(line(f"user {name} logged in", ts_us=NOW_US, service="app") for name in names))
    run_whole(mesh, "assign-families")
    mesh.templates.annotate(1, label="logins", note="harmless", by="anna")
    fresh = mesh.templates.split(2, "ben")
    mesh.templates.merge(fresh, 1, "anna")
    with pytest.raises(InvalidInput):
        mesh.templates.merge(1, 1, "anna")
    mesh.nodes.retire("n1", "anna")
    whole = mesh.templates.family(1).id
    assert deeds(mesh) == [
        ("anna", "wrote", f"label and note of f{whole}"),
        ("ben", "split", f"t2 from f{whole}, as f{fresh}"),
        ("anna", "merged", f"f{fresh} into f{whole}"),
        ("anna", "retired node", "n1"),
    ]


def test_the_list_has_pages_and_an_end(mesh, monkeypatch):
    """The newest first; the oldest go where there are too many."""
    monkeypatch.setattr(audit, "KEPT", 5)
    monkeypatch.setattr(audit, "TRIM_EVERY", 4)
    for number in range(12):
        mesh.accounts.create_token("node", f"n{number}")
    first = mesh.accounts.audit.list(2)
    assert [one.what for one in first.rows] == ["12 (node n11)", "11 (node n10)"]
    rest = mesh.accounts.audit.list(100, first.cursor)
    assert [one.what for one in rest.rows] == ["10 (node n9)", "9 (node n8)", "8 (node n7)"]
    assert rest.cursor is None
