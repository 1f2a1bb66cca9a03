"""Every question that the OpenAPI document allows, and many that it does not, is answered without a fault of ours."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
import schemathesis
from asgi import Caller
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from bodies import line, numbered, take

EXAMPLES = 25


@schemathesis.serializer("application/x-ndjson")
def _ndjson(_context, value):
    """A body of lines is sent as it was made."""
    return str(value).encode("utf-8", "surrogatepass")


@pytest.fixture
def filled(mesh):
    """The app over a house in which something was said."""
    take(mesh, numbered(1, 5), stream="s", ranges=((1, 5),))
    take(mesh, line("disk is dying") + line("\x00 \u202e", fields={"A": [1, {"b": None}]}), "n2")
    for loop in ("template-totals", "assign-families", "template-samples"):
        mesh.runner.once(loop)
    return Caller(mesh)


def operations(call):
    """Every operation of the document but the tail, which never ends."""
    schema = schemathesis.openapi.from_dict(call.app.openapi())
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path != "/logs/tail":
            yield operation


def test_no_question_is_a_fault(filled):
    """Generated parameters, headers and bodies for every operation: never a 500, always JSON or what was promised."""
    for operation in operations(filled):

        @settings(
            max_examples=EXAMPLES, deadline=None, derandomize=True, phases=[Phase.generate], database=None,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def ask(case):
            answer = send(filled, case)
            assert answer.status_code < 500, (case.path, case.query, case.path_parameters, answer.text[:300])

        ask()


def send(call, case):
    """A generated case as a call of ours; Host and who calls stay ours."""
    path = case.path
    for name, value in (case.path_parameters or {}).items():
        path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
    head = {
        name: str(value)
        for name, value in (case.headers or {}).items()
        if name.lower() not in {"host", "authorization"}
    }
    body = case.body
    if not isinstance(body, str | bytes):
        body = json.dumps(body).encode() if isinstance(body, dict | list | int | float | bool | None) else b""
    query = [(name, str(one)) for name, value in (case.query or {}).items() for one in _each(value)]
    return call(case.method, path, headers=head, content=body, params=query)


def _each(value):
    return value if isinstance(value, list) else [value]


HOSTILE = ["\x00", "%", "a" * 3_000, "\U0001f600", "-1", "9" * 40, "1e9", "Europe", "../../etc",
           "1s" + " " * 3_000 + "x",
           "\u0663h", "0001-01-01", "9999-12-31T23:59:59-23:59", "f0", "t999999999", "f\u0661",
           "'; DROP", "yesterday 25:00", "[", ""]  # fmt: skip
CONDITIONS = ["node", "service", "priority", "since", "until", "template", "contains", "regex", "timezone"]
TAKEN = {
    "/logs": [*CONDITIONS, "limit", "cursor"],
    "/logs/{}/context": ["before", "after"],
    "/templates": ["service", "sort", "limit", "offset"],
    "/templates/{}": ["query"],  # takes none
    "/search/logs": ["query", "limit"],
    "/search/templates": ["query", "limit"],
}
hostile = st.sampled_from(HOSTILE)
asked_of = st.sampled_from(sorted(TAKEN)).flatmap(
    lambda path: st.tuples(
        st.just(path), st.lists(st.tuples(st.sampled_from(TAKEN[path]), hostile), min_size=1, max_size=3)
    )
)


@settings(
    max_examples=150, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(asked=asked_of, piece=st.sampled_from(["1-1", "f1", "t1"]))
def test_no_hostile_parameter_is_a_fault(filled, asked, piece):
    """Parameters that people and attackers write: told in one sentence, or answered."""
    path, parameters = asked
    question = [("query", "disk")] if path.startswith("/search") else []
    answer = filled("GET", path.format(piece), params=[*parameters, *question])
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert {"code", "message", "hint"} <= set(answer.json())


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nothing"), ("PUT", "/logs"), ("POST", "/stats"), ("GET", "/logs?limit=0")]
)
def test_errors_have_one_form(filled, method, path):
    """Whatever goes wrong, the answer is JSON with code, message and hint."""
    answer = filled(method, path)
    assert 400 <= answer.status_code < 500
    assert {"code", "message", "hint"} <= set(answer.json())


def test_metrics_can_be_read(filled):
    """/metrics is what Prometheus reads, with our counters in it."""
    families = {family.name: family for family in text_string_to_metric_families(filled("GET", "/metrics").text)}
    stored = {sample.labels["outcome"]: sample.value for sample in families["devmesh_intake_events"].samples}
    assert stored == {"stored": 7.0, "repeated": 0.0, "rejected": 0.0}
    assert families["devmesh_templates"].samples[0].value >= 1


def test_stats_agree_with_the_store(filled):
    """The sums of /stats, /services and the catalogue are those of the store."""
    assert filled("GET", "/stats").json()["events"] == 7
    assert sum(one["events"] for one in filled("GET", "/services").json()["services"]) == 7
    assert sum(one["events"] for one in filled("GET", "/templates").json()["templates"]) == 7


def test_health_names_every_part(filled):
    """Each part is ok, degraded or off; the last two say why."""
    said = filled("GET", "/health").json()
    assert said["status"] in {"ok", "degraded"}
    assert {"store", "disk", "intake", "embeddings"} <= {part["name"] for part in said["parts"]}
    assert all(part["state"] == "ok" or part["reason"] for part in said["parts"])
