"""The room's verb for files that people name: what one wants, whom that means, and taking it in as evidence."""

from __future__ import annotations

from dataclasses import dataclass

from devmesh.clock import Clock
from devmesh.errors import NotFound
from devmesh.graph.evidence import CONFIG, Learned, Seen
from devmesh.graph.files.reading import read_file
from devmesh.graph.learning import Learning
from devmesh.graph.marks import meant, short
from devmesh.intake import clean_name
from devmesh.nodes import Nodes


@dataclass(frozen=True)
class Meant:
    """`service` wants `target`, says a line; `whom` that means, or `why` nobody knows."""

    service: str
    target: str
    line: int
    whom: str
    why: str


@dataclass(frozen=True)
class FileRead:
    """What a file says; `learned`: what became of it, None where it was only looked at."""

    format: str
    found: tuple[Meant, ...]
    learned: Learned | None


class Files:
    """Configuration files as evidence."""

    def __init__(self, clock: Clock, nodes: Nodes, learning: Learning) -> None:
        self._clock, self._nodes, self._learning = clock, nodes, learning

    def read(
        self, text: str, source: str, node: str, *, service: str = "", form: str = "", apply: bool = True
    ) -> FileRead:
        """What the file `source` of a node says, and whom it means; with `apply` it is evidence for proposals.

        Nothing of the text but the targets is kept. `service`: whose file it is, where it does not say itself. Raises
        Refused with the line of an error, NotFound for a node that nobody knows, TooLarge, InvalidInput.
        """
        known = self._nodes.present()
        if node not in known:
            raise NotFound(f"There is no node {short(node)}.", hint=f"{meant(node, list(known))}See: devmesh nodes")
        said = read_file(text, source, service, form)
        now = self._clock.now_us()
        seen = [Seen(clean_name(one.service), node, one.target, CONFIG, now, now) for one in said.found]
        whom = self._learning.whom(seen)
        found = tuple(
            Meant(one.service, one.target, wanted.line, whose.name, whose.why)
            for one, wanted, whose in zip(seen, said.found, whom, strict=True)
        )
        return FileRead(said.format, found, self._learning.learn(seen) if apply else None)
