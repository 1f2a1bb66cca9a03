"""Who is blamed: own trouble, being first, and being named by who could not reach one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devmesh.detectors import About, Finding
from devmesh.investigations import Fleet, Ranking
from devmesh.investigations.suspects import unclear

KERNEL, API, DB, PROXY, DNS, NFS = range(6)
APPS, STORE, EDGE = range(3)
SERVICES = {KERNEL: "kernel", API: "docs-api", DB: "mariadb", PROXY: "nginx", DNS: "unbound", NFS: "nfs-server"}
NODES = {APPS: "apps", STORE: "store", EDGE: "edge"}
PAIRS = (
    (KERNEL, APPS),
    (KERNEL, STORE),
    (KERNEL, EDGE),
    (API, APPS),
    (DB, STORE),
    (PROXY, EDGE),
    (DNS, EDGE),
    (NFS, STORE),
)
RANKING = Ranking(Fleet(SERVICES, NODES, PAIRS, {"10.0.0.11": STORE, "10.0.0.12": APPS}))
NEW = Finding(100, "new", "new", API, APPS, 1, 3.5, False, About.SELF, "error that was never seen before")
REFUSED = replace(NEW, detector="primitive", kind="connection refused", weight=1.5, about=About.PEER)


def blamed(findings, quotes) -> tuple[str, str]:
    """The first suspect, by name."""
    first = RANKING.suspects(findings, lambda family, _node: quotes.get(family, ()))[0]
    return SERVICES[first.service], NODES[first.node]


def test_who_has_trouble_of_its_own_is_blamed():
    """Nobody else is named."""
    assert blamed([NEW], {1: ["KeyError: 'preview'"]}) == ("docs-api", "apps")


def test_who_is_named_by_address_and_port_is_blamed_before_the_witness():
    """Two witnesses; the accused says nothing at all."""
    proxy = replace(REFUSED, service=PROXY, node=EDGE, family=2)
    lines = {1: ["connect to 10.0.0.11:3306: connection refused"], 2: ["upstream http://10.0.0.12:8000 refused"]}
    assert blamed([REFUSED, NEW, proxy], lines) == ("mariadb", "store")


def test_ports_tell_the_same_here_as_in_a_proposed_inventory():
    """One table: who is refused at 27017 speaks of the store of documents there, not of its neighbour."""
    names = {**SERVICES, DB: "mongod"}
    first = Ranking(Fleet(names, NODES, PAIRS, {"10.0.0.11": STORE})).suspects(
        [REFUSED], lambda _family, _node: ["connect to 10.0.0.11:27017: connection refused"]
    )[0]
    assert (names[first.service], NODES[first.node]) == ("mongod", "store")


def test_who_is_named_by_its_name_is_blamed():
    """A name within a file's name is none."""
    assert blamed([REFUSED], {1: ["upstream mariadb timed out", "/srv/nginx.py line 3"]}) == ("mariadb", "store")


def test_names_that_cannot_be_found_accuse_the_resolver():
    """No line names it."""
    lookup = replace(REFUSED, kind="name not resolved")
    assert blamed([lookup, NEW], {1: ["lookup alerts: no such host"]}) == ("unbound", "edge")


def test_a_kernel_that_kills_names_who_outgrew_the_memory():
    """The kernel is the messenger."""
    oom = replace(NEW, detector="primitive", kind="out of memory", service=KERNEL, node=STORE, family=3, critical=True)
    assert blamed([oom], {3: ["oom-kill: task_memcg=/system.slice/mariadb.service,task=mariadbd"]}) == (
        "mariadb",
        "store",
    )


def test_a_kernel_that_waits_for_storage_accuses_the_storage():
    """By the address and the first word."""
    waits = replace(REFUSED, kind="not answering", service=KERNEL, node=APPS, family=4)
    assert blamed([waits], {4: ["nfs: server 10.0.0.11 not responding, still trying"]}) == ("nfs-server", "store")


def test_a_node_of_which_all_is_missing_is_the_suspect_itself():
    """It is written as its kernel."""
    gone = replace(
        NEW, kind="node silent", detector="silence", service=DB, node=STORE, family=None, weight=6.0, about=About.NODE
    )
    assert blamed([REFUSED, gone], {1: ["10.0.0.11:3306 timed out"]}) == ("kernel", "store")


@pytest.mark.parametrize(("kind", "weight"), [("unheard", 5.0), ("unheard", 3.0), ("cut off", 5.0)])
def test_a_node_whose_agent_is_lost_is_the_suspect_itself(kind, weight):
    """And nobody else: the service that the finding is written under is only its busiest."""
    lost = replace(
        NEW, kind=kind, detector="unheard", service=DB, node=STORE, family=None, weight=weight, about=About.NODE
    )
    [first, *others] = RANKING.suspects([lost], lambda _family, _node: ())
    assert (SERVICES[first.service], NODES[first.node]) == ("kernel", "store")
    assert not unclear([first, *others])
    assert first.reasons == [lost.text]


def test_hostile_lines_name_nobody_who_is_not_there():
    """Text from logs is data: strange names, addresses and ports do nothing."""
    lines = {1: ["999.1.1.1:99999 refused", "10.0.0.11:0", "(?R)*+ [ \x00 mariadbx xmariadb", "@everyone"]}
    assert blamed([NEW, REFUSED], lines) in {("docs-api", "apps"), ("kernel", "store")}
