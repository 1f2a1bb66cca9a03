"""Templates of an older canonical version find their place in the present one. Resumable: what is done says so.

A new text stays in the family that the old one had, so that what people merged, split and labelled holds, and nothing
is new that was known. Where templates of two families become one text, the elder family has it; a family that is left
empty leads there, and its words go along where the other has none.
"""

from __future__ import annotations

from typing import Any

import polars as pl
from sqlalchemy import Connection, func, or_, select, update

from devmesh.clock import Clock
from devmesh.loops import interrupt
from devmesh.templates import totals
from devmesh.templates.assign import LOOP
from devmesh.templates.canonical import CANON_VERSION, canonicalize
from devmesh.templates.changes import change_us
from devmesh.templates.family import FamilyBook
from devmesh.templates.lifecycle import find_or_make, redirect
from devmesh.templates.registry import OVERFLOW_TEXT, REST_TEXT, text_hash
from devmesh.templates.tables import families, log_templates, template_samples
from devmesh.templates.tokens import ANY

_old = (log_templates.c.canon_version < CANON_VERSION) & log_templates.c.merged_into.is_(None)
MEMBERS_READ = 1_000
RESERVED = (OVERFLOW_TEXT, REST_TEXT)  # of no message: their hashes are the same in every version


def behind(connection: Connection) -> int:
    """How many templates still wait for their migration."""
    return int(connection.execute(select(func.count()).select_from(log_templates).where(_old)).scalar_one())


def migrate(connection: Connection, clock: Clock, limit: int) -> int:
    """Give at most `limit` templates of older canonical versions their place in the present one; how many that were.

    The new text is that of a stored message where there is one, else of the old text.
    """
    interrupt(connection, LOOP)
    table = log_templates.c
    sample = select(template_samples.c.message).where(template_samples.c.template_id == table.id).limit(1)
    query = select(log_templates, sample.scalar_subquery().label("message")).where(_old)
    rows = connection.execute(query.order_by(table.id).limit(limit)).all()
    if not rows:
        return 0
    texts = _canonical([row.message or row.template for row in rows])
    left: dict[int, int] = {}  # family that lost a template → the family that has it now
    for row, text in zip(rows, texts, strict=True):
        home = _home(connection, row, text, clock.now_us())
        _settle(connection, row, home, left)
        redirect(connection, {row.id: home}, clock.now_us())
    touched = {row.family_id for row in rows if row.family_id is not None} | {*left, *left.values()}
    totals.refresh(connection, touched)
    for family_id in sorted(touched):
        into = left.get(family_id)
        while into in left:
            into = left[into]
        _bring_along(connection, family_id, into, change_us(connection, clock))
    return len(rows)


def _canonical(texts: list[str]) -> list[str]:
    found: list[str] = canonicalize(pl.Series(texts, dtype=pl.String)).to_list()
    return found


def _home(connection: Connection, row: Any, text: str, now_us: int) -> int:
    reserved = row.template in RESERVED
    key, text = (row.canon_hash, row.template) if reserved else (text_hash(text), text)
    more = {"first_seen_us": row.first_seen_us, "family_id": row.family_id}
    return find_or_make(connection, row.service_id, key, text, now_us, **more)


def _settle(connection: Connection, row: Any, home: int, left: dict[int, int]) -> None:
    """Decide which family the new template lives in, where it was there before this one came."""
    if row.family_id is None:
        return
    table = log_templates.c
    there = connection.execute(select(table.family_id).where(table.id == home)).scalar_one()
    if there == row.family_id:
        return
    older = (table.merged_into == home) & (table.canon_version < CANON_VERSION)
    came = connection.execute(select(table.id).where(older).limit(1)).first() is not None
    if there is not None and came and there < row.family_id:
        has, lost = there, row.family_id
    else:  # only intake made it, or templates of a younger family: that family is not what people know
        has, lost = row.family_id, there
        this = or_(table.id == home, table.merged_into == home)
        connection.execute(update(log_templates).where(this).values(family_id=has))
    left.pop(has, None)
    if lost is not None:
        left[lost] = has


def _bring_along(connection: Connection, family_id: int, into: int | None, changed_us: int) -> None:
    """Give a family the text of its new templates; one that has none left leads where they went."""
    table, this = log_templates.c, families.c.id == family_id
    live = (table.family_id == family_id) & table.merged_into.is_(None) & table.template.not_in(RESERVED)
    query = select(table.id, table.template, table.level, table.canon_version).where(live).order_by(table.id)
    members = connection.execute(query.limit(MEMBERS_READ)).all()
    family = connection.execute(select(families).where(this)).one()
    said: dict[str, Any] = {"changed_us": changed_us}
    if members:
        said |= _said_of(family.text, [row for row in members if row.canon_version == CANON_VERSION])
    elif into is not None:
        said["merged_into"] = into
        connection.execute(update(families).where(families.c.merged_into == family_id).values(merged_into=into))
        words = {name: func.coalesce(families.c[name], family._mapping[name]) for name in ("label", "note")}  # noqa: SLF001 - SQLAlchemy's public name
        connection.execute(update(families).where(families.c.id == into).values(words))
    connection.execute(update(families).where(this).values(said))


def _said_of(text: str, members: list[Any]) -> dict[str, Any]:
    """Text and level of a family with these new templates. Where they alone would not make one family, as when people
    merged them or those that varied fell silent, it is the old text under the new rules.
    """
    outcome = FamilyBook().assign((row.id, row.template, row.level) for row in members)
    found = list(outcome.texts.values())
    if len(found) == 1 and (ANY in found[0] or ANY not in text):
        return {"text": found[0], "level": members[0].level}
    return {"text": _canonical([text])[0]}
