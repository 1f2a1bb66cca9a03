"""The narrative of a report: from the first suspect along the inventory's paths, by onset, and what is left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bodies import line
from broken_fleet import BROKE_US, MINUTE_US, broken
from devmesh.detectors.rules import RULES
from devmesh.graph import read_inventory, snapshot_of
from devmesh.incidents import Ties
from devmesh.investigations.advice import ADVICE
from devmesh.investigations.course import WORDS, follow

pytestmark = pytest.mark.sqlite_only

SHOP = """
services:
  mariadb: {hosts: [db01]}
  api: {hosts: [apps], depends_on: [mariadb, ollama]}
  ollama: {hosts: [gpu]}
  proxy: {hosts: [edge], depends_on: [api]}
"""


def said(message: str, service: str, node: str, after_s: int) -> bytes:
    """Five lines, a minute apart, from so many seconds after the database's end on."""
    times = (BROKE_US + after_s * 1_000_000 + n * MINUTE_US for n in range(5))
    return b"".join(line(message, service=service, ts_us=ts_us, node=node) for ts_us in times)


def facts(mesh, inventory: str = SHOP):
    """What the report says once an inventory is loaded."""
    if inventory:
        mesh.graph.load(inventory)
    mesh.runner.once("write-reports")
    (case,) = mesh.incidents.list().rows
    report = mesh.investigations.report(case.id)
    assert report.facts["struck"] == 0
    assert report.facts["taken_out"] == {}
    return report


def texts(some) -> list[str]:
    """What statements say."""
    return [one["text"] for one in some]


LATER = said("ERROR: request timed out", "ollama", "gpu", 60) + said("ERROR: backup 7 is broken", "borg", "nas", 90)


def test_the_narrative_follows_the_paths_and_says_what_it_does_not_explain(troubled):
    """The database, the api that needs it, whom the api calls; nobody needs the backup, and it needs nobody."""
    report = facts(troubled(broken() + LATER + said("ERROR: api gave 502, upstream timed out", "proxy", "edge", 40)))
    assert report.facts["chain"]["text"] == ("mariadb failures → api refused connections → proxy, ollama time-outs")
    first, *steps = texts(report.facts["course"])
    assert first.startswith("mariadb on db01: failures, first at ")
    assert steps == [
        "api on apps: refused connections, 20 s after mariadb on db01, which it needs.",
        "proxy on edge: time-outs, 20 s after api on apps, which it needs.",
        "ollama on gpu: time-outs, 40 s after api on apps, which needs it.",
    ]
    assert texts(report.facts["unexplained"]) == ["mariadb does not explain borg on nas (new errors)."]
    assert all(one["cites"] for part in ("course", "unexplained") for one in report.facts[part])
    assert "How it went on" in report.markdown
    assert "mariadb failures → api refused connections" in report.markdown
    assert [one.split(" said ")[0] for one in texts(report.facts["order"])] == ["borg on nas"]


def test_without_an_inventory_nothing_is_invented(troubled):
    """The old form: who came next, by time."""
    report = facts(troubled(broken() + LATER), "")
    assert (report.facts["chain"], report.facts["course"], report.facts["unexplained"]) == (None, [], [])
    assert [one.split(" said ")[0] for one in texts(report.facts["order"])] == [
        "api on apps", "ollama on gpu", "borg on nas",
    ]  # fmt: skip
    assert "How it went on" not in report.markdown


def test_an_onset_that_contradicts_the_path_is_said(troubled):
    """The proxy complained before the database that it needs: it is told with "but"."""
    early = said("ERROR: api gave 502, upstream timed out", "proxy", "edge", -40)
    told = texts(facts(troubled(early + broken())).facts["course"])
    assert "proxy on edge: time-outs, but 1 min before api on apps, which it needs." in told


