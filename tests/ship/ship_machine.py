"""A machine in a folder, as the kernel shows one below /proc."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from devmesh.ship.connections import Look

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def hexed(place):
    """An address with its port as the kernel writes it."""
    host, _colon, port = place.rpartition(":")
    raw = socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
    words = [int.from_bytes(raw[at : at + 4], sys.byteorder) for at in range(0, len(raw), 4)]
    return "".join(f"{word:08X}" for word in words) + f":{int(port):04X}"


class Machine:
    """A /proc in a folder."""

    def __init__(self, folder: Path) -> None:
        self.proc = folder
        self.say("self/mountinfo", "")
        self.say("sys/net/ipv4/ip_local_port_range", "32768\t60999\n")
        (folder / "self/ns").mkdir()
        (folder / "self/ns/net").symlink_to("net:[1]")

    def say(self, path, text):
        """Write a file."""
        file = self.proc / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def process(self, pid, cgroup, links=(), *, net=1, comm="x"):
        """A process with open files."""
        self.say(f"{pid}/cgroup", f"0::{cgroup}\n")
        self.say(f"{pid}/comm", comm + "\n")
        for folder in ("fd", "ns"):
            (self.proc / str(pid) / folder).mkdir()
        (self.proc / str(pid) / "ns/net").symlink_to(f"net:[{net}]")
        for number, link in enumerate(links):
            (self.proc / str(pid) / f"fd/{number}").symlink_to(f"socket:[{link}]" if isinstance(link, int) else link)

    def table(self, *rows, of="", name="tcp"):
        """Sockets: (local, remote, state, inode)."""
        lines = [
            f"   {n}: {hexed(local)} {hexed(remote)} {state:02X} 0:0 00:0 0 0 0 {inode} 1 0\n"
            for n, (local, remote, state, inode) in enumerate(rows)
        ]
        self.say(f"{of}net/{name}", HEAD + "".join(lines))

    def look(self, **more):
        """What the agent would tell of it."""
        return Look(deep=False, proc=str(self.proc), engines=(), hosts="/nowhere", **more).said


def edges(said):
    """(unit, target, count, unanswered) of the connections."""
    return [(o["unit"], f"{o['address']}:{o['port']}", o["count"], o["unanswered"]) for o in said["connections"]]
