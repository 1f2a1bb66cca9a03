"""A YAML file as nodes that know their place, and everything that is wrong with it: line, column, what would be right.

Nothing is constructed from the file; text stays text. Anchors, aliases and deep nesting are refused before the tree is
built, so its size is at most the file's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from difflib import get_close_matches

import yaml

from devmesh.errors import InvalidInput, TooLarge

MOST_BYTES = 8 << 20
MOST_DEPTH = 8
MOST_FAULTS = 50
NEAR_OF = 5_000  # names that one is compared with
SHOWN = 80
# Text stays text, so nothing looks whether it is a number. In C ten times as fast, where PyYAML was built with it.
_LOADER: type = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

Node = yaml.Node


@dataclass(frozen=True)
class Fault:
    """Something wrong in a file: its place (from 1), what, and what would be right."""

    line: int
    column: int
    what: str
    right: str

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.what} {self.right}".rstrip()


class Refused(InvalidInput):
    """The file has errors; nothing of it was taken."""

    def __init__(self, source: str, faults: list[Fault]) -> None:
        self.faults, more = faults, len(faults) - 1
        tail = "" if not more else f" And {more} more." if more < MOST_FAULTS - 1 else f" And {more} or more."
        super().__init__(
            f"{source}:{faults[0].line}:{faults[0].column}: {faults[0].what}{tail}",
            hint=faults[0].right,
            faults=[asdict(one) for one in faults],
        )


class Marks:
    """Collects what is wrong in one file."""

    def __init__(self, source: str, most_depth: int = MOST_DEPTH, form: str = "services: NAME: hosts: [NODE]") -> None:
        self.source, self._most_depth, self._form = source, most_depth, form
        self.faults: list[Fault] = []

    def wrong(self, node: Node | yaml.Event | None, what: str, right: str = "") -> None:
        """Note a fault at `node` (None: at the beginning). Raises Refused once there are 50."""
        mark = node.start_mark if node is not None else None
        self.faults.append(Fault(mark.line + 1, mark.column + 1, what, right) if mark else Fault(1, 1, what, right))
        if len(self.faults) >= MOST_FAULTS:
            self.end()

    def end(self) -> None:
        """Raise Refused with every fault in order of place, if there is any."""
        if self.faults:
            raise Refused(self.source, sorted(self.faults, key=lambda one: (one.line, one.column)))

    def compose(self, text: str) -> Node | None:
        """The tree of the file's only document; None for an empty file. Raises Refused, TooLarge."""
        if len(text.encode(errors="replace")) > MOST_BYTES:
            raise TooLarge(f"{self.source} is larger than {MOST_BYTES >> 20} MiB.", hint="Is it the right file?")
        try:
            text.encode()
            self._look(text)
            self.end()
            return yaml.compose(text, _LOADER)
        except UnicodeEncodeError as error:  # half of a pair, which is no character
            fault = Fault(*_place(text, error.start), "This is no text.", "Save it as UTF-8.")
            raise Refused(self.source, [fault]) from None
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line, column = (mark.line + 1, mark.column + 1) if mark else _place(text, getattr(error, "position", 0))
            what = getattr(error, "problem", None) or "a character that YAML does not allow"
            fault = Fault(line, column, f"This is no YAML: {what}.", "Look at indentation, quotes, brackets.")
            raise Refused(self.source, [fault]) from None

    def _look(self, text: str) -> None:
        depth = 0
        for event in yaml.parse(text, _LOADER):
            if getattr(event, "anchor", None) is not None:
                self.wrong(event, "Anchors and aliases (& and *) are not read here.", "Write it out.")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > self._most_depth:
                self.wrong(event, "This is nested too deeply.", self._form)
                return

    # -- what a node holds ---------------------------------------------------------------------------------------------

    def pairs(self, node: Node | None, what: str, allowed: tuple[str, ...] = ()) -> Iterator[tuple[str, Node, Node]]:
        """(name, its node, its value) of a mapping; only names of `allowed`, if there are any. Faults are noted."""
        if not isinstance(node, yaml.MappingNode):
            self.wrong(node, f"{what} must be a mapping.", "Write NAME: VALUE, one a line.")
            return
        seen: dict[str, Node] = {}
        for key, value in node.value:
            name = self.text(key)
            if name is None:
                continue
            if name in seen:
                first = seen[name].start_mark.line + 1
                self.wrong(key, f"{short(name)} stands twice in {what}.", f"Keep one; the other is in line {first}.")
            elif allowed and name not in allowed:
                self.wrong(
                    key, f"{what} has no {short(name)}.", f"{meant(name, allowed)}It takes {', '.join(allowed)}."
                )
            else:
                seen[name] = key
                yield name, key, value

    def text(self, node: Node) -> str | None:
        """The text of a scalar; None (and a fault) for anything else."""
        if isinstance(node, yaml.ScalarNode):
            return str(node.value)
        self.wrong(node, "One word is wanted here, not a list or a mapping.", "Write NAME.")
        return None

    def texts(self, node: Node) -> Iterator[tuple[str, Node]]:
        """The texts of a list, each once, with their nodes."""
        if not isinstance(node, yaml.SequenceNode):
            self.wrong(node, "A list is wanted here.", "Write [ONE, OTHER].")
            return
        seen = set()
        for one in node.value:
            text = self.text(one)
            if text in seen:
                self.wrong(one, f"{short(text or '')} stands twice in this list.", "Keep one of them.")
            elif text is not None:
                seen.add(text)
                yield text, one


def _place(text: str, position: int) -> tuple[int, int]:
    head = text[:position]
    return head.count("\n") + 1, position - head.rfind("\n")


def short(text: str) -> str:
    """A name as messages quote it."""
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "…")


def meant(name: str, known: tuple[str, ...] | list[str]) -> str:
    """A question for the nearest of the known names, with a space behind it; empty where none is near."""
    near = get_close_matches(name, known[:NEAR_OF], 1)
    return f"Did you mean {near[0]}? " if near else ""