def test_a_suspect_that_says_nothing_itself_still_has_its_course(troubled):
    """Its network is cut: it has no bad line; its users are told with when they began, and what they need."""
    quiet = said("ERROR: mariadb at db01: connection refused", "api", "apps", 20)
    quiet += said("ERROR: mariadb at db01: connection refused", "proxy", "edge", 50)
    inventory = SHOP.replace("depends_on: [api]", "depends_on: [mariadb]").replace(", ollama]", "]")
    report = facts(troubled(quiet), inventory)
    assert report.facts["suspects"][0]["service"] == "mariadb"
    root, *steps = texts(report.facts["course"])
    assert root.startswith("Nothing was found in what mariadb on db01, heard last at ")
    assert [one.partition(", first at ")[0] for one in steps] == [
        "api on apps: refused connections", "proxy on edge: refused connections",
    ]  # fmt: skip
    assert steps[0].endswith("; it needs mariadb.")
    assert report.facts["chain"]["text"] == "mariadb trouble → api, proxy refused connections"


@pytest.mark.parametrize(
    ("message", "word"),
    [
        ("mariadb.service: Scheduled restart job, restart counter is at 3.", "restarts"),
        ("Out of memory: Killed process 77 (mariadbd)", "out of memory"),
        ("ERROR: page 7 is corrupt", "new errors"),
    ],
)
def test_each_step_has_the_word_of_its_evidence(troubled, message, word):
    """Restarts, memory, whatever was found."""
    body = said(message, "mariadb", "db01", 0) + said("ERROR: mariadb at db01: connection refused", "api", "apps", 20)
    assert facts(troubled(body)).facts["chain"]["text"].startswith(f"mariadb {word} → api refused")


def test_every_kind_has_a_word():
    """What advice knows, the narrative can name."""
    assert WORDS.keys() >= ADVICE.keys() >= {rule.name for rule in RULES}


NAMES = dict(enumerate(["mariadb", "api", "worker", "proxy", "cache"]))
HOSTS = {number: f"h{number}" for number in NAMES}
DB, API, WORKER, PROXY, CACHE = ((number, number) for number in NAMES)
DEEP = """
services:
  mariadb: {hosts: [h0]}
  api: {hosts: [h1], depends_on: [cache]}
  worker: {hosts: [h2], depends_on: [mariadb]}
  proxy: {hosts: [h3], depends_on: [api, worker]}
  cache: {hosts: [h4], depends_on: [mariadb]}
"""


@pytest.fixture(scope="module")
def ties():
    """Two ways from a proxy to a database, one by way of a cache."""
    return Ties(snapshot_of(read_inventory(DEEP), ()), lambda _ids: NAMES, lambda _ids: HOSTS)


def test_who_is_well_between_is_named(ties):
    """The api needs the database by way of the cache, of which nothing was found; with the cache it comes behind it."""
    (step,) = follow(ties, DB, [DB, API], [DB, API])
    assert (step.behind, step.by) == (DB, "cache")
    steps = follow(ties, DB, [DB, API, CACHE], [DB, CACHE, API])
    assert [(one.pair, one.behind, one.level, one.by) for one in steps] == [(CACHE, DB, 1, ""), (API, CACHE, 2, "")]


def test_a_ring_has_an_end(ties):
    """Two that need each other, and the suspect: both come behind it."""
    ring = read_inventory(
        DEEP.replace("cache: {hosts: [h4], depends_on: [mariadb]}", "cache: {hosts: [h4], depends_on: [mariadb, api]}")
    )
    them = Ties(snapshot_of(ring, ()), lambda _ids: NAMES, lambda _ids: HOSTS)
    steps = follow(them, DB, [DB, API, CACHE, PROXY], [DB, CACHE, API, PROXY])
    assert {one.pair for one in steps} == {API, CACHE, PROXY}
    assert max(one.level for one in steps) <= 3


def test_who_came_hours_later_has_no_word_yet_and_the_report_is_written(troubled):
    """What is found of it lies behind the time that a report reads: it is left over, with trouble for a word."""
    mesh = troubled(broken() + LATER)
    mesh.graph.load(SHOP)
    (case,) = mesh.incidents.list().rows
    borg = mesh.nodes.service_names.ids(["borg"], create=False)["borg"]
    later = [
        replace(one, finding=replace(one.finding, minute=one.finding.minute + 600 * (one.finding.service == borg)))
        for one in mesh.incidents.findings(case.id)
    ]
    report, _context = mesh.investigations.investigate(case, later)
    assert texts(report.facts["unexplained"]) == ["mariadb does not explain borg on nas (trouble)."]
