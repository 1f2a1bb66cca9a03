"""Events on several data servers behind one head: the plan, and two real data servers that run it."""

from __future__ import annotations

import gc

import pytest
from sqlalchemy import text

from bodies import (
    DAY_US,
    HOUR_US,
    NOW_US,
    assert_counts,
    assert_totals,
    counts_by_day,
    line,
    recount,
    rows,
    run_whole,
    take,
)
from devmesh.clock import FakeClock
from devmesh.db import metadata, open_database, schema, shards
from devmesh.db.checks import check
from devmesh.embeddings.stored import tables_of
from devmesh.errors import ConfigError, DevMeshError, Unavailable
from devmesh.events import Filter
from devmesh.mesh import open_mesh
from devmesh.settings import load_settings
from spider_servers import SpiderServers

pytestmark = pytest.mark.sqlite_only
HOMES = {"web1": 1, "web2": 1, "db1": 2, "db2": 2}
EACH = 3_000


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """A head and two data servers on which the printed plan was run, and one store beside them."""
    made = SpiderServers(2)
    try:
        for number in range(3):
            _migrate(made.url(number))
        plan = shards.plan(*_inside(made))
        for number, statements in enumerate((plan.head, *plan.servers)):
            made.feed(number, shards.script(statements))
        with open_database(made.url(0)).write() as connection:
            connection.execute(text("CREATE DATABASE alone"))
        yield made
    finally:
        made.stop()


def _inside(made):
    head, *data = [shards.server_url(made.url_inside(number)) for number in range(3)]
    return head, data


def _migrate(url):
    db = open_database(url)
    schema.upgrade(db)
    db.close()


def _open(url, folder, clock):
    mesh = open_mesh(load_settings(data_dir=folder, database_url=url, embedding_provider="off"), clock=clock)
    mesh.intake.start()
    return mesh


@pytest.fixture
def clock():
    """Time that the house of a module shares."""
    return FakeClock(NOW_US)


@pytest.fixture
def house(servers, tmp_path, clock):
    """DevMesh at the head, at each data server, and at one store alone."""
    urls = [servers.url(0), servers.url(1), servers.url(2), servers.url(0, "alone")]
    meshes = [_open(url, tmp_path / str(number), clock) for number, url in enumerate(urls)]
    yield meshes
    for mesh in meshes:
        mesh.close()


def body(node, first, last):
    """Lines of a node over three hours."""
    says = ("connection from 10.0.0.{n} refused", "user u{n} logged in", "disk is full on sd{n}")
    return b"".join(
        line(says[n % 3].format(n=n), seq=n, ts_us=NOW_US - 3 * HOUR_US + n * 3_600_000 + HOMES[node],
             service=("sshd", "cron")[n % 2], priority=(3, 6)[n % 2])
        for n in range(first, last + 1)
    )  # fmt: skip


def ship(mesh, node, first, last):
    """A batch of the node's only stream."""
    return take(mesh, body(node, first, last), node, stream="s1", ranges=((first, last),))


def fill(data, alone):
    """The same events to the data server that is each node's home, and to the store alone."""
    for node, home in HOMES.items():
        for first in range(1, EACH, 1_000):
            for mesh in (data[home - 1], alone):
                assert ship(mesh, node, first, first + 999).stored == 1_000


def told(events):
    """What a person sees of events, in the order shown."""
    return [(e.ts_us, e.node, e.service, e.priority, e.message) for e in events]


