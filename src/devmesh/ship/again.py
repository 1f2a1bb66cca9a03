"""`--again --since T`: send, in a new epoch, only what the former filters dropped and the present ones keep.

Loosened filters do not refetch by themselves: what they once dropped is covered. A new epoch covers everything anew and
brings just what is wanted. The plan is in the state file until it is done, so that a kill in between repeats nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional

from devmesh.ship.batch import Batch, Limits, batches
from devmesh.ship.delivery import OK, Verdict
from devmesh.ship.filters import Filters
from devmesh.ship.piece import Event, Judgement, Lost, Range, Stream, missing

if TYPE_CHECKING:
    from devmesh.ship.history import History
    from devmesh.ship.options import Options


class Again:
    """One --again, from the plan to its end."""

    def __init__(self, history: History, filters: Filters, limits: Limits, send: Callable[[Batch], Verdict]) -> None:
        self._history, self._filters, self._limits, self._send = history, filters, limits, send

    @staticmethod
    def wanted(
        history: History, filters: Filters, options: Options, limits: Limits, send: Callable[[Batch], Verdict]
    ) -> "Optional[Again]":
        """The one that was asked for now, or that an earlier run left unfinished; else None."""
        if history.again is None and options.again:
            history.again = {"since_us": options.since_us or 0, "former": history.former_filters, "streams": {}}
        return None if history.again is None else Again(history, filters, limits, send)

    def run(self, streams: List[Stream]) -> Verdict:
        """Do what is left of the plan."""
        plan = self._history.again or {}
        former = Filters(plan.get("former"), "former filters")
        for stream in streams:
            track = self._history.track(stream)
            if stream.id not in plan["streams"] and track.done:
                plan["streams"][stream.id] = {"epoch": track.epoch + 1, "done": track.done}
                self._history.save()
            if stream.id in plan["streams"]:
                verdict = self._stream(stream, plan["streams"][stream.id], former, plan["since_us"])
                if verdict.kind not in ("ok", "idle"):
                    return verdict
        self._history.again = None
        self._history.save()
        return OK

    def _stream(self, stream: Stream, planned: Dict[str, Any], former: Filters, since_us: int) -> Verdict:
        done = [(int(first), int(last)) for first, last in planned["done"]]
        track = self._history.begin_epoch(self._history.track(stream), int(planned["epoch"]))

        def judge(event: Event) -> Judgement:
            if missing(done, event["seq"], event["seq"]):
                return self._filters.judge(event)
            wanted = (event.get("ts_us") or 0) >= since_us and former.judge(event).drops
            return Judgement(not wanted or self._filters.judge(event).drops)

        spans: List[Range] = missing(track.done, 0 if stream.kind == "file" else 1, done[-1][1])
        for span in spans:
            for item in batches(stream.read(*span), track.name, span, track.prev(span[0]), self._limits, judge):
                if isinstance(item, Lost):
                    track.gaps.append(item)
                    continue
                verdict = self._send(item)
                if verdict.kind != "ok":
                    return verdict
        return OK
