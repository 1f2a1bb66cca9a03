"""Finding and making templates: bounds count what lives, and a store that is away costs nothing for good."""

from __future__ import annotations

import pytest

from bodies import rows
from devmesh.errors import Unavailable
from devmesh.templates import Bounds, Templates


def make(mesh, **bounds):
    return Templates(mesh.db, mesh.clock, Bounds(**bounds))


def test_templates_that_the_store_did_not_take_do_not_count(mesh, monkeypatch):
    """However often a store that is away refuses new templates, once it is back there is room for all that may live."""
    templates = make(mesh, per_service=2, in_all=2)

    def away():
        raise Unavailable

    with monkeypatch.context() as patch:
        patch.setattr(mesh.db, "write", away)
        for _ in range(3):
            with pytest.raises(Unavailable):
                templates.resolve([(1, "one"), (1, "two")])
    templates.resolve([(1, "one"), (1, "two"), (1, "three")])
    assert rows(mesh, "SELECT template FROM log_templates ORDER BY id") == [("one",), ("two",), ("<overflow>",)]


def test_services_overflow_in_one_transaction(mesh, monkeypatch):
    """However many services are over the bound at once, the store is asked to write once, and each has its own."""
    templates, writes, write = make(mesh, in_all=0), [], mesh.db.write
    monkeypatch.setattr(mesh.db, "write", lambda: writes.append(1) or write())
    first = templates.resolve([(service, f"text {service}") for service in range(1, 40)])
    assert len({known.id for known in first}) == 39
    assert templates.resolve([(7, "another")]) == [first[6]]
    assert len(writes) == 1
