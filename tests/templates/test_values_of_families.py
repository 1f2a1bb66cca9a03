"""The values in the places of a family: those of its text, whatever places its members have."""

from __future__ import annotations

from bodies import NOW_US, line, run_whole, take
from devmesh.catalogue import show


def test_values_stand_in_the_places_of_the_familys_text(mesh):
    """What `<*>` took among them; a member that names its words itself has fewer places than the family."""
    names = ("alpha", "bravo", "carol", "delta", "alpha")
    texts = [f"user {name} logged in from 10.0.0.{n} port {4_000 + n}" for n, name in enumerate(names)]
    take(mesh, b"".join(line(text, ts_us=NOW_US, service="app") for text in texts))
    for loop in ("template-samples", "template-totals", "assign-families"):
        run_whole(mesh, loop)
    [family] = mesh.templates.list_families()
    assert family.text.count("<") == 3
    told = show(mesh, f"f{family.id}")["values"]
    by_place = {place: [(one["value"], one["n"]) for one in told if one["position"] == place] for place in range(3)}
    assert by_place[0] == [("alpha", 2), ("bravo", 1), ("carol", 1), ("delta", 1)]
    assert {value for value, _n in by_place[1]} == {f"10.0.0.{n}" for n in range(5)}
    assert {value for value, _n in by_place[2]} == {str(4_000 + n) for n in range(5)}
