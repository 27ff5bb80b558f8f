"""The same expression by closures and by SQL, item by item."""

import json
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import duckdb
from tests.query.sql.tables import Json, load, table_of

from shangyi.query.closures.values import Element, system
from shangyi.query.columns import Table
from shangyi.query.errors import EvaluationError
from shangyi.query.fhirpath import Expression
from shangyi.query.quantity import Quantity
from shangyi.query.sql import DIALECTS, Around, Scope, compile_tree, ir, row
from shangyi.query.sql.values import Item, Value, is_bare
from shangyi.query.temporal import DateTime, Temporal

NOW = DateTime.parse("2026-11-24T12:00:00.000Z")
FAILED = "error"


class Data:
    """Resources of one type as a table in DuckDB."""

    def __init__(self, resource_type: str, resources: Sequence[Json]) -> None:
        self.resources = resources
        self.table: Table = table_of(resource_type, resources)
        self.connection = duckdb.connect()
        load(self.connection, self.table, resources)

    def compile(self, expression: Expression) -> Value:
        """The expression in SQL; CompilationError where it has no form."""
        root = row(self.table)
        given = dict.fromkeys(("resource", "rootResource", "context"), root)
        around = Around(self.table, at=NOW)
        return compile_tree(expression.tree, around, Scope(root, variables=given), expression.text)

    def select(self, value: Value, dialect: str = "duckdb") -> str:
        """What gives the items of every row, as one list for each alternative of an item."""
        write, name = DIALECTS[dialect].write, DIALECTS[dialect].identifier(self.table.resource_type)
        if isinstance(value, Item):
            lists = [write(ir.Listed((a.sql,))) for a in value.alternatives if a.guard is None]
        else:
            lists = [write(value.sql)] if value.slots else []
        return f"SELECT {', '.join(lists or ['NULL'])} FROM {name} AS r"

    def by_sql(self, value: Value) -> list[Any]:
        """The items of each resource; FAILED where SQL refuses the row."""
        text = self.select(value)
        try:
            rows: list[Any] = self.connection.execute(text).fetchall()
        except duckdb.Error:
            rows = []
            for n in range(len(self.resources)):
                try:
                    rows += self.connection.execute(f"{text} WHERE rowid = {n}").fetchall()
                except duckdb.Error as error:
                    rows.append(FAILED if _ours(error) else error)
        return [
            found if found is FAILED or isinstance(found, Exception) else items(value, found)
            for found in rows
        ]

    def by_closures(self, expression: Expression) -> list[Any]:
        """The same by the other back end."""
        found: list[Any] = []
        for resource in self.resources:
            try:
                items = [plain_value(item) for item in expression.evaluate(resource, now=NOW)]
            except EvaluationError:
                found.append(FAILED)
                continue
            found.append([_shown(item) for item in items if item is not None])
        return found


def plain_value(item: Any) -> Any:
    """An element as in JSON where it is an object (also a Quantity), else its System value."""
    if isinstance(item, Element) and isinstance(item.value, dict):
        return item.value
    return system(item)


def _ours(error: duckdb.Error) -> bool:
    """Whether the error is one that a compiled expression raises, and not one of SQL itself."""
    return isinstance(error, duckdb.InvalidInputException)


def items(value: Value, columns: Sequence[Any]) -> list[Any]:
    """The items of one row, comparable."""
    found = [item for column in columns for item in column or []]
    if not isinstance(value, Item) and value.slots and not is_bare(value.slots):
        keys = [f"v{i}" for i in range(len(value.slots))]
        found = [next((item[key] for key in keys if item[key] is not None), None) for item in found]
    return [_shown(item) for item in found if item is not None]


def _shown(item: Any) -> Any:
    """Comparable: numbers by value to eight places, objects without what is empty."""
    if isinstance(item, bool):
        return item
    if isinstance(item, int | Decimal):
        return _number(Decimal(item))
    if isinstance(item, Temporal):
        return str(item)
    if isinstance(item, Quantity):
        return {"unit": item.unit, "value": _shown(item.value)}
    if isinstance(item, list):
        return [_shown(inner) for inner in item]
    if isinstance(item, dict):
        return {k: _shown(v) for k, v in sorted(item.items()) if v is not None}
    return item


def _number(value: Decimal) -> str:
    rounded = round(value, 8) if abs(value) < 10**18 else value
    written = format(rounded, "f")
    trimmed = written.rstrip("0").rstrip(".") if "." in written else written
    return "0" if trimmed == "-0" else trimmed


def differences(data: Data, expression: Expression, value: Value) -> list[tuple[str, Any, Any]]:
    """Where the two do not agree: the resource, what closures say, what SQL says. Order counts where there is one."""
    return compared(data, expression, data.by_sql(value))


def compared(data: Data, expression: Expression, found: Sequence[Any]) -> list[tuple[str, Any, Any]]:
    """Where what an engine found is not what closures say."""
    pairs = zip(data.resources, data.by_closures(expression), found, strict=True)
    agree = same if expression.tree.type.ordered else same_in_any_order
    return [
        (str(resource.get("id")), ours, theirs) for resource, ours, theirs in pairs if not agree(ours, theirs)
    ]


def same_in_any_order(ours: Any, theirs: Any) -> bool:
    """As many of each item."""
    if not isinstance(ours, list) or not isinstance(theirs, list):
        return same(ours, theirs)
    return Counter(map(repr, _text(ours))) == Counter(map(repr, _text(theirs)))


def same(ours: Any, theirs: Any) -> bool:
    """Numbers in objects are as written, so they are compared as text there."""
    return _text(ours) == _text(theirs)


def _text(value: Any) -> Any:
    if isinstance(value, list):
        return [_text(v) for v in value]
    if isinstance(value, dict):
        return {k: _text(v) for k, v in value.items() if k != "resourceType"}
    if isinstance(value, str):
        if value.startswith('{"'):
            return _text(_shown(json.loads(value)))
        try:
            number = Decimal(value)
        except ArithmeticError:
            return value.replace("+00:00", "Z")
        return _number(number) if number.is_finite() else value
    return value
