"""The service rule: by which name an event's sender is known.

The first that there is of: the name that the client declares, UNIT or OBJECT_SYSTEMD_UNIT when PID 1 speaks about a
unit, CONTAINER_NAME, _SYSTEMD_UNIT, SYSLOG_IDENTIFIER, `kernel` for what the kernel says, `unknown`. Units that
only say who is logged in (session scopes, user@, init.scope) name no service. `.service` is dropped and what
changes with every start (hashes, UUIDs, counters, connection instances) becomes `*`, so that a service keeps its
name.
"""

from __future__ import annotations

import functools
import re
from typing import Final

import polars as pl

NAME_CHARS: Final = 128
UNKNOWN: Final = "unknown"
CANDIDATES: Final[tuple[str, ...]] = (
    "UNIT",
    "OBJECT_SYSTEMD_UNIT",
    "CONTAINER_NAME",
    "_SYSTEMD_UNIT",
    "SYSLOG_IDENTIFIER",
    "_TRANSPORT",
)

_MOST_CHARS: Final = 1024  # of a raw name that is looked at
_REMEMBERED: Final = 8_192  # a hostile sender fills 32 MB of them, and no more

_HEX = "[0-9a-fA-F]"
_DASH = r"(?:-|\\x2d)"
# In order; each is linear in the name.
_MASKS: Final = tuple(
    (re.compile(pattern, re.ASCII), mask)
    for pattern, mask in (
        (r"[\x00-\x1f\x7f]", " "),
        (r"^ +| +$|\.service *$", ""),
        (rf"{_HEX}{{8}}{_DASH}{_HEX}{{4}}{_DASH}{_HEX}{{4}}{_DASH}{_HEX}{{4}}{_DASH}{_HEX}{{12}}", "*"),  # a UUID
        (rf"{_HEX}{{12,}}", "*"),  # container and machine ids
        (r"@[0-9]+-[0-9].*$", "@*"),  # connections and crashes: sshd@7-10.0.0.1:22-10.0.0.9:5022, coredump@3-811-0
        (rf"@(?=[a-fA-F]*[0-9]){_HEX}{{6,}}$", "@*"),  # a short hash has a digit
        (r"^run-[a-z](?:[0-9]+|\*)(?:-i[0-9]+)?", "run-*"),  # transient units of systemd-run
        (r"-[0-9]+\.scope$", "-*.scope"),
        (r"\.[0-9a-z]{25}$", ".*"),  # a swarm task
    )
)


def service_names(candidates: pl.DataFrame, declared: pl.Series, pid: pl.Series) -> pl.Series:
    """The service of each of n events, never null.

    `candidates` has any of the columns `CANDIDATES` (String, null where a field is missing), n rows or no column at
    all; `declared` (String) and `pid` (Int64) have n.
    """
    columns = candidates.columns
    raw = declared
    if columns:
        picks = [_pick(name, pid) for name in CANDIDATES if name in columns]
        raw = candidates.select(pl.coalesce(_unless_empty(pl.lit(declared)), *picks)).to_series()
    # One dict access an event; polars' own replacement costs as much, and a millisecond before it begins.
    names = raw.to_list()
    clean = {name: clean_name((name or "")[:_MOST_CHARS]) for name in set(names)}
    return pl.Series("service", [clean[name] for name in names], dtype=pl.String)


def _pick(name: str, pid: pl.Series) -> pl.Expr:
    """What one field says of the service; null where it says nothing."""
    value = pl.col(name)
    if name == "_TRANSPORT":
        return pl.when(value == "kernel").then(pl.lit("kernel"))
    if name in {"CONTAINER_NAME", "SYSLOG_IDENTIFIER"}:
        return _unless_empty(value)
    session = value.str.starts_with("session-") & value.str.ends_with(".scope")
    says = ~(session | value.str.starts_with("user@") | value.is_in(["init.scope", ""]))
    return pl.when(says if name == "_SYSTEMD_UNIT" else says & (pl.lit(pid) == 1)).then(value)


def _unless_empty(value: pl.Expr) -> pl.Expr:
    return pl.when(value != "").then(value)


@functools.lru_cache(_REMEMBERED)
def clean_name(raw: str) -> str:
    """The name under which a service is stored; `raw` is at most 1,024 characters, for it is remembered."""
    name = raw
    for pattern, mask in _MASKS:
        name = pattern.sub(mask, name)
    return name[:NAME_CHARS] or UNKNOWN
