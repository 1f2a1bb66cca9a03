"""systemd's unit files and drop-ins: what a unit cannot be without, and the variables it sets.

After= and Wants= are no needs: the one orders starting, the other is a wish.
"""

from __future__ import annotations

import re
from pathlib import PurePath

from devmesh.graph.files.environment import wanted
from devmesh.graph.files.places import Wanted, refuse

BACKSLASH = "\\"
NEEDS = ("Requires", "Requisite", "BindsTo")
_UNIT = re.compile(r"[A-Za-z0-9:_.@\\%-]{1,247}\.service")
_VARIABLE = re.compile(r"""(?:"([^"]*)"|'([^']*)'|(\S+))""")


def service_of(source: str) -> str:
    """Whose a file is by its name: `a.service`, or a drop-in in `a.service.d`; empty if it does not say."""
    path = PurePath(source)
    name = path.parent.name.removesuffix(".d") if path.suffix == ".conf" else path.name
    return name if _UNIT.fullmatch(name) else ""


def read(text: str, source: str) -> list[Wanted]:
    """What the unit needs. Raises Refused."""
    found: list[Wanted] = []
    said: dict[str, tuple[str, int]] = {}
    own, section = service_of(source), ""
    for number, line in _lines(text):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
            continue
        key, equals, value = line.partition("=")
        if not equals or not section:
            raise refuse(source, number, "This is no setting of a unit.", "[Unit], then NAME=VALUE, one a line.")
        if section == "Unit" and key.strip() in NEEDS:
            units = [name for name in value.split() if _UNIT.fullmatch(name) and name != own and "%" not in name]
            found += [Wanted(own, name, number) for name in units]
        elif section == "Service" and key.strip() == "Environment":
            pairs = ["".join(one).partition("=") for one in _VARIABLE.findall(value)]
            said |= {name: (what, number) for name, _equals, what in pairs}
    return [*found, *wanted(said, own)]


def _lines(text: str) -> list[tuple[int, str]]:
    """Lines with their number, continued ones as one; without remarks."""
    found: list[tuple[int, str]] = []
    continued = False
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line.startswith(("#", ";")) or (not line and not continued):
            continue
        if continued:
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.removesuffix(BACKSLASH)}")
        else:
            found.append((number, line.removesuffix(BACKSLASH)))
        continued = line.endswith(BACKSLASH)
    return found
