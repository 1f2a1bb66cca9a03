"""The commands that look: what they print for people and as JSON, and how wrong inputs end."""

from __future__ import annotations

import re

import pytest
import typer
from typer.testing import CliRunner

from devmesh.cli import terminal
from devmesh.cli.app import app


def test_logs_prints_the_newest_last(cli):
    """Lines in order of time, the newest at the bottom, in the viewer's zone."""
    lines = cli("logs", "--service", "nginx", "--limit", "2").stdout.splitlines()
    assert lines == [
        "2026-01-20 13:55:18.000 web2 nginx GET /item/18 took 18 ms",
        "2026-01-20 13:55:19.000 web2 nginx GET /item/19 took 19 ms",
    ]


def test_logs_never_lets_hostile_text_through(cli):
    """A line with escapes, markup and bidi marks is shown as data."""
    out = cli("logs", "--service", "evil").stdout
    assert "\x1b" not in out
    assert (
        r"web2 evil \x1b[2J\x1b]0;owned\x07 [red]bold[/red] \u202egnp.exe\u200b \U000e0041 tail\x9b31m \x00end" in out
    )


def test_logs_shows_the_lines_of_a_trace_apart(cli):
    """A folded trace has its lines below it, so that none can pass for another event."""
    out = cli("logs", "--service", "app").stdout.splitlines()
    assert out[0].endswith("web1 app err Traceback (most recent call last):")
    assert out[1:] == ['    │   File "x.py", line 1', "    │ ValueError: no"]


@pytest.mark.parametrize(
    ("options", "n"),
    [
        (["--node", "nas"], 1),
        (["--node", "nas", "--node", "web2"], 21),
        (["--priority", "err"], 2),
        (["--contains", "TOOK 7 MS"], 1),
        (["--regex", r"item/1\d "], 10),
        (["--service", "nobody"], 0),
        (["--since", "2026-01-20T13:59:00Z"], 2),
        (["--until", "2026-01-20T13:51Z"], 39),
        (["--limit", "3"], 3),
    ],
)
def test_logs_filters(cli, options: list[str], n: int):
    """Each filter means what it says; JSON has the form of GET /logs."""
    found = cli.json("logs", *options)
    assert len(found["events"]) == n
    assert set(found) == {"events", "cursor", "searched_to_us"}


def test_logs_by_template_and_context(cli):
    """The ids that lists show are the ids that other commands take."""
    family = next(one for one in cli.json("templates", "--service", "sshd")["templates"] if one["events"] > 1)
    events = cli.json("logs", "--template", family["id"], "--limit", "5")["events"]
    assert {event["service"] for event in events} == {"sshd"}
    around = cli.json("logs", "context", events[2]["id"], "--before", "1", "--after", "1")["events"]
    assert [event["id"] for event in around] == [events[3]["id"], events[2]["id"], events[1]["id"]]
    shown = cli("logs", "context", events[2]["id"], "--before", "1", "--after", "1").stdout.splitlines()
    assert [line[0] for line in shown] == [" ", ">", " "]
    assert events[0]["id"] in cli("logs", "--ids", "--service", "sshd", "--limit", "1").stdout


def test_templates_lists_and_shows(cli):
    """Families with totals; one of them in full, with its sparkline, nodes and examples."""
    listed = cli.json("templates", "--sort", "count")["templates"]
    assert listed[0]["events"] == 39
    out = cli("templates", "show", listed[0]["id"]).stdout
    assert "events      39" in out
    assert "nodes       web1 (39)" in out
    assert re.search(r"^last seen   2026-01-20 \d\d:\d\d$", out, re.MULTILINE), (
        "what is counted by minute shows no second"
    )
    assert "█" in out
    assert "last 7 days" in out
    assert listed[0]["events"] == sum(day["n"] for day in cli.json("templates", "show", listed[0]["id"])["days"])
    assert "Accepted password for alice from 10.0.0." in out
    assert listed[0]["id"] in cli("templates").stdout


