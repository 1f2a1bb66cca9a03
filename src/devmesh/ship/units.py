"""Which units cannot be without which: Requires=, Requisite= and BindsTo= as systemd has them loaded.

Wants= is a wish and After= an order of starting: neither says that one fails with the other, so they are not asked for.
"""

from __future__ import annotations

import subprocess
from typing import Dict, List, Set

from devmesh.ship.owners import NAME

TIMEOUT_S = 10.0
MOST_BYTES = 4 << 20
MOST_NEEDS = 700
NEEDING = ("Requires", "Requisite", "BindsTo")
_COMMAND = ("systemctl", "show", "*.service", "--property=Id," + ",".join(NEEDING), "--no-pager")


def needs() -> Dict[str, List[str]]:
    """{service unit: the services and mounts that it needs}; empty where there is no systemd that answers."""
    try:
        done = subprocess.run(  # noqa: S603  a fixed command
            _COMMAND, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    return parse(done.stdout[:MOST_BYTES].decode("utf-8", "replace"))


def parse(text: str) -> Dict[str, List[str]]:
    """The same of what systemctl wrote: blocks of KEY=VALUE, a blank line between them."""
    found: Dict[str, List[str]] = {}
    left = MOST_NEEDS
    for block in text.split("\n\n"):
        said = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        unit = said.get("Id", "")
        wanted: Set[str] = {name for key in NEEDING for name in said.get(key, "").split()} - {unit}
        real = sorted(name for name in wanted if name.endswith((".service", ".mount")) and NAME.match(name))[:left]
        if real and NAME.match(unit):
            found[unit] = real
            left -= len(real)
    return found


def mount_unit(point: str) -> str:
    """The name of a mount's unit: /mnt/nas is `mnt-nas.mount`. See systemd-escape(1)."""
    path = point.strip("/")
    if not path:
        return "-.mount"
    fine = "".join(
        "-" if one == "/" else one if one.isascii() and (one.isalnum() or one in ":_.") else _escaped(one)
        for one in path
    )
    return (_escaped(".") + fine[1:] if fine.startswith(".") else fine) + ".mount"


def _escaped(one: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in one.encode())
