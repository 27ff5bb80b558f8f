"""What every engine for analysts answers in the same way: views by their names, ViewDefinitions, and what there is."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from shangyi.access import Principal, Role, policy
from shangyi.errors import Forbidden, NotFound, NotSupported, ShangyiError
from shangyi.lake import library, relations
from shangyi.lake.answer import Answer
from shangyi.lake.catalog import Lake
from shangyi.lake.engine import Parameters
from shangyi.lake.narrowing import EVERYTHING, Narrowing, since_unsupported
from shangyi.query import views
from shangyi.query.views import Plan


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


class Planned(NamedTuple):
    """A statement of our own, and the values that it names."""

    text: str
    params: dict[str, Any] | None = None


class Asked:
    """Mixed into an engine. ``reach``: what may be asked."""

    reach: Reach
    lake: Lake
    dialect: str
    unavailable: dict[str, ShangyiError]

    def ask(self, text: str, params: Parameters | None = None, limit: int | None = None) -> Answer:
        """The rows of one query within reach; at most ``limit`` of them."""
        raise NotImplementedError

    if TYPE_CHECKING:  # the engine's, which stands behind this class

        def close(self) -> None:
            """Let go of the lake."""

    def _source(self, resource_type: str) -> str:
        """The table of a type within reach."""
        raise NotImplementedError

    def _shown_as(self, name: str) -> str:
        """A view of the library, in a statement of our own."""
        return f"main.{name}"

    def _first(self, text: str, params: Parameters | None, limit: int | None) -> Answer:
        """The rows of a statement of our own."""
        raise NotImplementedError

    @cached_property
    def views(self) -> Mapping[str, Mapping[str, str]]:
        """The views that this lake has within reach, each with its columns and their types."""
        return {
            name: {column.name: column.type for column in relations.columns_of(self.lake, name)}
            for name in (*self.reach.views, *self._own)
            if name not in self.unavailable
        }

    @cached_property
    def _own(self) -> tuple[str, ...]:
        """The views within reach that are kept beside this lake and not of the library: for who may see persons."""
        kept = self.lake.manifest.views
        return tuple(
            name
            for name in relations.own(self.lake)
            if self.reach.persons and kept[name].definition["resource"] in self.reach.types
        )

    def view(
        self, view: str | Mapping[str, Any], limit: int | None = None, narrowing: Narrowing = EVERYTHING
    ) -> Answer:
        """The rows of a view of the library, or of a ViewDefinition of somebody's own."""
        if isinstance(view, str) and not narrowing:
            return self.ask(f"select * from main.{self._known(view)}", None, limit)
        planned = self.planned(view, narrowing)
        return self._first(planned.text, planned.params, limit)

    def planned(self, view: str | Mapping[str, Any], narrowing: Narrowing = EVERYTHING) -> Planned:
        """What is run for a view, before any data is read. Forbidden for who sees groups only.

        ViewError with the places of what is wrong with somebody's own.
        """
        if not self.reach.persons:
            raise Forbidden("Your role sees grouped results only: ask the views of the library by SQL")
        params = narrowing.parameters or None
        if isinstance(view, str):
            return Planned(self._of_library(self._known(view), narrowing), params)
        return Planned(self._of_own(view, narrowing), params)

    def _known(self, name: str) -> str:
        if name not in self.views and name not in library.names():
            raise NotFound("There is no view {name}: neither in the library nor as a file", name=name)
        return name

    def _of_library(self, name: str, narrowing: Narrowing) -> str:
        if narrowing.patients is not None and name in library.PLACES:
            raise NotSupported("The view {name} has no residents", name=name)
        if name not in self.views:  # not within reach, or not to be given: the same sentence as for SQL
            self.ask(f"select * from main.{name} limit 0")
        if narrowing.since is not None:
            return self._changed(name, narrowing)
        return f"select * from {self._shown_as(name)} where {narrowing.condition(self.dialect, 'patient_id')}"

    def _changed(self, name: str, narrowing: Narrowing) -> str:
        """A view of the library over what changed."""
        raise since_unsupported(name)

    def _of_own(self, definition: Mapping[str, Any], narrowing: Narrowing) -> str:
        view = views.parse(definition)
        if view.resource not in self.reach.types:
            raise Forbidden("Your role does not allow this")
        table = self.lake.table(view.resource)
        reached = {name: self.lake.table(name) for name in sorted(self.reach.types & set(self.lake.tables()))}
        plan = views.compile(definition, table, reached)
        source = self._source(view.resource)
        if not narrowing:
            return self._computed(definition, plan, source)
        return self._query(plan, narrowing.source(self.dialect, source))

    def _query(self, plan: Plan, source: str) -> str:
        others = {name: self._source(name) for name in plan.joined}
        return plan.sql(self.dialect, source, others=others)

    def _computed(self, definition: Mapping[str, Any], plan: Plan, source: str) -> str:
        """The query of somebody's view."""
        return self._query(plan, source)

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


def limited(table: pa.Table, limit: int | None) -> Answer:
    """An answer of at most so many rows."""
    if limit is None or table.num_rows <= limit:
        return Answer(table)
    return Answer(table.slice(0, limit), whole=False)
