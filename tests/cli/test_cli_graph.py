"""`devmesh graph`: a file becomes the inventory, errors with their places, questions as people ask them."""

from __future__ import annotations

import pytest
from cli_house import fill, line

FILE = """\
services:
  db: {hosts: [nas1], type: database}
  api: {hosts: [web1], depends_on: [db]}
  web: {hosts: [web1, web2], depends_on: [api]}
"""


@pytest.fixture
def file(tmp_path):
    """An inventory."""
    path = tmp_path / "mine.yaml"
    path.write_text(FILE)
    return path


def test_a_file_becomes_the_inventory(empty, file):
    """Shown before, applied, shown again as nothing new; then asked."""
    fill(empty.data_dir, [line("x", service="db", node="nas1")])
    dry = empty("graph", "load", str(file), "--dry-run")
    assert "+ service db  database on nas1" in dry.stdout
    assert "It would be: 3 services, 2 edges, 3 hosts. Nothing was changed." in dry.stdout
    assert "No inventory is loaded" in empty("graph", "show").stderr
    done = empty("graph", "load", str(file))
    assert "Loaded: 3 services, 2 edges, 3 hosts, version 1." in done.stdout
    assert "In no log so far: services api, web" in done.stderr
    assert "Nothing differs" in empty("graph", "load", str(file), "--check").stdout
    assert [one["name"] for one in empty.json("graph", "show")["services"]] == ["api", "db", "web"]
    blast = empty("graph", "blast", "nas1").stdout
    assert "web -DEPENDS_ON-> api -DEPENDS_ON-> db -RUNS_ON-> nas1" in blast
    assert "Weakened, for they run elsewhere, too: web" in empty("graph", "blast", "host:web2").stderr
    assert "one of several" in empty("graph", "causes", "web").stdout
    assert empty("graph", "path", "web", "nas1").stdout == "web -DEPENDS_ON-> api -DEPENDS_ON-> db -RUNS_ON-> nas1\n"
    assert "db does not need web" in empty("graph", "path", "db", "web").stdout
    assert [one["name"] for one in empty.json("graph", "risks")["points"]] == ["nas1", "web1", "db"]
    assert empty.json("graph", "blast", "db", "--limit", "1")["total"] == 2


def test_errors_of_a_file_stand_with_their_places(empty, tmp_path):
    """All of them, and nothing is loaded; a file that is none is told."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("services:\n  a: {}\n  b: {hosts: [h], depends_on: [c]}\n")
    told = empty("graph", "load", str(wrong), code=2).stderr.splitlines()
    assert told[0].endswith("wrong.yaml:2:3: 'a' runs nowhere. hosts: [NODE], or hosts: [all]")
    assert "wrong.yaml:3:32: There is no service 'c'." in told[1]
    assert told[2] == "devmesh: There are 2 errors in wrong.yaml; nothing was loaded."
    wrong.write_bytes(b"services: \xff")
    assert "no UTF-8" in empty("graph", "load", str(wrong), code=2).stderr
    empty("graph", "load", str(tmp_path / "none.yaml"), code=4)
    empty("graph", "blast", "x", code=4)


def test_hostile_names_cannot_reach_the_terminal(empty, tmp_path):
    """What is invisible is no name, and its error shows it as an escape."""
    path = tmp_path / "evil.yaml"
    path.write_text('services: {"\\e[2J\\e]0;owned\\a \\u202egnp.exe \\x9b31m": {hosts: [h]}}')
    told = empty("graph", "load", str(path), code=2).stderr
    assert "is no name" in told
    assert not set(told) & {"\x1b", "\x07", "\u202e", "\x9b"}


def test_a_first_file_comes_from_the_logs(cli, tmp_path, empty):
    """What `init` prints, `load` takes."""
    text = cli("graph", "init", "--days", "366").stdout
    assert "nginx:" in text
    (tmp_path / "first.yaml").write_text(text)
    assert "+ service nginx  proxy on" in empty("graph", "load", str(tmp_path / "first.yaml")).stdout
    cli("graph", "init", "--days", "0", code=2)


def test_learned_edges_are_shown_and_decided(empty, file):
    """What lines tell is proposed, with what nobody can place; one is put in force, and taken out again."""
    file.write_text(FILE + "  redis-server: {hosts: [web1]}\n")
    empty("graph", "load", str(file))
    days = [line(f"connected to redis://web1:6379/{n}", service="api", node="web1", ts_us=n) for n in range(4)]
    days += [line("connected to redis://10.9.9.9:6379", service="api", node="web1")]
    fill(empty.data_dir, days)
    assert "Nothing to decide" in empty("graph", "proposals").stderr
    empty("loops", "run", "learn-edges", "--once")
    told = empty("graph", "proposals")
    assert "api -> web1:6379 (redis-server) seen 4 times, on web1" in told.stdout
    assert "devmesh graph accept FROM TO" in told.stderr
    assert "no node is known by this" in empty("graph", "proposals", "--unresolved").stdout
    assert empty("graph", "accept", "api", "redis-server").stdout == "Accepted: api -> redis-server\n"
    assert empty("graph", "proposals").stdout == ""
    assert "accepted" in empty("graph", "proposals", "--all").stdout
    assert empty("graph", "path", "api", "redis-server").stdout == "api -DEPENDS_ON (learned)-> redis-server\n"
    assert empty.json("graph", "refuse", "api", "redis-server")["decision"] == "refused"
    assert "does not need" in empty("graph", "path", "api", "redis-server").stdout
    empty("graph", "accept", "redis-server", "api", code=4)
    assert "Every edge" in empty("graph", "stale").stderr


def test_files_are_read_as_evidence(empty, tmp_path):
    """A plan shows whom each line means and takes nothing; then it is a proposal. One error, and nothing is taken."""
    fill(empty.data_dir, [line("x", service="paperless", node="web1")])
    (tmp_path / "fleet.yaml").write_text("services:\n  paperless: {hosts: [web1]}\n  postgresql: {hosts: [web1]}\n")
    empty("graph", "load", str(tmp_path / "fleet.yaml"))
    unit = tmp_path / "paperless.service"
    unit.write_text("[Unit]\nRequires=postgresql.service\n[Service]\nEnvironment=DB_URL=mysql://u:hunter2@db9/x\n")
    plan = empty("graph", "read", str(unit), "--node", "web1", "--plan")
    assert "paperless.service:2  paperless  postgresql.service  postgresql" in plan.stdout
    assert "mysql://db9" in plan.stdout
    assert "hunter2" not in plan.stdout + plan.stderr
    assert "Nothing to decide" in empty("graph", "proposals").stderr
    wrong = tmp_path / "x.env"
    wrong.write_text("what\n")
    told = empty("graph", "read", str(unit), str(wrong), "--node", "web1", "--service", "x", code=2).stderr
    assert "x.env:1:1: This is no variable." in told
    assert "Nothing to decide" in empty("graph", "proposals").stderr
    assert "2 targets, 1 of them for an edge" in empty("graph", "read", str(unit), "--node", "web1").stderr
    assert "paperless -> postgresql" in empty("graph", "proposals").stdout
    empty("graph", "read", str(tmp_path / "none.env"), "--node", "web1", code=4)
