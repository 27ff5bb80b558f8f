"""The exact way between a resource and its row, in Python: what fits the columns, what stays as residual, and back.

Bulk data go the quick way (``parsing``); a resource that does not fit the columns as it stands comes through here.
Numbers keep the digits in which they were written.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from shangyi.fhir import json
from shangyi.lake.shape import Member, members
from shangyi.query.columns import Column

Resource = dict[str, Any]
_INT32 = 2**31


class Number(str):
    """A JSON number that is no small integer, as it was written."""

    __slots__ = ()


_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=Number)


def read(line: bytes) -> Resource:
    """The resource with its numbers as written; Invalid where it is no sound JSON (``fhir.json.loads``)."""
    json.loads(line)
    found: Resource = _decoder.decode(line)
    return found


def text_of(value: Any) -> str:
    """Compact JSON of what ``read`` gave, numbers as written."""
    return msgspec.json.encode(_plain(value)).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, Number):
        return msgspec.Raw(value.encode())
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def fit(
    value: Mapping[str, Any], type_name: str, columns: tuple[Column, ...]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(what the columns hold of ``value``, what they do not: the residual).

    The residual repeats the objects and lists of objects around what it holds, null for a member of a list of which
    nothing is left over; everything else in it is whole.
    """
    known, by_name = members(type_name), {column.name: column for column in columns}
    taken: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for name, inner in value.items():
        column = by_name.get(name)
        if inner is None:
            continue
        if column is None:
            rest[name] = inner
            continue
        held, left = _fit_element(inner, column, known[name])
        if held is not None:
            taken[name] = held
        if left is not None:
            rest[name] = left
    return taken, rest


def _fit_element(value: Any, column: Column, member: Member) -> tuple[Any, Any]:
    """(held or None, left over or None) of the value of one name."""
    if isinstance(value, list) != column.many:
        return None, value
    if column.kind == "struct":
        items = value if column.many else [value]
        if not all(isinstance(item, dict) or (item is None and column.many) for item in items):
            return None, value
        pairs = [(None, None) if i is None else fit(i, member.type, column.fields) for i in items]
        held, left = [pair[0] for pair in pairs], [pair[1] or None for pair in pairs]
        some = any(left)
        return (held, left if some else None) if column.many else (held[0], left[0])
    items = [_scalar(item, column.kind, member) for item in (value if column.many else [value])]
    if any(
        was is not None and item is None
        for was, item in zip(value if column.many else [value], items, strict=True)
    ):
        return None, value
    return (items, None) if column.many else (items[0], None)


def _scalar(value: Any, kind: str, member: Member) -> Any:
    """A value as it stands in a column of this kind; None where it cannot."""
    if kind == "json":
        return text_of(value) if isinstance(value, dict) else None
    if kind == "boolean":
        return value if isinstance(value, bool) else None
    number = isinstance(value, int) and not isinstance(value, bool)
    if kind == "integer":
        return value if number and -_INT32 <= value < _INT32 else None
    if member.decimal:
        return str(value) if number or isinstance(value, Number) else None
    return value if isinstance(value, str) and not isinstance(value, Number) else None


def beyond(rest: Mapping[str, Any], type_name: str, columns: tuple[Column, ...]) -> Iterator[tuple[str, ...]]:
    """The elements of R4 in a residual that have no column: paths of JSON names."""
    known, by_name = members(type_name), {column.name: column for column in columns}
    for name, inner in rest.items():
        if name not in known:
            continue
        column = by_name.get(name)
        if column is None:
            yield (name,)
        elif column.kind == "struct":
            for item in inner if isinstance(inner, list) else [inner]:
                if isinstance(item, dict):
                    for path in beyond(item, known[name].type, column.fields):
                        yield (name, *path)


def rebuild(row: Mapping[str, Any], resource_type: str, columns: tuple[Column, ...]) -> Resource:
    """The resource that a row (columns and ``rest_json``) was made of; decimals as Decimal, exact."""
    resource = {"resourceType": resource_type, **_unfit(row, resource_type, columns)}
    if row.get("rest_json") is not None:
        resource = _merge(resource, json.decode(row["rest_json"]))
    return resource


def _unfit(row: Mapping[str, Any], type_name: str, columns: tuple[Column, ...]) -> dict[str, Any]:
    known = members(type_name)
    found: dict[str, Any] = {}
    for column in columns:
        value = row.get(column.name)
        if value is not None:
            member = known[column.name]
            found[column.name] = (
                [None if item is None else _unfit_one(item, column, member) for item in value]
                if column.many
                else _unfit_one(value, column, member)
            )
    return found


def _unfit_one(value: Any, column: Column, member: Member) -> Any:
    if column.kind == "struct":
        return _unfit(value, member.type, column.fields)
    if column.kind == "json":
        return json.decode(value)
    return Decimal(value) if member.decimal else value


def _merge(value: Any, rest: Any) -> Any:
    """``value`` with its residual put back."""
    if isinstance(value, dict) and isinstance(rest, dict):
        return {
            **value,
            **{name: _merge(value[name], left) if name in value else left for name, left in rest.items()},
        }
    if isinstance(value, list) and isinstance(rest, list):
        return [item if left is None else _merge(item, left) for item, left in zip(value, rest, strict=True)]
    return rest
