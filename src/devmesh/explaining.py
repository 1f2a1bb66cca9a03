"""The ledger of an incident's one message, as its report keeps it: who was silenced from when to when, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from devmesh.incidents import Case, Joined, Names

MINUTE_US = 60_000_000


def ledger(facts: Mapping[str, Any], case: Case, joined: Sequence[Joined], named: Names) -> dict[str, Any] | None:
    """`explained` (each with how) and `unexplained`; each `since_us`, with the last that was found of it (`last_us`).
    `until_us` is when those that were silenced were told: what was left of it, or its end; None while it lasts.
    """
    kept = facts.get("ledger")
    if kept is None:
        return None
    last = dict[tuple[str, str], int]()
    for one in joined:
        who = named.pair(one.finding.service, one.finding.node)
        key = who["service"], who["node"]
        last[key] = max(last.get(key, 0), one.last * MINUTE_US)
    until = case.closed_us if case.eased_us is None else case.eased_us

    def told(one: Mapping[str, Any]) -> dict[str, Any]:
        return {**one, "last_us": last.get((one["service"], one["node"]), one["since_us"])}

    return {
        "explained": [{**told(one), "until_us": until} for one in kept["explained"]],
        "unexplained": [told(one) for one in kept["unexplained"]],
    }
