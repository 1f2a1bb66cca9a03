"""The room's verb: answer a question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import tzinfo

from devmesh.analysis import retelling
from devmesh.analysis.desk import HOUR_US, MINUTE_US, NEAR_US, Desk
from devmesh.analysis.entities import Entities, Known, entities_in
from devmesh.analysis.model import Answer, Asked
from devmesh.analysis.plans import PLANS
from devmesh.analysis.routing import Kind, route
from devmesh.analysis.times import Window, window_in
from devmesh.analysis.tools import Run, Toolbox
from devmesh.analysis.words import MOST_CHARS, read
from devmesh.clock import Clock
from devmesh.errors import InvalidInput, NotFound
from devmesh.events import Events
from devmesh.graph import Graph
from devmesh.incidents import Incidents
from devmesh.investigations import Investigations, Ledger, Said, Told
from devmesh.memory import Span
from devmesh.nodes import Nodes
from devmesh.templates import Templates

DAY_US = 24 * HOUR_US
ANSWER_S = 10.0
MOST_PARTS = 8
LONGEST_US = 56 * DAY_US  # hours are kept so long
USUAL_US = {Kind.OFTEN: 7 * DAY_US, Kind.INCIDENT: 7 * DAY_US, Kind.FIND: 7 * DAY_US, Kind.WHY: 2 * DAY_US}
NO_EVIDENCE = "There is not enough evidence to answer: nothing is stored of that time, or of whom you name."
NOT_UNDERSTOOD = "The question was not understood."
TOO_LATE = "The ten seconds of an answer are over; what stands here was found until then. Ask of a shorter time."


class Analysis:
    """Answers."""

    def __init__(
        self, clock: Clock, nodes: Nodes, templates: Templates, events: Events, graph: Graph, incidents: Incidents,
        investigations: Investigations,
    ) -> None:  # fmt: skip
        self._clock, self._nodes, self._templates, self._events = clock, nodes, templates, events
        self._graph, self._incidents, self._investigations = graph, incidents, investigations

    def understand(self, question: str, zone: tzinfo) -> Asked:
        """What is asked, of whom, of which time. Raises InvalidInput for a question that is empty or too long."""
        if len(question) > MOST_CHARS:
            raise InvalidInput(
                f"The question is longer than {MOST_CHARS:,} characters.", hint="Ask one thing at a time."
            )
        if not question.strip():
            raise InvalidInput("There is no question.", hint='devmesh ask "what failed last night?"')
        now, words = self._clock.now_us(), read(question)
        window = window_in(words.tokens, now, zone)
        found = entities_in(words.tokens, self._known(), window.taken if window else ())
        routed = route(words, found, window)
        span, assumed = _span(window, routed.kind, now)
        quoted = bool(words.quoted)
        return Asked(question, routed.kind, found, span, assumed, routed.content, quoted, routed.loose, now, zone)

    def answer(self, question: str, zone: tzinfo, runs: Mapping[str, Run]) -> Answer:
        """The answer, from what the tools find and the store confirms, within some 10 s. Raises InvalidInput."""
        began_s = self._clock.monotonic_s()
        asked = self.understand(question, zone)
        toolbox = Toolbox(runs, self._clock, began_s + ANSWER_S)
        desk = Desk(asked, toolbox, self._ledger(self._near(asked)), self._reported)
        if asked.kind in PLANS:
            PLANS[asked.kind](desk)
        notes = [*_read_as(asked.entities), *desk.notes]
        if toolbox.late:
            notes.append(TOO_LATE)
        understood = asked.kind is not Kind.UNCLEAR
        enough = bool(desk.parts)
        if not enough:
            notes.insert(0, NO_EVIDENCE if understood else NOT_UNDERSTOOD)
        took_ms = round((self._clock.monotonic_s() - began_s) * 1_000)
        return Answer(
            asked, tuple(desk.parts), tuple(notes), enough, () if understood else self._examples(),
            toolbox.results, desk.lock.struck, sum(desk.lock.out.values()), took_ms,
        )  # fmt: skip

    def _near(self, asked: Asked) -> Span:
        """What is counted by the minute: the window and as long a time before, or nothing where it is long."""
        window = asked.window
        length = window.until_us - window.since_us
        if length > NEAR_US:
            return Span(0, 0)
        return Span(window.since_us - max(length, HOUR_US), window.until_us)

    def _ledger(self, near: Span, copies: Mapping[str, Said] | None = None) -> Ledger:
        return Ledger(self._nodes, self._templates, self._events, near, copies, self._told)

    def _told(self, number: int) -> Told | None:
        try:
            case = self._incidents.get(number)
        except NotFound:
            return None
        summary = self._investigations.summaries([number]).get(number)
        title = case.title if summary is None or summary.inconclusive else summary.title  # as every list calls it
        return Told(title, case.onset_us, case.status, self._parts(number))

    def _parts(self, number: int) -> str:
        parts = self._incidents.parts([number])[number]
        services = self._nodes.service_names.names({one.service_id for one in parts}).values()
        nodes = self._nodes.node_names.names({one.node_id for one in parts}).values()
        return f"{_few(services)} on {_few(nodes)}"

    def _reported(self, number: int) -> tuple[Ledger, retelling.Sections] | None:
        """What an incident's report says, and who judges it; None where there is no report."""
        report = self._investigations.report(number)
        if report is None:
            return None
        cited = self._incidents.cited(number)
        nodes = self._nodes.node_names.names({one.node_id for one in cited})
        services = self._nodes.service_names.names({one.service_id for one in cited})
        copies = {
            one.event_id: Said(one.ts_us, nodes.get(one.node_id, "?"), services.get(one.service_id, "?"), one.message)
            for one in cited
        }
        return self._ledger(retelling.near(report), copies), list(retelling.sections(report))

    def _known(self) -> Known:
        """The names that there are."""
        graph, services = self._graph.snapshot(), [one.name for one in self._nodes.services()]
        there = set(services)
        meant = {alias: graph.things[number].name for alias, number in graph.names.items()}
        aliases = {alias: name for alias, name in meant.items() if name in there}
        return Known(services, self._nodes.present(), aliases)

    def _examples(self) -> tuple[str, ...]:
        """What can be asked, with names that there are."""
        node = next(iter(self._nodes.present()), "web1")
        service = next((one.name for one in self._nodes.services() if one.name.isascii()), "nginx")
        return (
            f"what failed on {node} last night?", f"how is {service} doing?", f"what changed on {node} since yesterday?"
        )  # fmt: skip


def _span(window: Window | None, kind: Kind, now_us: int) -> tuple[Span, bool]:
    """The window of a question in whole minutes or hours, and whether nobody said it."""
    until = (window.until_us if window else None) or now_us
    since = window.since_us if window else None
    assumed = since is None
    if since is None:
        since = until - USUAL_US.get(kind, DAY_US)
    since = max(since, until - LONGEST_US)
    step = MINUTE_US if until - since <= NEAR_US else HOUR_US
    return Span(since // step * step, -(-until // step) * step), assumed


def _few(names: Iterable[str]) -> str:
    """Names in order, a handful of them."""
    some = sorted(names)
    return ", ".join(some[:MOST_PARTS]) + (f" and {len(some) - MOST_PARTS} more" if len(some) > MOST_PARTS else "")


def _read_as(found: Entities) -> list[str]:
    return [f"“{one.said}” was read as {one.name}." for one in found.guesses]
