"""What is looked up for each kind of question, in which order, and what is said of it. No model is asked.

Each plan is a few calls of tools and statements made of what they name; every value in a statement is the store's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from devmesh.analysis.desk import STEADY, Desk
from devmesh.analysis.routing import Kind
from devmesh.analysis.tools import Result
from devmesh.investigations import Claim, Metric, Statement

SHOWN, FEW, LINES, BLAMED = 6, 3, 10, 2
PRIORITY = {"critical": "crit", "warning": "warning"}
NEAR = 5
NEAREST = "Nearest to what you look for"
UNCOMPARED = "With the time before it could not be compared:"
NOTHING = "Nothing of the kind was found."


def families_of(result: Result) -> list[int]:
    """The families of a result's rows, in their order."""
    return [int(str(row["id"])[1:]) for row in result.rows]


def incidents(desk: Desk) -> bool:
    """The incidents of the window, and what the reports on the newest say."""
    found = desk.call("list_incidents", limit=10)
    told = desk.add("Incidents", [desk.incident(row) for row in found.rows[:FEW]])
    for row in found.rows[:BLAMED]:
        report = desk.reported(int(row["id"]))
        if report is not None:
            desk.add(*report[1][0], report[0])
    return told


def errors(desk: Desk) -> tuple[Result, bool]:
    """What is bad and new or louder, then what is as bad as before."""
    found = desk.call("get_service_overview", priority=PRIORITY.get(desk.asked.entities.severity, "err"))
    worst = {int(str(row["id"])[1:]): int(row["worst"]) for row in found.rows}
    growth = {family: desk.growth(family) for family in families_of(found)}
    ranked = sorted(growth, key=lambda one: (-min(growth[one], 20.0), worst[one]))
    louder = [one for one in ranked if growth[one] >= STEADY]
    steady = [one for one in ranked if 0 < growth[one] < STEADY]
    said = desk.add("What is bad, and new or louder", [desk.family(one, first=True) for one in louder[:SHOWN]])
    return found, desk.add("As bad as before", [desk.family(one) for one in steady[:FEW]]) or said


def totals(desk: Desk, loudest: Iterable[str], title: str = "In all") -> bool:
    """How much was said and how much of it was errors; it cites the family that was said most."""
    named, some = desk.asked.entities, list[Statement | None]()
    cited = tuple(int(one[1:]) for one in loudest)
    for name in named.nodes or named.services or ("",):
        who = {"node": name} if name in named.nodes else {"service": name} if name else {}
        counts = [desk.within(Claim(metric, **who)) for metric in (Metric.EVENTS, Metric.ERRORS)]  # type: ignore[arg-type]
        line = Claim(Metric.LINE, families=cited)
        if name:
            some.append(desk.say("{0}: {1}, {2}; most of it {3}", naming(desk, name), *counts, line))
        else:
            some.append(desk.say("{0}, {1}; most of it {2}", *counts, line))
    return desk.add(title, some)


def naming(desk: Desk, name: str) -> Claim:
    """That there is a node or service of that name."""
    return Claim(Metric.NODE if name in desk.asked.entities.nodes else Metric.SERVICE, name)


def silent(desk: Desk) -> bool:
    """Nodes that fell silent: of those that are named, else of all."""
    nodes = (
        desk.asked.entities.nodes or tuple(sorted(desk.ledger.nodes))[:40] if not desk.asked.entities.services else ()
    )
    return desk.add("Silence", [desk.silence(node) for node in nodes])


def failing(desk: Desk) -> None:
    """Incidents, who fell silent, errors that are new or louder."""
    told = incidents(desk)
    told = silent(desk) or told
    found, bad = errors(desk)
    told = bad or told
    if totals(desk, found.sums.get("loudest", ())) and not told:
        desk.notes.append(NOTHING)


def status(desk: Desk) -> None:
    """When it was heard last, how much it says, what is bad."""
    named, some = desk.asked.entities, list[Statement | None]()
    for name in (*named.services, *(named.nodes if not named.services else ())):
        who = {"node": name} if name in named.nodes else {"service": name}
        last = desk.within(Claim(Metric.LAST, **who))  # type: ignore[arg-type]
        heard = desk.say("{0}", last)
        if heard is not None:
            event = (str(heard.claims[0].value),)
            by = Claim(Metric.SERVICE, events=event), Claim(Metric.NODE, events=event)
            some.append(desk.say("{0} on {1} was heard {2}.", *by, last))
    desk.add("Heard", some)
    failing(desk)


