"""`devmesh db shard`, as it is typed."""

from __future__ import annotations

URLS = ("mysql://devmesh@db1/devmesh", "mysql://devmesh@db2/devmesh")
HEAD = ("--head", "mysql://devmesh@head/devmesh")


def test_a_plan_is_printed_for_each_server_and_runs_nothing(empty):
    """The head's first, then one for each data server; as JSON the same statements."""
    told = empty("db", "shard", "--plan", *HEAD, *URLS).stdout
    assert [line for line in told.splitlines() if line.startswith("-- ")] == [
        "-- the head", "-- data server 1", "-- data server 2"
    ]  # fmt: skip
    assert told.count("CREATE TABLE log_events") == 1, "the data servers keep the tables of DevMesh's own schema"
    assert told.count("CREATE TABLE log_templates") == 2
    made = empty.json("db", "shard", "--plan", *HEAD, *URLS)
    assert list(made) == ["head", "1", "2"]
    assert all(statement in told for statements in made.values() for statement in statements)


def test_the_plan_of_one_server_can_be_had_alone(empty):
    """For a pipe into the client."""
    told = empty("db", "shard", "--plan", *HEAD, "--only", "2", *URLS).stdout
    assert told.startswith("-- data server 2\nDELIMITER //\n")
    assert "AUTO_INCREMENT=20000001" in told
    assert "no server '3'" in empty("db", "shard", "--plan", *HEAD, "--only", "3", *URLS, code=2).stderr


def test_what_is_missing_is_said(empty):
    """--plan, and a head that is a MariaDB."""
    assert "Say --plan" in empty("db", "shard", *HEAD, *URLS, code=2).stderr
    assert "--head" in empty("db", "shard", "--plan", *URLS, code=3).stderr
