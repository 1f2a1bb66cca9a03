"""What sort of question it is, by its words. What fits no sort is unclear, and the answer says what can be asked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from devmesh.analysis.entities import INCIDENT_WORDS, Entities
from devmesh.analysis.times import Window
from devmesh.analysis.vocabulary import STOP, TALK, words_of
from devmesh.analysis.words import Words


class Kind(StrEnum):
    """What is asked for."""

    FAILING = "failing"
    STATUS = "status"
    HAPPENED = "happened"
    CHANGED = "changed"
    OFTEN = "often"
    COMPARE = "compare"
    WHY = "why"
    FIND = "find"
    INCIDENT = "incident"
    UNCLEAR = "unclear"


BOTH = 2  # names that can be compared
FLEET = {"fleet", "everything", "all", "things", "system", "systems", "we", "flotte", "alles"}
COMPARING = words_of(
    """
    compare compared compares contrast comparison difference differences different differently differ vs versus
    than vergleiche vergleich vergleichen unterschied unterschiede anders
    """
)
WHYS = words_of(
    """
    why warum wieso weshalb cause caused causes reason reasons ursache grund blame explain erkläre culprit
    responsible schuld
    """
)
COUNTING = words_of("often frequently häufig oft count volume total amount menge")
FINDING = words_of("find search grep finde suche such")
LINES = words_of("line lines log logs message messages zeile zeilen meldung meldungen")
SHOWING = words_of("show list give see zeig zeige which print display")
CHANGING = words_of(
    """
    change changed changes changing new different differs deploy deployed deployment deploys update updated
    updates upgrade upgraded upgrades installed louder quieter vanished gone geändert verändert änderungen neu
    neue neues neuen anders lauter leiser compared difference unterschied unterschiede rebooted booted restarted
    reboots restarts neugestartet
    """
)
HAPPENING = words_of(
    """
    happened happening happens happen occurred occur timeline passiert passierte interesting events geschehen geschah
    story walk summary summarise summarize recap miss missed unusual strange odd weird notable remarkable auffällig
    seltsam silent
    """
)
FAILURES = words_of(
    """
    broken broke break wrong problem problems issue issues trouble dead fire warning warnings critical fehler
    kaputt ausgefallen ausfall ausfälle probleme störungen warnung warnungen outage outages complain complains
    complaining slow stuck hangs hanging unreachable unavailable offline timeouts struck alert alerts alarm
    alarms alarme
    """
)
FAILING_HEADS = ("fail", "error", "crash")
STANDING = words_of(
    """
    status state health healthy overview ok okay fine alive running up down well doing ordnung läuft zustand
    gesund
    """
)
MORE = words_of("more most less fewer worse worst better best noisier louder quieter busier mehr weniger or oder")
WHENS = words_of("when wann")
ORDERS = words_of(
    """
    restart reboot delete remove stop kill start write make mute ignore drop disable enable install deploy send
    close lösche starte stoppe
    """
)
SAYING = words_of("say says said saying mentioning mentions containing contains about like")
LEADING = words_of("that the a an about like")
LOGINS = words_of("login logins logon logons")
FREQUENTLY = words_of("many often much frequently regularly rarely viele oft häufig viel")


@dataclass(frozen=True)
class Routed:
    """The kind, and what to look for: the words of the question that say nothing of its kind, its time or its names;
    `loose`: other words for them.
    """

    kind: Kind
    content: str
    loose: bool = False


def route(words: Words, found: Entities, window: Window | None) -> Routed:
    """The kind of a question; of several that fit, the one that says most."""
    texts = words.texts
    taken = found.taken | (window.taken if window else frozenset())
    left = [text for at, text in enumerate(texts) if at not in taken]
    return Routed(_kind(left, texts, words, found, window), *_content(words, taken))


def _kind(left: Sequence[str], texts: Sequence[str], words: Words, found: Entities, window: Window | None) -> Kind:
    said, whole = set(left), set(texts)
    named = bool(found.nodes or found.services)
    several = len(found.nodes) >= BOTH or len(found.services) >= BOTH
    rules = (
        (Kind.INCIDENT, bool(whole & INCIDENT_WORDS) or bool(found.incidents)),
        (Kind.COMPARE, several and bool(said & COMPARING or said & MORE)),
        (Kind.WHY, bool(said & WHYS) or _blames(texts, said)),
        (Kind.OFTEN, _counts(texts, said)),
        (Kind.FIND, _finds(texts, said, words)),
        (Kind.HAPPENED, bool(said & WHENS) or _follow(texts, {"what"}, {"time"})),
        (Kind.CHANGED, bool(said & CHANGING) or "stopped" in said),
        (Kind.HAPPENED, _happens(texts, said)),
        (Kind.FAILING, _fails(said, found)),
        (Kind.FIND, bool(said & LINES) and not _orders(texts)),
        (Kind.HAPPENED, window is not None and window.point and not said & {"how", "status"} and not _orders(texts)),
        (Kind.STATUS, _stands(texts, said, found)),
        (Kind.HAPPENED, window is not None and (window.point or not named) and not _orders(texts)),
        (Kind.STATUS, named and not _orders(texts)),
    )
    return next((kind for kind, fits in rules if fits), Kind.UNCLEAR)


def _orders(texts: Sequence[str]) -> bool:
    """Whether something is to be done, which nobody does here: `restart nginx`, `please delete the logs`."""
    return bool(set(texts) & ORDERS)


def _follow(texts: Sequence[str], first: Collection[str], second: Collection[str]) -> bool:
    """Whether a word of `second` follows on one of `first`."""
    return any(one in first and other in second for one, other in pairwise(texts))


def _counts(texts: Sequence[str], said: Collection[str]) -> bool:
    how = _follow(texts, {"how", "wie"}, FREQUENTLY)
    return how or _follow(texts, {"number"}, {"of"}) or bool(set(said) & COUNTING)


def _finds(texts: Sequence[str], said: Collection[str], words: Words) -> bool:
    if set(said) & FINDING or (words.quoted and not set(said) & (CHANGING | HAPPENING)):
        return True
    shown = bool(set(said) & SHOWING) and bool(set(said) & LINES)
    asked = _follow(texts, {"last", "first", "which", "letzte", "letzten"}, LINES) or _follow(
        texts, LINES, {"like", "with", "mit"}
    )
    saying = "where" in said and bool(set(said) & {"say", "says", "stand", "steht"})
    return (
        shown
        or asked
        or saying
        or ("who" in said and _follow(texts, {"logged", "signed", "log", "break", "broke"}, {"in"}))
    )


def _blames(texts: Sequence[str], said: Collection[str]) -> bool:
    made = _follow(texts, {"what"}, {"made", "makes", "led", "leads"}) or _follow(texts, {"how"}, {"come"})
    return made or {"whose", "fault"} <= set(said) or ("behind" in said and "what" in said)


def _happens(texts: Sequence[str], said: Collection[str]) -> bool:
    going = _follow(texts, {"going", "went", "goes", "go"}, {"on", "down"}) or _follow(texts, {"was", "ist"}, {"los"})
    did = _follow(texts, {"what", "was"}, {"did", "hat"}) and bool(set(said) & {"do", "gemacht", "getan"})
    return bool(set(said) & HAPPENING) or going or did or ("was" in said and "los" in said)


def _fails(said: Collection[str], found: Entities) -> bool:
    worried = {"should", "know"} <= set(said) or bool(set(said) & {"worry", "worried", "worrying"})
    return (
        worried
        or bool(set(said) & FAILURES)
        or bool(found.severity)
        or any(one.startswith(FAILING_HEADS) for one in said)
    )


def _stands(texts: Sequence[str], said: Collection[str], found: Entities) -> bool:
    somebody = bool(found.nodes or found.services) or bool(set(said) & FLEET)
    how = "how" in said or _follow(texts, {"wie"}, {"geht", "läuft", "steht"})
    return (somebody and (how or bool(set(said) & STANDING))) or (
        set(said) <= STOP | {"status", "state", "health", "overview"} and bool(set(said) & STANDING)
    )


def _content(words: Words, taken: Collection[int]) -> tuple[str, bool]:
    """What is looked for, and whether these are words of ours: the quoted phrases; what follows on "saying", "about";
    else the words that nothing else explains.
    """
    if words.quoted:
        return " ".join(words.quoted), False
    texts = words.texts
    broke_in = _follow(texts, {"break", "broke", "breaking"}, {"in", "into"})
    if set(texts) & LOGINS or broke_in or _follow(texts, {"logged", "log", "signed", "sign"}, {"in"}):
        failed = broke_in or bool(set(texts) & {"failed", "failure", "failures", "wrong", "fail"})
        return ("failed password authentication failure" if failed else "session opened accepted publickey login"), True
    free = [at for at in range(len(texts)) if at not in taken and texts[at] != "-"]
    said = next((at for at in free if texts[at] in SAYING and at + 1 < len(texts)), None)
    if said is not None:
        after = [at for at in free if at > said]
        while after and texts[after[0]] in LEADING:
            after = after[1:]
        while after and texts[after[-1]] in STOP:
            after = after[:-1]
        if after:
            return " ".join(words.tokens[at].raw for at in after), False
    dull = (STOP | TALK | COUNTING | FREQUENTLY) - {"failed", "fail", "failure", "failures"}
    return " ".join(words.tokens[at].raw for at in free if texts[at] not in dull), False
