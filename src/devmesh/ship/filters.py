"""filters.yaml: which events stay on the node, by unit, identifier, priority and text.

    - drop: {unit: "cron.service"}                  # the first rule that matches decides; none: keep
    - keep: {identifier: sshd}
    - drop: {identifier: "kube*", priority: ">=6"}  # all conditions of a rule must hold; * and ? in unit and identifier
      name: chatty kube                             # under this name its drops are counted
    - drop: {regex: "health[- ]?check"}             # searched in the message; upper and lower case differ

`unit` is the systemd unit, `identifier` the syslog identifier (of a text log: the service), `priority` a number or name
(emerg alert crit err warning notice info debug), alone or after <=, >=, <, >. What is dropped is covered, counted by
rule, and can be sent later with --again. The agent's and the server's own lines are always dropped (an error in sending
must not make entries to send).
"""

# Paths are text here, as the command line, os.scandir and systemd's files give them.
# ruff: noqa: PTH123

from __future__ import annotations

import fnmatch
import os
import re
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional

import yaml

from devmesh.ship.errors import OptionsError
from devmesh.ship.identity import boot_id
from devmesh.ship.piece import KEPT, Event, Judgement

OWN = "own lines"
OWN_NAMES = frozenset(("devmesh", "devmesh-shipper", "devmesh-server"))
MOST_NAMES = 900  # the server takes 1,000 in a heartbeat
LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_COMPARE: Dict[str, Callable[[int, int], bool]] = {
    "": lambda a, b: a == b,
    "=": lambda a, b: a == b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
}
SUPPRESSED_ID = "a596d6fe7bfa4994828e72309e95d61e"  # systemd's message id of "Suppressed N messages from UNIT"
_OWN_PID, _OWN_BOOT, _STARTED_US = str(os.getpid()), boot_id(), time.time_ns() // 1000
_SUPPRESSED = re.compile(r"Suppressed (\d{1,12}) messages from (.{1,200})")
Condition = Callable[[Event], bool]


class Rule(NamedTuple):
    """One rule: what it does with events that meet all its conditions."""

    name: str
    drops: bool
    conditions: List[Condition]


class Filters:
    """The rules in force. `document` is what they were read from, for --again."""

    def __init__(self, document: Any = None, source: str = "filters") -> None:
        """Raises OptionsError that names the rule and the field."""
        self.document = document if document is not None else []
        self.dropped: Dict[str, int] = {}
        if isinstance(self.document, dict) and list(self.document) == ["filters"]:
            self.document = self.document["filters"] or []
        if not isinstance(self.document, list):
            msg = f"{source}: expected a list of rules, each with drop or keep"
            raise OptionsError(msg)
        self._rules = [_rule(item, f"{source}: rule {n}") for n, item in enumerate(self.document, 1)]

    @staticmethod
    def read(path: Optional[str]) -> "Filters":
        """The rules of a file; none without one. Raises OptionsError."""
        if path is None:
            return Filters()
        try:
            with open(path, encoding="utf-8") as file:
                return Filters(yaml.safe_load(file), path)
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            msg = f"cannot read the filters: {path}: {error}"
            raise OptionsError(msg) from error

    def judge(self, event: Event) -> Judgement:
        """Whether the event stays here, and what to count once that is settled."""
        name = self.dropper(event)
        if name is not None:
            return Judgement(True, name, 1)
        if event["fields"].get("MESSAGE_ID") == SUPPRESSED_ID:
            # The rate limit of journald dropped entries: they were never numbered, but its message says how many.
            said = _SUPPRESSED.match(event["message"])
            if said:
                return Judgement(False, f"journald: {said[2]}", int(said[1]))
        return KEPT

    def count(self, counts: Dict[str, int]) -> None:
        """Add the counts of a batch that is stored now."""
        for name, number in counts.items():
            if name in self.dropped or len(self.dropped) < MOST_NAMES:
                self.dropped[name] = self.dropped.get(name, 0) + number

    def dropper(self, event: Event) -> Optional[str]:
        """The name of the rule that drops the event, None if it is sent."""
        if _is_own(event):
            return OWN
        for rule in self._rules:
            if all(condition(event) for condition in rule.conditions):
                return rule.name if rule.drops else None
        return None