def happened(desk: Desk) -> None:
    """Incidents, what was changed, what was new or louder, in order of time."""
    told = incidents(desk)
    told = silent(desk) or told
    changed = desk.call("what_changed")
    told = strip(desk, changed) or told
    kinds = {int(str(row["id"])[1:]): row["kind"] for row in changed.rows}
    bad = desk.call("get_service_overview")
    louder = [one for one in families_of(bad) if desk.growth(one) >= STEADY]
    some = list(dict.fromkeys([*louder[:SHOWN], *(one for one in kinds if kinds[one] in {"new", "louder"})]))[
        : 2 * SHOWN
    ]
    said = [one for family in some if (one := desk.family(family, first=True, compared=False)) is not None]
    told = desk.add("In order of time", sorted(said, key=_begins)) or told
    if totals(desk, bad.sums.get("loudest", ())) and not told:
        desk.notes.append("Nothing out of the ordinary was found.")
    if changed.sums.get("refused"):
        desk.notes.append(f"{UNCOMPARED} {changed.sums['refused']}")


def _begins(one: Statement | None) -> str:
    return next((str(claim.value) for claim in (one.claims if one else ()) if claim.metric is Metric.FIRST), "~")


def strip(desk: Desk, changed: Result) -> bool:
    """What people and programs changed."""
    some = [desk.event({"id": row["event"]}) for row in changed.sums.get("strip", ())]
    return desk.add("Changed by people and programs", some[:SHOWN])


def changed(desk: Desk) -> None:
    """What people and programs changed, and families that are new, gone, louder or quieter."""
    found = desk.call("what_changed")
    told = strip(desk, found)
    told = silent(desk) or told
    for kind, title in (("new", "New"), ("louder", "Louder"), ("quieter", "Quieter"), ("gone", "Gone")):
        most = FEW if kind == "gone" else SHOWN
        some = [int(str(row["id"])[1:]) for row in found.rows if row["kind"] == kind][:most]
        told = desk.add(title, [gone(desk, one) if kind == "gone" else desk.family(one) for one in some]) or told
    if found.sums.get("refused"):
        desk.notes.append(f"{UNCOMPARED} {found.sums['refused']}")
    elif not told:
        desk.notes.append("Nothing changed but by luck.")
    if not told:
        totals(desk, desk.call("get_service_overview").sums.get("loudest", ()))


def gone(desk: Desk, family: int) -> Statement | None:
    """A family that was not said any more."""
    count = Claim(Metric.EVENTS, families=(family,))
    claims = Claim(Metric.LINE, families=(family,)), desk.within(count), desk.within(count, desk.before)
    return desk.say("{0}: {1}, in as long a time before {2}.", *claims)


def often(desk: Desk) -> None:
    """How often what is looked for was said, or how much somebody said at all."""
    if not desk.asked.content:
        totals(desk, desk.call("get_service_overview").sums.get("loudest", ()))
        return
    families, whole = looked_for(desk)
    if whole and len(families) > 1:
        named = desk.asked.entities
        who = {key: some[0] for key, some in (("node", named.nodes), ("service", named.services)) if len(some) == 1}
        count = desk.within(Claim(Metric.EVENTS, families=tuple(families), **who))  # type: ignore[arg-type]
        desk.add("In all", [desk.say("Of these patterns together {0}.", count)])
    desk.add("How often" if whole else NEAREST, [desk.family(one) for one in families[:SHOWN]])


def looked_for(desk: Desk) -> tuple[list[int], bool]:
    """The families that were said in the window and say what is looked for, and whether they say all of it: those with
    all its words, of whoever says them if the service that is named does not; else the nearest in meaning. What stands
    in quotation marks must be there.
    """
    asked, query = desk.asked, desk.asked.content[:1_000]
    found = _said(desk, query)
    whole = _whole(found, query) if not asked.loose else []
    if not whole and asked.entities.services and not asked.loose:
        desk.asked = replace(asked, entities=replace(asked.entities, services=()))
        whole = _whole(_said(desk, " ".join((query, *asked.entities.services))), query)
        if whole:
            desk.notes.append("The service does not say it itself; these are others that do.")
        else:
            desk.asked = asked
    if not whole and asked.quoted:
        lines = desk.call("query_logs", contains=query)
        whole = list(dict.fromkeys(int(str(row["family"])[1:]) for row in lines.rows))
    if whole or asked.quoted:
        if not whole:
            desk.notes.append("No line in this time says that.")
        return whole, True
    return [int(str(row["id"])[1:]) for row in found[:NEAR]], False


