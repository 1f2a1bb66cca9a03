"""How well questions in people's words are understood and answered, with no model.

    python bench/reasoning.py [--store DIR] [--json] [--show-held-back]

Four and a half days of a simulated fleet with seven known faults (`asked_fleet.py`) are taken in and watched, then the
questions of `questions/asked*.jsonl` are asked. `routing`: the right sort of question; `entities`: every node, service,
severity, incident and the window right; `facts`: the answer's text has all that is expected, counts recounted from what
the simulation said. The questions that are held back are not looked at while the rules are made; what fails of them is
shown only on demand. --store DIR keeps the store for the next time.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from asked_fleet import ZONE, at_us, live, opened, said, simulation
from devmesh.analysis import Answer
from devmesh.answering import as_text, ask
from devmesh.mesh import Mesh
from machine import yardstick

QUESTIONS = Path(__file__).parent / "questions"
SETS = {
    "seen": "asked.jsonl",
    "held_back": "asked_held_back.jsonl",
    "second": "asked_second.jsonl",
    "afterwards": "asked_afterwards.jsonl",
}
SHOWN = {"seen", "second"}
MEASURES = ("routing", "entities", "facts")


@dataclass(frozen=True)
class Judged:
    """One question with what was right about its answer."""

    question: str
    right: dict[str, bool]
    seconds: float
    got: str


def judged(mesh: Mesh, lines: pl.DataFrame, one: dict[str, Any]) -> Judged:
    """Ask, and hold the answer against what is expected."""
    began = time.perf_counter()
    answer = ask(mesh, one["question"], timezone=ZONE)
    took, text = time.perf_counter() - began, as_text(answer)
    wanted = [*one["facts"], *(counted(lines, one) if "count" in one else ())]
    missing = [fact for fact in wanted if not re.search(fact, text, re.IGNORECASE)]
    right = {
        "routing": answer.asked.kind == one["kind"],
        "entities": understood(answer) == expected(one),
        "facts": not missing,
    }
    return Judged(one["question"], right, took, f"{answer.asked.kind} {understood(answer)} lacks {missing}")


def understood(answer: Answer) -> tuple[Any, ...]:
    """Whom and which time an answer is about."""
    named, window = answer.asked.entities, answer.asked.window
    time_said = None if answer.asked.assumed else (window.since_us, window.until_us)
    return set(named.nodes), set(named.services), named.severity, list(named.incidents), time_said


def expected(one: dict[str, Any]) -> tuple[Any, ...]:
    """The same of what a question expects."""
    time_said = (at_us(one["since"]), at_us(one["until"])) if "since" in one else None
    names = set(one.get("node", ())), set(one.get("service", ()))
    return *names, one.get("severity", ""), one.get("incident", []), time_said


def counted(lines: pl.DataFrame, one: dict[str, Any]) -> Iterator[str]:
    """How many lines the simulation said of what a question counts, as the answer must write it."""
    wanted = one["count"]
    rows = lines.filter(
        (pl.col("ts_us") >= at_us(one["since"])) & (pl.col("ts_us") < at_us(one["until"])),
        pl.col("message").str.contains(wanted["says"]),
        *(pl.col(key) == wanted[key] for key in ("node", "service") if key in wanted),
    )
    yield rf"(?<![\d,]){len(rows):,} line"


def shares(some: Sequence[Judged]) -> dict[str, float]:
    """The share that was right, by measure."""
    return {name: round(sum(one.right[name] for one in some) / len(some), 4) for name in MEASURES}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--show-held-back", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = asked.store or Path(folder)
        made, new = simulation(), not (place / "devmesh.db").exists()
        mesh = opened(place)
        if new:
            live(mesh, made)
        lines = said(made)
        results: dict[str, list[Judged]] = {}
        for name, file in SETS.items():
            rows = (QUESTIONS / file).read_text("utf-8").splitlines()
            results[name] = [judged(mesh, lines, json.loads(row)) for row in rows]
        mesh.close()
    every = [one for some in results.values() for one in some]
    out: dict[str, Any] = {**shares(every), "slowest_s": round(max(one.seconds for one in every), 2)}
    out |= {name: {"questions": len(some), **shares(some)} for name, some in results.items()} | yardstick()
    if asked.json:
        print(json.dumps(out))
        return
    for name, some in results.items():
        for one in some:
            wrong = [measure for measure in MEASURES if not one.right[measure]]
            if wrong and (name in SHOWN or asked.show_held_back):
                sys.stdout.write(f"{', '.join(wrong)}: {one.question}\n    {one.got}\n")
    for name, value in out.items():
        sys.stdout.write(f"{name:18} {value}\n")


if __name__ == "__main__":
    main()
