"""What placeholders have swallowed, family by family: package names, hosts, users, files.

A template says `<path>` where its messages named a file, so a search over texts alone misses the name. These reads give
the values (`samples.py` stores at most 20 a placeholder) to whoever searches them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import Connection, func, or_, select

from devmesh.db.lists import one_of
from devmesh.templates.model import Swallowed
from devmesh.templates.samples import PLACEHOLDER
from devmesh.templates.tables import log_templates, template_values

EACH = 40  # values of one family: two placeholders' all, or the most frequent of more


def of_families(connection: Connection, family_ids: Iterable[int], each: int = EACH) -> dict[int, list[str]]:
    """{family id: its values, the most frequent first, at most `each`}; families without values are left out."""
    family, value = log_templates.c.family_id, template_values.c.value
    place = func.row_number().over(partition_by=family, order_by=(func.sum(template_values.c.n).desc(), value))
    placed = (
        select(family, value, place.label("place"))
        .join(template_values, template_values.c.template_id == log_templates.c.id)
        .where(one_of(family, family_ids))
        .group_by(family, value)
        .subquery()
    )
    query = (
        select(placed.c.family_id, placed.c.value)
        .where(placed.c.place <= each)
        .order_by(placed.c.family_id, placed.c.place)
    )
    found: dict[int, list[str]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.family_id].append(row.value)
    return found


def holding(
    connection: Connection, family_ids: Iterable[int], words: Iterable[str], each: int = EACH
) -> list[Swallowed]:
    """The values of these families in which one of `words` (lower case) stands, the most frequent first, at most `each`
    of a family.
    """
    family, value, n = log_templates.c.family_id, template_values.c.value, template_values.c.n
    said = or_(*(func.lower(value).contains(word, autoescape=True) for word in words))
    place = func.row_number().over(partition_by=family, order_by=(n.desc(), value, template_values.c.template_id))
    placed = (
        select(family, log_templates.c.template, template_values.c.position, value, place.label("place"))
        .join(template_values, template_values.c.template_id == log_templates.c.id)
        .where(one_of(family, family_ids), said)
        .subquery()
    )
    query = select(placed).where(placed.c.place <= each).order_by(placed.c.family_id, placed.c.place)
    return [
        Swallowed(row.family_id, _placeholder(row.template, row.position), row.value)
        for row in connection.execute(query)
    ]


def _placeholder(template: str, position: int) -> str:
    """As it stands there; `<overflow>` has taken in messages of other shapes, whose placeholders nobody knows."""
    names = PLACEHOLDER.findall(template)
    return names[position] if position < len(names) else "<*>"
