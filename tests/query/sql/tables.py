"""Resources as a table by the contract of ``query.columns``, in DuckDB."""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

from shangyi.fhir import definitions
from shangyi.query.columns import Column, Table, kind_of

Json = dict[str, Any]
KINDS = {"text": pa.string(), "json": pa.string(), "boolean": pa.bool_(), "integer": pa.int32()}
RESOURCE_KEY = Column("resource_key", "text")
CODES = Column("codes", "text", True)


def table_of(resource_type: str, resources: Iterable[Json]) -> Table:
    """The columns that these resources hold."""
    columns: tuple[Column, ...] = ()
    for resource in resources:
        columns = merge(columns, fields_of(resource_type, resource))
    return Table(resource_type, (*columns, RESOURCE_KEY, CODES))


def fields_of(owner: str, value: Json) -> tuple[Column, ...]:
    properties = definitions.structure(owner).properties
    found = []
    for key, inner in value.items():
        if key == "resourceType":
            continue
        bare = key.removeprefix("_")
        if bare not in properties:
            continue
        element, type_name = properties[bare]
        kind = "struct" if key.startswith("_") else kind_of(type_name)
        of = "Element" if key.startswith("_") else type_name
        fields: tuple[Column, ...] = ()
        if kind == "struct":
            for item in inner if element.many else [inner]:
                if item is not None:
                    fields = merge(fields, fields_of(of, item))
            if not fields:
                continue
        found.append(Column(key, kind, element.many, fields))
    return tuple(found)


def merge(left: tuple[Column, ...], right: tuple[Column, ...]) -> tuple[Column, ...]:
    found = {c.name: c for c in left}
    for column in right:
        mine = found.get(column.name, column)
        found[column.name] = Column(
            column.name,
            column.kind,
            column.many,
            merge(mine.fields, column.fields) if mine is not column else column.fields,
        )
    return tuple(found.values())


def arrow_type(column: Column) -> pa.DataType:
    one = pa.struct([(f.name, arrow_type(f)) for f in column.fields]) if column.fields else KINDS[column.kind]
    return pa.list_(one) if column.many else one


def plain(column: Column, value: Any) -> Any:
    """A JSON value as the column keeps it."""
    if value is None:
        return None
    if column.many:
        one = Column(column.name, column.kind, False, column.fields)
        return [plain(one, item) for item in value]
    if column.kind == "struct":
        return {f.name: plain(f, value.get(f.name)) for f in column.fields}
    if column.kind == "json":
        return json.dumps(value, default=str)
    if column.kind == "text":
        return f"{value}" if isinstance(value, Decimal) else str(value)
    return value


def load(connection: duckdb.DuckDBPyConnection, table: Table, resources: Iterable[Json]) -> None:
    """The table of these resources, by the name of their type."""
    rows = []
    for resource in resources:
        row = {c.name: plain(c, resource.get(c.name)) for c in table.columns}
        row["resource_key"] = f"{table.resource_type}/{resource.get('id')}"
        codings = (resource.get("code") or {}) if isinstance(resource.get("code"), dict) else {}
        row["codes"] = [
            f"{c.get('system', '')}|{c['code']}" for c in codings.get("coding", []) if "code" in c
        ]
        rows.append(row)
    schema = pa.schema([(c.name, arrow_type(c)) for c in table.columns])
    arrow = pa.Table.from_pylist(rows, schema=schema)
    connection.register("incoming", arrow)
    connection.execute(f'create or replace table "{table.resource_type}" as select * from incoming')
    connection.unregister("incoming")
