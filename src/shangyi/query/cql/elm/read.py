"""ELM JSON to typed trees; content of other translators must carry result types (their option EnableResultTypes)."""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from shangyi.errors import Invalid
from shangyi.query import temporal
from shangyi.query.cql import library as lib
from shangyi.query.cql import tree
from shangyi.query.cql.elm.names import TypeNames
from shangyi.query.cql.elm.schema import LIMITS, NAMED
from shangyi.query.cql.types import (
    ANY,
    BOOLEAN,
    CODE,
    CODESYSTEM,
    CONCEPT,
    QUANTITY,
    VALUESET,
    ListOf,
    Type,
    tuple_of,
)
from shangyi.query.quantity import UCUM_TO_CALENDAR, Quantity
from shangyi.query.types import ItemType

Json = dict[str, Any]
_UNITS = {*UCUM_TO_CALENDAR.values(), "year", "month"}
_REFERENCES: dict[str, tuple[type[Any], Type | None]] = {
    "ExpressionRef": (tree.ExpressionRef, None),
    "ParameterRef": (tree.ParameterRef, None),
    "ValueSetRef": (tree.ValueSetRef, VALUESET),
    "CodeSystemRef": (tree.CodeSystemRef, CODESYSTEM),
    "CodeRef": (tree.CodeRef, CODE),
    "ConceptRef": (tree.ConceptRef, CONCEPT),
}
_NAMES: dict[str, type[Any]] = {
    "OperandRef": tree.OperandRef,
    "AliasRef": tree.AliasRef,
    "QueryLetRef": tree.QueryLetRef,
}


def read(content: str | bytes) -> lib.Library:
    """The library that ELM JSON holds; Invalid where it is none or lacks result types."""
    try:
        document = json.loads(content, parse_float=Decimal)
        return _Reader(document["library"]).library()
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise Invalid("This is no ELM that can be read: {error}", error=repr(error)) from None


