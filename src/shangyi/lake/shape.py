"""Which elements the data hold: a tree that only grows, and the columns that it stands for.

A tree of JSON names (``{"name": {"family": {}}}``) is all that is learnt from data. Kinds, lists and the order of
columns come from the R4 tables, so that two lakes with the same elements have the same schema whatever their values.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from shangyi.fhir import definitions
from shangyi.query.columns import Column, Kind, kind_of

DEEPEST = 24
"""Levels of objects below a resource that get columns; deeper ones go to the residual."""
MOST_LEAVES = 4_000
"""Columns without fields of one type. R4 with one level of extensions alone would be 49,849 for Patient."""

Tree = dict[str, "Tree"]
"""JSON names that occur, each with those below it."""


class Member(NamedTuple):
    """What R4 says of a JSON name in an object: kind of column, whether an array, type, whether a decimal."""

    kind: Kind
    many: bool
    type: str
    decimal: bool


@cache
def members(type_name: str) -> Mapping[str, Member]:
    """The JSON names of a type in the order of R4; ``_name`` follows each primitive ``name``."""
    found: dict[str, Member] = {}
    for name, (element, type_) in definitions.structure(type_name).properties.items():
        kind = kind_of(type_)
        found[name] = Member(kind, element.many, type_, type_ == "decimal")
        if kind not in ("struct", "json"):
            found["_" + name] = Member("struct", element.many, "Element", False)
    return found


class Shape:
    """The elements that occur in a resource type, within the bounds."""

    def __init__(self, resource_type: str, columns: tuple[Column, ...] = ()) -> None:
        self.resource_type = resource_type
        self.tree: Tree = _tree(columns)
        self.leaves = _count(self.tree)
        self._grew = False
        self._columns: tuple[Column, ...] | None = None

    def learn(self, resource: Mapping[str, Any]) -> bool:
        """Take in the elements of a resource; whether there was any that was not known."""
        self._grew = False
        self._learn(self.tree, self.resource_type, resource, 1)
        if self._grew:
            self._columns = None
        return self._grew

    def _learn(self, tree: Tree, type_name: str, value: Mapping[str, Any], depth: int) -> None:
        known = members(type_name)
        for name, inner in value.items():
            member = known.get(name)
            if member is None or inner is None:
                continue
            if member.kind != "struct":
                if name not in tree and self.leaves < MOST_LEAVES:
                    tree[name] = {}
                    self.leaves += 1
                    self._grew = True
                continue
            if depth >= DEEPEST:
                continue
            below = tree.get(name, {})
            for item in inner if isinstance(inner, list) else [inner]:
                if isinstance(item, dict):
                    self._learn(below, member.type, item, depth + 1)
            if below:  # a STRUCT has at least one field
                tree[name] = below

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of what occurs, in the order of R4."""
        if self._columns is None:
            self._columns = _columns(self.tree, self.resource_type)
        return self._columns


def _columns(tree: Tree, type_name: str) -> tuple[Column, ...]:
    return tuple(
        Column(
            name,
            member.kind,
            member.many,
            _columns(tree[name], member.type) if member.kind == "struct" else (),
        )
        for name, member in members(type_name).items()
        if name in tree
    )


def _tree(columns: tuple[Column, ...]) -> Tree:
    return {column.name: _tree(column.fields) for column in columns}


def _count(tree: Tree) -> int:
    return sum(_count(below) if below else 1 for below in tree.values())


def decimals(columns: tuple[Column, ...], type_name: str) -> frozenset[str]:
    """The JSON names under which decimals stand in these columns."""
    known = members(type_name)
    found = {column.name for column in columns if known[column.name].decimal}
    return frozenset(found).union(
        *(decimals(column.fields, known[column.name].type) for column in columns if column.fields)
    )