def answers(mesh):
    """What one house says to every kind of question."""
    web2 = mesh.nodes.node_names.ids(["web2"], create=False)["web2"]
    sshd = mesh.nodes.service_names.ids(["sshd"], create=False)["sshd"]
    events, everything = mesh.events, Filter()
    page = events.query(everything, 1_000)
    middle = page.events[500]
    around = events.context(middle.id, 20, 20)
    by_node = mesh.nodes.node_names.names
    return {
        "newest": told(page.events),
        "next page": told(events.query(everything, 500, page.cursor).events),
        "one node": told(events.query(Filter(node_ids=(web2,)), 200).events),
        "one service": told(events.query(Filter(service_ids=(sshd,), priority=3), 200).events),
        "words": told(events.query(Filter(contains="DISK is"), 5_000).events),
        "expression": told(events.query(Filter(regex=r"u\d*7 logged"), 5_000).events),
        "around": told(around.events),
        "how many": events.count(everything),
        "how many with words": events.count(Filter(contains="refused")),
        "stored": events.stored(),
        "of all time": events.counted(),
        "minutes": sorted(events.by_minute(0, NOW_US + DAY_US, by=("priority",)).rows()),
        "hours": events.hourly(None, NOW_US - 4 * HOUR_US, NOW_US)["n"].sum(),
        "nodes": sorted(by_node(events.nodes_of(_templates(mesh))).values()),
        "templates": mesh.templates.counts()[0],
        "coverage": sorted(
            (name, state.key.seqnum_id, state.coverage, state.marks)
            for name in HOMES
            for state in mesh.nodes.stream_states(name)
        ),
    }


def _templates(mesh):
    return [row[0] for row in rows(mesh, "SELECT id FROM log_templates")]


def test_every_table_of_an_intake_transaction_is_on_the_data_servers():
    """What has a stream, an event or a writer in it; a new table of the kind must find its place in the plan."""
    kinds = {"stream_id", "writer_id"}
    bound = {name for name, table in metadata.tables.items() if kinds & set(table.c.keys())}
    assert bound <= set(shards.SPLIT)
    assert not set(shards.SPLIT) & set(shards.SHARED)
    for name, (column, _size) in shards.SPLIT.items():
        assert column in metadata.tables[name].primary_key.columns, "MariaDB cuts by a part of the key alone"


def test_a_plan_wants_servers_that_have_a_database():
    """Said with the form that is wanted."""
    with pytest.raises(ConfigError, match="named by a URL"):
        shards.server_url("mysql+pymysql://root@db1")
    with pytest.raises(ConfigError, match="named by a URL"):
        shards.server_url("sqlite:////tmp/x")
    with pytest.raises(ConfigError, match="1 to 200"):
        shards.plan(shards.server_url("mysql://h/d"), [])


def test_a_password_with_a_quote_stays_one_value():
    """Whatever stands in a URL is quoted."""
    url = shards.server_url("mysql://u:p%27%5C@db1:3307/devmesh")
    made = shards.plan(shards.server_url("mysql://h/d"), [url])
    assert "PASSWORD 'p''\\\\', PORT 3307" in made.head[1]


@pytest.mark.soak
def test_the_head_answers_as_one_store_would(house):
    """Every question has the same answer, whether the events lie on two data servers or in one store; counts equal a
    recount, totals those of the templates, also once hours became days and minutes hours.
    """
    head, *data, alone = house
    fill(data, alone)
    for loop in ("template-totals", "assign-families"):
        run_whole(head, loop)
        run_whole(alone, loop)
    assert answers(head) == answers(alone)
    assert_counts(head)
    assert_totals(head)
    held = [rows(mesh, "SELECT COUNT(*) FROM log_events")[0][0] for mesh in data]
    assert held == [2 * EACH, 2 * EACH], "each data server holds its own nodes' events, and no other"


@pytest.mark.soak
def test_the_check_knows_such_a_house(house, clock):
    """What the plan changed is as it must be, on each side; what somebody broke since is named, and nothing else."""
    head, *data, _alone = house
    for mesh in data:
        run_whole(mesh, "expire-events")
    for mesh in (head, *data):
        found = [one for one in check(mesh.db, clock.now_us(), tables_of) if one.name != "clock"]
        assert [one for one in found if one.state != "ok"] == []
        assert [one for one in found if one.name == "tables on other servers"]
    spoiled = data[0].db
    with spoiled.change_schema() as connection:
        connection.exec_driver_sql("DROP INDEX ix_event_counts_template ON event_counts")
    named = {one.name for one in check(spoiled, clock.now_us(), tables_of) if one.state != "ok"} - {"clock"}
    with spoiled.change_schema() as connection:
        connection.exec_driver_sql("CREATE INDEX ix_event_counts_template ON event_counts (template_id, hour)")
    assert named == {"index ix_event_counts_template of event_counts"}


