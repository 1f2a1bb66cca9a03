"""The service rule: by which name an event's sender is known.

The first that there is of: the name that the client declares, UNIT or OBJECT_SYSTEMD_UNIT when PID 1 speaks about a
unit, CONTAINER_NAME, _SYSTEMD_UNIT, SYSLOG_IDENTIFIER, `kernel` for what the kernel says, `unknown`. Units that
only say who is logged in (session scopes, user@, init.scope) name no service. `.service` is dropped and what
changes with every start (hashes, UUIDs, counters, connection instances) becomes `*`, so that a service keeps its
name.
"""

from __future__ import annotations

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

_HEX = "[0-9a-fA-F]"
_DASH = r"(?:-|\\x2d)"
# In order. Rust's regex knows no look-around, so "has a digit" is said by where the digit stands.
_MASKS: Final = (
    (rf"{_HEX}{{8}}{_DASH}{_HEX}{{4}}{_DASH}{_HEX}{{4}}{_DASH}{_HEX}{{4}}{_DASH}{_HEX}{{12}}", "*"),  # a UUID
    (rf"{_HEX}{{12,}}", "*"),  # container and machine ids
    (r"@[0-9]+-[0-9].*$", "@*"),  # connections and crashes: sshd@7-10.0.0.1:22-10.0.0.9:5022, coredump@3-811-0
    (r"^run-[a-z](?:[0-9]+|\*)(?:-i[0-9]+)?", "run-*"),  # transient units of systemd-run
    (r"-[0-9]+\.scope$", "-*.scope"),
    (r"\.[0-9a-z]{25}$", ".*"),  # a swarm task
)
_SHORT_HASH: Final = rf"@{_HEX}{{6,}}$"
_SHORT_HASH_DIGIT: Final = rf"@{_HEX}*[0-9]{_HEX}*$"


def service_names(candidates: pl.DataFrame, declared: pl.Series, pid: pl.Series) -> pl.Series:
    """The service of each of n events, never null.

    `candidates` has any of the columns `CANDIDATES` (String, null where a field is missing), n rows or no column at
    all; `declared` (String) and `pid` (Int64) have n.
    """
    columns = set(candidates.columns)
    picks = [pl.lit(declared)]
    spoken_of = [unit for unit in ("UNIT", "OBJECT_SYSTEMD_UNIT") if unit in columns]
    picks.extend(pl.when(pl.lit(pid) == 1).then(_service_unit(unit)) for unit in spoken_of)
    if "CONTAINER_NAME" in columns:
        picks.append(pl.col("CONTAINER_NAME"))
    if "_SYSTEMD_UNIT" in columns:
        picks.append(_service_unit("_SYSTEMD_UNIT"))
    if "SYSLOG_IDENTIFIER" in columns:
        picks.append(pl.col("SYSLOG_IDENTIFIER"))
    if "_TRANSPORT" in columns:
        picks.append(pl.when(pl.col("_TRANSPORT") == "kernel").then(pl.lit("kernel")))
    picks = [pl.when(pick != "").then(pick) for pick in picks]
    raw = (candidates if columns else declared.to_frame()).select(pl.coalesce(*picks, pl.lit(UNKNOWN))).to_series()
    distinct = raw.unique()
    return raw.replace_strict(distinct, _clean(distinct)).alias("service")


def _service_unit(name: str) -> pl.Expr:
    unit = pl.col(name)
    session = unit.str.starts_with("session-") & unit.str.ends_with(".scope")
    return pl.when(~(session | unit.str.starts_with("user@") | (unit == "init.scope"))).then(unit)


def _clean(names: pl.Series) -> pl.Series:
    """Names as they are stored, for distinct raw ones."""
    name = pl.lit(names).str.replace_all(r"[\x00-\x1f\x7f]", " ").str.strip_chars().str.strip_suffix(".service")
    for pattern, mask in _MASKS:
        name = name.str.replace_all(pattern, mask)
    hashed = name.str.contains(_SHORT_HASH) & name.str.contains(_SHORT_HASH_DIGIT)
    name = pl.when(hashed).then(name.str.replace(_SHORT_HASH, "@*")).otherwise(name).str.slice(0, NAME_CHARS)
    return pl.select(pl.when(name == "").then(pl.lit(UNKNOWN)).otherwise(name)).to_series()
