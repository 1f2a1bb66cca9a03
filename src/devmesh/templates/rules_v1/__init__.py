"""Canonical rules, version 1, in the order in which they are applied.

Never change what a version does once it has stored templates: write version 2 beside it and migrate.
"""

from __future__ import annotations

from devmesh.templates.rules_v1 import numbers, packages, requests, structure
from devmesh.templates.rules_v1.rule import Group, Literals, Rule

GROUPS: tuple[Group, ...] = (
    numbers.SPACE,
    requests.MARKS,
    structure.JSON_KEPT,
    structure.JSON_MASK,
    structure.JSON_MASK,  # once more for each depth of objects
    structure.JSON_MASK,
    structure.JSON_BACK,
    structure.PAIRS,
    requests.REQUESTS,
    requests.NAMES,
    requests.PATHS,
    requests.PATH_LISTS,
    packages.PACKAGES,
    packages.PACKAGE_LISTS,
    numbers.TIMES,
    numbers.OCTETS,
    numbers.CLOCKS,
    numbers.ADDRESSES,
    numbers.IPV6,
    numbers.ADDRESS_LISTS,
    numbers.UNITS,
    numbers.BYTES,
    numbers.IDENTITIES,
    numbers.PEOPLE,
    numbers.ABSENT,
    numbers.NUMBERS,
    numbers.FOLDED,
    numbers.SPACE,
)

__all__ = ["GROUPS", "Group", "Literals", "Rule"]
