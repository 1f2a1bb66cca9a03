"""Whose a process is: the systemd unit or the container that its cgroup names, as the journal's lines are named.

What people run (sessions, user managers, rootless containers) is nobody's business here and has no name. Where no
service manager keeps cgroups a program of the system has its own name, the 15 characters that the kernel knows.
"""

# Paths are text here, as the command line, os.scandir and systemd's files give them.
# ruff: noqa: PTH115, PTH116, PTH123, PTH208

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

UNIT, CONTAINER, PROGRAM, INIT, NOBODY = "unit", "container", "program", "init", ""
MOST_PROCESSES, MOST_FILES = 20_000, 200_000
PEOPLE_FROM, PEOPLE_TO = 1_000, 60_000  # user ids, login.defs
NAME = re.compile(r"[A-Za-z0-9:_.@\\-]{1,255}\Z")  # systemd.unit(5); names of containers have fewer
# Of docker, podman and what speaks for Kubernetes; conmon, which only minds a container, is of the host.
_CONTAINER = re.compile(r"(?:docker|libpod|crio|cri-containerd)[-/]([0-9a-f]{64})(?![0-9a-f])")
_SUFFIXES = (".service", ".scope", ".socket", ".mount", ".swap")
_INODE = re.compile(r"socket:\[(\d+)\]\Z")


class Owner(NamedTuple):
    """A unit by its name, a container by its id, a program by what the kernel calls it; or nobody that has a name."""

    kind: str
    name: str = ""


@dataclass
class Walk:
    """What a walk over /proc found: whose a socket is, by inode; a process of each container; who has files open
    below which of the folders that were asked for; how many processes may not be looked into.
    """

    sockets: Dict[int, Owner] = field(default_factory=dict)
    containers: Dict[str, int] = field(default_factory=dict)
    uses: Set[Tuple[Owner, str]] = field(default_factory=set)
    closed: int = 0


def walk(proc: str, folders: Sequence[str] = ()) -> Walk:
    """Look at each process's open files, as far as this user may."""
    found = Walk()
    left = MOST_FILES
    for pid in sorted((int(name) for name in os.listdir(proc) if name.isdigit()))[:MOST_PROCESSES]:
        owner = owner_of(proc, pid)
        if owner.kind == CONTAINER:
            found.containers.setdefault(owner.name, pid)
        links = _links(f"{proc}/{pid}/fd", left)
        if links is None:
            found.closed += 1
            continue
        left -= len(links)
        for link in links:
            _note(found, owner, link, folders)
    return found


def _note(found: Walk, owner: Owner, link: str, folders: Sequence[str]) -> None:
    inode = _INODE.match(link)
    if inode:
        # systemd holds the sockets of units that it starts on demand, too: whoever serves them is named.
        known = found.sockets.get(int(inode[1]))
        if known is None or known.kind in (INIT, NOBODY):
            found.sockets[int(inode[1])] = owner
    elif owner.name:
        found.uses.update((owner, folder) for folder in folders if link.startswith(folder + "/"))


def _links(directory: str, most: int) -> Optional[List[str]]:
    """Where the files of a process lead; None where this user may not look."""
    links: List[str] = []
    try:
        for name in os.listdir(directory)[: max(most, 0)]:
            try:
                links.append(os.readlink(f"{directory}/{name}"))
            except OSError:  # closed meanwhile
                continue
    except PermissionError:
        return None
    except OSError:  # it ended
        return links
    return links


def owner_of(proc: str, pid: int) -> Owner:
    """Whose a process is."""
    try:
        with open(f"{proc}/{pid}/cgroup", encoding="utf-8", errors="replace") as file:
            owner = of_cgroup(file.read(65_536))
        if owner.kind != PROGRAM:
            return owner
        if PEOPLE_FROM <= os.stat(f"{proc}/{pid}").st_uid < PEOPLE_TO:
            return Owner(NOBODY)
        with open(f"{proc}/{pid}/comm", encoding="utf-8", errors="replace") as file:
            name = file.read(64).strip()
    except OSError:
        return Owner(NOBODY)
    return Owner(PROGRAM, name) if NAME.match(name) else Owner(NOBODY)


def of_cgroup(text: str) -> Owner:
    """The owner that /proc/PID/cgroup names; a PROGRAM without a name where it names none. See cgroups(7)."""
    lines = [line.split(":", 2) for line in text.splitlines()]
    paths = [one[2] for one in lines if len(one) == 3 and one[1] in ("", "name=systemd")]  # noqa: PLR2004
    path = max(paths, key=len, default="/")
    parts = path.strip("/").split("/")
    if parts[0] == "user.slice" or parts[0].startswith("lxc"):  # people's; a machine with an agent of its own
        return Owner(NOBODY)
    container = _CONTAINER.search(path)
    if container:
        return Owner(CONTAINER, container[1])
    unit = next((part for part in parts if not part.endswith(".slice")), "")
    if unit == "init.scope":
        return Owner(INIT)
    if unit.endswith(_SUFFIXES):
        people = unit.startswith(("session-", "user@"))
        return Owner(UNIT, unit) if NAME.match(unit) and not people else Owner(NOBODY)
    return Owner(PROGRAM)
