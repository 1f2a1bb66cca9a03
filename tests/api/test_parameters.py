"""A parameter that a route does not take is told, for every route that is asked with GET."""

from __future__ import annotations

import pytest

from bodies import line, take

FILLED = {"number": "1", "template_id": "f1", "event_id": "1-1", "query": "disk"}


def routes(call):
    """(path as it stands in the document, query parameters that it takes) of every GET."""
    for path, methods in call.app.openapi()["paths"].items():
        if "get" in methods:
            yield path, [one["name"] for one in methods["get"].get("parameters", []) if one["in"] == "query"]


def test_no_route_takes_a_parameter_that_it_does_not_know(call):
    """422 that names the parameter; where there are some, those that it takes stand in the hint."""
    seen = 0
    for path, known in routes(call):
        needed = {"query": "disk"} if "query" in known else {}
        answer = call("GET", path.format_map(FILLED), params={**needed, "nonsense": "1"})
        assert answer.status_code == 422, path
        assert answer.json()["message"] == f"'nonsense' is no parameter of GET {path}."
        assert all(name in answer.json()["hint"] for name in known)
        seen += 1
    assert seen >= 14


@pytest.mark.parametrize(
    ("path", "wrong", "right"),
    [
        ("/logs", "prioritry=3", "priority"),
        ("/logs", "Service=x", "service"),
        ("/logs", "service=x&form=1h&until=1h", None),
        ("/templates", "page=2", None),
        ("/search/logs", "query=disk&limits=3", "limit"),
        ("/logs/1-1/context", "befor=3", "before"),
        ("/health", "x", None),
    ],
)
def test_a_typo_is_told_with_what_it_should_be(call, path, wrong, right):
    """What was asked for must not silently become a question for everything."""
    take(call.mesh, line("x"))
    answer = call("GET", f"{path}?{wrong}")
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_input"
    hint = answer.json()["hint"]
    assert hint.startswith(f"Did you mean {right}? ") if right else not hint.startswith("Did you mean")


def test_known_parameters_and_other_methods_go_through(call):
    """Parameters of the document are taken, repeated ones too; a POST may carry what its client likes."""
    assert call("GET", "/logs?node=a&node=b&limit=1").status_code == 200
    assert call("POST", "/ingest?source=vector", content=line("x")).status_code == 200
    assert call("GET", "/docs?v=2").status_code == 200


def test_a_long_name_is_not_given_back_whole(call):
    """The answer's size is ours."""
    assert len(call("GET", f"/logs?{'x' * 5_000}=1").text) < 1_000


@pytest.mark.parametrize("path", ["/logs", "/logs/tail"])
def test_an_end_before_the_beginning_is_told(call, path):
    """`since` later than `until` finds nothing and can only be a mistake; both are named."""
    answer = call("GET", f"{path}?since=1h&until=2h")
    assert answer.status_code == 422
    assert "since" in answer.json()["message"]
    assert "until" in answer.json()["message"]
    assert call("GET", "/logs?since=2h&until=1h").status_code == 200
    assert call("GET", "/logs?since=1h&until=1h").status_code == 200
