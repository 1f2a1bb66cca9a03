"""`devmesh simulate`: to a file, a pipe, the store and a server; the truth beside it; what cannot be is told."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
import pytest
from cli_house import Runner, Served

from devmesh.cli.simulated import paced
from devmesh.clock import FakeClock
from devmesh.simulate import Simulation, default_inventory

SINCE = "2026-01-19T00:00Z"
SINCE_US = 1_768_780_800_000_000
SMALL = "services: {nginx: {hosts: [edge], type: proxy}, redis-server: {hosts: [apps], type: cache}}\n"


@pytest.fixture(autouse=True)
def _without_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    """No vectors are made: they have tests of their own."""
    monkeypatch.setenv("DEVMESH_EMBEDDING_PROVIDER", "off")


def simulate(run: Runner, *options: str, code: int = 0):
    """Half an hour of that Monday."""
    return run("simulate", "--since", SINCE, "--days", "0.02", *options, code=code)


@pytest.mark.parametrize("form", ["ndjson", "export"])
def test_import_takes_each_event_of_a_file_once(form, empty, tmp_path):
    """All of it the first time, none the second."""
    file = tmp_path / "lines"
    simulate(empty, "--fault", "oom-loop", "--format", form, "--to", str(file))
    count = file.read_bytes().count(b'"_MONOTONIC"' if form == "ndjson" else b"__CURSOR=")
    assert count > 500
    assert empty.bring(str(file)) == (count, 0, 0)
    assert empty.bring(str(file)) == (0, count, 0)


def test_both_forms_and_the_straight_way_become_the_same_events(tmp_path):
    """Node, service, priority, pid, time and text, as the store has them."""
    stored = []
    for form in ("ndjson", "export", "store"):
        run = Runner(tmp_path / form / "data")
        (tmp_path / form).mkdir()
        span = ("simulate", "--since", SINCE, "--days", "0.008", "--fault", "clock-jump@+2m")
        if form == "store":
            run(*span, "--store")
        else:
            run(*span, "--format", form, "--to", str(tmp_path / form / "lines"))
            run.bring(str(tmp_path / form / "lines"))
        events = run.json("logs", "--since", "2026-01-01", "--limit", "1000")["events"]
        names = ("ts_us", "node", "service", "priority", "pid", "message")
        stored.append(sorted(tuple(str(event[name]) for name in names) for event in events))
    assert len(stored[0]) > 200
    assert stored[0] == stored[1] == stored[2]


def test_the_store_takes_a_simulation_once_and_another_one_too(empty):
    """The same command stores nothing twice; other wishes are other streams."""
    told = [msgspec.json.decode(simulate(empty, "--store", "--json").stdout) for _ in range(2)]
    assert [(one["stored"], one["repeated"]) for one in told] == [(told[0]["events"], 0), (0, told[0]["events"])]
    other = msgspec.json.decode(simulate(empty, "--store", "--json", "--fault", "brute-force").stdout)
    assert other["stored"] == other["events"] > told[0]["events"]


def test_the_lines_go_to_stdout_and_everything_else_beside_them(empty):
    """So that a pipe holds lines alone; the same command prints the same bytes."""
    first, second = simulate(empty, "--fault", "disk-full"), simulate(empty, "--fault", "disk-full")
    assert first.stdout_bytes == second.stdout_bytes
    assert all(msgspec.json.decode(line)["message"] for line in first.stdout_bytes.splitlines())
    assert "disk-full" in first.stderr
    assert "events from" in first.stderr


def test_the_truth_is_written_beside_the_lines(empty, tmp_path):
    """A line of JSON for each thing that happened; times may be relative to the start."""
    file = tmp_path / "truth"
    simulate(empty, "--fault", "oom-loop@+10m", "--fault", "brute-force@2026-01-19T00:15Z", "--truth", str(file))
    told = [msgspec.json.decode(line) for line in file.read_bytes().splitlines()]
    assert [(one["kind"], one["start_us"] - SINCE_US) for one in told] == [
        ("oom-loop", 600_000_000),
        ("brute-force", 900_000_000),
    ]


def test_an_inventory_of_ones_own(empty, tmp_path):
    """Its nodes speak, and no others."""
    file = tmp_path / "inventory.yaml"
    file.write_text(SMALL)
    lines = simulate(empty, "--inventory", str(file)).stdout_bytes.splitlines()
    assert {msgspec.json.decode(line)["node"] for line in lines} == {"edge", "apps"}


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--fault", "meteor"), 2, "There is no fault 'meteor'."),
        (("--fault", "oom-loop@+3d"), 2, "outside of the span"),
        (("--fault", "oom-loop@soon"), 2, "'soon' is no time"),
        (("--format", "xml"), 2, "There is no format 'xml'."),
        (("--to", "x", "--store"), 2, "one place alone"),
        (("--inventory", "/nowhere.yaml"), 4, "There is no file /nowhere.yaml."),
        (("--server", "http://127.0.0.1:9", "--token-file", "/nowhere"), 4, "There is no file /nowhere."),
        (("--server", "http://127.0.0.1:9"), 8, "does not answer"),
    ],
)
def test_what_cannot_be_is_told(options, code, words, empty):
    """On stderr, with the exit code of its kind."""
    assert words in simulate(empty, *options, code=code).stderr


def test_a_wrong_inventory_is_told_with_its_line(empty, tmp_path):
    """And with what would be right."""
    file = tmp_path / "inventory.yaml"
    file.write_text("services:\n  web: {hosts: [a], depends_on: [db]}\n")
    said = simulate(empty, "--inventory", str(file), code=2).stderr
    assert f"{file}:2: web names 'db', which is no service" in said
    file.write_bytes(b"\xff\xfe")
    assert "no text in UTF-8" in simulate(empty, "--inventory", str(file), code=2).stderr


def test_a_running_server_takes_it(tmp_path):
    """By its address, and by being the one that holds the store: repeats are known either way."""
    with_server = Runner(tmp_path / "data")
    served = Served(tmp_path / "data", "serve", "--port", "0", DEVMESH_EMBEDDING_PROVIDER="off")
    try:
        first = msgspec.json.decode(simulate(with_server, "--server", served.url, "--json").stdout)
        again = msgspec.json.decode(simulate(with_server, "--store", "--json").stdout)
    finally:
        served.stop()
    assert (first["stored"], first["repeated"], first["rejected"]) == (first["events"], 0, 0)
    assert (again["stored"], again["repeated"]) == (0, first["events"])


@pytest.mark.parametrize("speed", [1.0, 60.0])
def test_at_a_speed_no_line_comes_before_its_time(speed):
    """Nor more than a second late; all lines come, in their order."""
    made = Simulation(default_inventory(), 1, SINCE_US, SINCE_US + 600_000_000)
    clock = FakeClock(SINCE_US)
    messages: list[str] = []
    for piece in paced(made, SINCE_US, speed, clock):
        gone_us = (clock.now_us() - SINCE_US) * speed
        assert piece.true_us[-1] - SINCE_US <= gone_us + speed  # the clock counts whole microseconds
        assert gone_us - (piece.true_us[0] - SINCE_US) <= speed * 1e6
        messages += piece.messages
    assert messages == [message for some in made for message in some.messages]


def test_help_names_the_page_with_the_kinds():
    """And the page names every kind."""
    from devmesh.simulate import KINDS

    page = (Path(__file__).resolve().parents[2] / "docs" / "rooms" / "simulate.md").read_text()
    assert not [kind for kind in KINDS if f"`{kind}`" not in page]


def test_what_comes_at_a_speed_can_be_ended():
    """No piece comes once it was told to stop, though its time would have come."""
    made = Simulation(default_inventory(), 1, SINCE_US, SINCE_US + 600_000_000)
    stop = threading.Event()
    pieces = paced(made, SINCE_US, 1.0, FakeClock(SINCE_US), stop)
    assert next(pieces).messages
    stop.set()
    assert list(pieces) == []
