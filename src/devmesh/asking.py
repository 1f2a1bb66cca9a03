"""From the names that people use to a `Filter` of numbers: the one place where faces turn questions into it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from devmesh.errors import InvalidInput
from devmesh.events import Filter, check_regex, check_words
from devmesh.when import parse_when, zone_of

if TYPE_CHECKING:
    from devmesh.mesh import Mesh

PRIORITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
ALIASES = {"emergency": 0, "panic": 0, "critical": 2, "error": 3, "warn": 4, "informational": 6}
_ID = re.compile(r"([ft])(\d{1,9})")


def make_filter(
    mesh: Mesh,
    *,
    node: Sequence[str] = (),
    service: Sequence[str] = (),
    priority: str | None = None,
    since: str | None = None,
    until: str | None = None,
    template: Sequence[str] = (),
    contains: str | None = None,
    regex: str | None = None,
    without: Sequence[str] = (),
    timezone: str = "",
) -> Filter:
    """The filter that these words mean; names that nobody has match nothing. Raises InvalidInput."""
    zone, now = zone_of(timezone or mesh.settings.timezone), mesh.clock.now_us()
    if contains:
        check_words(contains)
    if regex:
        check_regex(regex)
    since_us = parse_when(since, now, zone) if since else None
    until_us = parse_when(until, now, zone) if until else None
    if since_us is not None and until_us is not None and since_us > until_us:
        raise InvalidInput("since is later than until.", hint="since is where the time begins, until where it ends.")
    return Filter(
        node_ids=_known(mesh.nodes.node_names.ids(node, create=False), node),
        service_ids=_known(mesh.nodes.service_names.ids(service, create=False), service),
        template_ids=template_ids(mesh, template) if template else None,
        priority=parse_priority(priority) if priority else None,
        since_us=since_us,
        until_us=until_us,
        contains=contains or None,
        regex=regex or None,
        without_template_ids=template_ids(mesh, without) if without else (),
    )


def parse_priority(text: str) -> int:
    """A syslog priority by number or name."""
    said = text.strip().lower()
    if said.isdecimal() and len(said) == 1 and int(said) < len(PRIORITIES):
        return int(said)
    if said in PRIORITIES:
        return PRIORITIES.index(said)
    if said in ALIASES:
        return ALIASES[said]
    raise InvalidInput(f"{text!r} is no priority.", hint=f"One of 0 to 7 or {', '.join(PRIORITIES)}.")


def parse_id(text: str) -> tuple[str, int]:
    """('f' or 't', number) of a family's or template's public id."""
    match = _ID.fullmatch(text.strip().lower())
    if match is None:
        raise InvalidInput(f"{text!r} is no template id.", hint="Families are written f12, templates t345.")
    return match[1], int(match[2])


def family_id(text: str) -> int:
    """The number of a family's public id. Raises InvalidInput."""
    kind, number = parse_id(text)
    if kind != "f":
        raise InvalidInput(f"{text!r} is no family.", hint="Families are written f12.")
    return number


def template_number(text: str) -> int:
    """The number of a template's public id. Raises InvalidInput."""
    kind, number = parse_id(text)
    if kind != "t":
        raise InvalidInput(f"{text!r} is no template.", hint="Templates are written t345.")
    return number


def template_ids(mesh: Mesh, ids: Sequence[str]) -> tuple[int, ...]:
    """The template numbers that these public ids stand for: a family for all its templates, a template that was merged
    also for the one it went into, which has its counts.
    """
    parsed = [parse_id(one) for one in ids]
    members = mesh.templates.member_ids([number for kind, number in parsed if kind == "f"])
    named = [number for kind, number in parsed if kind == "t"]
    homes = [one.merged_into for one in mesh.templates.templates(named) if one.merged_into is not None]
    return tuple(sorted({*members, *named, *homes}))


def _known(found: dict[str, int], asked: Sequence[str]) -> tuple[int, ...] | None:
    return tuple(sorted(found.values())) if asked else None