@pytest.mark.soak
def test_a_batch_that_comes_again_is_known_at_its_home(house):
    """Exactly once holds on a data server as in one store."""
    head, first, _second, _alone = house
    before = head.events.stored()
    again = ship(first, "web1", 1, 1_000)
    assert (again.stored, again.repeated) == (0, 1_000)
    assert head.events.stored() == before


@pytest.mark.soak
def test_a_node_is_refused_away_from_its_home(house):
    """Else its rows would be stored twice: the coverage that knows them is elsewhere. Nothing is stored, and the words
    say why.
    """
    head, first, second, _alone = house
    before = head.events.stored()
    with pytest.raises(Unavailable, match="home on another data server"):
        ship(second, "web1", 1, 1_000)
    assert head.events.stored() == before
    assert ship(first, "web1", EACH + 1, EACH + 10).stored == 10


# PyMySQL leaves the socket of a refused connection to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.soak
def test_a_data_server_that_is_away_stops_its_own_nodes_alone(servers, house):
    """The other goes on taking in; the head says that it cannot answer, and does again by itself."""
    head, first, second, _alone = house
    before = head.events.stored()
    servers.servers[2].kill()
    assert ship(first, "web1", EACH + 11, EACH + 20).stored == 10
    with pytest.raises(Unavailable):
        head.events.stored()
    with pytest.raises(DevMeshError):
        ship(second, "db1", EACH + 1, EACH + 10)
    servers.servers[2].start()
    assert ship(second, "db1", EACH + 1, EACH + 10).stored == 10
    assert head.events.stored() == before + 20
    gc.collect()  # here, where it may be said


@pytest.mark.soak
def test_the_head_takes_nothing_in(house):
    """Its own numbers lie in no data server's range: an error, never rows that no query finds."""
    head, *_others = house
    with pytest.raises(DevMeshError):
        ship(head, "web1", 9_000, 9_010)


@pytest.mark.soak
def test_a_plan_that_would_drop_rows_refuses(servers):
    """A database that is in use is no empty one; nothing in it changes."""
    other = open_database(servers.url(0, "alone"))
    before = other.scalar("SELECT COUNT(*) FROM log_events")
    with pytest.raises(Exception, match="returned non-zero"):
        servers.feed(0, "USE alone;\n" + shards.script(shards.plan(*_inside(servers)).head))
    assert before
    assert other.scalar("SELECT COUNT(*) FROM log_events") == before
    other.close()


@pytest.mark.soak
def test_the_plan_runs_again(servers, house):
    """Running it once more loses nothing and hands out no number twice."""
    head, first, *_others = house
    before = head.events.stored()
    plan = shards.plan(*_inside(servers))
    for number, statements in enumerate((plan.head, *plan.servers)):
        servers.feed(number, shards.script(statements))
    assert ship(first, "web2", EACH + 1, EACH + 10).stored == 10
    assert head.events.stored() == before + 10
    ids = rows(head, "SELECT COUNT(DISTINCT id) FROM log_events")[0][0]
    assert ids == before + 10


@pytest.mark.soak
def test_upkeep_runs_where_the_rows_are(house, clock):
    """Two months later: hours become days on each data server, minutes are joined at the head, and every count is
    still that of the events. What belongs to the other side is refused there.
    """
    head, *data, alone = house
    everyone = (head, *data, alone)
    clock.advance(60 * DAY_US / 1e6)
    run_whole(head, "join-minutes")
    for mesh in data:
        run_whole(mesh, "fold-days")
        with pytest.raises(Unavailable):
            mesh.runner.once("template-totals")
    with pytest.raises(Unavailable):
        head.runner.once("fold-days")
    assert not rows(head, "SELECT 1 FROM event_counts LIMIT 1")
    assert counts_by_day(head) == recount(head, DAY_US)
    assert all(mesh.events.counted() for mesh in everyone)
