"""An engine for one reach: it has the views and tables that somebody may read, bounded by their area, and no others.

``main`` holds the views of the library, ``fhir`` the tables of the resource types, for those who may see persons. Both
are made for the area as ``store.scope`` bounds the record: by the division where the resident lives; what belongs to
nobody is seen where its type is shared, else from everywhere only.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import duckdb
import pyarrow as pa

from shangyi.access import policy
from shangyi.errors import Forbidden, Invalid
from shangyi.lake import groups, library, numbers, relations, statement
from shangyi.lake.answer import Answer
from shangyi.lake.asked import Asked, Reach, limited
from shangyi.lake.duckdb_engine import DuckDBEngine
from shangyi.lake.engine import Parameters
from shangyi.lake.materialised import EVERY_ROW, Within
from shangyi.lake.narrowing import Narrowing
from shangyi.lake.row_view import DIVISION, HOME, PATIENT, RowView, contained_division
from shangyi.query import views
from shangyi.query.views import Plan
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


class AnalystEngine(Asked, DuckDBEngine):
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
        return limited(groups.released(table, grouped.counts), limit)

    def _source(self, resource_type: str) -> str:
        return f'fhir."{resource_type}"'

    def _computed(self, definition: Mapping[str, Any], plan: Plan, source: str) -> str:
        if plan.joined:
            return self._query(plan, source)
        type_ = plan.view.resource
        return self.rows(RowView(definition, self.lake.table(type_)), source, self._bound(type_))

    def _changed(self, name: str, narrowing: Narrowing) -> str:
        """A view of the library, computed over what changed within reach."""
        view = relations.of(self.lake, name)
        source = narrowing.source(self.dialect, f"(select * from {self._table(view.type)})")
        rows = view.finished(view.sql(source), "inner_views")
        return f"select *{self._identity(name)} from ({rows})"

    def _identity(self, name: str) -> str:
        return numbers.IDENTITY if name in library.PERSONS and not self.reach.whole else ""

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
            return limited(pa.Table.from_batches(held, reader.schema), limit)

    def _library(self) -> Iterator[str]:
        if not self.reach.whole:
            self._database.create_function(numbers.JSON_FUNCTION, numbers.masked_json, ["VARCHAR"], "VARCHAR")
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
            if not view.name and name not in seen:
                continue
            shown = (
                "fhir" if not view.name and not self.reach.whole else within
            )  # somebody's may show any number
            rows = self.rows(view, f'{shown}."{view.type}"', self._bound(view.type))
            yield f'create view inner_views."{name}" as {view.finished(rows, "inner_views")}'
            if name in seen:
                yield (
                    f'create view main."{name}" as select *{self._identity(name)}'
                    f' from inner_views."{name}"{fence}'
                )

    def rows(self, view: RowView, source: str, within: Within | None = None) -> str:
        """What a view gives; computed where the rows that are kept hold numbers which this reach sees masked."""
        if not view.name and not self.reach.whole and numbers.shown(view):
            return view.sql(source)
        return super().rows(view, source, within)

    def _hidden(self, name: str) -> str:
        return "" if self.reach.whole else numbers.hidden(self.lake.table(name))

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
