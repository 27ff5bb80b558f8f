"""Lines of one resource type to Arrow, at the speed of Arrow's own JSON reader, with nothing lost.

The reader is told the columns and refuses whatever is not exactly that: an unknown name, a number where there should
be text, an object for a list, a name given twice. It would take the digits off decimals, so numbers under the names of
decimals are put in quotation marks first, and counted. Of lines that it refuses the reader is asked for the names, which
widen the schema; what it refuses still is narrowed down by halves, and what cannot be a column goes the exact way (``exact``).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.json

from shangyi.errors import Invalid, ShangyiError
from shangyi.lake import arrow, exact
from shangyi.lake.place import Place, told
from shangyi.lake.shape import Shape, decimals, members
from shangyi.query.columns import Column

SAMPLE = 1024
"""Lines that are looked at first to learn which elements there are."""
FEW = 128
"""Refused lines that are not halved again but looked at one by one."""


class _Holding(msgspec.Struct):
    contained: msgspec.Raw = msgspec.Raw()


_holding = msgspec.json.Decoder(_Holding)
_many = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(slots=True)
class Lines:
    """Resources of one type: ``lines`` without line feeds, and where each stands in the input."""

    lines: list[bytes]
    places: Sequence[Place]

    def part(self, start: int, end: int) -> "Lines":
        """Some of them."""
        return Lines(self.lines[start:end], self.places[start:end])


class Parser:
    """Of one resource type. ``shape`` grows with what it meets; ``beyond``: elements that got no column."""

    def __init__(self, resource_type: str, columns: tuple[Column, ...] = ()) -> None:
        self.type = resource_type
        self.shape = Shape(resource_type, columns)
        self.beyond: set[str] = set()

    def parse(self, found: Lines) -> list[pa.Table]:
        """Tables of all lines in their order: the columns, and ``rest_json`` where something was left over."""
        if not self.shape.tree:
            self._learn(found.lines[:SAMPLE])
        return self._tables(found)

    def _tables(self, found: Lines) -> list[pa.Table]:
        table = self._strictly(found.lines)
        if table is not None:
            return [table]
        count = len(found.lines)
        if count > FEW and self._learn(found.lines):
            table = self._strictly(found.lines)
            if table is not None:
                return [table]
        if count > FEW:
            return [*self._tables(found.part(0, count // 2)), *self._tables(found.part(count // 2, count))]
        resources = [_read(line, place) for line, place in zip(found.lines, found.places, strict=True)]
        if sum(map(self.shape.learn, resources)):
            table = self._strictly(found.lines)
        return [table if table is not None else self._exactly(resources)]

    def _learn(self, lines: list[bytes]) -> bool:
        """Take in the names that occur, which Arrow's reader finds a hundred times as fast as ``Shape.learn`` does;
        whether there were new ones."""
        try:
            table = _by_arrow(b"\n".join(lines), None)
        except pa.ArrowInvalid:  # a value that is of two kinds
            return False
        return self.shape.learn({field.name: _sample(field.type) for field in table.schema})

    def _strictly(self, lines: list[bytes]) -> pa.Table | None:
        """By Arrow's reader; None where it refuses."""
        columns = self.shape.columns
        plan = _plan(self.type, columns)
        if plan.resources:
            return None
        texts = lines
        if plan.contained:
            texts = [_quote_contained(line) if b'"contained"' in line else line for line in lines]
        data = b"\n".join(texts)
        if b"\\u0000" in data:
            return None
        quoted = 0
        for name, pattern in plan.numbers:
            parts = pattern.split(data)
            if len(parts) > 1:
                parts[1::2] = [b'%b"%b"' % (name, number) for number in parts[1::2]]
                data = b"".join(parts)
                quoted += len(parts) // 2
        try:
            check_utf8(data)
            table = _by_arrow(data, plan.schema)
        except pa.ArrowInvalid:
            return None
        if table.num_rows != len(lines) or quoted != _decimals_in(table, columns, self.type):
            return None
        named = table["resourceType"].unique()
        return table.drop_columns("resourceType") if named.to_pylist() == [self.type] else None

    def _exactly(self, resources: list[exact.Resource]) -> pa.Table:
        """One by one."""
        columns, rows = self.shape.columns, []
        for resource in resources:
            value = {name: inner for name, inner in resource.items() if name != "resourceType"}
            row, rest = exact.fit(value, self.type, columns)
            if rest:
                row["rest_json"] = exact.text_of(rest)
                self.beyond |= {".".join(path) for path in exact.beyond(rest, self.type, columns)}
            rows.append(row)
        schema = pa.schema([*map(arrow.field, columns), pa.field("rest_json", pa.string())])
        return pa.Table.from_pylist(rows, schema=schema)


