"""The room's verbs: resolve, observe, record totals, list and show families and templates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    func,
    select,
    tuple_,
    update,
)

from devmesh.accounts import COMMAND_LINE, record
from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.db.lists import one_of
from devmesh.errors import InvalidInput, NotFound
from devmesh.loops import Lease, Loop
from devmesh.templates import by_hand, lifecycle, migration, totals, values
from devmesh.templates import samples as sampling
from devmesh.templates.assign import LOOP, Assigner
from devmesh.templates.canonical import settle
from devmesh.templates.changes import note_change
from devmesh.templates.memo import ENTRY_BYTES, Memo
from devmesh.templates.model import Family, FamilyChange, Sample, Swallowed, Template, Value
from devmesh.templates.registry import Bounds, Known, Registry
from devmesh.templates.tables import families, log_templates, template_samples, template_values

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000
SORTS = ("count", "new", "last", "rate")
DAY_US = 86_400_000_000
MEMO_BYTES = 16_000_000
SAMPLES_READ = 2_000


class Templates:
    """The canonical shapes and their families."""

    def __init__(self, db: Database, clock: Clock, bounds: Bounds) -> None:
        self._db, self._clock = db, clock
        self._registry = Registry(db, clock, bounds)
        self._observer = sampling.Observer()
        self._assigner = Assigner(db, clock)
        self._recognized = Memo(self._recognize, _size, MEMO_BYTES)

    # -- the way in ------------------------------------------------------------

    def recognize(self, shapes: list[tuple[int, str]]) -> list[Known]:
        """The template of each (service id, shape), see `shapes_of`; those that are new are made."""
        return self._recognized(shapes)

    def _recognize(self, shapes: list[tuple[int, str]]) -> list[Known]:
        """The templates of distinct (service id, shape)."""
        texts = settle([shape for _service, shape in shapes])
        pairs = [(service, text) for (service, _shape), text in zip(shapes, texts, strict=True)]
        distinct = list(dict.fromkeys(pairs))
        known = dict(zip(distinct, self._registry.resolve(distinct), strict=True))
        return [known[pair] for pair in pairs]

    def resolve(self, pairs: Sequence[tuple[int, str]]) -> list[Known]:
        """See `Registry.resolve`."""
        return self._registry.resolve(pairs)

    def lacking_samples(self, template_ids: Iterable[int]) -> set[int]:
        """See `Observer.lacking`."""
        return self._observer.lacking(template_ids)

    def observe(self, some: Iterable[sampling.Seen]) -> None:
        """See `Observer.see`."""
        self._observer.see(some)

    def record_totals(self, connection: Connection, rows: Sequence[tuple[int, int, int, int]]) -> None:
        """Add (template_id, n, first_ts_us, last_ts_us) to the totals of each template, in the caller's transaction."""
        totals.record(connection, rows, self._clock.now_us())

    def fold_silent(self, connection: Connection, limit: int) -> dict[int, int]:
        """See `lifecycle.fold_silent`; call `forget` after the commit."""
        return lifecycle.fold_silent(connection, self._clock.now_us(), limit)

    def forget(self) -> None:
        """Know nothing by heart, after templates were merged or folded."""
        self._registry.forget()
        self._recognized.forget()

    # -- for people ------------------------------------------------------------

    def list_families(
        self,
        *,
        service_ids: Iterable[int] | None = None,
        sort: str = "count",
        limit: int = LIMIT_DEFAULT,
        offset: int = 0,
    ) -> list[Family]:
        """Families with their totals; `sort` is count, new (by creation), last (seen) or rate (events a day)."""
        if sort not in SORTS:
            raise InvalidInput(f"sort must be one of {', '.join(SORTS)}.", hint="count is the default.")
        if not (1 <= limit <= LIMIT_MAX and offset >= 0):
            raise InvalidInput(f"limit must be between 1 and {LIMIT_MAX}.", hint="Page with offset.")
        table = families.c
        query = select(families).where(table.merged_into.is_(None), table.template_count > 0)
        if service_ids is not None:
            query = query.where(one_of(table.service_id, service_ids))
        order = {
            "count": table.event_count.desc(),
            "new": table.created_us.desc(),
            "last": table.last_seen_us.desc(),
            "rate": (table.event_count / (table.last_seen_us - table.first_seen_us + DAY_US)).desc(),
        }[sort]
        with self._db.read() as connection:
            rows = connection.execute(query.order_by(order, families.c.id).limit(limit).offset(offset))
            return [_family(row) for row in rows]

    def families(self, family_ids: Iterable[int]) -> dict[int, Family]:
        """Families by id; an id that was merged gives the family it went into."""
        roots = self.family_roots(family_ids)
        found = self._some(one_of(families.c.id, set(roots.values())))
        by_id = {family.id: family for family in found}
        return {asked: by_id[root] for asked, root in roots.items() if root in by_id}

    def family(self, family_id: int) -> Family:
        """One family; raises NotFound."""
        found = self.families([family_id]).get(family_id)
        if found is None:
            raise NotFound(f"There is no family f{family_id}.", hint="See: devmesh templates")
        return found

    def family_roots(self, family_ids: Iterable[int]) -> dict[int, int]:
        """Where each family's members are today, merges followed."""
        wanted, roots = sorted(set(family_ids)), dict[int, int]()
        with self._db.read() as connection:
            for start in range(0, len(wanted), 500):
                chunk = wanted[start : start + 500]
                for row in connection.execute(
                    select(families.c.id, families.c.merged_into).where(families.c.id.in_(chunk))
                ):
                    roots[row.id] = row.merged_into or row.id
        return roots

    def taken_in(self, family_ids: Iterable[int]) -> dict[int, int]:
        """{family: how many others were merged into it}; those that took in none are left out."""
        into = families.c.merged_into
        query = select(into, func.count()).where(one_of(into, family_ids)).group_by(into)
        with self._db.read() as connection:
            return {int(key): int(n) for key, n in connection.execute(query)}

    def homes(self, template_ids: Iterable[int]) -> dict[int, int]:
        """{template id: its family as it is today}, merges followed; templates that have none yet are left out."""
        table = log_templates.c
        home = func.coalesce(families.c.merged_into, families.c.id)
        query = select(table.id, home).join(families, families.c.id == table.family_id)
        with self._db.read() as connection:
            return {
                int(key): int(found) for key, found in connection.execute(query.where(one_of(table.id, template_ids)))
            }

    def template(self, template_id: int) -> Template:
        """One template as it is stored; raises NotFound."""
        found = self.templates([template_id])
        if not found:
            raise NotFound(f"There is no template t{template_id}.", hint="See: devmesh templates")
        return found[0]

    def templates(self, template_ids: Iterable[int]) -> list[Template]:
        """Templates by id, the busiest first, 1,000 at most."""
        return self._templates(one_of(log_templates.c.id, set(template_ids)))

    def members(self, family_id: int) -> list[Template]:
        """The templates of a family, the busiest first, 1,000 at most."""
        return self._templates(log_templates.c.family_id == self.family(family_id).id)

    def member_ids(self, family_ids: Iterable[int]) -> list[int]:
        """Every template id whose events belong to these families, folded ones included."""
        roots = sorted(set(self.family_roots(family_ids).values()))
        with self._db.read() as connection:
            members = select(log_templates.c.id).where(one_of(log_templates.c.family_id, roots))
            return list(connection.execute(members).scalars())

    def families_of_members(self, family_ids: Iterable[int]) -> dict[int, int]:
        """{template id: family} of every template whose events belong to these families; merges are not followed."""
        table = log_templates.c
        with self._db.read() as connection:
            members = select(table.id, table.family_id).where(one_of(table.family_id, set(family_ids)))
            return {row.id: row.family_id for row in connection.execute(members)}

    def samples(self, template_ids: Iterable[int], limit: int = sampling.SAMPLES) -> list[Sample]:
        """Messages as they were, the newest first."""
        table = template_samples.c
        query = select(template_samples).where(one_of(table.template_id, template_ids)).order_by(table.ts_us.desc())
        with self._db.read() as connection:
            return [Sample(row.ts_us, row.node_id, row.message) for row in connection.execute(query.limit(limit))]

    def values(self, template_ids: Iterable[int]) -> list[Value]:
        """The values that placeholders took, by position, the most frequent first."""
        table = template_values.c
        total = func.sum(table.n).label("n")
        query = (
            select(table.position, table.value, total)
            .where(one_of(table.template_id, template_ids))
            .group_by(table.position, table.value)
            .order_by(table.position, total.desc(), table.value)
        )
        with self._db.read() as connection:
            return [Value(row.position, row.value, int(row.n)) for row in connection.execute(query)]

    def swallowed(self, family_ids: Iterable[int]) -> dict[int, list[str]]:
        """See `values.of_families`."""
        with self._db.read() as connection:
            return values.of_families(connection, family_ids)

    def swallowing(self, family_ids: Iterable[int], words: Iterable[str]) -> list[Swallowed]:
        """See `values.holding`."""
        with self._db.read() as connection:
            return values.holding(connection, family_ids, words)

    def values_of_text(self, text: str, template_ids: Iterable[int]) -> list[Value]:
        """The values in the places of a family's text, by position, the most frequent first: what its members' samples
        have there. Each member counts its own places, which need not be the family's.
        """
        seen = Counter(
            found
            for sample in self.samples(template_ids, SAMPLES_READ)
            for found in sampling.values_in(text, sample.message)
        )
        by_place = sorted(seen.items(), key=lambda one: (one[0][0], -one[1], one[0][1]))
        return [Value(position, value, n) for (position, value), n in by_place]

    def events_by_service(self, connection: Connection) -> dict[int, int]:
        """{service id: events of all its templates, merged ones too}, as far as their totals are added up."""
        # + 0 keeps SQLite off the index by service, through which a scan takes seven times as long.
        service = (log_templates.c.service_id + 0).label("service_id")
        sums = select(service, func.sum(log_templates.c.event_count).label("n")).group_by(service)
        return {row.service_id: int(row.n) for row in connection.execute(sums)}

    def counts(self) -> tuple[int, int]:
        """How many live templates and families there are."""
        with self._db.read() as connection:
            live = select(func.count()).select_from(log_templates).where(log_templates.c.merged_into.is_(None))
            whole = select(func.count()).select_from(families).where(families.c.merged_into.is_(None))
            return int(connection.execute(live).scalar_one()), int(connection.execute(whole).scalar_one())

    def changed_families(self, since_us: int, after_id: int, limit: int) -> list[FamilyChange]:
        """Families that changed since, in order of (changed_us, id): how search and embeddings follow them."""
        table, sample = families.c, template_samples.c
        example = (
            select(sample.message).where(sample.template_id == table.exemplar_template_id).order_by(sample.id).limit(1)
        )
        query = (
            select(families, example.scalar_subquery().label("example"))
            .where(table.changed_us >= since_us, tuple_(table.changed_us, table.id) > (since_us, after_id))
            .order_by(table.changed_us, table.id)
            .limit(limit)
        )
        with self._db.read() as connection:
            return [
                FamilyChange(
                    row.id, row.service_id, row.text, row.changed_us, row.merged_into is not None, row.example or ""
                )
                for row in connection.execute(query)
            ]

    # -- people's words ---------------------------------------------------------

    def annotate(
        self, family_id: int, *, label: str | None = None, note: str | None = None, by: str = COMMAND_LINE
    ) -> None:
        """Write a label or a note to a family; an empty one is taken away, None leaves it. Raises NotFound."""
        family = self.family(family_id)
        said = {name: text or None for name, text in (("label", label), ("note", note)) if text is not None}
        if said:
            with self._db.write() as connection:
                connection.execute(update(families).where(families.c.id == family.id).values(said))
                record(connection, self._clock, by, "wrote", f"{' and '.join(said)} of f{family.id}")

    def merge(self, gone_id: int, into_id: int, by: str = COMMAND_LINE) -> None:
        """See `by_hand.merge`."""
        by_hand.merge(self._db, self._clock, self.family(gone_id), self.family(into_id), by)

    def split(self, template_id: int, by: str = COMMAND_LINE) -> int:
        """See `by_hand.split`."""
        return by_hand.split(self._db, self._clock, self.template(template_id), by)

    # -- loops ------------------------------------------------------------

    def loops(self) -> list[Loop]:
        """Assign families, write samples down."""
        return [
            Loop(LOOP, 2.0, self._assigner.step, limit=2_000),
            Loop("template-samples", 10.0, self._write_samples, limit=200),
            Loop("migrate-templates", 3600.0, self.migrate, limit=500),
        ]

    def migrate(self, limit: int, lease: Lease) -> int:
        """Bring at most `limit` templates of an older canonical version to the present one."""
        with self._db.read() as connection:
            if not migration.behind(connection):
                return 0
        with lease.write() as connection:
            done = migration.migrate(connection, self._clock, limit)
        self.forget()
        return done

    def _write_samples(self, limit: int, lease: Lease) -> int:
        pending = self._observer.take(limit)
        if not pending:
            return 0
        with lease.write() as connection:
            fresh = sampling.store(connection, pending)
            homes = select(log_templates.c.family_id).where(log_templates.c.id.in_(sorted(fresh)))
            changed = sorted(home for home in connection.execute(homes.distinct()).scalars() if home is not None)
            note_change(connection, self._clock, changed)
        return len(pending)

    def _templates(self, where: ColumnElement[bool]) -> list[Template]:
        query = select(log_templates).where(where).order_by(log_templates.c.event_count.desc()).limit(LIMIT_MAX)
        with self._db.read() as connection:
            return [_template(row) for row in connection.execute(query)]

    def _some(self, where: ColumnElement[bool]) -> list[Family]:
        with self._db.read() as connection:
            return [_family(row) for row in connection.execute(select(families).where(where))]


def _size(key: tuple[int, str], known: Known) -> int:
    """What remembering a shape's template costs, in bytes; what found no room is asked for again."""
    return 0 if known.overflow else ENTRY_BYTES + len(key[1])


def _family(row: Any) -> Family:
    return Family(
        id=row.id,
        service_id=row.service_id,
        text=row.text,
        exemplar_template_id=row.exemplar_template_id,
        level=row.level,
        created_us=row.created_us,
        first_seen_us=row.first_seen_us,
        last_seen_us=row.last_seen_us,
        events=row.event_count,
        templates=row.template_count,
        label=row.label,
        note=row.note,
    )


def _template(row: Any) -> Template:
    return Template(
        id=row.id,
        service_id=row.service_id,
        text=row.template,
        family_id=row.family_id,
        level=row.level,
        created_us=row.created_us,
        first_seen_us=row.first_seen_us,
        last_seen_us=row.last_seen_us,
        events=row.event_count,
        merged_into=row.merged_into,
    )
