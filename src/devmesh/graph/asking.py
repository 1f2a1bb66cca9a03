"""Questions and who answers them: the engine, while it runs and holds this very graph, else the graph in memory."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from platform import node
from threading import Lock
from typing import TypeVar

from sqlalchemy.engine import make_url

from devmesh.errors import Unavailable
from devmesh.graph.engine import MISSING, Engine, is_built
from devmesh.graph.falkor import Address, Falkor, address_of
from devmesh.graph.snapshot import Snapshot

log = logging.getLogger(__name__)

OFF, DEGRADED, OK = "off", "degraded", "ok"
EMPTY = "No inventory is loaded: devmesh graph init proposes one."
CHOSEN = "Switched off by DEVMESH_GRAPH_URL=off; questions are answered from memory."
T = TypeVar("T")


class Asking:
    """The engine of a house: kept alive, kept up to date, asked. `url`: empty for an embedded one, `off`, or a server's
    (`address_of`); `folder`: where the embedded one has its socket; `store`: the store's URL, which tells graphs apart.
    """

    def __init__(self, url: str, folder: Path, store: str) -> None:
        self._engine: Engine | None = None
        self._falkor: Falkor | None = None
        self._reason = "" if url != OFF else CHOSEN
        self._state = (OFF, EMPTY)
        self._turn = Lock()
        if not url and not is_built():
            self._reason = MISSING
        elif url != OFF:
            self._engine = None if url else Engine(folder)
            at = address_of(url) if self._engine is None else Address(socket=self._engine.socket_path)
            self._falkor = Falkor(replace(at, name=f"{at.name}-{_mark(store)}"))

    def keep(self, graph: Snapshot) -> int:
        """Have the engine run and hold this graph; without a graph there is none. How many graphs were built. Raises
        Unavailable with the reason, which stands in health until it works again.
        """
        with self._turn:
            try:
                return self._keep(graph)
            except Unavailable as error:
                self._state = (DEGRADED, f"{error.message} Questions are answered from memory.")
                raise

    def _keep(self, graph: Snapshot) -> int:
        if not graph.things or self._falkor is None:
            if self._engine is not None:
                self._engine.stop()
            self._state = (OFF, self._reason or EMPTY)
            return 0
        if self._engine is not None:
            self._engine.ensure()
        built = 0
        if not self._falkor.is_projected(graph):
            self._falkor.project(graph)
            built = 1
        self._state = (OK, "")
        return built

    def ask(self, engine: Callable[[Falkor], T], memory: Callable[[], T]) -> tuple[T, str]:
        """The engine's answer, else the memory's; and which it was, with the reason."""
        if self._falkor is None:
            return memory(), f"memory: {self._reason}"
        try:
            if self._engine is not None and not self._engine.socket_path.exists():
                raise Unavailable("The engine does not run.")  # noqa: TRY301 - spares an import of half a second
            return engine(self._falkor), "falkordb"
        except (Unavailable, OSError) as error:  # another user's folder: nobody may look
            reason = error.message if isinstance(error, Unavailable) else f"No engine within reach: {error.strerror}."
            log.debug("graph engine away reason=%r", reason)
            return memory(), f"memory: {reason}"

    def health(self) -> tuple[str, str]:
        """State and reason."""
        return self._state

    def stop(self) -> None:
        """End the embedded engine, if this process has it."""
        with self._turn, contextlib.suppress(Unavailable):
            if self._engine is not None:
                self._engine.stop()


def _mark(store: str) -> str:
    """What tells the graphs of one store from those of others in the same engine, without its password. A file's path
    is the same on many machines.
    """
    url = make_url(store).set(password=None)
    where = node() if url.get_backend_name() == "sqlite" else ""
    return sha256(f"{where} {url.render_as_string()}".encode()).hexdigest()[:12]