def check_utf8(data: bytes) -> None:
    """ArrowInvalid where it is no UTF-8: a tenth of the time that it takes to decode it."""
    ends = pa.py_buffer(np.array([0, len(data)], np.int64))
    pa.Array.from_buffers(pa.large_binary(), 1, [None, ends, pa.py_buffer(data)]).cast(pa.large_string())


def _by_arrow(data: bytes, schema: pa.Schema | None) -> pa.Table:
    """Exactly these columns, or (None) whatever there is. ArrowInvalid where that does not go."""
    return pyarrow.json.read_json(
        pa.BufferReader(data),
        read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=len(data) + 1),
        parse_options=pyarrow.json.ParseOptions(
            explicit_schema=schema, unexpected_field_behavior="infer" if schema is None else "error"
        ),
    )


def _sample(type_: pa.DataType) -> Any:
    """A value of a type, for ``Shape.learn``: with all names below; None where there was nothing but null."""
    if pa.types.is_struct(type_):
        return {field.name: _sample(field.type) for field in type_}
    if pa.types.is_list(type_):
        return [_sample(type_.value_type)]
    return None if pa.types.is_null(type_) else True


@dataclass(frozen=True, slots=True)
class _Plan:
    """``contained``: whether that is to be made text; ``resources``: whether there are resources elsewhere."""

    schema: pa.Schema
    numbers: tuple[tuple[bytes, re.Pattern[bytes]], ...]
    contained: bool
    resources: bool


@cache
def _plan(resource_type: str, columns: tuple[Column, ...]) -> _Plan:
    schema = pa.schema([pa.field("resourceType", pa.string()), *map(arrow.field, columns)])
    # Within a text a quotation mark has a backslash before it: only a name can end so.
    numbers = tuple(
        (name, re.compile(rb"%b\s*(-?[0-9][0-9.eE+-]*)" % name))
        for name in (b'"%b":' % name.encode() for name in sorted(decimals(columns, resource_type)))
    )
    contained = any(column.name == "contained" for column in columns)
    return _Plan(schema, numbers, contained, _holds_resources(columns, resource_type))


def _holds_resources(columns: tuple[Column, ...], type_name: str) -> bool:
    known = members(type_name)
    return any(
        (column.kind == "json" and column.name != "contained")
        or _holds_resources(column.fields, known[column.name].type)
        for column in columns
    )


def _quote_contained(line: bytes) -> bytes:
    """The line with each contained resource as a text; as it is where they cannot be found, which is then refused."""
    try:
        whole = _holding.decode(line).contained
        held = [bytes(raw) for raw in _many.decode(whole)] if whole else []
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return line
    if not all(raw.startswith(b"{") for raw in held):
        return line
    # Were the same text found elsewhere before, both places would be refused.
    before, _, after = line.partition(whole)
    return before + msgspec.json.encode([raw.decode() for raw in held]) + after if held else line


def _decimals_in(table: pa.Table, columns: tuple[Column, ...], type_name: str) -> int:
    """How many decimals there are in a table."""
    known = members(type_name)
    return sum(
        _decimals(chunk, column, known[column.name].type, known[column.name].decimal)
        for column in columns
        if _any_decimal(column, type_name)
        for chunk in table[column.name].chunks
    )


@cache
def _any_decimal(column: Column, owner: str) -> bool:
    return bool(decimals((column,), owner))


def _decimals(array: pa.Array, column: Column, type_name: str, decimal: bool) -> int:
    values = array.flatten() if column.many else array
    if decimal:
        return len(values) - int(values.null_count)
    known = members(type_name)
    return sum(
        _decimals(values.field(below.name), below, known[below.name].type, known[below.name].decimal)
        for below in column.fields
        if _any_decimal(below, type_name)
    )


def _read(line: bytes, place: Place) -> exact.Resource:
    try:
        return exact.read(line)
    except ShangyiError as error:
        raise Invalid("{place}: {reason}", place=told(place), reason=str(error)) from error
