"""Better rules undo nothing that people did: what they split, merged and labelled holds, and nothing becomes new."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from bodies import NOW_US, line, rows, run_whole, take
from devmesh.loops.lease import take as take_lease
from devmesh.templates.registry import OVERFLOW_TEXT
from devmesh.templates.tables import families, log_templates

NAMES = ("alpha", "bravo", "carol", "delta", "echo", "foxtrot", "golf", "hotel")


def say(mesh, *texts):
    """Let a service say these; every template has its family and a sample."""
    take(mesh, b"".join(line(text, ts_us=NOW_US, service="app") for text in texts))
    for loop in ("template-totals", "assign-families", "template-samples"):
        run_whole(mesh, loop)


def living(mesh):
    """{text: family} of the templates that were not redirected."""
    return dict(rows(mesh, "SELECT template, family_id FROM log_templates WHERE merged_into IS NULL"))


def number(mesh, text):
    """The living template with this text."""
    [(found,)] = rows(mesh, f"SELECT id FROM log_templates WHERE merged_into IS NULL AND template = '{text}'")  # noqa: S608 - ours
    return found


def age(mesh):
    """Make everything that is stored a thing of an older version, which wrote a mark behind every text."""
    table = log_templates.c
    with mesh.db.write() as connection:
        connection.execute(
            update(log_templates).where(table.template != OVERFLOW_TEXT).values(template=table.template + " (old)")
        )
        connection.execute(update(log_templates).values(canon_version=0))
        connection.execute(update(families).values(text=families.c.text + " (old)"))
    mesh.templates.forget()


def upgrade(mesh, batch=3):
    """What the loop does after an upgrade, in small batches."""
    lease = take_lease(mesh.db, mesh.clock, "migrate-templates", "test")
    while mesh.templates.migrate(batch, lease):
        pass
    run_whole(mesh, "assign-families")
    run_whole(mesh, "template-totals")


@pytest.mark.parametrize("spoke_first", [False, True], ids=["migrated-first", "spoke-first"])
def test_what_people_did_holds(mesh, spoke_first):
    """A split, a merge and a label, also where the new rules heard the same before the migration came to it."""
    say(mesh, *(f"user {name} logged in" for name in NAMES), "cache warm", "cache is warm again")
    before = living(mesh)
    whole = before["user bravo logged in"]
    apart = mesh.templates.split(number(mesh, "user alpha logged in"))
    mesh.templates.annotate(apart, label="the intern")
    mesh.templates.merge(before["cache warm"], before["cache is warm again"])
    age(mesh)
    if spoke_first:
        say(mesh, "user alpha logged in", "user india logged in", "cache warm")
    upgrade(mesh)
    now = living(mesh)
    assert now["user alpha logged in"] == apart
    assert {now[f"user {name} logged in"] for name in NAMES[1:]} == {whole}
    assert now["cache warm"] == now["cache is warm again"] == before["cache is warm again"]
    kept = mesh.templates.family(apart)
    assert (kept.label, kept.text, kept.events) == ("the intern", "user alpha logged in", 1 + spoke_first)
    assert mesh.templates.family(whole).text == "user <*> logged in"


def test_nothing_is_new_afterwards(mesh):
    """Every family keeps its number, and a name that was never said goes to the family that its like had."""
    say(mesh, *(f"user {name} logged in" for name in NAMES), "disk sda is full")
    before = living(mesh)
    age(mesh)
    upgrade(mesh)
    assert living(mesh) == before
    say(mesh, "user zulu logged in")
    assert living(mesh)["user zulu logged in"] == before["user alpha logged in"]


def test_templates_that_become_one_go_to_the_elder_family(mesh, monkeypatch):
    """The other's id leads there, with its words where the elder has none; no event is lost."""
    say(mesh, "cache warm", "cache is warm again")
    before = living(mesh)
    elder, younger = sorted(before.values())
    mesh.templates.annotate(younger, label="warm", note="harmless")
    mesh.templates.annotate(elder, note="see the wiki")
    age(mesh)
    monkeypatch.setattr("devmesh.templates.migration._canonical", lambda texts: ["cache is warm"] * len(texts))
    upgrade(mesh)
    assert living(mesh) == {"cache is warm": elder}
    found = mesh.templates.family(younger)
    assert (found.id, found.label, found.note, found.events) == (elder, "warm", "see the wiki", 2)


def test_overflow_stays_overflow(mesh):
    """Its text is of no message, so that of a sample must not become its place."""
    say(mesh, "cache warm")
    with mesh.db.write() as connection:
        connection.execute(update(log_templates).values(template=OVERFLOW_TEXT))
    age(mesh)
    upgrade(mesh)
    assert list(living(mesh)) == [OVERFLOW_TEXT]
