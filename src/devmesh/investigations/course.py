"""How the trouble went from the first suspect to those who need it: along the edges of an inventory, by onset.

Each who has a part in it is put behind the nearest one in trouble that it needs, if the suspect is on that way; so is
whom a victim needs, once it began after the victim (who restarts leaves half of a call to others). Everybody else is
what the suspect does not explain. Where somebody began before whom it needs, that is said, not smoothed over. Without
an inventory that knows the suspect nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from devmesh.detectors import Finding
from devmesh.incidents import Ties
from devmesh.investigations.advice import KERNEL
from devmesh.investigations.claims import Claim, Metric, Statement
from devmesh.investigations.suspects import WHOLE, Pair
from devmesh.investigations.telling import Teller, whole

STEPS, LEVELS, ABREAST, REST = 8, 4, 3, 5  # those told of, hops of the chain, names in a hop, names of the unexplained
VAGUE = {"errors", "new errors", "more lines", "fewer lines", "unfinished work", "trouble"}
WORDS = {
    "out of memory": "out of memory", "disk full": "disk full", "read-only file system": "read-only file system",
    "kernel panic": "kernel fault", "hardware error": "failing hardware", "task blocked": "blocked tasks",
    "file system damaged": "damaged file system", "disk wearing out": "failing disk", "power lost": "no mains power",
    "no address": "no address", "limit reached": "a limit reached", "no connection left": "no connection left",
    "segmentation fault": "crashes", "unit failed": "failures", "certificate not accepted": "certificates not accepted",
    "certificate expired": "expired certificate", "name not resolved": "names not resolved",
    "connection refused": "refused connections", "not answering": "time-outs", "failed logins": "failed logins",
    "clock jumped": "clock jump", "no shutdown": "sudden restart", "silence": "silence", "node silent": "silence",
    "unheard": "not heard", "cut off": "not heard", "killed": "killed for memory", "unmuted": "what was muted",
    "overdue": "overdue work", "successor": "unfinished work", "error rate": "errors", "new": "new errors",
    "louder": "more lines", "lasting": "more lines", "quieter": "fewer lines",
}  # fmt: skip
RESTARTS = re.compile(r"\brestart(?:ed|ing|s)?\b|start request repeated", re.IGNORECASE)


@dataclass(frozen=True)
class Step:
    """Who is behind whom. `level`: hops of those in trouble from the suspect; `by`: what lies between, that is well;
    `turned`: it is needed by whom it comes behind.
    """

    pair: Pair
    behind: Pair
    level: int
    by: str = ""
    turned: bool = False


@dataclass(frozen=True)
class Course:
    """In one line, step by step, and whom the suspect does not explain."""

    chain: Statement | None = None
    steps: Sequence[Statement] = ()
    rest: Statement | None = None


def follow(ties: Ties, suspect: Pair, pairs: Iterable[Pair], begun: Sequence[Pair]) -> list[Step]:
    """The steps from a suspect to those in trouble, in the order in which they began (`begun`, those of whom it is
    known); nobody whom it does not explain.
    """
    others = [one for one in pairs if one != suspect]
    reached = [one for one in others if ties.hops(one, suspect)]
    order = {one: place for place, one in enumerate(begun)}
    behind = {one: _behind(ties, one, suspect, [x for x in reached if not ties.hops(x, one)]) for one in reached}
    steps = {
        one: Step(one, other, _level(one, suspect, behind), ties.between(one, other)) for one, other in behind.items()
    }
    for one in others:
        if one in steps or one not in order:
            continue
        users = [x for x in reached if ties.hops(x, one) == 1 and order.get(x, len(order)) < order[one]]
        if users:
            last = max(users, key=lambda x: order[x])
            steps[one] = Step(one, last, steps[last].level + 1, turned=True)
    return sorted(steps.values(), key=lambda one: (order.get(one.pair, len(order)), one.level, one.pair))


def _behind(ties: Ties, one: Pair, suspect: Pair, among: Iterable[Pair]) -> Pair:
    """The nearest in trouble that it needs; where two are as near, the one farther from the suspect."""
    needed = [(hops, x != suspect, -ties.hops(x, suspect), x) for x in (*among, suspect) if (hops := ties.hops(one, x))]
    return min(needed)[-1]


def _level(one: Pair, suspect: Pair, behind: dict[Pair, Pair]) -> int:
    level = 0
    while one != suspect:
        one, level = behind[one], level + 1
    return level


class Telling:
    """Puts the course of one incident into sentences."""

    def __init__(self, teller: Teller, ties: Ties, suspect: Pair) -> None:
        self._t, self._suspect = teller, suspect
        pairs, begun = teller.c.pairs, [pair for pair, one in teller.c.movers.items() if one.event]
        self._steps = follow(ties, suspect, pairs, begun)
        told = {one.pair for one in self._steps}
        self._rest = [one for one in pairs if one not in told and one != suspect]
        self._words = {one: self._found(one) for one in {suspect, *pairs}}

    def course(self) -> Course:
        """All of it; nothing where nobody comes behind the suspect."""
        if not self._steps:
            return Course(rest=self._unexplained())
        steps = [self._root(), *(self._step(one) for one in self._steps[:STEPS])]
        return Course(self._chain(), whole(steps), self._unexplained())

    @property
    def pairs(self) -> set[Pair]:
        """Who is told of in the steps."""
        return {one.pair for one in self._steps[:STEPS]}

    # -- words ---------------------------------------------------------------------------------------------------------

    def _found(self, pair: Pair) -> list[tuple[str, Finding]]:
        """What was found of it in a word each, the most telling first, each word once."""
        own = [x for x in self._t.findings if (x.service, x.node) == pair]
        if self._is_kernel(pair):  # it speaks for its node
            own += [x for x in self._t.findings if x.node == pair[1] and x.kind in WHOLE and x not in own]
        said = [(self._word(one), one) for one in own]
        said.sort(key=lambda one: (one[0] in VAGUE, not one[1].critical, -one[1].weight))
        each = list({word: (word, one) for word, one in reversed(said)}.values())[::-1]
        return [one for one in each if one[0] not in VAGUE] or each[:1]  # "errors" beside what they are says nothing

    def _chief(self, pair: Pair) -> str:
        """The most telling word; what came hours later is not read, so it has none."""
        found = self._words[pair]
        return found[0][0] if found else "trouble"

    def _word(self, one: Finding) -> str:
        text = self._t.texts[one.family].text if one.family in self._t.texts else ""
        first = one.kind.split(maxsplit=1)[0] if one.kind else ""
        word = WORDS.get(one.kind) or WORDS.get(first, "trouble")
        return "restarts" if RESTARTS.search(text) and (word in VAGUE or one.kind == "unit failed") else word

    def _is_kernel(self, pair: Pair) -> bool:
        return self._t.c.services.get(pair[0]) == KERNEL

    # -- names ---------------------------------------------------------------------------------------------------------

    def _named(self, pair: Pair, at: int = 0) -> tuple[str, list[Claim]] | None:
        """Its name and node as places from `at` on, with claims that cite what it said; None where it said nothing."""
        service, node = self._t.names(pair)
        families = tuple(x.family for _word, x in self._words[pair][:2] if x.family in self._t.texts and x.family)
        mover = self._t.c.movers.get(pair)
        last = (
            None
            if families or (mover and mover.event)
            else self._t.last("" if self._is_kernel(pair) else service, node)
        )
        event = mover.event if mover and mover.event else str(last.value) if last else ""
        if families:
            named = list(self._t.who(pair, *families))
        elif event:
            named = list(self._t.by(event))
        else:
            return None
        if event:  # beside how far it is from another event stands what speaks of this one
            named[1] = self._t.by(event)[1]
        if self._is_kernel(pair):
            return f"{{{at}}}", named[1:]
        return f"{{{at}}} on {{{at + 1}}}", named

    # -- sentences -----------------------------------------------------------------------------------------------------

    def _root(self) -> Statement | None:
        """With what the suspect began."""
        found, mover = self._words[self._suspect], self._t.c.movers.get(self._suspect)
        lost = next((one for _word, one in found if one.kind in WHOLE or one.detector == "silence"), None)
        if lost is not None:
            return self._t.told(lost)
        named = self._named(self._suspect)
        if named is None or not found:
            return self._t.healthy(self._suspect)
        words, claims = " and ".join(word for word, _one in found[:2]), named[1]
        if mover is None or not mover.event:
            return self._t.say(f"{named[0]}: {words}.", *claims)
        return self._t.say(f"{named[0]}: {words}, {{{len(claims)}}}.", *claims, self._t.first(mover))

    def _step(self, one: Step) -> Statement | None:
        """Who it was, what it said, how far behind whom."""
        named = self._named(one.pair)
        if named is None:
            return None
        text, claims = named
        words = " and ".join(word for word, _one in self._words[one.pair][:2])
        head, at = f"{text}: {words}", len(claims)
        why = "which needs it" if one.turned else "which it needs"
        over, between = self._between(one, at + 3)
        mover, other = self._t.c.movers.get(one.pair), self._t.c.movers.get(one.behind)
        if mover and other and mover.event and other.event:
            lead = Claim(Metric.LEAD, events=(mover.event, other.event))
            whom, names = self._t.by(other.event), f"{{{at + 1}}} on {{{at + 2}}}"
            early = mover.at_us < other.at_us
            text = f"{head}, {'but ' if early else ''}{{{at}}} {names}, {why}{over}."
            return self._t.say(text, *claims, lead, *whom, *between)
        when = self._t.first(mover) if mover and mover.event else self._t.last(*self._t.names(one.pair))
        heard = "" if mover and mover.event else "heard "
        service, node = self._t.names(one.behind)
        name = Claim(Metric.NODE, node) if self._is_kernel(one.behind) else Claim(Metric.SERVICE, service)
        needs = "is needed by" if one.turned else "needs"
        over, between = self._between(one, at + 2)
        if when is None or (heard and not self._silent(one.pair)):
            over, between = self._between(one, at + 1)
            return self._t.say(f"{head}; it {needs} {{{at}}}{over}.", *claims, name, *between)
        return self._t.say(f"{head}, {heard}{{{at}}}; it {needs} {{{at + 1}}}{over}.", *claims, when, name, *between)

    def _silent(self, pair: Pair) -> bool:
        return any(one.detector == "silence" or one.kind in WHOLE for _word, one in self._words[pair])

    def _between(self, one: Step, at: int) -> tuple[str, list[Claim]]:
        """By way of whom, where somebody who is well lies between."""
        if not one.by:
            return "", []
        known = self._t.ledger.known(one.by)  # a name of the inventory that no log has cannot be cited
        return (f" by way of {{{at}}}", [Claim(Metric.SERVICE, one.by)]) if known else (" by way of others", [])

    def _chain(self) -> Statement | None:
        """`mariadb failures → api refused connections → proxy errors`: the levels, three names in each."""
        root = self._named(self._suspect)
        if root is None:
            return None
        text, claims = f"{{0}} {self._chief(self._suspect)}", [root[1][0]]
        levels = [list(some) for _level, some in groupby(sorted(self._steps, key=lambda x: x.level), lambda x: x.level)]
        for some in levels[: LEVELS - 1]:
            by_word = dict[str, dict[str, Claim]]()
            for one in some:
                named = self._named(one.pair)
                if named is not None and sum(map(len, by_word.values())) < ABREAST:
                    by_word.setdefault(self._chief(one.pair), {}).setdefault(str(named[1][0].value), named[1][0])
            told = list[str]()
            for word, names in by_word.items():
                places = ", ".join(f"{{{len(claims) + place}}}" for place in range(len(names)))
                told.append(f"{places} {word}")
                claims += names.values()
            names_of = {self._t.names(one.pair)[self._is_kernel(one.pair)] for one in some}
            more = " and others" if len(names_of) > sum(map(len, by_word.values())) else ""
            text += f" → {', '.join(told)}{more}" if told else ""
        return self._t.say(text + (" → …" if len(levels) >= LEVELS else ""), *claims)

    def _unexplained(self) -> Statement | None:
        """Whom the inventory does not put behind the suspect."""
        root, told = self._named(self._suspect), list[str]()
        if root is None or not self._rest:
            return None
        claims = [root[1][0]]
        for pair in self._rest[:REST]:
            if (named := self._named(pair, len(claims))) is not None:
                told.append(f"{named[0]} ({self._chief(pair)})")
                claims += named[1]
        more = " and others" if len(told) < len(self._rest) else ""
        return self._t.say(f"{{0}} does not explain {', '.join(told)}{more}.", *claims) if told else None
