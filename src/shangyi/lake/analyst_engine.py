"""An engine for one reach: it has the views and tables that somebody may read, bounded by their area, and no others.

``main`` holds the views of the library, ``fhir`` the tables of the resource types, for those who may see persons. Both
are made for the area as ``store.scope`` bounds the record: by the division where the resident lives; what belongs to
nobody is seen where its type is shared, else from everywhere only.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from shangyi.access import Principal, Role, policy
from shangyi.errors import Forbidden, Invalid, NotFound, NotSupported
from shangyi.lake import groups, library, numbers, relations, statement
from shangyi.lake.answer import Answer
from shangyi.lake.duckdb_engine import DuckDBEngine
from shangyi.lake.engine import Parameters
from shangyi.lake.materialised import EVERY_ROW, Within
from shangyi.lake.row_view import DIVISION, HOME, PATIENT, RowView, contained_division
from shangyi.query import views
from shangyi.store.scope import PUBLIC

_RESIDENTS = {
    "resourceType": "ViewDefinition",
    "resource": "Patient",
    "select": [
        {
            "column": [
                {"name": "patient_key", "path": "getResourceKey()"},
                {
                    "name": "codes",
                    "path": f"address.extension('{DIVISION}').value.ofType(Coding).code",
                    "collection": True,
                },
            ]
        }
    ],
}


class Reach(NamedTuple):
    """What somebody may read. ``area``: its leading digits. ``persons``: rows and names, not only groups. ``whole``: numbers
    of residents too; others see them masked, and ask the record for one, which is recorded as such."""

    area: str
    persons: bool
    types: frozenset[str]
    whole: bool = False

    @classmethod
    def of(cls, principal: Principal) -> "Reach":
        """By role and area."""
        role = principal.role
        persons = policy.may(role, "search", "Patient") and role not in policy.CASES_ONLY
        return cls(principal.area.digits, persons, policy.types_for(role, "search"), role is Role.OWNER)

    @property
    def views(self) -> tuple[str, ...]:
        """The views of the library within reach."""
        if not self.persons:
            return tuple(name for name in library.names() if name not in library.PERSONS)
        return tuple(name for name in library.names() if library.definition(name)["resource"] in self.types)


class AnalystEngine(DuckDBEngine):
    """``reach`` is given before the engine starts: ``AnalystEngine.of`` a lake ``reaching`` so far."""

    tables_in = "kept"
    reach: Reach

    @classmethod
    def reaching(cls, reach: Reach) -> type["AnalystEngine"]:
        """The engine for a reach."""
        return type("AnalystEngine", (cls,), {"reach": reach})

    @cached_property
    def tables(self) -> frozenset[tuple[str, ...]]:
        """The names that a query may read, in lower case."""
        found: set[tuple[str, ...]] = {(name,) for name in self.views}
        found |= {("main", name) for name in self.views}
        if self.reach.persons:
            found |= {("fhir", name.lower()) for name in self.reach.types}
        return frozenset(found)

    @cached_property
    def views(self) -> Mapping[str, Mapping[str, str]]:
        """The views that this lake has within reach, each with its columns and their types."""
        return {
            name: {column.name: column.type for column in relations.columns_of(self.lake, name)}
            for name in (*self.reach.views, *self._own)
            if name not in self.unavailable
        }

    def ask(self, text: str, params: Parameters | None = None, limit: int | None = None) -> Answer:
        """The rows of one query within reach; at most ``limit`` of them."""
        with self._database.cursor() as connection:
            tree = statement.parse(connection, text)
            statement.check(tree, text, self.tables)
            if params and not self.reach.persons:
                raise Forbidden("Your role sees grouped results only: write values into the text")
            try:
                if self.reach.persons:
                    return self._first(text, params, limit)
                connection.sql(text)  # names and types, by the text as it is written
            except duckdb.Error as error:
                raise statement.explained(error, text, tree) from error
            except Invalid as error:
                if isinstance(error.__cause__, duckdb.Error):
                    raise statement.explained(error.__cause__, text, tree) from error
                raise
            grouped = groups.grouped(tree, text, self.views)
            counted = statement.write(connection, grouped.tree)
        try:
            table = self.sql(counted)
        except Invalid:  # what the engine says could hold a value
            raise Invalid("The query cannot be computed over these data") from None
        return _limited(groups.released(table, grouped.counts), limit)

    def view(self, name: str, limit: int | None = None, patient: str | None = None) -> Answer:
        """The rows of a view of the library; of one resident: those whose key is ``patient``."""
        if name not in self.views and name not in library.names():
            raise NotFound("There is no view {name}: neither in the library nor as a file", name=name)
        text = f'select * from main."{name}"'
        if patient is None:
            return self.ask(text, None, limit)
        if not self.reach.persons:
            raise Forbidden("Your role sees grouped results only: ask the views of the library by SQL")
        if name in library.PLACES:
            raise NotSupported("The view {name} has no residents", name=name)
        return self.ask(f"{text} where patient_id = $patient", {"patient": patient}, limit)

    def run(
        self, definition: Mapping[str, Any], limit: int | None = None, patient: str | None = None
    ) -> Answer:
        """The rows of a ViewDefinition of somebody's own. ViewError with the places of what is wrong with it."""
        if not self.reach.persons:
            raise Forbidden("Your role sees grouped results only: ask the views of the library by SQL")
        view = views.parse(definition)
        if view.resource not in self.reach.types:
            raise Forbidden("Your role does not allow this")
        source = f'fhir."{view.resource}"'
        if patient is not None:
            source = f"(select * from {source} where patient_key = $patient)"
        params = None if patient is None else {"patient": patient}
        reached = {name: self.lake.table(name) for name in sorted(self.reach.types & set(self.lake.tables()))}
        plan = views.compile(definition, self.lake.table(view.resource), reached)
        if plan.joined:
            within = {name: f'fhir."{name}"' for name in plan.joined}
            return self._first(plan.sql("duckdb", source, others=within), params, limit)
        found = RowView(definition, self.lake.table(view.resource))
        if patient is not None:
            return self._first(found.sql(source), params, limit)
        return self._first(self.rows(found, source, self._bound(view.resource)), None, limit)

    def _first(self, text: str, params: Parameters | None, limit: int | None) -> Answer:
        if limit is None:
            return Answer(self.sql(text, params))
        held: list[pa.RecordBatch] = []
        rows = 0
        with self.stream(text, params) as reader:
            for batch in reader:
                held.append(batch)
                rows += batch.num_rows
                if rows > limit:
                    break
            return _limited(pa.Table.from_batches(held, reader.schema), limit)

    def _library(self) -> Iterator[str]:
        bounded = bool(self.reach.area)
        within = "within" if bounded else "kept"
        yield "create schema within; create schema fhir; create schema inner_views"
        if bounded:
            yield f"create view within.resident_area as {self._resident_area()}"
            yield ";".join(self._within(name) for name in sorted(self._bounded))
        fence = f" limit {EVERY_ROW}" if bounded else ""
        if self.reach.persons:
            yield ";".join(
                f'create view fhir."{name}" as select *{self._hidden(name)} from {self._table(name)}'
                for name in sorted(self.reach.types)
            )
        seen = {*self.reach.views, *self._own}
        for name, view in relations.every(self.lake, self.unavailable):
            rows = self.rows(view, f'{within}."{view.type}"', self._bound(view.type))
            yield f'create view inner_views."{name}" as {view.finished(rows, "inner_views")}'
            if name in seen:
                hidden = numbers.IDENTITY if name in library.PERSONS and not self.reach.whole else ""
                yield f'create view main."{name}" as select *{hidden} from inner_views."{name}"{fence}'

    def _hidden(self, name: str) -> str:
        return "" if self.reach.whole else numbers.hidden(self.lake.table(name))

    @cached_property
    def _own(self) -> tuple[str, ...]:
        """The views within reach that are kept beside this lake and not of the library: for who may see persons."""
        kept = self.lake.manifest.views
        return tuple(
            name
            for name in relations.own(self.lake)
            if self.reach.persons and kept[name].definition["resource"] in self.reach.types
        )

    @cached_property
    def _bounded(self) -> frozenset[str]:
        """The types whose rows are held against the area: those that the lake has, and those the library reads."""
        return frozenset(self.lake.tables()) | {
            library.definition(name)["resource"] for name in library.names()
        }

    def _table(self, name: str) -> str:
        if (
            not self.reach.area or name not in self._bounded
        ):  # of what the lake has none, nothing is to be bounded
            return f'kept."{name}"'
        return f'within."{name}" limit {EVERY_ROW}'

    def _resident_area(self) -> str:
        plan = views.compile(_RESIDENTS, self.lake.table("Patient"))
        code = "list_filter(codes, lambda c: regexp_full_match(c, '[0-9]{1,12}'))[1]"
        divisions = plan.sql("duckdb", 'kept."Patient"')
        return f"select patient_key from ({divisions}) where {self._inside(code)}"

    def _inside(self, code: str) -> str:
        return f"rpad({code}, 12, '0') like '{self.reach.area}%'"

    def _within(self, name: str) -> str:
        """The rows of a type that lie in the area."""
        home = contained_division("contained") if self.lake.table(name).column("contained") else None
        return f'create view within."{name}" as select * from kept."{name}" where {self._lies(name, "patient_key", home)}'

    def _bound(self, name: str) -> Within | None:
        """The same, also of rows that are kept; None where everything is within reach."""
        if not self.reach.area:
            return None
        home = contained_division("contained") if self.lake.table(name).column("contained") else None
        return Within(self._lies(name, "patient_key", home), self._lies(name, PATIENT, HOME))

    def _lies(self, name: str, patient: str, home: str | None) -> str:
        """Whether a row lies in the area: by where its resident lives; what is nobody's by the person within it, else
        a shared type does. ``patient``, ``home``: what says these."""
        resident = f"{patient} in (select patient_key from within.resident_area)"
        if name in PUBLIC:
            return f"{patient} is null or {resident}"
        shared = str(name in policy.SHARED).lower()
        own = f"coalesce({self._inside(home)}, {shared})" if home else shared
        return f"{resident} or {patient} is null and {own}"

    def describe(self) -> list[dict[str, Any]]:
        """The views within reach for people: name, title, what it holds, columns."""
        found = {name: relations.definition(self.lake, name) for name in self.views}
        return [
            {
                "name": name,
                "title": relations.title(view),
                "title_zh": relations.title(view, "zh-CN"),
                "description": view.get("description", ""),
                "columns": [column._asdict() for column in relations.columns_of(self.lake, name)],
            }
            for name, view in found.items()
        ]


def _limited(table: pa.Table, limit: int | None) -> Answer:
    if limit is None or table.num_rows <= limit:
        return Answer(table)
    return Answer(table.slice(0, limit), whole=False)
