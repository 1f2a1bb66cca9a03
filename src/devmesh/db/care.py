"""Care of the embedded store: the write-ahead log is folded back before it outgrows its limit.

A reader that stays open keeps SQLite from reusing its log, which then grows with every commit (208 MB were seen).
"""

from __future__ import annotations

import logging

from devmesh.db.engine import Database
from devmesh.db.space import Space
from devmesh.db.sqlite import path_of

log = logging.getLogger(__name__)

MIB = 1024 * 1024


def fold_log(db: Database, limit_mb: int, space: Space) -> bool:
    """Checkpoint in full where the log is over its limit, or takes room that the disk lacks; True when that was so."""
    path = path_of(db.url)
    if path is None or not db.writable:
        return False
    wal = path.with_name(path.name + "-wal")
    size = wal.stat().st_size if wal.exists() else 0
    if not size or (size < limit_mb * MIB and space.short() is None):
        return False
    log.info("write-ahead log is folded back size_mb=%d", size // MIB)
    db.checkpoint()
    return True
