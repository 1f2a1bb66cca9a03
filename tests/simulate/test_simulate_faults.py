"""Every kind: what the truth says agrees with the lines, causes come first, and no line gives the game away."""

from __future__ import annotations

import json
import re

import pytest
from simulated_days import DAY_US, HOUR_US, MONDAY_US, lines_of, simulation

from devmesh.simulate import FAULTS, HARMLESS, KINDS, ORDINARY, SimulationError, Wish, read_inventory

AT_US = MONDAY_US + 10 * HOUR_US
SEEDS = (1, 2)
SILENT = {"silent-service", "silent-node", "missed-backup", "traffic-peak"}  # their affected need not have lines
REAL_WORDS = {"read-only"}  # programs say that themselves
GIVEAWAYS = {"simulat", "scenario", "inject", "ground truth", "harmless", "look-alike", "lookalike", "devmesh"} | {
    one for one in KINDS if "-" in one and one not in REAL_WORDS
}


def cases():
    """Each kind with each seed."""
    return [pytest.param(kind, seed, id=f"{kind}-{seed}") for kind in KINDS for seed in SEEDS]


@pytest.mark.parametrize(("kind", "seed"), cases())
def test_the_truth_agrees_with_the_lines(kind, seed):
    """Its lines begin with its start, the affected have lines, the first symptom is the first of them."""
    made = simulation(Wish(kind, AT_US), seed=seed, days=1.2)
    (truth,) = made.truths
    said = [
        (at, (chunk.source.service, chunk.source.node))
        for chunk in made._played
        for at in chunk.ts_us.tolist()
        if at < MONDAY_US + 1.2 * DAY_US
    ]
    assert truth.kind == kind
    assert truth.harmless == (kind in HARMLESS or kind in ORDINARY)
    assert AT_US <= truth.start_us <= truth.first_symptom_us <= truth.end_us
    assert truth.end_us > truth.start_us
    assert all(at >= truth.start_us - 2_000_000 for at, _who in said)
    inside = {who for at, who in said if at >= truth.start_us}
    if kind not in SILENT:
        assert set(truth.affected) <= inside
    assert truth.affected
    sure = [at for at, who in said if who in truth.affected]
    if kind not in SILENT | {"bad-deploy"} and sure:
        assert min(sure) <= truth.first_symptom_us


@pytest.mark.parametrize("kind", sorted(FAULTS.keys() - {"network-cut"}))
def test_the_cause_is_among_the_affected(kind):
    """And, where it has lines, no other service shows it long before the cause does."""
    for seed in SEEDS:
        truth = simulation(Wish(kind, AT_US), seed=seed, days=2).truths[0]
        assert truth.cause in truth.affected
        if kind not in SILENT:
            assert truth.cause in truth.affected[:2]


def test_a_cut_network_is_felt_by_the_callers_alone():
    """Its cause is the service behind the cut, which says nothing; its node, where several cannot be reached."""
    causes = set()
    for seed in range(8):
        made = simulation(Wish("network-cut", AT_US), seed=seed, days=2)
        truth = made.truths[0]
        assert truth.cause not in truth.affected
        assert {node for _service, node in truth.affected}.isdisjoint({truth.cause[1]})
        lost = {
            peer.service
            for name, node in truth.affected
            for one in made.fleet.of(name)
            for peer in one.needs
            if (one.node, peer.node) == (node, truth.cause[1])
        }
        assert truth.cause[0] == "kernel" if len(lost) > 1 else truth.cause[0] in lost
        causes.add(len(lost) > 1)
    assert causes == {True, False}


@pytest.mark.parametrize("kind", ["silent-service", "silent-node"])
def test_who_is_silent_says_nothing(kind):
    """From the start to the end, and goes on then."""
    made = simulation(Wish(kind, AT_US), days=1)
    (truth,) = made.truths
    service, node = truth.cause
    during = after = 0
    for one in lines_of(made):
        source = one.run.source
        mine = source.node == node and (kind == "silent-node" or source.service == service)
        during += mine and truth.start_us <= one.true_us < truth.end_us
        after += mine and one.true_us >= truth.end_us
    assert during == 0
    assert after > 0


def test_a_missed_backup_does_not_come_and_comes_again():
    """No line of it from its time on; once it is over there is one each night."""
    text = "services: {borg-backup: {hosts: [db], type: backup}, ssh: {hosts: [db]}}"
    made = simulation(Wish("missed-backup", AT_US), days=5, inventory=read_inventory(text, "two.yaml"))
    (truth,) = made.truths
    nights = [
        one.true_us
        for one in lines_of(made)
        if (one.run.source.service, one.run.source.node) == truth.cause and one.message.startswith("Starting")
    ]
    assert not [at for at in nights if truth.start_us <= at < truth.end_us]
    assert [at for at in nights if at < truth.start_us]
    assert [at for at in nights if at >= truth.end_us]


def test_a_traffic_peak_is_more_of_the_same():
    """No template that was not there before."""
    made = simulation(Wish("traffic-peak", AT_US), seed=3, days=1)
    (truth,) = made.truths
    who = truth.cause
    minutes = (truth.end_us - truth.start_us) / 60e6
    during = before = 0
    for one in lines_of(made):
        if (one.run.source.service, one.run.source.node) == who and "GET" in one.message:
            during += truth.start_us <= one.true_us < truth.end_us
            before += truth.start_us - HOUR_US <= one.true_us < truth.start_us
    assert during / minutes > 1.3 * before / 60
    assert not made._played


