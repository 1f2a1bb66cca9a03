"""Families as people want them: what they merged stays merged, what they split stays apart."""

from __future__ import annotations

import pytest

from bodies import NOW_US, line, rows, run_whole, take
from devmesh.errors import InvalidInput, NotFound
from devmesh.loops.lease import LeaseLost
from devmesh.loops.lease import take as take_lease

NAMES = ("alpha", "bravo", "carol", "delta", "echo", "foxtrot", "golf", "hotel")


def say(mesh, *texts, service="app", priority=6):
    """Let a service say these, and give every template its family."""
    body = b"".join(line(text, ts_us=NOW_US, service=service, priority=priority) for text in texts)
    take(mesh, body)
    run_whole(mesh, "template-totals")
    run_whole(mesh, "assign-families")


def family_of(mesh, text):
    """The family of the template with this text."""
    [(found,)] = rows(mesh, f"SELECT family_id FROM log_templates WHERE template = '{text}'")  # noqa: S608 - ours
    return found


def template_of(mesh, text):
    """The template with this text."""
    [(found,)] = rows(mesh, f"SELECT id FROM log_templates WHERE template = '{text}'")  # noqa: S608 - ours
    return found


def test_what_people_merge_is_one(mesh):
    """Its id leads to the other, events add up, and what comes later joins it there."""
    say(mesh, "cache warm", "cache is warm again")
    gone, into = family_of(mesh, "cache warm"), family_of(mesh, "cache is warm again")
    assert gone != into
    mesh.templates.merge(gone, into)
    assert mesh.templates.family(gone).id == into
    assert mesh.templates.family(into).events == 2
    assert sorted(mesh.templates.member_ids([into])) == sorted(mesh.templates.member_ids([gone]))
    say(mesh, "cache warm", "cache cold")
    assert family_of(mesh, "cache warm") == into
    assert mesh.templates.family(into).events == 3


def test_what_people_split_stays_apart(mesh):
    """Though the old family's text fits it, and though new alike templates come."""
    say(mesh, *(f"user {name} logged in" for name in NAMES))
    whole = family_of(mesh, "user alpha logged in")
    assert mesh.templates.family(whole).templates == len(NAMES)
    fresh = mesh.templates.split(template_of(mesh, "user alpha logged in"))
    alone = mesh.templates.family(fresh)
    assert (alone.text, alone.templates, alone.events) == ("user alpha logged in", 1, 1)
    assert mesh.templates.family(whole).events == len(NAMES) - 1
    say(mesh, "user india logged in", "user alpha logged in")
    assert family_of(mesh, "user india logged in") == whole
    assert family_of(mesh, "user alpha logged in") == fresh
    assert mesh.templates.family(fresh).events == 2


def test_a_family_keeps_an_exemplar_of_its_own(mesh):
    """When the one that it had is split off."""
    say(mesh, *(f"user {name} logged in" for name in NAMES))
    whole = family_of(mesh, "user alpha logged in")
    exemplar = mesh.templates.family(whole).exemplar_template_id
    mesh.templates.split(exemplar)
    assert mesh.templates.family(whole).exemplar_template_id in set(mesh.templates.member_ids([whole]))


def test_a_split_is_undone_by_a_merge(mesh):
    """Everything is as it was, but for the number that leads there."""
    say(mesh, *(f"user {name} logged in" for name in NAMES))
    whole = family_of(mesh, "user alpha logged in")
    fresh = mesh.templates.split(template_of(mesh, "user alpha logged in"))
    mesh.templates.merge(fresh, whole)
    assert mesh.templates.family(fresh).id == whole
    assert mesh.templates.family(whole).templates == len(NAMES)


def test_a_step_that_runs_meanwhile_rolls_back(mesh, clock):
    """Its books are from before: what it was about to write would undo what people did."""
    say(mesh, "cache warm", "cache is warm again")
    lease = take_lease(mesh.db, clock, "assign-families", mesh.runner._owner)
    mesh.templates.merge(family_of(mesh, "cache warm"), family_of(mesh, "cache is warm again"))
    with pytest.raises(LeaseLost), lease.write():
        pass


def test_what_makes_no_sense_is_refused(mesh):
    """One family twice, two services, a more severe one, a lonely template, what is not there."""
    say(mesh, "cache warm")
    say(mesh, "cache warm", service="other")
    say(mesh, "ERROR: cache lost")
    calm, severe = family_of_service(mesh, "app", "cache warm"), family_of_service(mesh, "app", "ERROR: cache lost")
    other = family_of_service(mesh, "other", "cache warm")
    for gone, into in ((calm, calm), (calm, other), (severe, calm)):
        with pytest.raises(InvalidInput):
            mesh.templates.merge(gone, into)
    with pytest.raises(NotFound):
        mesh.templates.merge(calm, 9_999)
    with pytest.raises(InvalidInput):
        mesh.templates.split(template_of(mesh, "ERROR: cache lost"))


def family_of_service(mesh, service, text):
    """The same where two services say it."""
    [number] = mesh.nodes.service_names.ids([service], create=False).values()
    where = f"service_id = {number} AND template = '{text}'"
    [(found,)] = rows(mesh, f"SELECT family_id FROM log_templates WHERE {where}")  # noqa: S608 - ours
    return found
