"""What stores of this process are spared in tests: compiling what was compiled for another one, waiting for a disk.

Stores of other processes wait for it: those are the ones that tests kill, and whose power they cut.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.sql.elements import TextClause
from sqlalchemy.util import LRUCache

from devmesh.db import mariadb, sqlite

if TYPE_CHECKING:
    import pytest

MOST = 5_000


class Compiled:
    """A cache for all engines of this process, by the kind of store where SQLAlchemy's own is by engine."""

    def __init__(self) -> None:
        self._made: LRUCache[tuple[Any, ...], Any] = LRUCache(MOST)

    def get(self, key: tuple[Any, ...]) -> Any:
        """What was compiled for this statement, if it was."""
        return self._made.get(_of_a_kind(key))

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        """Keep it; but `SELECT *` in words, for it brings what the table had when it was asked first."""
        if not isinstance(compiled.statement, TextClause):
            self._made[_of_a_kind(key)] = compiled


def _of_a_kind(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect, *statement = key
    return dialect.name, dialect.server_version_info, *statement


def _quick(shared: Compiled, *place: Any, **more: Any) -> Engine:
    engine = create_engine(*place, **more, execution_options={"compiled_cache": shared})
    if engine.dialect.name == "sqlite":
        event.listen(engine, "checkout", lambda raw, *_more: raw.execute("PRAGMA synchronous=OFF"))
    return engine


def make_quick(patch: pytest.MonkeyPatch) -> None:
    """From here on engines share what they compile, and nobody waits for a disk."""
    for kind in (mariadb, sqlite):
        patch.setattr(kind, "create_engine", functools.partial(_quick, Compiled()))


def make_durable(patch: pytest.MonkeyPatch) -> None:
    """As outside of tests: what is committed is on the disk."""
    patch.setattr(sqlite, "create_engine", create_engine)