def test_search_finds_by_meaning(cli):
    """A question in people's words finds the disk's error first, and says why."""
    found = cli.json("search", "disk", "is", "dying", "--limit", "3")
    assert "I/O error" in found["results"][0]["examples"][0]
    assert "why: " in cli("search", "disk is dying").stdout
    assert "I/O error" in cli("search", "disk is dying", "--events").stdout
    assert "devmesh logs --contains 'zzyzx quux'" in cli("search", "zzyzx", "quux").stderr


def test_nodes_services_stats_loops(cli):
    """The lists and sums carry what was stored."""
    assert [one["name"] for one in cli.json("nodes")["nodes"]] == ["nas", "web1", "web2"]
    services = cli.json("services")["services"]
    assert (services[0]["name"], services[0]["events"]) == ("sshd", 39)
    assert "sshd" in cli("services", "--limit", "1").stdout
    stats = cli.json("stats")
    assert stats["events"] == 61
    assert {"events", "templates", "families", "compression", "bytes_per_event"} <= set(stats)
    assert "events" in cli("stats").stdout
    assert "assign-families" in cli("loops").stdout
    assert "runs in each server" in cli("loops").stdout
    assert "web2" in cli("nodes").stdout


def test_nodes_show_what_waits_and_clocks_that_are_off(empty):
    """Since when, and how far, with how wrong that may be; nothing where all is well (F19, F20)."""
    from devmesh.clock import SystemClock
    from devmesh.mesh import open_mesh
    from devmesh.nodes import Heartbeat
    from devmesh.settings import load_settings

    mesh = open_mesh(load_settings(data_dir=empty.data_dir))
    hours_ago_us = SystemClock().now_us() - 3 * 3_600_000_000 - 1_000_000
    behind = Heartbeat("a 1", 700, hours_ago_us, skew_us=-301_000_000, skew_error_us=20_000)
    mesh.nodes.heartbeat("late", behind)
    mesh.nodes.heartbeat("well", Heartbeat("a 1", 0, None, skew_us=6_000_000, skew_error_us=1_500_000))
    mesh.close()
    late, well = empty("nodes").stdout.splitlines()[-2:]
    assert "oldest unsent 3h ago; clock is -301.0 s off (± 0.02 s)" in late
    assert "off" not in well
    assert "unsent" not in well


def test_doctor_says_where_settings_come_from(cli, monkeypatch: pytest.MonkeyPatch):
    """Set values with their source, the store's state, and credentials masked."""
    monkeypatch.setenv("DEVMESH_EMBEDDING_PROVIDER", "off")
    monkeypatch.setenv("GATEWAY_URL", "http://me:secret@gateway:1")
    report = cli.json("doctor")
    settings = {one["name"]: one for one in report["settings"]}
    assert settings["data_dir"]["source"] == "environment"
    assert settings["gateway_url"]["value"] == "http://***@gateway:1"
    assert settings["port"]["source"] == "default"
    checks = {one["name"]: one for one in report["checks"]}
    assert checks["store"]["state"] == "ok"
    assert "61 events" in checks["store"]["reason"]
    assert checks["server"]["state"] == "off"
    assert (checks["embeddings"]["state"], "OFF" in checks["embeddings"]["reason"].upper()) == ("off", True)
    assert "secret" not in cli("doctor", "--all").output


