"""A demo while it runs: each step of the house is said as it happens, and at the end the truth beside it.

The house is looked at from outside, as people see it: over HTTP, and by what its channel `console` writes.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from devmesh.cli.demo_fleet import Play, Present, say
from devmesh.cli.remote import Remote
from devmesh.cli.terminal import safe, stamp, viewer_zone
from devmesh.cli.words import program
from devmesh.errors import DevMeshError

if TYPE_CHECKING:
    from datetime import tzinfo

    from devmesh.settings import Settings
    from devmesh.simulate import Truth

CONSOLE = "devmesh.incidents"  # the logger that the channel writes to
EVERY_S, STOP_S = 1.0, 10.0
SHOWN_REASONS = 3
OVER = (
    "What was broken works again; the incident closes after half an hour without anything new or bad. Look around: "
    "Ctrl-C ends the demo, and says what it really was."
)
Row = dict[str, Any]


class Show:
    """What is said while the demo runs. `begin` when the server answers, `end` while it still does."""

    def __init__(self, play: Play, settings: Settings, *, spoil: bool, for_s: int | None) -> None:
        self._play, self._settings, self._spoil, self._for_s = play, settings, spoil, for_s
        self._present = Present(play)
        self._zone: tzinfo = viewer_zone("")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, name="demo-show", daemon=True)
        self._truth: Truth | None = None
        self._begun_us = 0
        self._rows: dict[int, Row] = {}
        self._told: dict[int, int] = {}  # when the terminal was told of an incident
        self._texts: deque[str] = deque()  # what it was told, and not said yet
        self.heard = _Heard(self._tell)

    def begin(self, url: str) -> None:
        """The server answers: the fleet goes on."""
        folder = self._settings.data_dir
        say(f"DevMesh is up at {url}/ui/incidents")
        say(f'  ask it    {program()} --data-dir {folder} search "disk is dying"\n  stop      Ctrl-C')
        self._begun_us = self._play.clock.now_us()
        self._truth = self._present.begin(url, self._settings)
        self._say(f"The fleet lives: {self._play.size()} write as time goes by.")
        self._url = url
        self._thread.start()

    def end(self) -> None:
        """Stop the fleet, and say what really happened."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._present.end()
        if self._truth is not None:
            self._thread.join(STOP_S)
            self._pass_on(len(self._texts))
            for line in compared(self._truth, self._own(), self._told, self._play.clock.now_us(), self._zone):
                say(line)

    def verdict(self) -> str:
        """Why this was no success; empty where the fault was found and told."""
        if self._truth is None:
            return "The server did not answer."
        if self._play.clock.now_us() < self._truth.start_us:
            return "It ended before anything broke: give --for more seconds."
        if any(row["id"] in self._told for row in self._own()):
            return ""
        if self._own():
            return "The fault was found, and nobody was told of it."
        count = len(self._rows)
        others = f"{count} other {'incident was' if count == 1 else 'incidents were'} found. " if count else ""
        return f"Nothing was found of the fault. {others}It began at {clock_of(self._truth.start_us, self._zone)}."

    # -- looking -------------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Once a second, until the end."""
        clock, truth = self._play.clock, self._truth
        assert truth is not None  # noqa: S101 - begun
        trouble = ""
        cues = [(truth.first_symptom_us, self._broken(truth)), (truth.end_us, OVER)]
        with Remote(self._url, "") as remote:
            while not clock.wait(EVERY_S, self._stop):
                now_us = clock.now_us()
                while cues and now_us >= cues[0][0]:
                    self._say(cues.pop(0)[1])
                told = len(self._texts)  # what comes while it asks belongs to what it has not seen
                try:
                    self._see(remote.call("GET", "/incidents", params={"since": str(self._begun_us)})["incidents"])
                    trouble = ""
                except DevMeshError as error:  # it may answer again; once is enough to say so
                    if error.message != trouble:
                        self._say(f"The server cannot be asked: {error.message}")
                    trouble = error.message
                self._pass_on(told)
                if self._for_s is not None and now_us >= self._begun_us + self._for_s * 1_000_000:
                    os.kill(os.getpid(), signal.SIGTERM)
                    return

    def _see(self, rows: list[Row]) -> None:
        """Say what is new in these."""
        for row in rows:
            before, suspect = self._rows.get(row["id"]), _first(row)
            if before is None:
                self._say(f"detected   incident {row['id']}: {safe(row['title'])}")
            if suspect and (before is None or suspect != _first(before)):
                self._say(f"explained  incident {row['id']}: {suspect}")
            self._rows[row["id"]] = row

    def _tell(self, incident: int, text: str) -> None:
        """The channel wrote this: to be said once it was seen why."""
        self._told.setdefault(incident, self._play.clock.now_us())
        self._texts.append(text)

    def _pass_on(self, count: int) -> None:
        """Say the oldest texts."""
        for _ in range(count):
            self._say("told       " + self._texts.popleft())

    def _own(self) -> list[Row]:
        """The incidents that speak of what was played, the best told first."""
        truth = self._truth
        if truth is None:
            return []
        who = {truth.cause, *truth.affected}
        services, nodes = {service for service, _node in who}, {node for _service, node in who}
        found = [row for row in self._rows.values() if services & set(row["services"]) and nodes & set(row["nodes"])]
        return sorted(found, key=lambda row: (row["id"] not in self._told, row["id"]))

    # -- words ---------------------------------------------------------------------------------------------------------

    def _broken(self, truth: Truth) -> str:
        if self._spoil:
            return f"Now {truth.kind} begins, by {' on '.join(truth.cause)}."
        return "Now something begins to break. DevMesh does not know what; you are told at the end."

    def _say(self, text: str) -> None:
        say(f"{clock_of(self._play.clock.now_us(), self._zone)}  {text}")