def _is_own(event: Event) -> bool:
    fields = event["fields"]
    if fields.get("SYSLOG_IDENTIFIER") in OWN_NAMES:
        return True
    # A pid alone names whatever process had it before, too.
    if fields.get("_PID") == _OWN_PID and fields.get("_BOOT_ID") == _OWN_BOOT and event.get("ts_us", 0) >= _STARTED_US:
        return True
    return str(fields.get("_SYSTEMD_UNIT", "")).partition(".")[0] in OWN_NAMES or event.get("service") in OWN_NAMES


def unit(event: Event) -> str:
    """The unit that an event is about, as the server's rule for services sees it."""
    fields = event["fields"]
    return str(fields.get("UNIT") or fields.get("OBJECT_SYSTEMD_UNIT") or fields.get("_SYSTEMD_UNIT") or "")


def identifier(event: Event) -> str:
    """The syslog identifier, or the service of a text log's line."""
    return str(event["fields"].get("SYSLOG_IDENTIFIER") or event.get("service") or "")


def priority(event: Event) -> int:
    """The claimed priority; 6 where there is none."""
    said = str(event["fields"].get("PRIORITY", event.get("priority", 6)))
    return int(said) if said in ("0", "1", "2", "3", "4", "5", "6", "7") else 6


def _rule(item: Any, where: str) -> Rule:
    actions = [action for action in ("drop", "keep") if isinstance(item, dict) and action in item]
    if len(actions) != 1 or set(item) - {"drop", "keep", "name"}:
        msg = f"{where}: needs exactly one of drop and keep, and at most a name beside it"
        raise OptionsError(msg)
    asked = item[actions[0]]
    if not isinstance(asked, dict) or not asked:
        msg = f"{where}: {actions[0]} needs conditions: unit, identifier, priority, regex"
        raise OptionsError(msg)
    conditions = [_condition(field, asked[field], where) for field in asked]
    words = " ".join(f"{field}={asked[field]}" for field in asked)
    return Rule(str(item.get("name") or words)[:100], actions[0] == "drop", conditions)


def _condition(field: str, value: Any, where: str) -> Condition:
    if field == "priority":
        return _priority_condition(str(value).strip(), where)
    if not isinstance(value, str) or not value:
        msg = f"{where}: {field}: expected a text, got {value!r}"
        raise OptionsError(msg)
    try:
        if field == "regex":
            searched = re.compile(value)
            return lambda event: searched.search(event["message"]) is not None
        matched = re.compile(fnmatch.translate(value))
    except (re.error, RecursionError, OverflowError) as error:
        msg = f"{where}: {field}: {value!r} is no pattern: {error}"
        raise OptionsError(msg) from error
    if field == "unit":
        return lambda event: matched.match(unit(event)) is not None
    if field == "identifier":
        return lambda event: matched.match(identifier(event)) is not None
    msg = f"{where}: unknown condition {field!r}; known: unit, identifier, priority, regex"
    raise OptionsError(msg)


def _priority_condition(text: str, where: str) -> Condition:
    parts = re.match(r"(<=|>=|<|>|=|)\s*(\w+)\Z", text)
    level = parts[2].lower() if parts else ""
    if parts and level in LEVELS:
        number = LEVELS.index(level)
    elif parts and level in ("0", "1", "2", "3", "4", "5", "6", "7"):
        number = int(level)
    else:
        msg = f'{where}: priority: {text!r} is none; examples: err, 6, <=4, ">=info"'
        raise OptionsError(msg)
    compare = _COMPARE[parts[1] if parts else ""]
    return lambda event: compare(priority(event), number)
