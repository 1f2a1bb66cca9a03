"""Environment files: `.env`, systemd's EnvironmentFile=; and what their variables mean wherever they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from devmesh.graph.files.places import Wanted, place_of, refuse, targets_of, urls

MOST = 5_000
# Where others find the program itself: no need of its own.
_SELF = re.compile(
    r"(?:.*_)?(?:PUBLIC|BASE|SITE|ROOT|APP|WEB|EXTERNAL|REDIRECT|CALLBACK|ORIGIN|SELF|FRONTEND|HOME|LISTEN|BIND|VIRTUAL"
    r"|HTTP|HTTPS|ALLOWED|MY|SERVER_ROOT|PROXY)_(?:URLS?|URI|HOST|HOSTNAME|ADDR|ADDRESS)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"(?:.*_)?(?:URL|URI|DSN|ENDPOINT|BROKERS?|SERVERS?)", re.IGNORECASE)
_HOST = re.compile(r"(.+_|PG)(?:HOST|HOSTNAME|ADDR|ADDRESS|SERVER)", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")
_PORT = re.compile(r"\d{1,5}")

Said = Mapping[str, tuple[str, int]]  # name: (value, line)


def read(text: str, source: str) -> list[Wanted]:
    """What the variables of a file say; a line that is no variable is an error. Raises Refused."""
    return [*wanted(dict(_variables(text, source)))]


def _variables(text: str, source: str) -> Iterator[tuple[str, tuple[str, int]]]:
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        start, line = number + 1, lines[number].strip()
        number += 1
        if not line or line.startswith(("#", ";")):
            continue
        while line.endswith("\\") and number < len(lines):
            line = line[:-1] + lines[number].strip()
            number += 1
        name, equals, value = line.removeprefix("export ").partition("=")
        if not equals or not _NAME.fullmatch(name.strip()):
            raise refuse(source, start, "This is no variable.", "NAME=VALUE, one a line; # begins a remark.")
        if start > MOST:
            raise refuse(source, start, f"There are more than {MOST:,} lines.", "Is it the right file?")
        yield name.strip(), (plain(value), start)


def plain(value: str) -> str:
    """A value without its quotes, or without the remark behind it."""
    value = value.strip()
    if value[:1] in ("'", '"'):
        end = value.find(value[0], 1)
        return value[1:end] if end > 0 else ""
    return re.split(r"\s#", value, maxsplit=1)[0].strip()


def wanted(said: Said, service: str = "") -> Iterator[Wanted]:
    """Targets of `*_URL` and its like, and of `*_HOST` with its `*_PORT`. What is put in later (`${X}`) is nobody's."""
    for name, (value, line) in said.items():
        if "$" in value or _SELF.fullmatch(name):
            continue
        host = _HOST.fullmatch(name)
        if _ADDRESS.fullmatch(name) and "://" in value:
            some = urls(value)
        elif host and "://" not in value:
            some = _with_port(value, said, host[1])
        elif _ADDRESS.fullmatch(name) and re.search(r":\d{1,5}(?:,|$)", value):
            some = [place for place in map(place_of, value.split(",")) if place]
        else:
            some = []
        yield from (Wanted(service, target, line) for target in some)


def _with_port(value: str, said: Said, prefix: str) -> list[str]:
    port = next((said[key][0] for key in (f"{prefix}PORT", f"{prefix}port") if key in said), "")
    bare = not re.search(r"(?<!:):\d{1,5}$", value) and not value.startswith("/")
    return targets_of(f"{value}:{port}" if bare and _PORT.fullmatch(port) else value)
