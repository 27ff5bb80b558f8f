"""Target maps of profile-informed models: how an element of a profile is reached in FHIR.

``%value.value``, ``FHIRHelpers.ToConcept(%value)``, ``%parent.extension[url='…'].value``, ``Type:map;Type:map``.
"""

import re
from dataclasses import replace

from shangyi.query.cql import tree
from shangyi.query.cql.fhirhelpers import FUNCTIONS
from shangyi.query.cql.types import ANY, BOOLEAN, CODE, STRING, ListOf, Type
from shangyi.query.types import ItemType

_INDEXED = re.compile(r"%parent\.([\w.]+)\[(.*?)\](?:\.(.*))?$")
_CRITERION = re.compile(r"([\w.]+)='((?:[^'\\]|\\.)*)'")


def apply(target: str, value: tree.Property, type_: Type) -> tree.Node:
    """``value``, a property by its plain name, as the target map reaches it."""
    target = target.replace("[x]", "")
    if ";" in target:
        items = []
        for row in target.split(";"):
            name, _, mapped = row.partition(":")
            option = ItemType(*name.split(".", 1))
            found = apply(mapped, value, option)
            test = tree.Operator("Not", (tree.Operator("IsNull", (found,), type=BOOLEAN),), type=BOOLEAN)
            items.append(
                tree.CaseItem(replace(test, place=value.place), found, type=type_, place=value.place)
            )
        return tree.Case(
            None, tuple(items), tree.Null(type=type_, place=value.place), type=type_, place=value.place
        )
    if "(" in target:
        function, _, argument = target.partition("(")
        argument = argument.rpartition(")")[0]
        many = isinstance(type_, ListOf)
        inner = value if argument == "%value" else apply(argument, value, ListOf(ANY) if many else ANY)
        return _call(function, inner, type_)
    if target.startswith("%parent"):
        return _indexed(target, value, type_)
    path = target.removeprefix("%value").lstrip(".")
    return replace(value, path=f"{value.path}.{path}", type=type_)


def _call(function: str, value: tree.Node, type_: Type) -> tree.Node:
    library, _, name = function.rpartition(".")
    if isinstance(type_, ListOf):
        item = tree.AliasRef("$this", type=ANY, place=value.place)
        source = tree.Source("$this", value, type=ANY, place=value.place)
        returned = tree.Return(
            _call(function, item, type_.element), False, type=type_.element, place=value.place
        )
        listed = replace(value, type=ListOf(ANY))
        return tree.Query(
            (replace(source, expression=listed),), returns=returned, type=type_, place=value.place
        )
    overloads = [f for f in FUNCTIONS if f.name == name]
    chosen = next((f for f in overloads if f.type == type_), overloads[0])
    return tree.FunctionRef(library, name, (value,), chosen.signature, type=type_, place=value.place)


def _indexed(target: str, value: tree.Property, type_: Type) -> tree.Node:
    """Items of a list of the parent that meet all criteria, and what is below them."""
    found = _INDEXED.match(target)
    if found is None:
        return replace(value, path=target.removeprefix("%parent."), type=type_)
    path, criteria, below = found.groups()
    place = value.place
    item = tree.AliasRef("$this", place=place)
    where: tree.Node | None = None
    for name, text in _CRITERION.findall(criteria):
        left = _criterion(item, name, place)
        right = tree.Literal(text, type=STRING, place=place)
        test: tree.Node = tree.Operator("Equal", (left, right), type=BOOLEAN, place=place)
        where = test if where is None else tree.Operator("And", (where, test), type=BOOLEAN, place=place)
    source = tree.Property(value.source, path, type=ListOf(ANY), place=place)
    element = type_.element if isinstance(type_, ListOf) else type_
    returns = None
    if below:
        returns = tree.Return(
            tree.Property(item, below, type=element, place=place), False, type=element, place=place
        )
    query = tree.Query(
        (tree.Source("$this", source, place=place),),
        where=where,
        returns=returns,
        type=ListOf(element),
        place=place,
    )
    if isinstance(type_, ListOf):
        return query
    return tree.Operator("SingletonFrom", (query,), type=type_, place=place)


def _criterion(item: tree.Node, name: str, place: tree.Place) -> tree.Node:
    """The text of a criterion's path; of several codings the first counts."""
    left = item
    for step in name.split("."):
        left = tree.Property(left, step, place=place)
        if step == "coding":
            left = tree.Operator("First", (replace(left, type=ListOf(CODE)),), place=place)
    return tree.Property(left, "value", type=STRING, place=place)