def test_doctor_on_a_fresh_machine_is_no_failure(empty):
    """No store yet is off with what to do, not broken."""
    out = empty("doctor").stdout
    assert "There is none in" in out
    assert "devmesh up" in out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["logs", "--since", "whenever"], 2),
        (["logs", "--since", "1h", "--until", "2h"], 2),
        (["logs", "--contains", "x" * 60_000], 2),
        (["logs", "--priority", "loud"], 2),
        (["logs", "--regex", "("], 2),
        (["logs", "--template", "x9"], 2),
        (["logs", "--limit", "100000"], 2),
        (["logs", "context", "nonsense"], 2),
        (["logs", "context", "1700000000000000-99"], 4),
        (["templates", "show", "f999999"], 4),
        (["templates", "--sort", "beauty"], 2),
        (["token", "create"], 2),
        (["token", "create", "--read", "--admin"], 2),
        (["ship", "--to", "http://127.0.0.1:1", "--again"], 2),
        (["nonsense"], 2),
        (["logs", "--nonsense"], 2),
        (["templates", "show"], 2),
        (["search"], 2),
        (["search", " "], 2),
    ],
)
def test_wrong_inputs_end_with_their_code(cli, arguments: list[str], code: int):
    """A wrong input is one sentence and a hint on stderr, an exit code, nothing on stdout, no traceback."""
    result = cli(*arguments, code=code)
    assert result.stdout == ""
    assert "Traceback" not in result.output
    assert result.stderr.startswith(("devmesh: ", "Usage: "))


def test_no_store_is_said_with_what_to_do(empty):
    """Every look at nothing says how to begin."""
    for command in (
        ["logs"],
        ["templates"],
        ["search", "x"],
        ["nodes"],
        ["services"],
        ["stats"],
        ["loops"],
        ["token", "list"],
    ):
        result = empty(*command, code=4)
        assert "There is no store" in result.stderr
        assert "hint: Start one with 'devmesh up'" in result.stderr
    assert not empty.data_dir.exists()


def test_a_bad_setting_names_itself(cli, monkeypatch: pytest.MonkeyPatch):
    """A setting that cannot be used ends with 3 and its name."""
    monkeypatch.setenv("DEVMESH_PORT", "many")
    assert "port" in cli("stats", code=3).stderr


def test_help_of_every_command_has_an_example(cli):
    """Each help ends with something to copy."""
    for command in (
        "up",
        "serve",
        "search",
        "nodes",
        "services",
        "stats",
        "doctor",
        "ship",
        "logs",
        "templates",
        "loops",
        "token",
    ):
        assert f"  devmesh {command}" in cli(command, "--help").stdout
    assert cli("--version").stdout.startswith("devmesh 0.")


def each_command(group, *names: str):
    """The words of every command below a group."""
    for name, command in sorted(group.commands.items()):
        yield (*names, name)
        yield from each_command(command, *names, name) if hasattr(command, "commands") else ()


def test_help_speaks_no_python():
    """No help names a type of Python, and none leaves an argument or a value without a name of its own."""
    for words in each_command(typer.main.get_command(app)):
        text = CliRunner().invoke(app, [*words, "--help"]).stdout
        assert not re.search(r"<(str|int|float|bool|list|path|file)\b|[{}]", text), text
        assert not re.search(r"^Usage: .*[a-z]\.\.\.", text), text


@pytest.mark.parametrize("no_colour", ["", "1"])
@pytest.mark.parametrize(
    "command", [["logs"], ["search", "gnp"], ["search", "gnp", "--events"], ["templates"], ["services"]]
)
def test_a_terminal_gets_no_escape_from_a_log(cli, monkeypatch: pytest.MonkeyPatch, no_colour: str, command: list[str]):
    """On a terminal the only escape sequences are our own colours; with NO_COLOR there are none at all."""
    monkeypatch.setattr(terminal, "is_terminal", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", no_colour)
    out = cli(*command).stdout
    assert "owned" in out or command == ["services"]
    assert ("\x1b" in out) is (not no_colour)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", out)
    assert all(char.isprintable() or char == "\n" for char in plain)
    assert "[red]bold[/red]" in plain or command == ["services"]


def test_a_folder_that_cannot_be_used_is_named(tmp_path, empty):
    """Where the machine refuses, its words and the path are told, not the name of an exception."""
    (tmp_path / "data").write_text("a file where the folder should be")
    (tmp_path / "x.log").write_text("2026-11-20 10:00:00 hello\n")
    result = empty("import", str(tmp_path / "x.log"), code=1)
    assert str(tmp_path / "data") in result.stderr
    assert "A fault of DevMesh" not in result.stderr
