"""Lists that were cut say so, and how to see the rest; a node that is gone can be retired."""

from __future__ import annotations

import shlex

import httpx
import pytest
from cli_house import Served, fill, line


@pytest.fixture
def many(empty):
    """A store of 120 nodes and services."""
    fill(empty.data_dir, [line("x", node=f"n {n:03d}", service=f"svc {n:03d}") for n in range(120)], "n 000")
    return empty


@pytest.mark.parametrize("what", ["nodes", "services"])
def test_a_list_that_was_cut_says_so(many, what):
    """100 rows, a remark beside them, and the command that shows the rest works as it is printed."""
    cut = many(what)
    assert len(cut.stdout.splitlines()) == 1 + 100
    goes_on = shlex.split(cut.stderr.splitlines()[-1].partition("go on with ")[2])
    assert goes_on[0] == "--cursor"
    rest = many(what, *goes_on)
    assert len(rest.stdout.splitlines()) == 1 + 20
    assert "more" not in rest.stderr
    whole = many(what, "--limit", "1000")
    assert len(whole.stdout.splitlines()) == 1 + 120
    assert "more" not in whole.stderr
    said = many.json(what, "--limit", "7")
    assert (len(said[what]), said["cursor"]) == (7, goes_on[1].replace("099", "006"))
    many(what, "--limit", "1001", code=2)


def test_tokens_are_listed_in_pages(empty):
    """The same for tokens."""
    for _each in range(3):
        empty("token", "create", "--read")
    cut = empty("token", "list", "--limit", "2")
    assert "--cursor 2" in cut.stderr
    assert [one["id"] for one in empty.json("token", "list", "--cursor", "2")["tokens"]] == [3]
    assert empty.json("token", "list")["cursor"] is None


def test_a_node_is_retired(many):
    """It is gone from the list, and its events are not; a name that nobody has is told."""
    many("nodes", "retire", "n 007")
    assert "n 007" not in [one["name"] for one in many.json("nodes", "--limit", "1000")["nodes"]]
    all_of_them = {one["name"]: one["state"] for one in many.json("nodes", "--retired", "--limit", "1000")["nodes"]}
    assert all_of_them["n 007"] == "retired"
    assert len(many.messages("--node", "n 007")) == 1
    assert "no node of that name" in many("nodes", "retire", "nobody", code=4).stderr


def test_a_list_without_nodes_says_why(empty):
    """All who sent anything were retired."""
    fill(empty.data_dir, [line("x")], "nas")
    empty("nodes", "retire", "nas")
    assert "devmesh nodes --retired" in empty("nodes").stderr


def test_stats_tell_what_the_server_has_masked(empty):
    """The command reads the store itself, but what was masked since the start only the server knows."""
    fill(empty.data_dir, [line("x")], "nas")
    served = Served(empty.data_dir, "serve", "--port", "0")
    try:
        httpx.post(f"{served.url}/ingest", content=b'{"message": "login password=hunter2"}\n').raise_for_status()
        assert empty.json("stats")["redacted"] == {"pair": 1}
    finally:
        served.stop()
    assert empty.json("stats")["redacted"] == {}


def test_nodes_are_retired_while_the_server_runs(empty):
    """The server that holds the store does it, whatever the node is called."""
    names = ["nas", "a/b", "büro", "what?", "50%25", "retire", "-x"]
    fill(empty.data_dir, [line("x", node=name) for name in names], "other")
    served = Served(empty.data_dir, "serve", "--port", "0")
    try:
        for name in names:
            empty("nodes", "retire", "--", name)
        assert [one["name"] for one in empty.json("nodes")["nodes"]] == ["other"]
        assert "no node of that name" in empty("nodes", "retire", "nobody", code=4).stderr
    finally:
        served.stop()


def test_patterns_of_a_service_that_nobody_has(cli):
    """The name is what is wrong, not that there are no patterns."""
    said = cli("templates", "--service", "nope")
    assert "nope" in said.output
    assert "no families yet" not in said.output
