"""The server's own log and terminal: one entry for each change, every line of it safe to show, and marked as ours:
where the log comes in again as a node's, detectors pass over it.
"""

from __future__ import annotations

import logging
from datetime import tzinfo

from devmesh.notifications.model import Notice, Sent, Told
from devmesh.notifications.wording import plain

log = logging.getLogger("devmesh.incidents")


class Console:
    """The log."""

    kind = "console"
    edits = False
    secrets: tuple[str, ...] = ()

    def __init__(self, zone: tzinfo, public_url: str) -> None:
        self._zone, self._public_url = zone, public_url

    def send(self, notice: Notice, before: Told | None) -> Sent:
        """Write it; it cannot fail. A warning, so that it is shown where the log is set to warnings."""
        del before
        lines = [line for line in plain(notice, self._zone, self._public_url).splitlines() if line]
        mark = f"incident={notice.incident_id}"
        log.warning("%s %s", mark, f"\n    {mark} ".join(lines))
        return Sent("", "written to the server's log")