class _Reader:
    def __init__(self, source: Json) -> None:
        self.source = source
        used = [u for u in self.rows("usings") if u["localIdentifier"] != "System"]
        self.names = TypeNames({u["localIdentifier"]: u["uri"] for u in used})
        self.used = used
        self.aliases: dict[str, Type] = {}
        identifier = source["identifier"]
        name = identifier.get("id", "")
        if identifier.get("system"):
            name = f"{identifier['system']}.{name}"
        self.identifier = lib.Identifier(name, identifier.get("version"))

    def rows(self, name: str) -> list[Json]:
        return list(self.source.get(name, {}).get("def", ()))

    def library(self) -> lib.Library:
        statements = self.rows("statements")
        untyped = [s for s in statements if s.get("type") != "FunctionDef" and not _typed(s)]
        if untyped:
            raise Invalid(
                "{name} has no result type: translate it with EnableResultTypes", name=untyped[0]["name"]
            )
        return lib.Library(
            self.identifier,
            tuple(
                lib.Using(name=u["localIdentifier"], model=u["localIdentifier"], url=u["uri"], version=u.get("version"))
                for u in self.used
            ),
            tuple(
                lib.Include(name=i["localIdentifier"], library=lib.Identifier(i["path"], i.get("version")))
                for i in self.rows("includes")
            ),
            tuple(map(self.parameter, self.rows("parameters"))),
            tuple(
                lib.CodeSystemDef(**self.head(c), id=c["id"], version=c.get("version"), type=CODESYSTEM)
                for c in self.rows("codeSystems")
            ),
            tuple(map(self.value_set, self.rows("valueSets"))),
            tuple(
                lib.CodeDef(
                    **self.head(c), id=c["id"], system=self.system(c["codeSystem"]), display=c.get("display"), type=CODE
                )
                for c in self.rows("codes")
            ),
            tuple(
                lib.ConceptDef(
                    **self.head(c), codes=tuple(self.code_ref(r) for r in c["code"]), display=c.get("display"),
                    type=CONCEPT,
                )
                for c in self.rows("concepts")
            ),
            tuple(self.expression(s) for s in statements if s.get("type") != "FunctionDef"),
            tuple(self.function(s) for s in statements if s.get("type") == "FunctionDef"),
        )  # fmt: skip

    def place(self, node: Json) -> tree.Place:
        if "locator" not in node:
            return tree.NOWHERE
        start, _, end = node["locator"].partition("-")
        line, column = map(int, start.split(":"))
        end_line, end_column = map(int, (end or start).split(":"))
        return tree.Place(str(self.identifier), line, column, end_line, end_column)

    def head(self, d: Json) -> dict[str, Any]:
        tags = tuple(
            (t["name"], t.get("value", ""))
            for a in d.get("annotation", ())
            if isinstance(a, dict)
            for t in a.get("t", ())
        )
        private = d.get("accessLevel") == "Private"
        return {"name": d["name"], "private": private, "tags": tags, "place": self.place(d)}

    def parameter(self, d: Json) -> lib.ParameterDef:
        type_ = self.names.given(d, "parameterType", "parameterTypeSpecifier")
        return lib.ParameterDef(**self.head(d), type=type_, default=self.perhaps(d, "default"))

    def value_set(self, d: Json) -> lib.ValueSetDef:
        systems = tuple(map(self.system, d.get("codeSystem", ())))
        return lib.ValueSetDef(
            **self.head(d), id=d["id"], version=d.get("version"), systems=systems, type=VALUESET
        )

    def system(self, ref: Json) -> tree.CodeSystemRef:
        return tree.CodeSystemRef(ref.get("libraryName", ""), ref["name"], type=CODESYSTEM)

    def code_ref(self, ref: Json) -> tree.CodeRef:
        return tree.CodeRef(ref.get("libraryName", ""), ref["name"], type=CODE)

    def result(self, node: Json) -> Type:
        return self.names.given(node, "resultTypeName", "resultTypeSpecifier")

    def expression(self, d: Json) -> lib.ExpressionDef:
        return lib.ExpressionDef(
            **self.head(d), context=d.get("context", "Unfiltered"), expression=self.node(d["expression"]),
            type=self.result(d),
        )  # fmt: skip

    def function(self, d: Json) -> lib.FunctionDef:
        operands = tuple(
            lib.OperandDef(o["name"], self.names.given(o, "operandType", "operandTypeSpecifier"))
            for o in d.get("operand", ())
        )
        return lib.FunctionDef(
            **self.head(d), context=d.get("context", "Unfiltered"), operands=operands,
            expression=self.perhaps(d, "expression"), fluent=bool(d.get("fluent")), type=self.result(d),
        )  # fmt: skip

    def perhaps(self, node: Json, name: str) -> tree.Node | None:
        return self.node(node[name]) if name in node else None

    def node(self, node: Json) -> tree.Node:
        """Any expression."""
        kind = node["type"]
        type_, place = self.result(node), self.place(node)
        if kind in _REFERENCES:
            class_, own = _REFERENCES[kind]
            reference: tree.Node = class_(
                node.get("libraryName", ""), node["name"], type=own or type_, place=place
            )
            return reference
        if kind in _NAMES:
            named: tree.Node = _NAMES[kind](node["name"], type=type_, place=place)
            return named
        rule = _RULES.get(kind)
        found = self.operator(node) if rule is None else rule(self, node)
        return replace(found, type=found.type if type_ == ANY else type_, place=place)

    def nodes(self, found: Any) -> tuple[tree.Node, ...]:
        return tuple(map(self.node, found if isinstance(found, list) else [found]))

    def operator(self, node: Json) -> tree.Node:
        kind = node["type"]
        precision = node["precision"].lower() if isinstance(node.get("precision"), str) else None
        if kind in LIMITS:
            return tree.Operator(kind, (), type=self.names.given(node, "valueType", "valueTypeSpecifier"))
        names = NAMED.get(kind)
        if names is None:
            return tree.Operator(kind, self.nodes(node.get("operand", [])), precision)
        given = [node.get(name, node.get(f"{name}Expression")) for name in names]
        while given and given[-1] is None:
            given.pop()
        operands = tuple(
            tree.Null() if g is None else self._operand(n, g) for n, g in zip(names, given, strict=False)
        )
        found = tree.Operator(kind, operands, precision)
        return self._moment(found) if kind in ("Date", "DateTime", "Time") else found

    def _operand(self, name: str, given: Json) -> tree.Node:
        if "type" not in given and name in ("valueset", "codesystem"):
            given = {"type": "ValueSetRef" if name == "valueset" else "CodeSystemRef", **given}
        return self.node(given)

    def _moment(self, node: tree.Operator) -> tree.Node:
        """A date or time of literals is a literal."""
        values = [o.value if isinstance(o, tree.Literal) else None for o in node.operands]
        if not values or None in values:
            return node
        offset = None
        if node.name == "DateTime" and len(values) == 8:
            offset = int(Decimal(str(values.pop())) * 60)
        seconds = 2 if node.name == "Time" else 5
        parts: list[Any] = list(values)
        if len(parts) > seconds + 1:
            parts[seconds] = Decimal(parts[seconds]) + Decimal(parts.pop()).scaleb(-3)
        elif len(parts) == seconds + 1:
            parts[seconds] = Decimal(parts[seconds])
        kind = {"Date": temporal.Date, "DateTime": temporal.DateTime, "Time": temporal.Time}[node.name]
        return tree.Literal(kind(tuple(parts), offset), type=ItemType("System", node.name))

    def literal(self, node: Json) -> tree.Node:
        type_ = self.names.parse(node["valueType"])
        text = node.get("value", "")
        readers: dict[str, Callable[[str], Any]] = {
            "Boolean": lambda t: t == "true",
            "Integer": int,
            "Long": int,
            "Decimal": Decimal,
        }
        return tree.Literal(readers.get(type_.name, str)(text), type=type_)

    def quantity(self, node: Json) -> tree.Node:
        return tree.Literal(_quantity(node), type=QUANTITY)

    def ratio(self, node: Json) -> tree.Node:
        return tree.Ratio(_quantity(node["numerator"]), _quantity(node["denominator"]))

    def interval(self, node: Json) -> tree.Node:
        ends: list[bool | tree.Node] = []
        for side in ("low", "high"):
            computed = self.perhaps(node, f"{side}ClosedExpression")
            ends.append(computed if computed is not None else node.get(f"{side}Closed", True))
        low, high = (self.perhaps(node, side) or tree.Null() for side in ("low", "high"))
        return tree.Interval(low, high, ends[0], ends[1])

    def elements(self, node: Json) -> tuple[tree.Element, ...]:
        found = []
        for e in node.get("element", ()):
            value = self.node(e["value"])
            found.append(tree.Element(e["name"], value, type=value.type))
        return tuple(found)

    def instance(self, node: Json) -> tree.Node:
        return tree.Instance(
            self.elements(node), type=self.names.given(node, "classType", "classTypeSpecifier")
        )

    def code(self, node: Json) -> tree.Code:
        return tree.Code(node["code"], self.system(node["system"]), node.get("display"), type=CODE)

    def function_ref(self, node: Json) -> tree.Node:
        operands = self.nodes(node.get("operand", []))
        signature = tuple(map(self.names.type_of, node.get("signature", ()))) or tuple(
            o.type for o in operands
        )
        return tree.FunctionRef(node.get("libraryName", ""), node["name"], operands, signature)

    def property(self, node: Json) -> tree.Node:
        if "source" not in node:
            scope = node["scope"]
            return tree.Property(tree.AliasRef(scope, type=self.aliases.get(scope, ANY)), node["path"])
        return tree.Property(self.node(node["source"]), node["path"])

    def case(self, node: Json) -> tree.Node:
        type_ = self.result(node)
        items = [
            tree.CaseItem(self.node(i["when"]), self.node(i["then"]), type=type_) for i in node["caseItem"]
        ]
        return tree.Case(self.perhaps(node, "comparand"), tuple(items), self.node(node["else"]))

    def query(self, node: Json) -> tree.Node:
        sources = []
        for s in node["source"]:
            value = self.node(s["expression"])
            item = value.type.element if isinstance(value.type, ListOf) else value.type
            self.aliases[s["alias"]] = item
            sources.append(tree.Source(s["alias"], value, type=item, place=self.place(s)))
        lets = []
        for given in node.get("let", ()):
            value = self.node(given["expression"])
            lets.append(tree.Let(given["identifier"], value, type=value.type))
        returns = aggregate = None
        if "return" in node:
            value = self.node(node["return"]["expression"])
            returns = tree.Return(value, node["return"].get("distinct", True), type=value.type)
        if "aggregate" in node:
            clause = node["aggregate"]
            value = self.node(clause["expression"])
            starting = self.perhaps(clause, "starting") or tree.Null()
            aggregate = tree.AggregateClause(
                clause["identifier"], value, starting, clause.get("distinct", False), type=value.type
            )
        item = sources[0].type if len(sources) == 1 else tuple_of({s.alias: s.type for s in sources})
        item = item if returns is None else returns.type
        sort = tuple(self.sort_item(by, item) for by in node.get("sort", {}).get("by", ()))
        relationships = tuple(map(self.relationship, node.get("relationship", ())))
        return tree.Query(
            tuple(sources), tuple(lets), relationships, self.perhaps(node, "where"), returns, aggregate, sort
        )

    def relationship(self, node: Json) -> tree.Relationship:
        value = self.node(node["expression"])
        item = value.type.element if isinstance(value.type, ListOf) else value.type
        self.aliases[node["alias"]] = item
        return tree.Relationship(
            node["alias"], value, self.node(node["suchThat"]), node["type"] == "Without", type=item
        )

    def sort_item(self, node: Json, item: Type) -> tree.SortItem:
        key: tree.Node | None = None
        if node["type"] == "ByColumn":
            key = tree.Property(tree.Current(type=item), node["path"], type=self.result(node))
        elif node["type"] == "ByExpression":
            key = self.node(node["expression"])
        descending = node["direction"].startswith("desc")
        return tree.SortItem(key, descending, type=item if key is None else key.type, place=self.place(node))

    def retrieve(self, node: Json) -> tree.Node:
        return tree.Retrieve(
            self.names.parse(node["dataType"]),
            node.get("templateId"),
            node.get("codeProperty"),
            node.get("codeComparator"),
            self.perhaps(node, "codes"),
            node.get("dateProperty"),
            self.perhaps(node, "dateRange"),
            node.get("idProperty"),
            self.perhaps(node, "id"),
            self.perhaps(node, "context"),
        )

    def typed(self, node: Json) -> tree.Node:
        prefix = {"Is": "is", "As": "as"}.get(node["type"], "to")
        target = self.names.given(node, f"{prefix}Type", f"{prefix}TypeSpecifier")
        operand = self.node(node["operand"])
        match node["type"]:
            case "Is":
                return tree.Is(operand, target, type=BOOLEAN)
            case "As":
                return tree.As(operand, target, bool(node.get("strict")), type=target)
            case "Convert":
                return tree.Convert(operand, target, type=target)
        return tree.CanConvert(operand, target, type=BOOLEAN)


