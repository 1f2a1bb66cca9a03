"""When connections are told: each span once, whatever becomes of an answer, and never in the way of logs."""

from __future__ import annotations

import json

import pytest

from devmesh.ship.agent import Agent
from devmesh.ship.options import Options, parse
from devmesh.ship.report import Report
from devmesh.ship.server import UNREACHABLE, Answer


class Says:
    """A server that gives these answers, and what it was told."""

    def __init__(self, *answers) -> None:
        self.answers, self.told = [*answers], []

    def connections(self, said):
        """The next answer."""
        self.told.append(json.loads(json.dumps(said)))
        status = self.answers.pop(0) if self.answers else 200
        return Answer(status, None if status == UNREACHABLE else {"message": "no"}, None, "")


def report(clock, *answers):
    """(what reports, the server it tells)."""
    server, looks = Says(*answers), []

    def look(deep):
        looks.append(deep)
        return {"connections": [], "number": len(looks), "deep": deep}

    return Report(server, clock, look), server


def tell(one, clock, seconds):
    """The report's turn after so many seconds."""
    clock.ahead_s += seconds
    one.tell()


def test_spans_follow_one_another(clock):
    """Nothing in the first minute; then every five minutes, each from where the last one ended; units once an hour."""
    one, server = report(clock)
    tell(one, clock, 50)
    assert server.told == []
    for _look in range(14):
        tell(one, clock, 300)
        one.tell()  # not before its time
    assert [said["since_us"] for said in server.told[1:]] == [said["until_us"] for said in server.told[:-1]]
    assert server.told[0]["since_us"] == server.told[0]["until_us"]
    assert [said["number"] for said in server.told if said["deep"]] == [1, 13]


@pytest.mark.parametrize("trouble", [UNREACHABLE, 500, 503, 429, 401, 403])
def test_what_may_not_have_been_taken_is_sent_again_as_it_was(clock, trouble):
    """The same span with the same content a minute later: the server counts it once."""
    one, server = report(clock, trouble, trouble)
    for _turn in range(4):
        tell(one, clock, 61)
    assert [said["number"] for said in server.told] == [1, 1, 1]
    assert len({said["until_us"] for said in server.told}) == 1
    tell(one, clock, 300)
    assert (server.told[-1]["number"], server.told[-1]["since_us"]) == (2, server.told[0]["until_us"])


@pytest.mark.parametrize("trouble", [404, 405, 400, 413, 422])
def test_a_server_that_takes_none_is_asked_again_after_an_hour(clock, trouble):
    """An old one, or one that finds something wrong with it."""
    one, server = report(clock, trouble)
    tell(one, clock, 61)
    tell(one, clock, 3000)
    assert len(server.told) == 1
    tell(one, clock, 601)
    assert [said["number"] for said in server.told] == [1, 2]


def test_a_look_that_fails_is_no_trouble_for_logs(clock, caplog):
    """It is told in the agent's own output, and tried again."""
    server = Says()
    one = Report(server, clock, lambda _deep: 1 / 0)
    tell(one, clock, 61)
    assert server.told == []
    assert "ZeroDivisionError" in caplog.text


def agent_with(url, tmp_path, clock, **more):
    """An agent that follows an empty file."""
    (tmp_path / "state").mkdir(exist_ok=True)
    (tmp_path / "app.log").write_text("2026-11-20T10:00:00Z something long enough to be a line of this file\n" * 5)
    return Agent(Options(to=url, node="n1", files=(str(tmp_path / "app.log"),), **more), str(tmp_path / "state"), clock)


@pytest.mark.parametrize(("allowed", "told"), [(False, 0), (True, 1)])
def test_it_tells_only_what_it_was_allowed(fake, url, tmp_path, clock, allowed, told):
    """Off unless somebody says so; with it, a look each five minutes beside the logs."""
    fake.reports = []
    agent = agent_with(url, tmp_path, clock, connections=allowed)
    for _round in range(3):
        agent._round()
        clock.ahead_s += 61
    agent.server.close()
    assert len(fake.reports) == told
    assert len(fake.events()) == 5


def test_an_old_server_gets_its_logs(fake, url, tmp_path, clock):
    """A 404 for the report: every line arrives all the same, and it is not asked again at once."""
    agent = agent_with(url, tmp_path, clock, connections=True)
    for _round in range(5):
        agent._round()
        clock.ahead_s += 61
    agent.server.close()
    assert len(fake.events()) == 5


def test_once_tells_once(fake, ship_once, tmp_path):
    """`--once` looks once, at its end."""
    fake.reports = []
    (tmp_path / "app.log").write_text("2026-11-20T10:00:00Z one line\n")
    assert ship_once(files=(str(tmp_path / "app.log"),), connections=True) == 0
    assert [sorted(said) for said in fake.reports] == [
        sorted((
            "since_us", "until_us", "addresses", "names", "connections", "listeners", "needs", "mounts", "left_out",
            "unnamed", "undecided", "closed",
        ))
    ]  # fmt: skip


def test_a_killed_server_gets_the_same_report_again(fake, url, tmp_path, clock):
    """The server takes a report and dies before it answers; the next one gets it as it was."""
    fake.reports, fake.dies_answering = [], True
    agent = agent_with(url, tmp_path, clock, connections=True)
    for _round in range(3):
        agent._round()
        clock.ahead_s += 61
    fake.dies_answering = False
    agent._round()
    agent.server.close()
    first, *again = fake.reports
    assert again == [first, first]


@pytest.mark.parametrize(("said", "allowed"), [("1", True), ("true", True), ("0", False), ("", False), ("off", False)])
def test_the_environment_may_allow_it(monkeypatch, said, allowed):
    """DEVMESH_SHIP_CONNECTIONS, for units; the option wins."""
    monkeypatch.setenv("DEVMESH_SHIP_CONNECTIONS", said)
    assert parse(["--to", "http://x"]).connections is allowed
    assert parse(["--to", "http://x", "--connections"]).connections
