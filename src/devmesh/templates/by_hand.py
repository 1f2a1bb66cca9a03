"""Families as people want them: merged, and split.

Both interrupt the loop that assigns families: a step that runs meanwhile rolls back, and its holder reads the books
anew. A family that people split off is no longer in the books: nothing grows together with it. No count moves.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, or_, select, update

from devmesh.accounts import record
from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.errors import InvalidInput
from devmesh.loops import interrupt
from devmesh.templates import totals
from devmesh.templates.assign import LOOP
from devmesh.templates.changes import change_us
from devmesh.templates.model import Family, Template
from devmesh.templates.tables import families, log_templates

NO_LEVEL = 8  # less severe than any that a text states


def merge(db: Database, clock: Clock, gone: Family, into: Family, by: str) -> None:
    """Let `gone` go into `into`, as `by` asks. Raises InvalidInput where they are one already, speak for two services,
    or the one that goes is the more severe.
    """
    if gone.id == into.id:
        raise InvalidInput("These are one family already.", hint="Name two families.")
    if gone.service_id != into.service_id:
        raise InvalidInput("These families are of two services.", hint="A family is of one service.")
    if _severity(gone.level) < _severity(into.level):
        raise InvalidInput(
            "The text of the family that goes states a more severe level.", hint="Merge the other way round."
        )

    def change(connection: Connection) -> None:
        interrupt(connection, LOOP)
        now = change_us(connection, clock)
        earlier = (families.c.id == gone.id) | (families.c.merged_into == gone.id)
        connection.execute(update(families).where(earlier).values(merged_into=into.id, changed_us=now))
        members = log_templates.c.family_id == gone.id
        connection.execute(update(log_templates).where(members).values(family_id=into.id))
        connection.execute(update(families).where(families.c.id == into.id).values(changed_us=now))
        totals.refresh(connection, [gone.id, into.id])
        record(connection, clock, by, "merged", f"f{gone.id} into f{into.id}")

    db.transact(change)


def split(db: Database, clock: Clock, template: Template, by: str) -> int:
    """The id of a new family that has this template alone. Raises InvalidInput where it is alone already."""

    def change(connection: Connection) -> int:
        interrupt(connection, LOOP)
        table = log_templates.c
        old = connection.execute(select(table.family_id).where(table.id == template.id)).scalar_one()
        others = select(table.id).where(table.family_id == old, table.id != template.id, table.merged_into.is_(None))
        busiest = connection.execute(others.order_by(table.event_count.desc(), table.id).limit(1)).scalar()
        if old is None or template.merged_into is not None or busiest is None:
            raise InvalidInput("This template is alone in its family, or part of another one.", hint="Split another.")
        now = change_us(connection, clock)
        fresh = int(connection.execute(select(func.max(families.c.id))).scalar_one()) + 1
        row = {
            "id": fresh, "service_id": template.service_id, "text": template.text, "level": template.level,
            "exemplar_template_id": template.id, "created_us": clock.now_us(), "changed_us": now, "apart": True,
        }  # fmt: skip
        connection.execute(insert(families).values(row))
        this = or_(table.id == template.id, table.merged_into == template.id)
        connection.execute(update(log_templates).where(this).values(family_id=fresh))
        shown = (families.c.id == old) & (families.c.exemplar_template_id == template.id)
        connection.execute(update(families).where(shown).values(exemplar_template_id=busiest))
        connection.execute(update(families).where(families.c.id == old).values(changed_us=now))
        totals.refresh(connection, [old, fresh])
        record(connection, clock, by, "split", f"t{template.id} from f{old}, as f{fresh}")
        return fresh

    return db.transact(change)


def _severity(level: int | None) -> int:
    return NO_LEVEL if level is None else level
