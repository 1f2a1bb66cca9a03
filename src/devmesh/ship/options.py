"""What the agent is told: one frozen object, from the command line or from `devmesh up`."""

# Paths are text here, as the command line, os.scandir and systemd's files give them.
# ruff: noqa: PTH111, PTH118

from __future__ import annotations

import argparse
import datetime as dt
import os
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from devmesh.ship.errors import OptionsError


@dataclass(frozen=True)
class Options:
    """How to run the agent. With no journal and no files named it finds its sources itself."""

    to: str
    token_file: Optional[str] = None
    tls_ca: Optional[str] = None
    node: Optional[str] = None
    journal_dir: Optional[str] = None
    journal_file: Optional[str] = None
    files: Tuple[str, ...] = ()
    filters: Optional[str] = None
    state_dir: Optional[str] = None
    once: bool = False
    again: bool = False
    since_us: Optional[int] = None
    connections: bool = False
    poll_s: float = 1.0
    heartbeat_s: float = 30.0

    @property
    def finds_sources(self) -> bool:
        """No source is named."""
        return not (self.journal_dir or self.journal_file or self.files)


def default_state_dir() -> str:
    """/var/lib/devmesh-shipper for root (or what systemd's StateDirectory= says), else below the user's home."""
    told = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    if told:
        return told
    if os.geteuid() == 0:
        return "/var/lib/devmesh-shipper"
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return os.path.join(home, "devmesh-shipper")


def parse(arguments: Optional[Sequence[str]] = None) -> Options:
    """Options of a command line; argparse ends the process on an unknown one. Raises OptionsError."""
    parser = argparse.ArgumentParser(
        prog="devmesh-shipper", description="Ship this machine's journal and logs to DevMesh."
    )
    parser.add_argument("--to", required=True, metavar="URL", help="the server, such as http://server:8000")
    parser.add_argument("--token-file", metavar="F", help="file that holds the node's token")
    parser.add_argument("--tls-ca", metavar="F", help="file with the authority of the server's certificate (PEM)")
    parser.add_argument("--node", help="this node's name (default: the host name)")
    parser.add_argument("--journal-dir", metavar="DIR", help="read the journal files in DIR")
    parser.add_argument("--journal-file", metavar="F", help="read one journal file")
    parser.add_argument("--file", action="append", default=[], metavar="PATH", help="follow a text log (repeatable)")
    parser.add_argument("--filters", metavar="F", help="filters.yaml: what stays here")
    parser.add_argument("--state-dir", metavar="DIR", help=f"where to remember (default: {default_state_dir()})")
    parser.add_argument("--once", action="store_true", help="send what there is, then end")
    parser.add_argument("--again", action="store_true", help="send what former filters dropped (needs --since)")
    parser.add_argument(
        "--since", metavar="T", help="with --again: an ISO time such as 2026-11-01 or 2026-11-01T12:00:00Z"
    )
    parser.add_argument(
        "--connections",
        action="store_true",
        default=os.environ.get("DEVMESH_SHIP_CONNECTIONS", "").lower() in ("1", "true", "yes", "on"),
        help="tell which services of this machine connect where, too (DEVMESH_SHIP_CONNECTIONS=1)",
    )
    given = parser.parse_args(arguments)
    if given.again != (given.since is not None):
        raise OptionsError("--again and --since belong together: --again --since 2026-11-01")
    files: List[str] = given.file
    return Options(
        to=given.to,
        token_file=given.token_file,
        tls_ca=given.tls_ca,
        node=given.node,
        journal_dir=given.journal_dir,
        journal_file=given.journal_file,
        files=tuple(files),
        filters=given.filters,
        state_dir=given.state_dir,
        once=given.once,
        again=given.again,
        since_us=None if given.since is None else _instant_us(given.since),
        connections=given.connections,
    )


def _instant_us(text: str) -> int:
    """An ISO time; without a zone it is this machine's."""
    try:
        instant = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))  # noqa: FURB162  Python 3.9 knows no Z
    except ValueError as error:
        msg = f"--since {text!r} is no ISO time: {error}"
        raise OptionsError(msg) from error
    return int(instant.timestamp() * 1_000_000)
