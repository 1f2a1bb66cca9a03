"""What becomes of templates after their birth: folding into `<rest>`, migration to a new canonical version."""

from __future__ import annotations

from sqlalchemy import select, update

from devmesh.asking import make_filter
from devmesh.catalogue import show
from devmesh.events import Filter
from devmesh.intake import Request
from devmesh.loops.lease import take
from devmesh.mesh import Mesh
from devmesh.templates.tables import log_templates

DAY_S = 86_400
MANY = 1_000


def say(mesh: Mesh, *messages: str) -> None:
    """Store messages of one service, now."""
    body = b"".join(b'{"service":"app","message":"%s"}\n' % message.encode() for message in messages)
    mesh.intake.take(Request(body, "n1", mesh.clock.now_us()))


def run(mesh: Mesh, name: str) -> int:
    """Steps of a loop until it has nothing to do; how much it did in all."""
    total = 0
    while done := mesh.runner.once(name):
        total += done
    return total


def test_silent_template_folds_into_its_familys_rest(mesh):
    """After 30 days of silence a rare template's id is redirected, its counts move, and its events are still found."""
    say(mesh, "the frobnicator is warm", *["a busy line"] * 20)
    run(mesh, "assign-families")
    run(mesh, "template-totals")
    before = mesh.templates.counts()
    mesh.clock.advance(31 * DAY_S)
    assert run(mesh, "fold-templates") == 1
    rare = next(one for one in mesh.templates.templates(range(MANY)) if "frobnicator" in one.text)
    rest = mesh.templates.template(rare.merged_into)
    assert (rest.text, rest.events, rest.family_id) == ("<rest>", 1, rare.family_id)
    counts = mesh.events.hourly([rest.id, rare.id], 0, mesh.clock.now_us())
    assert counts.select("template_id", "n").rows() == [(rest.id, 1)]
    members = mesh.templates.member_ids([rare.family_id])
    assert [event.message for event in mesh.events.query(Filter(template_ids=tuple(members))).events] == [
        "the frobnicator is warm"
    ]
    assert mesh.templates.counts() == before


def test_busy_and_young_templates_stay(mesh):
    """Neither ten events nor a birth within 30 days folds, however silent the past was."""
    say(mesh, *["a busy line"] * 10)
    run(mesh, "assign-families")
    run(mesh, "template-totals")
    mesh.clock.advance(31 * DAY_S)
    say(mesh, "a young line")
    run(mesh, "assign-families")
    assert run(mesh, "fold-templates") == 0


def test_message_of_a_folded_template_goes_to_rest(mesh):
    """A folded template that speaks again is stored under the rest, so nothing new is born."""
    say(mesh, "the frobnicator is warm")
    run(mesh, "assign-families")
    run(mesh, "template-totals")
    mesh.clock.advance(31 * DAY_S)
    run(mesh, "fold-templates")
    live = mesh.templates.counts()
    say(mesh, "the frobnicator is warm")
    newest = mesh.events.query(Filter(), 1).events[0]
    assert mesh.templates.template(int(newest.template_id[1:])).text == "<rest>"
    assert mesh.templates.counts() == live


def test_old_canonical_version_is_redirected_and_resumable(mesh):
    """Templates of an older version find their place in the present one, batch by batch, and events stay found."""
    say(mesh, "job 17 took 3 s", "disk sda is full")
    run(mesh, "assign-families")
    with mesh.db.write() as connection:
        connection.execute(update(log_templates).values(canon_version=0, template=log_templates.c.template + " (old)"))
    mesh.templates.forget()
    lease = take(mesh.db, mesh.clock, "migrate-templates", "test")
    assert mesh.templates.migrate(1, lease) == 1
    assert mesh.templates.migrate(MANY, lease) == 1
    assert mesh.templates.migrate(MANY, lease) == 0
    run(mesh, "assign-families")
    with mesh.db.read() as connection:
        rows = connection.execute(select(log_templates).where(log_templates.c.canon_version == 0)).all()
    for row in rows:
        home = mesh.templates.template(row.merged_into)
        members = mesh.templates.member_ids([home.family_id])
        assert row.id in members
        assert mesh.events.query(Filter(template_ids=tuple(members))).events


def test_what_changes_after_the_clock_was_set_back_is_found(mesh):
    """Families are followed by the time of their change, which only grows, whatever the clock does."""
    say(mesh, "the zebra crossed the street")
    run(mesh, "assign-families")
    mesh.search.follow()
    mesh.clock.advance(-600)
    say(mesh, "a unicorn was seen near the castle")
    run(mesh, "assign-families")
    assert [hit.why.words for hit in mesh.search.templates("unicorn").hits] == [("unicorn",)]


def test_a_folded_template_is_found_by_its_id(mesh):
    """Its counts went to the rest of its family; its events are still there, and its id still finds them."""
    say(mesh, "the zebra crossed the street")
    run(mesh, "assign-families")
    run(mesh, "template-totals")
    event = mesh.events.query(Filter(), 1).events[0]
    mesh.clock.advance(31 * DAY_S)
    assert run(mesh, "fold-templates") == 1
    assert mesh.events.query(make_filter(mesh, template=[event.template_id])).events == [event]


def test_a_folded_template_shows_where_it_went(mesh):
    """Its page keeps its text and leads to the rest, whose counts, nodes and history are shown."""
    say(mesh, "the frobnicator is warm")
    run(mesh, "assign-families")
    run(mesh, "template-totals")
    mesh.clock.advance(31 * DAY_S)
    run(mesh, "fold-templates")
    rare = next(one for one in mesh.templates.templates(range(MANY)) if "frobnicator" in one.text)
    page = show(mesh, f"t{rare.id}")
    assert (page["text"], page["merged_into"], page["events"]) == (rare.text, f"t{rare.merged_into}", 1)
    assert page["nodes"] == [{"node": "n1", "events": 1}]
    assert page["explained"]
