"""Room on the store's disk: refuse before it is full, and keep something back that can be given up.

A full disk cannot even delete: SQLite needs room to write down that rows go. So a ballast file lies beside the store;
expiry gives it up first (`release`), and it comes back when there is room again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from devmesh.errors import StorageFull

MIB = 1024 * 1024
BALLAST_BYTES = 32 * MIB
RETRY_AFTER_S = 60


class Space:
    """Watches the free space of one folder's disk."""

    def __init__(self, folder: Path, reserve_mb: int, reserve_percent: float) -> None:
        self._folder, self._reserve_mb, self._percent = folder, reserve_mb, reserve_percent
        self._ballast = folder / "ballast"

    def short(self) -> str | None:
        """Why nothing more may be taken in; None while there is room."""
        try:
            usage = shutil.disk_usage(self._folder)
        except OSError as error:
            return f"the data folder cannot be looked at: {error.strerror}"
        reserve = min(self._reserve_mb * MIB, int(usage.total * self._percent / 100))
        if usage.free >= reserve:
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
            if there < size and self.short() is None:
                with self._ballast.open("wb") as file:
                    os.posix_fallocate(file.fileno(), 0, size)

    def make_room(self) -> None:
        """Give the ballast up while there is too little room, lay it down again when there is."""
        if self.short() is not None:
            self.release()
        else:
            self.keep_ballast()

    def release(self) -> bool:
        """Give the ballast up; True when there was some."""
        try:
            self._ballast.unlink()
        except OSError:
            return False
        return True
