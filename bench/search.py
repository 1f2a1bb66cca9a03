"""How well search finds: hit@1, hit@10, MRR@10 and nDCG@10, by words, by meaning and joined.

    --data DIR                    a collection in BEIR layout: corpus.jsonl, queries.jsonl, qrels.tsv
    --questions FILE --logs DIR   people's questions over the lines of DIR/loghub and DIR/homelab
    --documents N                 speed and memory with N made-up families

A document is what the index of a running server holds: the canonical text, and one message as it came. A question of
FILE names the lines that answer it by a regular expression; a document of that corpus is one canonical text of one
service.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import random
import re
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import polars as pl

from devmesh.embeddings import LocalProvider
from devmesh.search import Document, Finder
from devmesh.search.words import words
from devmesh.templates import canonicalize

TOP = 10
COMPOUNDS = 0.1
WAYS = {"words": ("words",), "meaning": ("meaning",), "joined": ("words", "meaning")}


@dataclass(frozen=True)
class Collection:
    """Documents, questions and which documents (by family id) answer each."""

    documents: list[Document]
    questions: dict[str, str]
    answers: dict[str, set[int]]


def canonical(texts: list[str]) -> list[str]:
    """The texts as a server's index would hold them."""
    return canonicalize(pl.Series(texts, dtype=pl.String)).to_list()


def read_beir(folder: Path) -> Collection:
    """A collection in BEIR layout; each corpus id stays a document of its own."""
    corpus = [json.loads(line) for line in _lines(folder / "corpus.jsonl")]
    numbers = {document["_id"]: number for number, document in enumerate(corpus)}
    texts = [f"{document.get('title', '')} {document['text']}".strip() for document in corpus]
    documents = [Document(number, "", *both) for number, both in enumerate(zip(canonical(texts), texts, strict=True))]
    questions = {row["_id"]: row["text"] for row in map(json.loads, _lines(folder / "queries.jsonl"))}
    answers: dict[str, set[int]] = {}
    for line in _lines(folder / "qrels.tsv")[1:]:
        question, document, score = line.split("\t")
        if int(score) > 0:
            answers.setdefault(question, set()).add(numbers[document])
    return Collection(documents, questions, answers)


def read_people(questions: Path, logs: Path) -> Collection:
    """People's questions; a document is one canonical text of one service (a folder, or a file's first word)."""
    lines: list[tuple[str, str]] = []
    for file in sorted((logs / "loghub").glob("*/*_structured_corrected.csv")):
        with file.open(encoding="utf-8", errors="replace", newline="") as rows:
            lines += [(file.parent.name.lower(), row["Content"]) for row in csv.DictReader(rows)]
    for file in sorted((logs / "homelab").glob("*.log")):
        lines += [(re.split(r"[-_.]", file.stem)[0], line.strip()) for line in _lines(file)]
    shapes = zip([service for service, _ in lines], canonical([text for _, text in lines]), strict=True)
    families: dict[tuple[str, str], int] = {}
    members = [families.setdefault(shape, len(families)) for shape in shapes]
    examples = {family: text for family, (_, text) in zip(reversed(members), reversed(lines), strict=True)}
    asked, answers = {}, {}
    for number, row in enumerate(map(json.loads, _lines(questions))):
        answer = re.compile(row["lines"], re.IGNORECASE)
        asked[str(number)] = row["question"]
        answers[str(number)] = {family for family, (_, text) in zip(members, lines, strict=True) if answer.search(text)}
    documents = [Document(family, *shape, examples[family]) for shape, family in families.items()]
    return Collection(documents, asked, answers)


def measure(collection: Collection) -> dict[str, dict[str, float]]:
    """The four measures, averaged over the questions that have an answer, for each way of searching."""
    finder = Finder(LocalProvider())
    finder.put(collection.documents)
    asked = [(collection.questions[question], answers) for question, answers in collection.answers.items() if answers]
    result = {}
    for way, by in WAYS.items():
        scores = [score([hit.family_id for hit in finder.find(text, TOP, by).hits], answers) for text, answers in asked]
        result[way] = {name: round(statistics.fmean(each[name] for each in scores), 4) for name in scores[0]}
    return result


def score(found: list[int], answers: set[int]) -> dict[str, float]:
    """The measures of one question."""
    right = [family in answers for family in found[:TOP]]
    first = right.index(True) + 1 if any(right) else 0
    gain = sum(1 / math.log2(place + 2) for place, hit in enumerate(right) if hit)
    ideal = sum(1 / math.log2(place + 2) for place in range(min(len(answers), TOP)))
    return {"hit@1": first == 1, "hit@10": first > 0, "MRR@10": 1 / first if first else 0.0, "nDCG@10": gain / ideal}


def measure_speed(documents: int) -> dict[str, float]:
    """Build and query times in ms and resident memory in MB over made-up families of 5 to 25 words.

    The words are those of Python's own help texts, as often as they stand there, and every tenth a compound of two,
    so that lengths, frequencies and meanings are those of technical English.
    """
    chance = random.Random(1)  # noqa: S311 - the same families every time, no secret
    spoken = words(" ".join(topics.values()))

    def line(length: int) -> list[str]:
        some = chance.choices(spoken, k=length)
        return [f"{word}_{chance.choice(spoken)}" if chance.random() < COMPOUNDS else word for word in some]

    texts = [" ".join(line(chance.randint(5, 25))) for _ in range(documents)]
    empty_mb = memory_mb()
    finder = Finder(LocalProvider())
    began = time.perf_counter()
    finder.put(Document(number, f"service{number % 200}", text) for number, text in enumerate(texts))
    built_ms = (time.perf_counter() - began) * 1000
    result = {"build_ms": built_ms, "memory_mb": memory_mb() - empty_mb}
    asked = [" ".join(chance.choices(spoken, k=4)) + " disk is dying" for _ in range(40)]
    for way, by in WAYS.items():
        times = [_ms(finder, text, by) for text in asked]
        result |= {f"{way}_ms": statistics.median(times), f"{way}_worst_ms": max(times)}
    began = time.perf_counter()
    finder.put([Document(documents, "service", "one more family")])
    result["add_one_ms"] = (time.perf_counter() - began) * 1000
    return {name: round(value, 1) for name, value in result.items()}


def memory_mb() -> float:
    """Resident memory of this process."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def _ms(finder: Finder, text: str, by: tuple[str, ...]) -> float:
    began = time.perf_counter()
    finder.find(text, TOP, by)
    return (time.perf_counter() - began) * 1000


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]


def main() -> int:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--questions", type=Path)
    parser.add_argument("--logs", type=Path)
    parser.add_argument("--documents", type=int)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    for path in (given.data, given.questions, given.logs):
        if path is not None and not path.exists():
            print(f"cannot measure search: {path} is not here", file=sys.stderr)
            return 2
    result: dict[str, Any]
    if given.documents:
        result = measure_speed(given.documents)
    elif given.data:
        result = measure(read_beir(given.data))
    elif given.questions and given.logs:
        result = measure(read_people(given.questions, given.logs))
    else:
        parser.error("give --data, or --questions and --logs, or --documents")
    if given.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(
                f"{name:18}",
                "  ".join(f"{key} {number:.3f}" for key, number in value.items()) if isinstance(value, dict) else value,
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
