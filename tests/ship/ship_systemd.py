"""Another systemd than the installed one: the programs of a Debian 13 root, run by its own loader, with no chroot.

How to make the root stands in docs/rooms/ship.md. Where there is none those tests are skipped.
"""

from __future__ import annotations

from pathlib import Path

ROOT_257 = Path.home() / ".cache" / "devmesh" / "trixie"
PROGRAMS = ("bin/journalctl", "lib/systemd/systemd-journald", "lib/systemd/systemd-journal-remote")


def programs(root: Path, folder: Path) -> Path:
    """Put a script for each program of the root's systemd into `folder`, to go first in PATH."""
    usr = root / "usr"
    for name in PROGRAMS:
        (loader,) = (usr / "lib").glob("*/ld-linux*.so.*")
        libraries = f"{loader.parent}:{loader.parent}/systemd"
        script = folder / Path(name).name
        script.write_text(f'#!/bin/sh\nexec {loader} --library-path {libraries} {usr / name} "$@"\n')
        script.chmod(0o755)
    return folder
