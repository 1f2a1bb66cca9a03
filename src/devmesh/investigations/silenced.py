"""What one message stands for: who was silenced while the first suspect is down, and whom that does not explain.

By the inventory of the moment, and kept with the report: what was loaded later changes no ledger of before.
"""

from __future__ import annotations

from typing import Any

from devmesh.investigations.model import Context
from devmesh.investigations.suspects import Pair

MINUTE_US = 60_000_000


def silenced(context: Context) -> dict[str, Any] | None:
    """`explained` (each with how, and since when it was found) and `unexplained`, of all who have a part in it, in
    order of time; None without an inventory that knows the first suspect.
    """
    ties, first = context.ties, context.suspects[0]
    suspect = first.service, first.node
    if ties is None or not ties.knows(suspect):
        return None
    since = dict[Pair, int]()
    for one in context.asked.findings:
        since.setdefault((one.service, one.node), one.minute * MINUTE_US)
    since.pop(suspect, None)
    how = {pair: ties.need(pair, suspect, whole=False) for pair in since}

    def told(pair: Pair) -> dict[str, Any]:
        service, node = context.services.get(pair[0], "?"), context.nodes.get(pair[1], "?")
        return {"service": service, "node": node, "since_us": since[pair]}

    return {
        "explained": [{**told(pair), "how": said} for pair, said in how.items() if said],
        "unexplained": [told(pair) for pair, said in how.items() if not said],
    }
