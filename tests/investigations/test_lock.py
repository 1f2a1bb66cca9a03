"""The evidence lock: what a writer invents is flagged, what is true is not, and what is left still makes a report."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from datetime import UTC

import pytest

from bodies import line, take
from broken_fleet import BROKE_US, MINUTE_US, happen
from devmesh.clock import FakeClock
from devmesh.events import Filter
from devmesh.investigations import wording
from devmesh.investigations.claims import Claim, Metric, Statement
from devmesh.investigations.draft import draft
from devmesh.investigations.ledger import Ledger
from devmesh.investigations.lock import Lock, truth
from devmesh.investigations.report import write
from devmesh.mesh import open_mesh
from devmesh.settings import load_settings

SENTENCE = {
    Metric.EVENTS: "it said {0} of this",
    Metric.ERRORS: "it had {0}",
    Metric.NODES: "it came from {0}",
    Metric.SERVICES: "it came from {0}",
    Metric.TIME: "it came at {0}",
    Metric.FIRST: "it said this {0}",
    Metric.LAST: "it said this {0}",
    Metric.LEAD: "{1} came {0} {2}",
    Metric.ORDER: "{1} came {0} {2}",
    Metric.NODE: "it was seen on {0}",
    Metric.SERVICE: "it was said by {0}",
    Metric.LINE: "it reads {0}",
}
INVENTED = (
    ", {} percent of all", ", a dozen in all", " on zeus.internal", ", nas did it", ", before all others",
    ", and the first of all", ", and then the rest fell", ", which began it", " some seconds ahead of it",
)  # fmt: skip


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
    events = {text: said(mesh, text) for text in ("core-dump", "connection refused")}
    yield context, true_claims(context, events), sorted(one for some in events.values() for one in some)
    mesh.close()


def said(mesh, text: str) -> list[str]:
    """The ids of the lines that hold a text, the first one first."""
    return [one.id for one in reversed(mesh.events.query(Filter(contains=text), 100).events)]


def true_claims(context, events) -> list[Claim]:
    """Of every sort some, as the lines were made."""
    window = {"since_us": context.window.since_us, "until_us": context.window.until_us}
    died, wailed = events["core-dump"], events["connection refused"]
    first, second = died[0], wailed[0]
    families = {one.line: int(one.family[1:]) for one in context.families}
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
        Claim(Metric.ORDER, "before", events=(wailed[1], died[3])),
        Claim(Metric.LEAD, 20, (failed, refused), **window),
        Claim(Metric.ORDER, "after", (refused, failed), **window),
        Claim(Metric.FIRST, first, (failed,), **window),
        Claim(Metric.FIRST, second, (refused,), node="apps", **window),
        Claim(Metric.FIRST, first, (refused, failed), **window),
        Claim(
            Metric.FIRST, died[2], (failed,), since_us=window["since_us"] + 4 * MINUTE_US, until_us=window["until_us"]
        ),
        Claim(Metric.LAST, wailed[-1], (refused, failed), **window),
        Claim(Metric.LAST, died[-1], service="mariadb", **window),
        Claim(Metric.NODE, "db01", events=(first,)),
        Claim(Metric.NODE, "apps", (refused,), **window),
        Claim(Metric.SERVICE, "mariadb", (failed,), **window),
        Claim(Metric.LINE, "ERROR: mariadb at db01: connection refused", events=(second,)),
        Claim(Metric.LINE, "mariadb.service: Failed with result 'core-dump'.", (failed,)),
    ]


def lines_of(ledger, claim: Claim) -> tuple[Claim, ...]:
    """The lines of the two of whom an order is; of other claims nothing."""
    if claim.metric not in (Metric.LEAD, Metric.ORDER):
        return ()
    ends = [Claim(Metric.LINE, events=(one,)) for one in claim.events]
    ends = ends or [Claim(Metric.LINE, families=(one,)) for one in claim.families]
    return tuple(replace(one, value=truth(ledger, one)) for one in ends)


def sentence(ledger, claim: Claim, more: str = "") -> Statement:
    """A sentence of a claim; an order stands between the two whom it is of."""
    return Statement(SENTENCE[claim.metric] + more, (claim, *lines_of(ledger, claim)))


def falsified(claim: Claim, draw: random.Random, events: list[str]) -> Claim:
    """The same with an invented number, time, order, name or line; of what is said to be the first, another one."""
    if claim.metric in (Metric.FIRST, Metric.LAST):
        return replace(claim, value=draw.choice([one for one in events if one != claim.value]))
    if isinstance(claim.value, int):
        return replace(claim, value=claim.value + draw.choice([-7, -1, 1, 2, 60, 10**6]))
    if claim.metric is Metric.ORDER:
        return replace(claim, value="after" if claim.value == "before" else "before")
    if claim.metric is Metric.LINE:
        return replace(claim, value=draw.choice([f"{claim.value}!", f"{claim.value} on db02", "disk failed", ""]))
    return replace(claim, value=draw.choice(["nas", "zeus", "api2", "the router"]))


def unfounded(ledger, claim: Claim, draw: random.Random, events: list[str]) -> Statement:
    """A sentence that nothing can prove: no citation, what does not exist, prose that says more than its claims."""
    edge, between = claim.metric in (Metric.FIRST, Metric.LAST), claim.metric in (Metric.LEAD, Metric.ORDER)
    cited = replace(claim, families=(), templates=(), events=(), **({"value": "", "service": ""} if edge else {}))
    text, around = SENTENCE[claim.metric], lines_of(ledger, claim)
    made = [
        Statement(text, (cited, *(replace(one, events=(), families=()) for one in around))),
        sentence(ledger, replace(claim, families=(987_654,))),
        sentence(ledger, replace(claim, templates=(987_654,))),
        sentence(ledger, replace(claim, events=("nonsense",))),
        Statement(f"{text} and {{9}}", (claim, *around)),
        Statement("it is broken", (claim, *around)),
        Statement("everything is fine", ()),
    ]
    if not between:
        made.append(sentence(ledger, replace(claim, events=("1763722800000000-999999999",))))
        made.append(sentence(ledger, claim, " since the nas caused it"))
    else:
        made.append(Statement(text, (claim, *around[::-1])))
    if edge:
        made.append(sentence(ledger, replace(claim, value="1763722800000000-999999999")))
        other = draw.choice([one for one in events if one != claim.value])
        who = Claim(Metric.SERVICE, ledger.event(other).service, events=(other,))
        made.append(Statement("{1} said this {0}", (claim, who)))
    made += [sentence(ledger, claim, words.format(draw.randrange(2, 99))) for words in INVENTED]
    return draw.choice(made)


def test_two_hundred_reports_of_a_writer_that_invents(known):
    """Every false claim is flagged and shows the truth, no true one is; what nothing proves is taken out, counted."""
    context, true, events = known
    ledger = context.ledger
    for seed in range(200):
        draw = random.Random(seed)  # noqa: S311
        lock, expect = Lock(ledger), {"struck": 0, "out": 0}
        for _ in range(15):
            claim, lot = draw.choice(true), draw.random()
            if lot < 0.4:
                locked = lock.let(sentence(ledger, claim))
                assert locked is not None, claim
                assert locked.claims[0].holds, claim
            elif lot < 0.7:
                false = falsified(claim, draw, events)
                if false.value == claim.value:
                    continue
                expect["struck"] += 1
                locked = lock.let(sentence(ledger, false))
                assert locked is not None, false
                assert not locked.claims[0].holds
                assert locked.claims[0].truth == claim.value
            else:
                expect["out"] += 1
                statement = unfounded(ledger, claim, draw, events)
                assert lock.let(statement) is None, statement
        assert (lock.struck, sum(lock.out.values())) == (expect["struck"], expect["out"])


def test_who_is_said_to_be_first_is_looked_up_in_the_store(known):
    """Also where its event is real, of the same family, and of the next minute: the true first stands beside it."""
    context, true, events = known
    (claim,) = (one for one in true if one.metric is Metric.FIRST and one.node == "apps")
    later = next(one for one in events if one > claim.value and context.ledger.event(one).node == "apps")
    locked = Lock(context.ledger).let(Statement("it said this {0}", (replace(claim, value=later),)))
    at = [wording.clock(context.ledger.event(one).ts_us, UTC) for one in (later, claim.value)]
    assert wording.plain(locked, UTC) == f"it said this ~~first at {at[0]}~~ first at {at[1]}"


def test_what_the_rules_call_first_is_struck_through_where_earlier_lines_came_late(make_mesh):
    """A draft that was made before them does not hold any more: the report shows the true first."""
    mesh = make_mesh(clock=FakeClock(BROKE_US - 10 * MINUTE_US))
    happen(mesh)
    (case,) = mesh.incidents.list().rows
    context = mesh.investigations.investigate(case, mesh.incidents.findings(case.id))[1]
    made = draft(context)
    died = "mariadb.service: Failed with result 'core-dump'."
    early = line(died, service="mariadb", ts_us=BROKE_US - MINUTE_US, node="db01")
    take(mesh, early, "relay", received_us=mesh.clock.now_us(), may_name_nodes=True)
    judge = Ledger(mesh.nodes, mesh.templates, mesh.events, context.ledger.near)
    report = write(context, made, judge, UTC, 0)
    (since,) = report.facts["since"]
    first = next(one for one in since["claims"] if one["metric"] == "first")
    assert not first["holds"]
    assert first["truth"] == said(mesh, died)[0]
    assert f"~~first at {wording.clock(BROKE_US, UTC)}~~" in report.markdown


def test_a_report_of_which_all_prose_is_rejected_still_renders(known):
    """Suspects by name, the changes and what to look at next are not prose; a false number stands beside the truth."""
    context, true, _events = known
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
    wrong = replace(made, what=[Statement("it said {0} of this", (replace(true[0], value=12),))])
    report = write(context, wrong, context.ledger, UTC, 0, "model")
    assert "it said ~~12 lines~~ 5 lines of this" in report.markdown
    assert report.facts["what"][0]["claims"][0]["truth"] == 5


def test_what_the_rules_write_is_never_flagged(known):
    """Also not where their prose is looked at as closely as a model's."""
    context, *_true = known
    lock, made = Lock(context.ledger), draft(context)
    everything = [*made.what, *made.where, *made.since, *made.order, *made.impact, *made.changed, *made.others]
    everything += [one for some in made.suspects for one in (*some.reasons, *some.doubts)]
    assert len(lock.all([made.hypothesis, *everything])) == len(everything) + 1
    assert lock.struck == 0


def test_a_window_that_cannot_be_counted_proves_nothing(known):
    """A year, a time far away by minutes, a window that ends where it begins."""
    context, true, _events = known
    lock = Lock(context.ledger)
    for since, until in ((0, context.window.until_us), (MINUTE_US, 2 * MINUTE_US), (5, 5), (-(10**30), 10**30)):
        claim = replace(true[0], since_us=since, until_us=until)
        assert lock.let(Statement("it said {0} of this", (claim,))) is None
    assert sum(lock.out.values()) == 4
