"""`devmesh drift`: what rises slowly, for people and as JSON; and a store that is too young."""

from __future__ import annotations

from cli_house import Runner, line
from cli_house import fill as store

from drifted_life import DAYS, fill


def test_people_read_what_rises_since_when_and_where(tmp_path):
    """One line for the service, how much more there is, and nothing of a hostile line as it is."""
    fill(tmp_path)
    house = Runner(tmp_path)
    said = house("drift").stdout
    assert f"3 patterns compared over {DAYS} days." in said
    assert "Rising slowly:" in said
    assert "8.0 a day, now 30  since 20" in said
    assert "smartd on nas: " in said
    assert "(and 1 more of it)" in said
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert house.json("drift", "--limit", "1")["found"] == 1


def test_a_young_store_says_what_it_needs(tmp_path):
    """Instead of that nothing drifts; and a limit that is none is refused."""
    store(tmp_path, [line("hello")])
    house = Runner(tmp_path)
    said = house("drift").stdout
    assert "A drift is seen after 22 whole days; " in said
    assert "Nothing drifts" not in said
    assert "limit must be" in house("drift", "--limit", "0", code=2).stderr
