"""Canonical rules, version 1."""

from __future__ import annotations

from devmesh.templates.rules_v1.plain import ABSENT, ADDRESSES, IDENTITIES, MARKS, NAMES, NUMBERS, PATHS, PEOPLE, REQUESTS, SPACE, TIMES, UUIDS
from devmesh.templates.rules_v1.rule import Group, Rule
from devmesh.templates.rules_v1.structure import JSON, PAIRS

GROUPS: tuple[Group, ...] = (SPACE, MARKS, JSON, PAIRS, REQUESTS, NAMES, PATHS, UUIDS, TIMES, ADDRESSES, IDENTITIES, PEOPLE, ABSENT, NUMBERS, SPACE)

__all__ = ["GROUPS", "Group", "Rule"]