def test_an_upgrade_rewords_and_the_old_words_are_gone():
    """From the restart on; before it the new ones were never said."""
    made = simulation(Wish("rewording", AT_US), seed=2, days=1)
    (truth,) = made.truths
    pairs = made.fleet.of(truth.cause[0])[0].program.rewording
    texts = [(one.true_us, one.message) for one in lines_of(made) if one.run.source.service == truth.cause[0]]
    late = [text for at, text in texts if at > truth.end_us]
    early = [text for at, text in texts if at < truth.start_us]
    assert not [text for text in late for old, new in pairs if old in text and new not in text]
    assert [text for text in late for _old, new in pairs if new in text]
    assert not [text for text in early for _old, new in pairs if new in text]


def test_an_oom_kill_names_the_process_that_was_running():
    """The kernel's pid is that of the victim's run, and systemd says so after it."""
    made = simulation(Wish("oom-loop", AT_US))
    service, node = made.truths[0].cause
    lines = list(lines_of(made))
    kills = [one for one in lines if one.message.startswith("Out of memory")]
    ends = [one for one in lines if "Failed with result 'oom-kill'" in one.message]
    victim = next(one for one in made.fleet.of(service) if one.node == node)
    pids = [run.pid for run in made.world.runs if run.source is victim]
    assert [int(re.search(r"process (\d+)", one.message)[1]) for one in kills] == pids[:-1]
    assert len(kills) == len(ends) >= 3
    assert all(kill.true_us < end.true_us for kill, end in zip(kills, ends, strict=True))


def test_no_line_gives_the_game_away():
    """No text, unit or field names a kind, or says that this is a simulation."""
    made = simulation(*[Wish(kind, AT_US) for kind in KINDS], days=1)
    journal = made.journal()
    for some in made:
        text = "\n".join(line for _node, _seq, line in journal.ndjson(some)).lower()
        assert not [word for word in GIVEAWAYS if word in text]


def test_random_ones_are_spread_over_the_span_and_sure_to_be_there():
    """As many as asked for, each in its part, of several kinds."""
    made = simulation(days=20, random_faults=10, harmless=5)
    faults = [one for one in made.truths if not one.harmless]
    assert (len(faults), len(made.truths)) == (10, 15)
    assert len({one.kind for one in faults}) >= 4
    assert len({(one.start_us - MONDAY_US) // (2 * DAY_US) for one in faults}) >= 9
    assert [one.start_us for one in made.truths] == sorted(one.start_us for one in made.truths)


def test_the_truth_is_one_line_of_json_in_the_promised_form():
    """What measures are computed from."""
    truth = simulation(Wish("disk-full", AT_US)).truths[0]
    said = json.loads(truth.json())
    assert said.keys() == {"kind", "cause", "start_us", "end_us", "first_symptom_us", "affected", "harmless"}
    assert said["cause"] == {"service": truth.cause[0], "node": truth.cause[1]}
    assert said["affected"][0].keys() == {"service", "node"}
    assert "\n" not in truth.json()


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (Wish("meteor"), "There is no fault 'meteor'"),
        (Wish("oom-loop", MONDAY_US - 1), "outside of the span"),
        (Wish("oom-loop", MONDAY_US + 2 * DAY_US), "outside of the span"),
    ],
)
def test_a_wish_that_cannot_be_is_refused(wish, words):
    """With words, and for a wrong kind the right ones."""
    with pytest.raises(SimulationError, match=words):
        simulation(wish)


def test_callers_name_the_host_that_fails():
    """A service on two nodes: whoever calls it complains of the address of the node where it fails."""
    nodes = set()
    for seed in range(40):
        made = simulation(Wish("crash-loop", AT_US), seed=seed, days=0.5)
        service, node = made.truths[0].cause
        if service != "ollama":
            continue
        nodes.add(node)
        complaints = [
            message
            for chunk in made._played
            for message in chunk.messages
            if chunk.source.service == "docs-api" and "Connection refused" in message
        ]
        assert complaints
        assert all(made.fleet.ip(node) in one for one in complaints)
    assert nodes == {"gpu1", "gpu2"}


def test_callers_fail_in_the_words_of_what_they_miss():
    """An API without its database, and the same without its cache, say different things, each for its own."""
    said = {}
    for seed in range(40):
        made = simulation(Wish("oom-loop", AT_US), seed=seed, days=0.5)
        texts = [text for chunk in made._played for text in chunk.messages if chunk.source.service == "docs-api"]
        said.setdefault(made.truths[0].cause[0], "\n".join(texts))
    assert "sqlalchemy" in said["mariadb"]
    assert "redis.exceptions" in said["redis-server"]
    assert "sqlalchemy" not in said["redis-server"]


@pytest.mark.parametrize("kind", ["database-outage", "oom-loop", "nas-gone"])
def test_a_fault_plays_as_fast_as_it_is_wished(kind):
    """The same lines of the same services, in a fourth of the time; another fault keeps its own pace."""
    usual, hasty = (simulation(Wish(kind, AT_US, tempo), ordinary=False) for tempo in (1.0, 4.0))
    truths = [made.truths[0] for made in (usual, hasty)]
    assert truths[0].cause == truths[1].cause
    assert truths[0].affected == truths[1].affected
    spans = [one.end_us - one.start_us for one in truths]
    assert spans[0] == pytest.approx(4 * spans[1], rel=0.01)
    said = [
        sorted((chunk.source.key, len(chunk.ts_us)) for chunk in made._played if chunk.source.node != "nas")
        for made in (usual, hasty)
    ]
    assert said[0] == said[1]
