"""The files of programs: every line of them can be said, and what is wrong in one is told."""

from __future__ import annotations

import numpy as np
import pytest
from simulated_days import MONDAY_US, simulation

from devmesh.simulate import SimulationError
from devmesh.simulate.programs import programs, read_program, text_of
from devmesh.simulate.render import render
from devmesh.simulate.rhythm import RHYTHMS
from devmesh.simulate.slots import column, times

TRANSPORTS = {"syslog", "stdout", "journal", "kernel", "container"}
GIVEN = {
    "stranger_ip": "1",
    "victim_pid": "1",
    "count": "1",
    "wrong_s": "1",
    "package": "p",
    "version_old": "1",
    "version_new": "2",
}


@pytest.mark.parametrize("name", sorted(programs()))
def test_every_line_of_a_program_can_be_said(name):
    """All slots exist, no brace is left over, nothing has a line end, speakers named by @ exist."""
    program = programs()[name]
    made = simulation(days=0.1)
    source = made.fleet.sources[0]
    sayings = [one for some in program.sections.values() for one in some] + [
        one for job in program.jobs for one in job.sayings
    ]
    assert sayings
    for saying in sayings:
        chunks = render(made.world, source, saying, np.array([MONDAY_US]), np.random.default_rng(1), GIVEN)
        for chunk in chunks:
            (message,) = chunk.messages
            assert "\n" not in message
            assert "{int" not in message
            assert "{time" not in message
            assert message == message.strip()
        assert all(step.who in {"", "unit", *programs()} for step in saying.steps)


@pytest.mark.parametrize("name", sorted(programs()))
def test_a_head_says_what_the_code_understands(name):
    """Rhythms, transports, where it runs; what goes to stdout is info to journald whatever it says."""
    program = programs()[name]
    head = program.head
    assert head.get("transport", "syslog") in TRANSPORTS
    assert head.get("rhythm", "flat") in RHYTHMS
    assert name == "generic" or {"names", "types", "runs"} & head.keys()
    if head.get("transport") == "stdout":
        steps = [step for some in program.sections.values() for saying in some for step in saying.steps]
        assert {step.priority for step in steps if not step.who} <= {6}
    if head.get("transport") == "container":
        steps = [step for some in program.sections.values() for saying in some for step in saying.steps]
        assert {step.priority for step in steps} <= {3, 6}


def test_every_rewording_changes_something_that_is_said():
    """Its old words stand in some line of the program."""
    for program in programs().values():
        sayings = [one for some in program.sections.values() for one in some]
        sayings += [one for job in program.jobs for one in job.sayings]
        texts = [step.text.form for one in sayings for step in one.steps]
        assert not [old for old, _new in program.rewording if not any(old in text for text in texts)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour  blue\n", "x.lines:1: no 'colour' in a head"),
        ("[usual]\n12/h  loud  hello\n", "x.lines:2: '12/h  loud  hello' is no line"),
        ("[usual]\nhello\n", "x.lines:2: 'hello' is no line"),
        ("[usual]\n+1  info  hello\n", "x.lines:2: there is nothing to go on from"),
        ("[at noon]\n-  info  hello\n", r"x.lines: \[at noon\] is no time"),
        ("[rewording]\nold\n", "x.lines:2: a rewording is"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_line(text, words):
    """For whoever adds a program."""
    with pytest.raises(SimulationError, match=words):
        read_program("x", text)


def test_slots_and_braces_and_percent_signs():
    """Doubled braces are braces, a percent sign stays one."""
    text = text_of("{{a}} 100% {int:5-5} {time:%H:%M:%S}")
    assert text.form % tuple("v" for _ in text.keys) == "{a} 100% v v"
    assert text.keys == ("int:5-5", "time:%H:%M:%S")
    with pytest.raises(SimulationError, match="no slot"):
        column("nonsense", 1, np.random.default_rng(1), {})


@pytest.mark.parametrize(
    ("slot", "low", "high"),
    [("int:3-9", 3, 9), ("skew:10-5000", 10, 5000), ("dec:0.5-2:3", 0.5, 2), ("pad:0-59:2", 0, 59)],
)
def test_numbers_stay_in_their_range(slot, low, high):
    """Both ends are possible, nothing beyond them."""
    values = [float(one) for one in column(slot, 20_000, np.random.default_rng(1), {})]
    assert low <= min(values)
    assert max(values) <= high
    assert min(values) < low + (high - low) * 0.1


@pytest.mark.parametrize("count", [1, 50])
def test_times_are_written_as_programs_write_them(count):
    """Across hours and days, with fractions; few and many alike."""
    instants = [MONDAY_US + n * 3_599_000_123 for n in range(count)]
    ts_us = np.array(instants, dtype=np.int64)
    assert times("%Y/%m/%d - %H:%M:%S", ts_us)[0] == "2026/01/19 - 00:00:00"
    last = times("%d/%b/%Y:%H:%M:%S.%L +0000", ts_us)[-1]
    assert last == ("19/Jan/2026:00:00:00.000 +0000" if count == 1 else "21/Jan/2026:00:59:11.006 +0000")
    assert times("%y%m%d %H:%M:%S.%f", ts_us)[-1].endswith(f".{instants[-1] % 1_000_000:06}")