def _typed(statement: Json) -> bool:
    return "resultTypeName" in statement or "resultTypeSpecifier" in statement


def _quantity(node: Json) -> Quantity:
    unit = node.get("unit", "1")
    singular = unit.removesuffix("s")
    calendar = singular in _UNITS and unit != "s"
    return Quantity(Decimal(str(node["value"])), singular if calendar else unit, calendar)


_RULES: dict[str, Callable[[Any, Json], tree.Node]] = {
    "Null": lambda _, __: tree.Null(),
    "Literal": _Reader.literal,
    "Quantity": _Reader.quantity,
    "Ratio": _Reader.ratio,
    "Interval": _Reader.interval,
    "List": lambda r, n: tree.List(r.nodes(n.get("element", []))),
    "Tuple": lambda r, n: tree.Tuple(r.elements(n)),
    "Instance": _Reader.instance,
    "Code": _Reader.code,
    "Concept": lambda r, n: tree.Concept(tuple(map(r.code, n["code"])), n.get("display"), type=CONCEPT),
    "FunctionRef": _Reader.function_ref,
    "Property": _Reader.property,
    "Current": lambda _, n: tree.Current(n.get("scope", "$this")),
    "Iteration": lambda _, n: tree.Iteration(n.get("scope", "$this")),
    "Total": lambda _, n: tree.Total(n.get("scope", "$this")),
    "Is": _Reader.typed,
    "As": _Reader.typed,
    "Convert": _Reader.typed,
    "CanConvert": _Reader.typed,
    "If": lambda r, n: tree.If(r.node(n["condition"]), r.node(n["then"]), r.node(n["else"])),
    "Case": _Reader.case,
    "Filter": lambda r, n: tree.Filter(r.node(n["source"]), r.node(n["condition"]), n.get("scope", "$this")),
    "ForEach": lambda r, n: tree.ForEach(r.node(n["source"]), r.node(n["element"]), n.get("scope", "$this")),
    "Repeat": lambda r, n: tree.Repeat(r.node(n["source"]), r.node(n["element"]), n.get("scope", "$this")),
    "Aggregate": lambda r, n: tree.Aggregate(
        r.node(n["source"]), r.node(n["iteration"]), r.perhaps(n, "initialValue")
    ),
    "Query": _Reader.query,
    "Retrieve": _Reader.retrieve,
}
