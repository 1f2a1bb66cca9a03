"""How well faults are noticed, and who is blamed: simulated fleets with known faults, and quiet days.

    python bench/detection.py [--seeds 1-200] [--quiet-days 60] [--memories 4] [--json] [--jobs 2]
                              [--graph [--missing 0.2] [--wrong 0.1]]

A run is eight days of an 8-node fleet's ordinary life, then one fault, whose kind goes round by seed; its messages take
the real way through templates and families, its counts the real detectors, grouping and rules of blame. Quiet days hold
what only looks like a fault. With --graph the fleet's inventory is loaded, of which a share of the edges can be missing
and as many in proportion wrong. `of_several`: of faults that affect more than their cause; who is said affected is
held against who is. Nothing here knows how a fault shows; the truth is used for nothing but to judge.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from statistics import median

import polars as pl

from judging import Known, Result, judge  # beside this file
from simulated import DAY_US, HOUR_US, KEYS, MINUTE_US, SINCE_US, Reader, hours, watched

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from devmesh.detectors import Watch
from devmesh.incidents import Grouping
from devmesh.investigations import Signature, recall, roles_of, signature
from devmesh.simulate import FAULTS, Simulation, Wish, default_inventory

APART_H = 12
QUIET_DAYS = 30  # in one run


def run(kind: str, seed: int, days: int, known: Known | None = None) -> Result:
    """One run, watched and judged."""
    return judge(watched(kind, seed, days), known)


def remembered(seed: int) -> tuple[int, int, int, int]:
    """(held out, recalled rightly, unseen and detected, recalled wrongly): eight kinds five times each, the last held
    out, then eight other kinds that were never there.
    """
    kinds = list(FAULTS)
    random.Random(seed).shuffle(kinds)  # noqa: S311 - to be repeated
    begin_us = SINCE_US + 3 * DAY_US
    order = [kind for _ in range(5) for kind in kinds[:8]] + kinds[8:]
    wishes = [Wish(kind, begin_us + number * APART_H * HOUR_US) for number, kind in enumerate(order)]
    end_us = wishes[-1].at_us + 3 * DAY_US if wishes[-1].at_us else 0
    reader, frames = Reader(made := Simulation(default_inventory(), 20_000 + seed, SINCE_US, end_us, wishes)), []
    for some in made:
        if some.messages:
            frame = reader.read(some)
            minute = (pl.col("ts_us") // MINUTE_US).alias("minute")
            frames.append(frame.group_by(minute, "template", "service", "node", "priority").agg(n=pl.len()))
    home = reader.families()
    counts = pl.concat(frames).join(home, "template").group_by(KEYS).agg(pl.col("n").sum()).sort(KEYS)
    watch, grouping = Watch(reader.shapes), Grouping()
    for hour in hours(counts):
        grouping.observe(hour, watch.observe(hour))
    texts = {family: shape.text for family, shape in reader.shapes.items()}
    names = {number: name for name, number in reader.services.items()}
    told = [one for one in grouping.incidents if one.told is not None]
    pairs = watch.normal.pairs
    roles = roles_of(zip(pairs["service"].tolist(), pairs["node"].tolist(), strict=True), names)
    seen: list[tuple[str, Signature]] = []
    held = right = unseen = wrong = 0
    for number, wish in enumerate(wishes):
        near = [one for one in told if 0 <= one.onset * MINUTE_US - (wish.at_us or 0) + MINUTE_US < APART_H * HOUR_US]
        if not near:
            continue
        mark = signature(near[0].findings, texts, names, roles)
        found = recall(mark, [one for _kind, one in seen])
        same = found is not None and seen[found.place][0] == wish.kind
        if number >= 40:
            unseen, wrong = unseen + 1, wrong + (found is not None)
        elif number >= 32:
            held, right = held + 1, right + same
            wrong += found is not None and not same
        seen.append((wish.kind, mark))
    return held, right, unseen, wrong


def summed(results: list[Result], memories: list[tuple[int, int, int, int]]) -> dict[str, float]:
    """The figures over all runs; rates are shares of the runs with a fault."""
    faults = [one for one in results if one.kind != "quiet"]
    found = [one for one in faults if one.found]
    false = sum(one.false for one in results)
    quiet_days = sum(one.days - 2 for one in results if one.kind == "quiet")  # it learns for two days
    out = {
        "recall": len(found) / max(1, len(faults)),
        "precision": len(found) / max(1, len(found) + false),
        "detect_s_median": median([one.detect_s or 0.0 for one in found] or [0.0]),
        "one_incident": sum(one.found == 1 for one in found) / max(1, len(found)),
        "top1": sum(one.rank == 1 for one in faults) / max(1, len(faults)),
        "top3": sum(1 <= one.rank <= 3 for one in faults) / max(1, len(faults)),
    }
    if several := [one for one in faults if one.concerned]:
        out["top1_of_several"] = sum(one.rank == 1 for one in several) / len(several)
        out["top3_of_several"] = sum(1 <= one.rank <= 3 for one in several) / len(several)
        rightly = sum(one.rightly for one in several)
        out["affected_precision"] = rightly / max(1, sum(one.stated for one in several))
        out["affected_recall"] = rightly / sum(one.concerned for one in several)
    if quiet_days:
        out["false_per_14_days"] = 14 * sum(one.false for one in results if one.kind == "quiet") / quiet_days
    if memories:
        held, right, unseen, wrong = (sum(one[place] for one in memories) for place in range(4))
        out["seen_before_recall"] = right / max(1, held)
        out["seen_before_wrong"] = wrong / max(1, held + unseen)
    return {name: round(value, 4) for name, value in out.items()}


def table(results: list[Result]) -> str:
    """A line for each kind of fault, and which detectors saw it."""
    lines = [
        f"{'kind':22} {'runs':>4} {'found':>5} {'one':>4} {'top1':>4} {'top3':>4} {'median s':>8} false  detectors"
    ]
    for kind in sorted({one.kind for one in results}):
        some = [one for one in results if one.kind == kind]
        found = [one for one in some if one.found]
        seconds = f"{median(one.detect_s or 0.0 for one in found):.0f}" if found else "-"
        by = ", ".join(name for name, _n in Counter(name for one in found for name in one.detectors).most_common())
        lines.append(
            f"{kind:22} {len(some):4} {len(found):5} {sum(one.found == 1 for one in some):4} "
            f"{sum(one.rank == 1 for one in some):4} {sum(1 <= one.rank <= 3 for one in some):4} {seconds:>8} "
            f"{sum(one.false for one in some):5}  {by}"
        )
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="1-200", help="of the runs with a fault: 7, or 1-200")
    parser.add_argument("--quiet-days", type=int, default=60)
    parser.add_argument("--memories", type=int, default=4, help="fleets of 48 faults each, to be recognized")
    parser.add_argument("--graph", action="store_true", help="with the fleet's inventory")
    parser.add_argument("--missing", type=float, default=0.0, help="share of its edges that nobody declared")
    parser.add_argument("--wrong", type=float, default=0.0, help="edges that are none, for each that is one")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if not re.fullmatch(r"\d+(-\d+)?", asked.seeds):
        parser.error("--seeds is a number or two with a dash")
    first, last = (int(one) for one in (asked.seeds.split("-") * 2)[:2])
    kinds = tuple(FAULTS)
    known = Known(asked.missing, asked.wrong) if asked.graph else None
    work = [(kinds[seed % len(kinds)], seed, 0, known) for seed in range(first, last + 1)]
    left, part = asked.quiet_days, 0
    while left > 0:
        part += 1
        work.append(("quiet", part, min(left, QUIET_DAYS), known))
        left -= QUIET_DAYS
    results = []
    with ProcessPoolExecutor(asked.jobs) as pool:
        for one in pool.map(run, *zip(*work, strict=True)):
            results.append(one)
            if not asked.json:
                sys.stderr.write(f"\r{len(results)} of {len(work)} runs")
        memories = list(pool.map(remembered, range(1, asked.memories + 1)))
    if asked.json:
        print(json.dumps(summed(results, memories) | {"runs": [asdict(one) for one in results]}))
        return
    print("\n" + table(results))
    print(f"recalled: (held out, rightly, unseen, wrongly) of each fleet {memories}")
    for name, value in summed(results, memories).items():
        print(f"{name:18} {value}")
    print(
        f"{'watching, CPU s':18} {sum(one.cpu_s for one in results):.1f} of {sum(one.days for one in results):.0f} days"
    )


if __name__ == "__main__":
    main()