class _Heard(logging.Handler):
    """Hands on what the channel `console` writes."""

    def __init__(self, tell: Any) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        """`incident=N headline` and the lines below it, which bear the same mark."""
        head, _space, text = record.getMessage().partition(" ")
        name, _equals, number = head.partition("=")
        if record.name == CONSOLE and name == "incident" and number.isdecimal():
            self._tell(int(number), text.replace(f"\n    {head} ", "\n    "))


def _first(row: Row) -> str:
    """The first suspect of an incident, in words; empty while there is none."""
    for one in row["suspects"][:1]:
        why = "; ".join(safe(reason) for reason in one["reasons"][:SHOWN_REASONS]) or "others name it"
        return f"first suspect {safe(one['service'])} on {safe(one['node'])} ({why})"
    return "inconclusive" if row.get("inconclusive") else ""


def clock_of(ts_us: int, zone: tzinfo) -> str:
    """`13:02:10`."""
    return stamp(ts_us, zone, "%H:%M:%S")[:8]


def compared(truth: Truth, own: list[Row], told: dict[int, int], now_us: int, zone: tzinfo) -> list[str]:
    """The truth, and beside it what the house made of it."""
    if now_us < truth.start_us:
        return ["It ends before anything broke."]
    kind = truth.kind + " (harmless)" * truth.harmless
    begun = clock_of(truth.first_symptom_us, zone)
    out = [f"The truth  {kind}: {' on '.join(truth.cause)}, in the log from {begun} on"]
    if not own:
        return [*out, "DevMesh    found nothing of it"]
    row = own[0]
    places = [(one["service"], one["node"]) for one in row["suspects"]]
    rank = places.index(truth.cause) + 1 if truth.cause in places else 0
    judged = "right" if rank == 1 else f"wrong, the cause is {f'suspect {rank}' if rank else 'no suspect'}"
    first = f"first suspect {safe(' on '.join(places[0]))}: {judged}" if places else "no suspect"
    when = "not told"
    if row["id"] in told:
        when = f"told after {(told[row['id']] - truth.first_symptom_us) / 1e6:.0f} s"
    return [*out, f"DevMesh    incident {row['id']}, {when}; {first}"]
