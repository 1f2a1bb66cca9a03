"""The evidence lock: what a writer invents is flagged, what is true is not, and what is left still makes a report."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from datetime import UTC

import pytest
from broken_fleet import BROKE_US, MINUTE_US, happen

from devmesh.clock import FakeClock
from devmesh.investigations.claims import Claim, Metric, Statement
from devmesh.investigations.draft import draft
from devmesh.investigations.lock import Lock
from devmesh.investigations.report import write
from devmesh.mesh import open_mesh
from devmesh.settings import load_settings

SENTENCE = {
    Metric.EVENTS: "it said this {0} times",
    Metric.ERRORS: "it had {0} errors",
    Metric.NODES: "it came from {0} nodes",
    Metric.SERVICES: "it came from {0} services",
    Metric.TIME: "it came at {0}",
    Metric.LEAD: "the other came {0} away",
    Metric.ORDER: "one came {0} the other",
    Metric.NODE: "it was seen on {0}",
    Metric.SERVICE: "it was said by {0}",
    Metric.LINE: "it reads {0}",
}


@pytest.fixture(scope="module")
def known(tmp_path_factory, empty_store):
    """A context with its true claims; nobody changes it."""
    folder = tmp_path_factory.mktemp("known")
    shutil.copy(empty_store, folder / "devmesh.db")
    settings = load_settings(data_dir=folder, embedding_provider="off", disk_reserve_mb=1)
    mesh = open_mesh(settings, clock=FakeClock(BROKE_US - 10 * MINUTE_US))
    mesh.intake.start()
    happen(mesh)
    (case,) = mesh.incidents.list().rows
    context = mesh.investigations.investigate(case, mesh.incidents.findings(case.id))[1]
    yield context, true_claims(context)
    mesh.close()


def true_claims(context) -> list[Claim]:
    """Of every sort some, as the lines were made."""
    window = {"since_us": context.window.since_us, "until_us": context.window.until_us}
    movers = context.movers
    first, second = movers[0].event_id, movers[1].event_id
    families = {one.text: one.family_id for one in context.families}
    failed = families["mariadb.service: Failed with result 'core-dump'."]
    refused = families["ERROR: mariadb at db<n>: connection refused"]
    return [
        Claim(Metric.EVENTS, 5, (failed,), **window),
        Claim(Metric.EVENTS, 5, (refused,), node="apps", **window),
        Claim(Metric.EVENTS, 0, (refused,), node="db01", **window),
        Claim(Metric.EVENTS, 10, (refused, failed), **window),
        Claim(Metric.ERRORS, 5, (refused,), service="api", **window),
        Claim(Metric.NODES, 2, (refused, failed), **window),
        Claim(Metric.SERVICES, 1, (refused,), **window),
        Claim(Metric.TIME, int(first.split("-")[0]), events=(first,)),
        Claim(Metric.LEAD, 20, events=(first, second)),
        Claim(Metric.LEAD, -20, events=(second, first)),
        Claim(Metric.ORDER, "before", events=(first, second)),
        Claim(Metric.ORDER, "after", events=(second, first)),
        Claim(Metric.NODE, "db01", events=(first,)),
        Claim(Metric.NODE, "apps", (refused,), **window),
        Claim(Metric.SERVICE, "mariadb", (failed,), **window),
        Claim(Metric.LINE, "ERROR: mariadb at db01: connection refused", events=(second,)),
        Claim(Metric.LINE, "mariadb.service: Failed with result 'core-dump'.", (failed,)),
    ]


def falsified(claim: Claim, draw: random.Random) -> Claim:
    """The same with an invented number, time, order, name or line."""
    if isinstance(claim.value, int):
        return replace(claim, value=claim.value + draw.choice([-7, -1, 1, 2, 60, 10**6]))
    if claim.metric is Metric.ORDER:
        return replace(claim, value="after" if claim.value == "before" else "before")
    if claim.metric is Metric.LINE:
        return replace(claim, value=draw.choice([f"{claim.value}!", f"{claim.value} on db02", "disk failed", ""]))
    return replace(claim, value=draw.choice(["nas", "zeus", "api2", "the router"]))


def unfounded(claim: Claim, draw: random.Random) -> Statement:
    """A sentence that nothing can prove: no citation, what does not exist, prose that says more than its claims."""
    cited = replace(claim, families=(), templates=(), events=())
    text = SENTENCE[claim.metric]
    return draw.choice(
        [
            Statement(text, (cited,)),
            Statement(text, (replace(claim, families=(987_654,)),)),
            Statement(text, (replace(claim, templates=(987_654,)),)),
            Statement(text, (replace(claim, events=("1763722800000000-999999999",)),)),
            Statement(text, (replace(claim, events=("nonsense",)),)),
            Statement(f"{text}, {draw.randrange(2, 99)} percent of all", (claim,)),
            Statement(f"{text}, a dozen in all", (claim,)),
            Statement(f"{text} on zeus.internal", (claim,)),
            Statement(f"{text}, nas did it", (claim,)),
            Statement(f"{text} and {{1}}", (claim,)),
            Statement("it is broken", (claim,)),
            Statement("everything is fine", ()),
        ]
    )


def test_two_hundred_reports_of_a_writer_that_invents(known):
    """Every false claim is flagged and shows the truth, no true one is; what nothing proves is taken out, counted."""
    context, true = known
    for seed in range(200):
        draw = random.Random(seed)  # noqa: S311
        lock, expect = Lock(context.ledger), {"struck": 0, "out": 0}
        for _ in range(10):
            claim, lot = draw.choice(true), draw.random()
            if lot < 0.4:
                locked = lock.let(Statement(SENTENCE[claim.metric], (claim,)))
                assert locked is not None, claim
                assert locked.claims[0].holds, claim
            elif lot < 0.7:
                false = falsified(claim, draw)
                if false.value == claim.value:
                    continue
                expect["struck"] += 1
                locked = lock.let(Statement(SENTENCE[claim.metric], (false,)))
                assert locked is not None, false
                assert not locked.claims[0].holds
                assert locked.claims[0].truth == claim.value
            else:
                expect["out"] += 1
                statement = unfounded(claim, draw)
                assert lock.let(statement) is None, statement
        assert (lock.struck, sum(lock.out.values())) == (expect["struck"], expect["out"])


def test_a_report_of_which_all_prose_is_rejected_still_renders(known):
    """Suspects by name, the changes and what to look at next are not prose; a false number stands beside the truth."""
    context, true = known
    made = draft(context)
    lies = [Statement("all {0} disks of zeus burnt", (Claim(Metric.EVENTS, 12, (987_654,)),))]
    accused = [replace(one, reasons=lies, doubts=lies) for one in made.suspects]
    parts = dict.fromkeys(("what", "where", "since", "impact", "order", "changed", "others"), lies)
    rejected = replace(made, hypothesis=lies[0], suspects=accused, **parts)
    report = write(context, rejected, context.ledger, UTC, 0, "model")
    assert "zeus" not in report.markdown + report.hypothesis
    assert report.facts["taken_out"] == {"cites what does not exist, or cannot be computed": 8 + 2 * len(accused)}
    assert "mariadb on db01" in report.markdown
    assert report.next_checks
    wrong = replace(made, what=[Statement("it said this {0} times", (replace(true[0], value=12),))])
    report = write(context, wrong, context.ledger, UTC, 0, "model")
    assert "it said this ~~12~~ 5 times" in report.markdown
    assert report.facts["what"][0]["claims"][0]["truth"] == 5


def test_what_the_rules_write_is_never_flagged(known):
    """Also not where their prose is looked at as closely as a model's."""
    context, _true = known
    lock, made = Lock(context.ledger), draft(context)
    everything = [*made.what, *made.where, *made.since, *made.order, *made.impact, *made.changed, *made.others]
    everything += [one for some in made.suspects for one in (*some.reasons, *some.doubts)]
    assert len(lock.all([made.hypothesis, *everything])) == len(everything) + 1
    assert lock.struck == 0


def test_a_window_that_cannot_be_counted_proves_nothing(known):
    """A year, a time far away by minutes, a window that ends where it begins."""
    context, true = known
    lock = Lock(context.ledger)
    for since, until in ((0, context.window.until_us), (MINUTE_US, 2 * MINUTE_US), (5, 5), (-(10**30), 10**30)):
        claim = replace(true[0], since_us=since, until_us=until)
        assert lock.let(Statement("it said this {0} times", (claim,))) is None
    assert sum(lock.out.values()) == 4
