"""Columns as Arrow types, and arrays of an older schema in a newer one."""

import pyarrow as pa

from shangyi.query.columns import Column

_KINDS = {"text": pa.string(), "json": pa.string(), "boolean": pa.bool_(), "integer": pa.int32()}
INSTANT = pa.timestamp("us")
FLAT = (
    pa.field("patient_key", pa.string()),
    pa.field("codes", pa.list_(pa.string())),
    pa.field("primary_code", pa.string()),
    pa.field("date_low", INSTANT),
    pa.field("date_high", INSTANT),
    pa.field("last_updated", INSTANT),
    pa.field("rest_json", pa.string()),
)
"""The flat columns that are kept; ``resource_key`` and ``version_id`` are made of ``id`` and ``meta`` when read."""


def type_of(column: Column) -> pa.DataType:
    """The Arrow type of a column."""
    one = pa.struct([field(f) for f in column.fields]) if column.kind == "struct" else _KINDS[column.kind]
    return pa.list_(one) if column.many else one


def field(column: Column) -> pa.Field:
    """The Arrow field of a column."""
    return pa.field(column.name, type_of(column))


def schema(columns: tuple[Column, ...]) -> pa.Schema:
    """What a file of a resource type holds: its columns, then the flat ones."""
    return pa.schema([*map(field, columns), *FLAT])


def conform_table(table: pa.Table, wanted: pa.Schema) -> pa.Table:
    """The same rows under a wider schema."""
    if table.schema.equals(wanted):
        return table
    have = set(table.column_names)
    columns = [
        pa.chunked_array([conform(chunk, f.type) for chunk in table[f.name].chunks], f.type)
        if f.name in have
        else pa.nulls(table.num_rows, f.type)
        for f in wanted
    ]
    return pa.table(columns, schema=wanted)


def conform(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    """The same values with the fields of a wider type; those that were not there are null."""
    if array.type == wanted:
        return array
    if array.offset:  # a slice: its children would not begin where it does
        array = pa.concat_arrays([array, array.slice(0, 0)])
    mask = array.is_null() if array.null_count else None
    if pa.types.is_list(wanted):
        values = conform(array.values, wanted.value_type)
        return pa.ListArray.from_arrays(array.offsets, values, type=wanted, mask=mask)
    children = [
        conform(array.field(f.name), f.type)
        if array.type.get_field_index(f.name) >= 0
        else pa.nulls(len(array), f.type)
        for f in wanted
    ]
    return pa.StructArray.from_arrays(children, fields=list(wanted), mask=mask)
