"""What the machine's container engine says of its containers: names, addresses, published ports, bound folders.

Asked over its socket on this machine, in the API that docker and podman share. Labels, environment and commands, which
come along, are not kept.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

SOCKETS = ("/run/docker.sock", "/run/podman/podman.sock")
TIMEOUT_S = 3.0
MOST_BYTES = 8 << 20
MOST_CONTAINERS = 1_000
_NONSENSE = (ValueError, TypeError, AttributeError, LookupError, RecursionError)


class Container(NamedTuple):
    """One container; `published`: (address of the host or "", port of the host, protocol)."""

    name: str
    addresses: Tuple[str, ...] = ()
    published: Tuple[Tuple[str, int, str], ...] = ()
    folders: Tuple[str, ...] = ()


def ask(sockets: Sequence[str] = SOCKETS) -> Dict[str, Container]:
    """{id: container} of every engine that answers; where this user may not ask there is none."""
    known: Dict[str, Container] = {}
    for path in sockets:
        # An engine that is away, hangs or speaks otherwise leaves its containers without names; nothing waits for it.
        with contextlib.suppress(OSError, http.client.HTTPException, *_NONSENSE):
            for one in _list(path)[:MOST_CONTAINERS]:
                known[str(one["Id"])] = _container(one)
    return known


def _list(path: str) -> List[Any]:
    connection = http.client.HTTPConnection("localhost", timeout=TIMEOUT_S)
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with contextlib.closing(connection):
        connection.sock.settimeout(TIMEOUT_S)
        connection.sock.connect(path)
        connection.request("GET", "/containers/json")
        said = json.loads(connection.getresponse().read(MOST_BYTES))
    return said if isinstance(said, list) else []


def _container(said: Dict[str, Any]) -> Container:
    networks = ((said.get("NetworkSettings") or {}).get("Networks") or {}).values()
    addresses = [str(one[key]) for one in networks for key in ("IPAddress", "GlobalIPv6Address") if one.get(key)]
    ports = [
        ("" if one.get("IP") in (None, "0.0.0.0", "::") else str(one["IP"]), int(one["PublicPort"]), str(one["Type"]))  # noqa: S104
        for one in said.get("Ports") or []
        if one.get("PublicPort")
    ]
    folders = [str(one["Source"]) for one in said.get("Mounts") or [] if one.get("Source")]
    name = str((said.get("Names") or [""])[0]).lstrip("/")
    return Container(name, tuple(addresses), tuple(sorted(set(ports))), tuple(folders))
