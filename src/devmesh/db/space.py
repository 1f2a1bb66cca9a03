"""Room on the store's disk: refuse before it is full, and keep something back that can be given up.

A full disk cannot even delete: SQLite needs room to write down that rows go. So a ballast file lies beside the store;
it is given up first (`release`), and comes back when there is room again. Pages that deleted rows left inside of the
store's file count as room, for new rows go there; a part of the reserve must be free on the disk itself, for the log of
each commit, and as much as that log holds, or it could not be folded back.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from devmesh.db.engine import Database
from devmesh.errors import StorageFull, Unavailable

MIB = 1024 * 1024
BALLAST_BYTES = 32 * MIB
RETRY_AFTER_S = 60
DISK_SHARE = 5  # one part in five of the reserve must be free outside of the store's file


class Space:
    """Watches the free space of one folder's disk."""

    def __init__(self, folder: Path, reserve_mb: int, reserve_percent: float, store: Database | None = None) -> None:
        self._folder, self._reserve_mb, self._percent, self._store = folder, reserve_mb, reserve_percent, store
        self._ballast = folder / "ballast"

    def short(self, beside: int = 0) -> str | None:
        """Why nothing more may be taken in, were `beside` bytes used as well; None while there is room."""
        try:
            usage = shutil.disk_usage(self._folder)
        except OSError as error:
            return f"the data folder cannot be looked at: {error.strerror}"
        reserve = min(self._reserve_mb * MIB, int(usage.total * self._percent / 100))
        free, log = usage.free - beside, self._store.log_bytes() if self._store else 0
        if free >= max(reserve, log):
            return None
        inside = self._store.free_bytes() if self._store else 0
        if free >= max(reserve // DISK_SHARE, log) and free + inside >= reserve:
            return None
        return f"{usage.free // MIB} MiB are free of {usage.total // MIB}, {reserve // MIB} are kept in reserve"

    def check(self) -> None:
        """Raise StorageFull while there is too little room."""
        reason = self.short()
        if reason is not None:
            raise StorageFull(
                f"The disk is nearly full: {reason}.",
                hint="Free space there, or lower DEVMESH_RETENTION_DAYS.",
                retry_after_s=RETRY_AFTER_S,
            )

    def keep_ballast(self) -> None:
        """Lay the ballast file down where there is ample room for it."""
        with contextlib.suppress(OSError):
            size = min(BALLAST_BYTES, shutil.disk_usage(self._folder).total // 50)
            there = self._ballast.stat().st_size if self._ballast.exists() else 0
            if there < size and self.short(2 * size) is None:
                with self._ballast.open("wb") as file:
                    os.posix_fallocate(file.fileno(), 0, size)

    def make_room(self) -> None:
        """Give the ballast up while there is too little room, lay it down again when there is."""
        if self.short() is not None:
            self.release()
            with contextlib.suppress(Unavailable):
                if self._store is not None:
                    self._store.checkpoint()
        else:
            self.keep_ballast()

    def release(self) -> bool:
        """Give the ballast up; True when there was some."""
        try:
            self._ballast.unlink()
        except OSError:
            return False
        return True
