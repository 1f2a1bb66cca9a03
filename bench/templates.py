"""How well families match the statements that programs really make, and how fast they are found.

    python bench/templates.py --data DIR [--json]

DIR has one folder for each labelled set: X/X_2k.log_structured_corrected.csv with the columns Content and EventTemplate
(the layout of LogHub with the corrections of Khan et al., ICSE 2022). Each set counts as one service. What is scored is
what people see: messages are canonicalized, their templates assigned to families, with one configuration for all sets.

GA   share of messages whose family has exactly the messages of their true template
FGA  F1 over templates of the same (Jiang et al., "A Large-Scale Evaluation for Log Parsing Techniques", ISSTA 2024)
PA   share of messages whose text is exactly the true template's, placeholders being `<*>`
FTA  F1 over templates that have exactly the right messages and the right text
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from devmesh.templates.canonical import canonicalize, canonicalize_directly
from devmesh.templates.family import FamilyBook
from devmesh.templates.levels import level_of

if TYPE_CHECKING:
    from collections.abc import Callable

SUFFIX = "_2k.log_structured_corrected.csv"
MEASURES = ("GA", "FGA", "PA", "FTA", "messages_per_s")
FRAME_ROWS = 200_000
LONG_BYTES = 570
PLACEHOLDER = re.compile(r"<[a-z*][a-z0-9:_-]*>")
TOKEN = re.compile(r"[^\s=:,;()\[\]{}\"'|]*<\*>[^\s=:,;()\[\]{}\"'|]*")


def families_of(messages: list[str]) -> list[str]:
    """The family's text of each message; families are told apart by a number before the text."""
    texts = canonicalize(pl.Series(messages, dtype=pl.String)).to_list()
    ids = {text: number for number, text in enumerate(dict.fromkeys(texts), start=1)}
    outcome = FamilyBook().assign((number, text, level_of(text)) for text, number in ids.items())
    return [f"{outcome.assigned[ids[text]]} {outcome.texts[outcome.assigned[ids[text]]]}" for text in texts]


def score(truth: list[str], found: list[str]) -> dict[str, float]:
    """GA, FGA, PA and FTA of families against true templates."""
    true_groups, found_groups = _groups(truth), _groups(found)
    groups = {tuple(rows): text for text, rows in found_groups.items()}
    right = {text: groups[tuple(rows)] for text, rows in true_groups.items() if tuple(rows) in groups}
    same_text = [text for text, family in right.items() if plain(family.split(" ", 1)[1]) == plain(text)]
    equal = sum(plain(mine.split(" ", 1)[1]) == plain(text) for mine, text in zip(found, truth, strict=True))
    return {
        "GA": sum(len(true_groups[text]) for text in right) / len(truth),
        "FGA": 2 * len(right) / (len(found_groups) + len(true_groups)),
        "PA": equal / len(truth),
        "FTA": 2 * len(same_text) / (len(found_groups) + len(true_groups)),
    }


def plain(text: str) -> str:
    """Every token that holds a placeholder as `<*>`, as the true templates are written; no difference in spaces."""
    return " ".join(TOKEN.sub("<*>", PLACEHOLDER.sub("<*>", text)).split())


def speed(messages: list[str]) -> float:
    """Messages canonicalized per second in one frame, with shapes known, best of three."""
    frame = pl.Series((messages * (FRAME_ROWS // len(messages) + 1))[:FRAME_ROWS], dtype=pl.String)
    return max(_rate(frame, canonicalize) for _ in range(3))


def worst_speed(messages: list[str]) -> float:
    """The same when every message is a new shape, so that the rules run on each."""
    words = ("alpha", "bravo", "delta", "gamma", "kappa", "omega", "sigma", "theta")
    frame = pl.Series([
        f"{words[i % 8]}{words[i // 8 % 8]}{words[i // 64 % 8]}{words[i // 512 % 8]}{words[i // 4096 % 8]} "
        f"{messages[i % len(messages)]}"
        for i in range(20_000)
    ])  # fmt: skip
    return _rate(frame, canonicalize_directly)


def _groups(labels: list[str]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = defaultdict(list)
    for row, label in enumerate(labels):
        groups[label].append(row)
    return groups


def _rate(frame: pl.Series, function: Callable[[pl.Series], pl.Series]) -> float:
    started = time.perf_counter()
    function(frame)
    return len(frame) / (time.perf_counter() - started)


def _long(messages: list[str]) -> list[str]:
    """Lines of LONG_BYTES, each some of these messages behind one another."""
    text = " ".join(messages)
    return [text[start : start + LONG_BYTES] for start in range(0, len(text) - LONG_BYTES, LONG_BYTES)]


def run(data: Path) -> dict[str, dict]:
    """Scores and speeds of every set below `data`, and their mean."""
    sets, everything = {}, []
    for path in sorted(data.glob(f"*/*{SUFFIX}")):
        with path.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
        messages = [row["Content"] for row in rows]
        everything += messages
        scores = score([row["EventTemplate"] for row in rows], families_of(messages))
        sets[path.parent.name] = {**scores, "messages_per_s": speed(messages)}
    if not sets:
        sys.exit(f"There is no */*{SUFFIX} below {data}. See the top of this file for what it should hold.")
    mean = {measure: sum(one[measure] for one in sets.values()) / len(sets) for measure in MEASURES}
    more = {
        "all_sets_messages_per_s": speed(everything),
        "long_lines_messages_per_s": speed(_long(everything)),
        "all_new_messages_per_s": worst_speed(everything),
    }
    return {"mean": mean, "sets": sets, "speed": more}


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of labelled sets")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    result = run(arguments.data)
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{'set':<14}{'GA':>8}{'FGA':>8}{'PA':>8}{'FTA':>8}{'messages/s':>14}")
    for name, one in [*result["sets"].items(), ("mean", result["mean"])]:
        print(f"{name:<14}" + "".join(f"{one[m]:>8.3f}" for m in MEASURES[:4]) + f"{one['messages_per_s']:>14,.0f}")
    for name, rate in result["speed"].items():
        print(f"{name:<30}{rate:>30,.0f}")


if __name__ == "__main__":
    main()
