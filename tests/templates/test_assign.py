"""The loop that assigns families: bounded in time, and the same families however its steps fall."""

from __future__ import annotations

import itertools

from bodies import line, rows, take


def test_a_step_lets_writers_in_between(mesh, clock, monkeypatch):
    """A step that took long ends after the service at hand and asks to be called again at once; nothing is left out."""
    take(mesh, b"".join(line("hello there", service=f"s {name}") for name in "abc"))
    seconds = itertools.count()
    monkeypatch.setattr(clock, "monotonic_s", lambda: float(next(seconds)))
    steps, left = [], []
    for _ in range(4):
        steps.append(mesh.runner.once("assign-families"))
        left.append(rows(mesh, "SELECT COUNT(*) FROM log_templates WHERE family_id IS NULL")[0][0])
    assert left == [2, 1, 0, 0]
    assert steps == [2_000, 2_000, 1, 0]