def _said(desk: Desk, query: str) -> list[dict[str, Any]]:
    return [row for row in desk.call("search_templates", query=query).rows if row["n"]]


def _whole(rows: Iterable[dict[str, Any]], query: str) -> list[int]:
    """The families whose text has all the words."""
    words = {_stem(one) for one in query.lower().split()}
    return [int(str(row["id"])[1:]) for row in rows if all(one in str(row["text"]).lower() for one in words)]


def _stem(word: str) -> str:
    return word[:-1] if word.endswith("s") and len(word) > 3 else word  # noqa: PLR2004 - gas is none


def find(desk: Desk) -> None:
    """The families that say it, and their newest lines; with nothing to look for the newest lines of the time."""
    families, whole = looked_for(desk) if desk.asked.content else ([], True)
    desk.add("Patterns" if whole else NEAREST, [desk.family(one, compared=False) for one in families[:SHOWN]])
    if families or not desk.asked.content:
        found = desk.call("query_logs", template=[f"f{one}" for one in families[:SHOWN]], limit=LINES)
        desk.add("The newest lines", [desk.event(row) for row in found.rows])


def compare(desk: Desk) -> None:
    """How much each said, and what is bad of each."""
    named = desk.asked.entities
    kind, names = ("node", named.nodes) if len(named.nodes) > 1 else ("service", named.services)
    for name in names[:FEW]:
        only = {kind: [name]}
        overview = desk.call("get_service_overview", **only)
        single = replace(named, nodes=(name,)) if kind == "node" else replace(named, services=(name,))
        whole, desk.asked = desk.asked, replace(desk.asked, entities=single)
        count = [desk.within(Claim(metric, **{kind: name})) for metric in (Metric.EVENTS, Metric.ERRORS)]  # type: ignore[arg-type]
        cited = tuple(int(one[1:]) for one in overview.sums.get("loudest", ()))
        head = desk.say("{0}: {1}, {2}; most of it {3}", naming(desk, name), *count, Claim(Metric.LINE, families=cited))
        some = [desk.family(one) for one in families_of(overview)[:FEW]]
        desk.add(name, [head, *some])
        desk.asked = whole


def why(desk: Desk) -> None:
    """The incident that it belongs to, with its report; else what is bad of it and of whom it needs."""
    found = desk.call("list_incidents", limit=10)
    for row in found.rows[:1]:
        explained(desk, int(row["id"]))
    for name in desk.asked.entities.services[:1]:
        near = desk.call_alone("graph_neighbours", name=name, limit=10)
        needs = [str(row["name"]) for row in near.rows if row["side"] == "needs" and row["kind"] == "service"]
        if needs:
            desk.notes.append(f"By the inventory {name} needs {', '.join(needs)}.")
    if not found.rows:
        failing(desk)


def incident(desk: Desk) -> None:
    """The incident that is meant, with its report; else those of the window."""
    numbers = desk.asked.entities.incidents
    for number in numbers[:1]:
        if not explained(desk, number):
            desk.notes.append(f"There is no incident {number}.")
    if numbers:
        return
    said = set(desk.asked.question.lower().split())
    active = {"status": "active"} if said & {"open", "active", "offene", "offen", "current"} else {}
    found = desk.call("list_incidents", limit=10, **active)
    if found.rows and said & {"latest", "last", "newest", "letzte", "letzten", "neueste"}:
        explained(desk, int(found.rows[0]["id"]))
    elif not desk.add("Incidents", [desk.incident(row) for row in found.rows]):
        desk.notes.append("There is no incident in this time.")


def explained(desk: Desk, number: int) -> bool:
    """An incident: what its report says, each statement held against the store as it is now."""
    told = desk.call_alone("get_incident", number=number)
    if told.error:
        return False
    desk.add("Incident", [desk.incident({"id": number})])
    judge, sections = desk.reported(number) or (None, ())
    for title, some in sections:
        desk.add(title, some, judge)
    for check in told.rows[0]["next_checks"][:FEW] if told.rows else ():
        desk.notes.append(f"To look at next: {check}")
    return True


PLANS: dict[Kind, Callable[[Desk], None]] = {
    Kind.FAILING: failing, Kind.STATUS: status, Kind.HAPPENED: happened, Kind.CHANGED: changed, Kind.OFTEN: often,
    Kind.FIND: find, Kind.COMPARE: compare, Kind.WHY: why, Kind.INCIDENT: incident,
}  # fmt: skip
