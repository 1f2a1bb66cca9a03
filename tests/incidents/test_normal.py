"""What the error rate calls normal, kept by the watch and shown to people."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from devmesh.cli.app import app
from devmesh.watched import list_normal
from watched_life import BEGIN_US, MINUTE_US, failing, live


@pytest.mark.sqlite_only
def test_what_is_normal_is_kept_and_shown_after_each_whole_hour(fleet):
    """Errors of a service in five minutes, from how many on they are a finding, and how long that was learned."""
    assert list_normal(fleet) == {"normal": []}
    live(fleet, 2, failing(0, 1 << 40))
    fleet.clock.advance(68 * 60)
    live(fleet, 1)
    shown = {one["service"]: one for one in list_normal(fleet)["normal"]}
    assert (shown["api"]["node"], shown["api"]["hours"]) == ("apps", 84)
    assert 0 < shown["api"]["mean"] < 1
    assert shown["api"]["found_from"] == 5
    assert shown["api"]["at_us"] == BEGIN_US + 71 * MINUTE_US
    said = CliRunner().invoke(app, ["--data-dir", str(fleet.settings.data_dir), "detectors", "--normal"]).stdout
    assert "errors in 5 min" in said
    assert f"{shown['api']['mean']:.2f}" in said
