"""The stream: the same for the same wishes, in order, with its rhythm, filed as journald files it."""

from __future__ import annotations

import ast
import hashlib
import os
import subprocess
import sys
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from simulated_days import DAY_US, HOUR_US, MONDAY_US, lines_of, simulation, text_of

import devmesh.simulate
from devmesh.simulate import Simulation, SimulationError, Wish, default_inventory, read_inventory
from devmesh.simulate.rhythm import RHYTHMS, levels
from devmesh.simulate.stream import Stream

WISHES = (Wish("oom-loop", MONDAY_US + 2 * HOUR_US), Wish("clock-jump"))
PRINT_HASH = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
from simulated_days import simulation, text_of
from test_simulate_stream import WISHES
print(hashlib.sha256(text_of(simulation(*WISHES, days=0.3, random_faults=2, harmless=2)).encode()).hexdigest())
"""


def test_the_same_wishes_give_the_same_bytes():
    """Also in another process with other hashes of strings; another seed gives others."""
    here = text_of(simulation(*WISHES, days=0.3, random_faults=2, harmless=2))
    there = subprocess.run(
        [sys.executable, "-c", PRINT_HASH, str(Path(__file__).parent)],
        env={**os.environ, "PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert there.stdout.strip() == hashlib.sha256(here.encode()).hexdigest()
    assert text_of(simulation(*WISHES, days=0.3, random_faults=2, harmless=2, seed=2)) != here


def test_ordinary_life_does_not_depend_on_faults():
    """What another service on another node says is the same with and without a fault."""
    quiet = [(one.true_us, one.message) for one in lines_of(simulation(days=0.25)) if one.run.source.node == "nas"]
    wish = Wish("crash-loop", MONDAY_US + HOUR_US)
    made = simulation(wish, days=0.25)
    assert "nas" not in {node for _service, node in made.truths[0].affected}
    assert [(one.true_us, one.message) for one in lines_of(made) if one.run.source.node == "nas"] == quiet


def test_no_part_looks_at_the_clock_of_the_machine():
    """No import of time or of Python's own chance, no now() or today()."""
    for path in Path(devmesh.simulate.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text())
        names = {one.name for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names}
        names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        calls = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not names & {"time", "random", "os", "uuid", "secrets"}, path
        assert not calls & {"now", "today", "utcnow", "default_rng", "fromtimestamp_local"}, path


def test_lines_come_in_order_and_within_the_span():
    """Over blocks, faults and lines that end later."""
    made = simulation(*WISHES, days=0.6, random_faults=3, ordinary=True)
    times = [one.true_us for one in lines_of(made)]
    assert all(a <= b for a, b in pairwise(times))
    assert times[0] >= MONDAY_US
    assert times[-1] < MONDAY_US + 0.6 * DAY_US


@pytest.mark.parametrize("rhythm", sorted(RHYTHMS))
def test_a_rhythm_is_one_on_average(rhythm):
    """So that a rate in a program's file is what a week has."""
    assert levels(rhythm, 96, 168).mean() == pytest.approx(1)
    assert list(levels(rhythm, 96, 24)) == list(levels(rhythm, 96 + 168, 24))


