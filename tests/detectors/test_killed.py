"""Whom the kernel killed when memory ran out: the unit that its line names, or that systemd says so of; nobody else."""

from __future__ import annotations

import polars as pl
import pytest

from devmesh.detectors import About, Finding
from devmesh.detectors.correlation import Correlation
from devmesh.detectors.rules import rule_of
from devmesh.memory import Shape
from devmesh.templates import canonicalize

KERNEL, MARIADB, CRON, KEYCLOAK = 1, 2, 3, 4
OOM = (
    "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,"
    "task_memcg=/system.slice/mariadb.service,task=mariadbd,pid=4321,uid=109"
)
KILLED = (
    "Out of memory: Killed process 4321 (mariadbd) total-vm:8123456kB, anon-rss:7654321kB, file-rss:0kB, "
    "shmem-rss:0kB, UID:109 pgtables:16000kB oom_score_adj:0"
)
IN_CGROUP = (
    "Memory cgroup out of memory: Killed process 4321 (mariadbd) total-vm:8123456kB, anon-rss:7654321kB, "
    "file-rss:0kB, shmem-rss:0kB, UID:109 pgtables:16000kB oom_score_adj:0"
)
OLD = "Out of memory: Kill process 4321 (mariadbd) score 900 or sacrifice child"
OF_UNIT = "keycloak.service: A process of this unit has been killed by the OOM killer."
JAVA = KILLED.replace("mariadbd", "java")
MANY = "Out of memory: Killed process 4321 (<*>) total-vm:8123456kB, anon-rss:7654321kB"  # a family of several


class Texts:
    """What a correlation asks of what is normal."""

    def __init__(self, shapes) -> None:
        self.shapes = shapes


def killed(*said: tuple[int, str]) -> set[int]:
    """The services that are said to be killed, after these lines in one minute each, as families have them."""
    texts = canonicalize(pl.Series([text for _service, text in said])).to_list()
    shapes = {number: Shape(service, texts[number], None) for number, (service, _text) in enumerate(said)}
    found = []
    for number, (service, _text) in enumerate(said):
        rule = rule_of(texts[number])
        assert rule is not None
        found.append(
            Finding(number, "primitive", rule.name, service, 9, number, rule.weight, True, About.SELF, rule.name)
        )
    out = Correlation()._kills(found, Texts(shapes))
    assert all(one.kind == "killed" for one in out)
    return {one.service for one in out}


def ended(unit: str, how: str = "code=killed, status=9/KILL") -> str:
    """What systemd says of the end of a unit's main process."""
    return f"{unit}.service: Main process exited, {how}"


@pytest.mark.parametrize("line", [KILLED, IN_CGROUP, OLD, MANY])
def test_the_unit_whose_process_was_killed(line):
    """By the name that the kernel gives, in the words of its versions; where a family has no name, by how it ended."""
    assert killed((KERNEL, line), (MARIADB, ended("mariadb"))) == {MARIADB}


@pytest.mark.parametrize("how", ["code=exited, status=1/FAILURE", "code=dumped, status=6/ABRT"])
@pytest.mark.parametrize("line", [OOM, KILLED, IN_CGROUP, MANY])
def test_who_failed_at_the_same_time_for_another_reason_was_not(line, how):
    """A job that ends with an error, a program that crashed: memory ran out beside them."""
    assert killed((KERNEL, line), (CRON, ended("backup", how))) == set()


def test_who_was_killed_by_somebody_else_was_not():
    """Systemd kills what does not stop in time, too: the kernel named another one."""
    assert killed((KERNEL, KILLED), (CRON, ended("backup")), (MARIADB, ended("mariadb"))) == {MARIADB}


def test_systemd_knows_the_unit_where_the_process_has_another_name():
    """The kernel killed `java`; of which unit it was, only systemd says."""
    assert killed((KERNEL, JAVA), (KEYCLOAK, OF_UNIT), (KEYCLOAK, ended("keycloak"))) == {KEYCLOAK}
    assert killed((KERNEL, JAVA), (KEYCLOAK, OF_UNIT), (KEYCLOAK, ended("keycloak", "code=exited, status=1/F"))) == {
        KEYCLOAK
    }
    assert killed((KERNEL, JAVA), (MARIADB, ended("mariadb")), (KEYCLOAK, OF_UNIT)) == set()


@pytest.mark.parametrize(
    ("comm", "unit"), [("postgres", "postgresql"), ("php-fpm8.2", "php8.2-fpm"), ("nginx", "nginx")]
)
def test_names_need_not_be_the_same(comm, unit):
    """A process is called nearly as its unit is."""
    assert killed((KERNEL, KILLED.replace("mariadbd", comm)), (MARIADB, ended(unit))) == {MARIADB}
