"""Lists have a limit and a cursor, and say when there is more."""

from __future__ import annotations

import pytest

from bodies import line, take


def fill(mesh):
    """250 nodes, services and tokens; the services with 1 to 5 events each."""
    body = b"".join(
        line("hello", service=f"svc{number:03d}", node=f"n{number:03d}")
        for number in range(250)
        for _each in range(1 + number % 5)
    )
    assert take(mesh, body, "n000", may_name_nodes=True).stored == 750
    for number in range(250):
        mesh.accounts.create_token("node", f"n{number:03d}")


def walk(call, path, limit):
    """(sizes of the pages, everything on them), following the cursor to the end."""
    sizes, rows, cursor = [], [], {}
    while True:
        said = call("GET", path, params={"limit": limit, **cursor}).json()
        sizes.append(len(said[path[1:]]))
        rows += said[path[1:]]
        if said["cursor"] is None:
            return sizes, rows
        cursor = {"cursor": said["cursor"]}


@pytest.mark.parametrize(("path", "key"), [("/nodes", "name"), ("/services", "name"), ("/tokens", "node")])
def test_pages_are_the_whole_list_cut(call, path, key):
    """100 by default, up to 1,000 as asked for; the pages together are the list, each row once, in its order."""
    fill(call.mesh)
    first = call("GET", path).json()
    assert len(first[path[1:]]) == 100
    assert first["cursor"]
    sizes, rows = walk(call, path, 60)
    assert sizes == [60, 60, 60, 60, 10]
    whole = call("GET", path, params={"limit": 1_000}).json()
    assert whole == {path[1:]: rows, "cursor": None}
    assert sorted(row[key] for row in rows) == [f"{'svc' if path == '/services' else 'n'}{n:03d}" for n in range(250)]
    assert walk(call, path, 125)[0] == [125, 125]


def test_the_busiest_services_come_first(call):
    """By events of all time, then by name."""
    fill(call.mesh)
    said = call("GET", "/services", params={"limit": 51}).json()["services"]
    assert [(one["events"], one["name"]) for one in (said[0], said[49], said[50])] == [
        (5, "svc004"), (5, "svc249"), (4, "svc003")
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["/nodes", "/services", "/tokens"])
@pytest.mark.parametrize("limit", [0, -1, 1_001, 2**70])
def test_a_limit_out_of_bounds_is_422(call, path, limit):
    """Refused in words, not bent."""
    answer = call("GET", path, params={"limit": limit})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


@pytest.mark.parametrize("path", ["/services", "/tokens"])
@pytest.mark.parametrize("cursor", ["x", "-1", "²-a", "9" * 30])
def test_a_cursor_that_is_none_is_422(call, path, cursor):
    """A cursor that no answer ever gave is refused; a number too big for the store is an end, or none."""
    answer = call("GET", path, params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