def test_counts_follow_the_rhythm_of_the_week():
    """A week of nginx: hours correlate with its shape, and every hour is as loud as rate and shape say."""
    made = simulation(days=7, inventory=read_inventory("services: {nginx: {hosts: [edge]}}", "one.yaml"))
    counts = np.zeros(168)
    for one in lines_of(made):
        if one.run.source.service == "nginx":
            counts[(one.true_us - MONDAY_US) // HOUR_US] += 1
    shape = levels("people", MONDAY_US // HOUR_US, 168)
    assert np.corrcoef(counts, shape)[0, 1] > 0.95
    assert counts.mean() == pytest.approx(395, rel=0.1)
    assert counts[20] > 5 * counts[4]


def test_counts_vary_more_than_chance_alone():
    """Good and bad days: as in real services the variance is above the mean."""
    made = simulation(days=6, inventory=read_inventory("services: {docs: {hosts: [apps], type: api}}", "one.yaml"))
    counts = Counter(
        (one.true_us - MONDAY_US) // HOUR_US for one in lines_of(made) if "/health HTTP" in one.message
    )  # a flat part of a lively service, compared hour of day by hour of day
    by_hour = defaultdict(list)
    for hour, count in counts.items():
        by_hour[hour % 24].append(count)
    ratios = [np.var(some, ddof=1) / np.mean(some) for some in by_hour.values()]
    assert np.mean(ratios) > 1.5


def test_jobs_come_when_they_are_due():
    """Cron at its minutes on each node, the backup at night, once."""
    made = simulation(days=1)
    hourly, backups = Counter(), []
    for one in lines_of(made):
        if "cron.hourly" in one.message:
            hourly[one.run.source.node] += 1
            assert (one.true_us - MONDAY_US) // 60_000_000 % 60 == 17
        if one.message.startswith("Finished borg-backup.service"):
            backups.append((one.run.source.node, (one.true_us - MONDAY_US) / HOUR_US))
    assert hourly == dict.fromkeys(default_inventory().nodes, 24)
    assert sorted(node for node, _at in backups) == ["apps", "db"]
    assert all(3.1 < at < 3.6 for _node, at in backups)


def test_entries_are_numbered_without_holes_and_monotonic_time_never_goes_back():
    """On every node, also where the clock does."""
    made = simulation(Wish("clock-jump", MONDAY_US + 3 * HOUR_US), days=0.5)
    journal = made.journal()
    seqs, monotonic, back = defaultdict(list), defaultdict(list), Counter()
    last: dict[str, int] = {}
    for some in made:
        for node, seq, line in journal.ndjson(some):
            said = msgspec.json.decode(line)
            assert (said["node"], said["seq"]) == (node, seq)
            seqs[node].append(seq)
            monotonic[node].append(int(said["fields"]["_MONOTONIC"]))
            back[node] += said["ts_us"] < last.get(node, 0)
            last[node] = said["ts_us"]
    assert all(b == a + 1 for some in seqs.values() for a, b in pairwise(some))
    assert all(b >= a for some in monotonic.values() for a, b in pairwise(some))
    assert sum(back.values()) == 1
    assert back[made.truths[0].cause[1]] == 1


def test_a_reboot_changes_boot_and_process_ids_and_nothing_else_does():
    """Monotonic time starts anew; on other nodes all stay."""
    made = simulation(Wish("reboot", MONDAY_US + 2 * HOUR_US), days=0.25)
    node = made.truths[0].cause[1]
    boots, pids = defaultdict(set), defaultdict(set)
    for one in lines_of(made):
        source = one.run.source
        boots[source.node].add(one.run.boot.id)
        assert one.true_us >= one.run.boot.start_us
        if source.identifier == "smbd" or source.service == "nginx":
            pids[source.node].add(one.pid)
    assert {name: len(some) for name, some in boots.items()} == {
        name: 2 if name == node else 1 for name in default_inventory().nodes
    }
    assert all(len(some) <= 2 if name == node else len(some) >= 1 for name, some in pids.items())


def test_a_job_that_was_due_while_its_node_was_down_comes_after_the_boot():
    """A timer with Persistent=true makes up for it, one of cron does not: a backup at 03:10, cron's job at 02:15."""
    inventory = read_inventory(
        "services:\n  borg-backup: {hosts: [db], type: backup}\n  cron: {hosts: [db], type: scheduler}\n", "here"
    )
    for minute, line, after in ((190, "Starting borg-backup", 1), (135, "rotate-exports", 0)):
        wish = Wish("silent-node", MONDAY_US + (minute - 2) * 60_000_000)
        made = simulation(wish, inventory=inventory, days=0.5)
        end_us = made.truths[0].end_us
        started = [one.true_us for one in lines_of(made) if line in one.message]
        assert [end_us < one < end_us + 200_000_000 for one in started] == [True] * after


def test_a_run_keeps_its_process_id_until_it_is_started_anew():
    """It speaks under one id before and under one other after its restart."""
    wish = Wish("rewording", MONDAY_US + 2 * HOUR_US)
    for seed in range(30):
        made = simulation(wish, days=0.25, seed=seed)
        if made.truths[0].cause[0] == "nginx":
            break
    pids = [one.pid for one in lines_of(made) if one.run.source.identifier == "nginx"]
    changes = sum(a != b for a, b in pairwise(pids))
    assert (len(set(pids)), changes) == (2, 1)


def test_memory_does_not_grow_with_the_span():
    """What waits for later blocks is less than a block, however far the stream has come."""
    made = simulation(days=2)
    stream = Stream(made.world, MONDAY_US, MONDAY_US + 2 * DAY_US)
    waiting = [
        (len(some.true_us), sum(len(c.messages) for cs in stream._waiting.values() for c in cs)) for some in stream
    ]
    assert len(waiting) == 8
    assert all(rest < lines / 10 for lines, rest in waiting)


def whole_lines(made):
    """All of its journal."""
    journal = made.journal()
    return [one for some in made for one in journal.ndjson(some)]


def test_a_stream_goes_on_where_another_stopped():
    """From an instant on, with a fault that nobody knew of before: numbers go on without a hole, and what has nothing
    to do with the fault is as it would have been.
    """
    stop_us = MONDAY_US + 6 * HOUR_US
    before, whole = simulation(days=0.25).journal(), simulation(days=0.5)
    first = [one for some in simulation(days=0.25) for one in before.ndjson(some)]
    made = simulation(Wish("crash-loop", stop_us + HOUR_US), days=0.5)
    journal = made.journal()
    journal.go_on(before)
    then = [one for some in made.since(stop_us) for one in journal.ndjson(some)]
    assert "nas" not in {node for _service, node in made.truths[0].affected}
    assert min(msgspec.json.decode(line)["ts_us"] for _node, _seq, line in then) >= stop_us
    seqs = [seq for node, seq, _line in (*first, *then) if node == "nas"]
    assert all(b == a + 1 for a, b in pairwise(seqs))
    assert journal.streams == before.streams
    plain = {line.split('"message"')[1] for node, _seq, line in whole_lines(whole) if node == "nas"}
    assert {line.split('"message"')[1] for node, _seq, line in then if node == "nas"} <= plain


def test_an_empty_span_is_refused():
    """With words."""
    with pytest.raises(SimulationError, match="empty"):
        Simulation(default_inventory(), 1, MONDAY_US, MONDAY_US)
