"""What people do to families: labels and notes, merging and splitting; and the last week of families."""

from __future__ import annotations

import pytest

from bodies import NOW_US, line, run_whole, take


@pytest.fixture
def known(call):
    """A house that knows one family, said by two nodes, once as an error."""
    take(call.mesh, line("disk sda failed", ts_us=NOW_US, service="smartd", priority=3), node="n1")
    take(call.mesh, line("disk sda failed", ts_us=NOW_US - 1, service="smartd"), node="n2")
    run_whole(call.mesh, "assign-families")
    return call


def test_a_label_and_a_note_stay_until_they_are_taken_away(known):
    """What is left out stays as it is."""
    assert known("PUT", "/templates/f1/words", json={"label": "dying", "note": "order one"}).json()["label"] == "dying"
    assert known("PUT", "/templates/f1/words", json={"note": ""}).json()["note"] is None
    told = known("GET", "/templates/f1").json()
    assert (told["label"], told["note"]) == ("dying", None)


@pytest.mark.parametrize(("name", "status"), [("f99", 404), ("t1", 422), ("x", 422)])
def test_words_belong_to_families(known, name, status):
    """A template, or nothing, has none."""
    assert known("PUT", f"/templates/{name}/words", json={"label": "x"}).status_code == status


def test_the_last_week_of_a_family(known):
    """28 counts of 6 hours, the nodes that said it, the worst priority; the same where it was searched for."""
    for path in ("/templates?trend=true", "/search/templates?query=disk&trend=true"):
        [one] = next(value for value in known("GET", path).json().values() if isinstance(value, list))
        assert (len(one["trend"]), one["trend"][-1], one["nodes"], one["worst"]) == (28, 2, 2, 3)


def test_families_are_merged_and_split(call):
    """The answer is the family that is there now; what makes no sense is 422, what is not there 404."""
    lines = [
        line(f"user {name} logged in", ts_us=NOW_US, service="app") for name in ("alpha", "bravo", "carol", "delta")
    ]
    take(call.mesh, b"".join([*lines, line("user of nobody", ts_us=NOW_US, service="app")]))
    run_whole(call.mesh, "assign-families")
    whole = call("GET", "/templates?sort=new").json()["templates"]
    family = next(one for one in whole if one["templates"] == 4)["id"]
    member = call("GET", f"/templates/{family}").json()["members"][0]["id"]
    fresh = call("POST", f"/templates/{member}/split").json()
    assert fresh["templates"] == 1
    assert call("POST", f"/templates/{member}/split").status_code == 422
    assert call("POST", f"/templates/{fresh['id']}/merge", json={"into": family}).json()["templates"] == 4
    assert call("POST", f"/templates/{family}/merge", json={"into": family}).status_code == 422
    assert call("POST", f"/templates/{family}/merge", json={"into": "f999"}).status_code == 404
    assert call("POST", f"/templates/{member}/merge", json={"into": family}).status_code == 422
