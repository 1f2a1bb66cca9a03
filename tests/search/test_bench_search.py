"""The bench that judges search: its measures are the definitions, and its command reads the layouts it promises."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench" / "search.py"


@pytest.fixture(scope="module")
def bench():
    """The bench as a module."""
    spec = importlib.util.spec_from_file_location("bench_search", BENCH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.parametrize(
    ("found", "answers", "expected"),
    [
        ([7, 8, 9], {7}, (1, 1, 1.0, 1.0)),
        ([8, 7, 9], {7}, (0, 1, 0.5, 0.6309)),
        ([8, 9], {7}, (0, 0, 0.0, 0.0)),
        ([], {7}, (0, 0, 0.0, 0.0)),
        ([7, 1, 8], {7, 8}, (1, 1, 1.0, 1.5 / 1.6309)),
        ([*range(10), 77], {77}, (0, 0, 0.0, 0.0)),
    ],
)
def test_measures_are_their_definitions(bench, found, answers, expected):
    """hit@1, hit@10, MRR@10, nDCG@10 of a ranking, worked out by hand."""
    assert list(bench.score(found, answers).values()) == pytest.approx(expected, abs=1e-4)


def test_beir_layout_is_scored(tmp_path):
    """The command reads corpus, queries and qrels and prints the promised JSON; a score of 0 in qrels is no answer."""
    corpus = {"a": "Failed password for root", "b": "Out of memory: Killed process 7", "c": "link is down"}
    (tmp_path / "corpus.jsonl").write_text("\n".join(json.dumps({"_id": k, "text": v}) for k, v in corpus.items()))
    questions = {"1": "killed for memory", "2": "password failed"}
    (tmp_path / "queries.jsonl").write_text("\n".join(json.dumps({"_id": k, "text": v}) for k, v in questions.items()))
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n1\tb\t1\n1\ta\t0\n2\ta\t1\n")
    result = run("--data", tmp_path)
    assert list(result) == ["words", "meaning", "joined"]
    assert result["joined"] == {"hit@1": 1.0, "hit@10": 1.0, "MRR@10": 1.0, "nDCG@10": 1.0}


def test_peoples_questions_are_scored(tmp_path):
    """The corpus is built from the folder; a question's expression says which lines answer it."""
    (tmp_path / "loghub" / "Zoo").mkdir(parents=True)
    (tmp_path / "loghub" / "Zoo" / "Zoo_2k.log_structured_corrected.csv").write_text("LineId,Content\n1,link is up\n")
    (tmp_path / "homelab").mkdir()
    (tmp_path / "homelab" / "sshd-logs.log").write_text("Failed password for root\nFailed password for eve\n\nBye\n")
    asked = [{"question": "wrong password", "lines": "failed PASSWORD"}, {"question": "zoo", "lines": "link"}]
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, asked)))
    assert run("--questions", tmp_path / "q.jsonl", "--logs", tmp_path)["joined"]["hit@1"] == 1.0


def test_absent_data_is_said(tmp_path):
    """A folder that is not there is one line and exit code 2, no traceback."""
    done = subprocess.run(
        [sys.executable, BENCH, "--data", tmp_path / "none"], capture_output=True, check=False, text=True
    )
    assert done.returncode == 2
    assert "is not here" in done.stderr
    assert "Traceback" not in done.stderr


def run(*arguments):
    """The command's JSON."""
    done = subprocess.run([sys.executable, BENCH, *arguments, "--json"], capture_output=True, check=True, text=True)
    return json.loads(done.stdout)


def test_the_questions_are_sound():
    """At least 60 different questions, each with an expression that compiles."""
    lines = (BENCH.parent / "questions" / "people.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) >= 60
    assert len({row["question"] for row in rows}) == len(rows)
    for row in rows:
        assert re.compile(row["lines"])
        assert row["question"].strip()
