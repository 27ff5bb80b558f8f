"""Typed trees to ELM JSON."""

from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal
from typing import Any

from shangyi.query import temporal
from shangyi.query.cql import library as lib
from shangyi.query.cql import tree
from shangyi.query.cql.elm.names import TypeNames
from shangyi.query.cql.elm.schema import LIMITS, NAMED, REFERENCES, UNARY
from shangyi.query.cql.types import BOOLEAN, DECIMAL, INTEGER, LONG, STRING
from shangyi.query.quantity import Quantity

Json = dict[str, Any]
_SCHEMA = {"id": "urn:hl7-org:elm", "version": "r1"}


def write(library: lib.Library) -> Json:
    """The library as ELM JSON, with places and result types."""
    return _Writer(library).library()


class _Writer:
    def __init__(self, library: lib.Library) -> None:
        self.source = library
        self.names = TypeNames({using.model: using.url for using in library.usings})

    def library(self) -> Json:
        one = self.source
        identifier = {"id": one.identifier.name.rpartition(".")[2]}
        if "." in one.identifier.name:
            identifier["system"] = one.identifier.name.rpartition(".")[0]
        if one.identifier.version:
            identifier["version"] = one.identifier.version
        usings: list[Json] = [{"localIdentifier": "System", "uri": "urn:hl7-org:elm-types:r1"}]
        usings += [_some(localIdentifier=u.name, uri=u.url, version=u.version) for u in one.usings]
        defined: list[lib.ExpressionDef | lib.FunctionDef] = [*one.expressions, *one.functions]
        contexts = dict.fromkeys(d.context for d in defined)
        statements = list(map(self.definition, defined))
        groups: dict[str, list[Json]] = {
            "usings": usings,
            "includes": [
                _some(localIdentifier=i.name, path=i.library.name, version=i.library.version)
                for i in one.includes
            ],
            "parameters": list(map(self.parameter, one.parameters)),
            "codeSystems": [{**self.head(c), **_some(id=c.id, version=c.version)} for c in one.code_systems],
            "valueSets": list(map(self.value_set, one.value_sets)),
            "codes": [
                {**self.head(c), **_some(id=c.id, display=c.display), "codeSystem": self.plain(c.system)}
                for c in one.codes
            ],
            "concepts": [
                {**self.head(c), **_some(display=c.display), "code": list(map(self.plain, c.codes))}
                for c in one.concepts
            ],
            "contexts": [{"name": name} for name in contexts if name != "Unfiltered"],
            "statements": statements,
        }
        body: Json = {"identifier": identifier, "schemaIdentifier": _SCHEMA}
        body |= {name: {"def": rows} for name, rows in groups.items() if rows}
        return {"library": body}

    def head(self, d: lib.Definition) -> Json:
        found = _some(name=d.name, accessLevel="Private" if d.private else "Public", **self.where(d))
        if d.tags:
            tags = [{"name": name, "value": value} for name, value in d.tags]
            found["annotation"] = [{"type": "Annotation", "t": tags}]
        return found

    def where(self, node: tree.Node) -> Json:
        return {"locator": str(node.place)} if node.place.line else {}

    def parameter(self, d: lib.ParameterDef) -> Json:
        found = {**self.head(d), **self.names.written(d.type, "parameterType", "parameterTypeSpecifier")}
        return found if d.default is None else {**found, "default": self.node(d.default)}

    def value_set(self, d: lib.ValueSetDef) -> Json:
        found = {**self.head(d), **_some(id=d.id, version=d.version)}
        return {**found, "codeSystem": list(map(self.plain, d.systems))} if d.systems else found

    def plain(self, ref: tree.CodeSystemRef | tree.CodeRef) -> Json:
        return _some(name=ref.name, libraryName=ref.library or None)

    def definition(self, d: lib.ExpressionDef | lib.FunctionDef) -> Json:
        found = {**self.head(d), "context": d.context}
        found |= self.names.written(d.type, "resultTypeName", "resultTypeSpecifier")
        if isinstance(d, lib.FunctionDef):
            found["type"] = "FunctionDef"
            found |= {"fluent": True} if d.fluent else {}
            found["operand"] = [
                {"name": o.name, **self.names.written(o.type, "operandType", "operandTypeSpecifier")}
                for o in d.operands
            ]
        if d.expression is None:
            return {**found, "external": True}
        return {**found, "expression": self.node(d.expression)}

    def node(self, node: tree.Node) -> Json:
        """Any expression."""
        found: Json = {"type": type(node).__name__, **self.where(node)}
        found |= self.names.written(node.type, "resultTypeName", "resultTypeSpecifier")
        rule = _RULES.get(type(node))
        if rule is not None:
            return found | rule(self, node)
        return found | self.by_fields(node)

    def by_fields(self, node: tree.Node) -> Json:
        """Nodes whose fields are called as in ELM, or nearly."""
        found: Json = {}
        for name, value in _fields(node):
            key = _KEYS.get((type(node), name), _KEYS.get(name, name))
            if value is None or value == ():
                continue
            if isinstance(value, tree.Node):
                found[key] = self.node(value)
            elif isinstance(value, tuple):
                found[key] = [self.node(part) for part in value]
            else:
                found[key] = value
        return found

    # Nodes that ELM writes otherwise

    def literal(self, node: tree.Literal) -> Json:
        value = node.value
        if isinstance(value, Quantity):
            return {"type": "Quantity", "value": _number(value.value), "unit": value.unit}
        if isinstance(value, temporal.Temporal):
            return self.moment(value)
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return {"valueType": self.names.qualified(_value_type(node)), "value": text}

    def moment(self, value: temporal.Temporal) -> Json:
        parts: list[Any] = list(value.parts)
        if len(parts) + value.first == 6:
            seconds = Decimal(parts.pop())
            parts.append(int(seconds))
            exponent = seconds.as_tuple().exponent
            if isinstance(exponent, int) and exponent < 0:
                parts.append(int(seconds % 1 * 1000))
        found: Json = {"type": value.kind}
        for name, part in zip(NAMED[value.kind], parts, strict=False):
            found[name] = self.node(tree.Literal(int(part), type=INTEGER))
        if value.offset is not None:
            hours = Decimal(value.offset) / 60
            found["timezoneOffset"] = self.node(tree.Literal(hours, type=DECIMAL))
        return found

    def ratio(self, node: tree.Ratio) -> Json:
        return {
            side: {"value": _number(q.value), "unit": q.unit}
            for side, q in (("numerator", node.numerator), ("denominator", node.denominator))
        }

    def interval(self, node: tree.Interval) -> Json:
        found: Json = {"low": self.node(node.low), "high": self.node(node.high)}
        for side, closed in (("low", node.low_closed), ("high", node.high_closed)):
            if isinstance(closed, tree.Node):
                found[f"{side}ClosedExpression"] = self.node(closed)
            else:
                found[f"{side}Closed"] = closed
        return found

    def operator(self, node: tree.Operator) -> Json:
        found: Json = {"type": node.name}
        if node.name in LIMITS:
            return {**found, **self.names.written(node.type, "valueType", "valueTypeSpecifier")}
        if node.precision is not None:
            found["precision"] = node.precision.capitalize()
        names = NAMED.get(node.name)
        if names is None:
            operands = [self.node(operand) for operand in node.operands]
            if operands:
                found["operand"] = operands[0] if node.name in UNARY else operands
            return found
        for name, operand in zip(names, node.operands, strict=False):
            written = self.node(operand)
            if name in REFERENCES and written["type"] != REFERENCES[name]:
                name = f"{name}Expression"
            found[name] = written
        return found

    def typed(self, node: tree.Is | tree.As | tree.Convert | tree.CanConvert) -> Json:
        prefix = {tree.Is: "is", tree.As: "as"}.get(type(node), "to")
        found = {"operand": self.node(node.operand)}
        found |= self.names.written(node.target, f"{prefix}Type", f"{prefix}TypeSpecifier")
        return {**found, "strict": node.strict} if isinstance(node, tree.As) else found

    def instance(self, node: tree.Instance) -> Json:
        found = self.names.written(node.type, "classType", "classTypeSpecifier")
        return {**found, "element": [self.element(e) for e in node.elements]}

    def element(self, node: tree.Element) -> Json:
        return {"name": node.name, "value": self.node(node.value)}

    def tuple(self, node: tree.Tuple) -> Json:
        return {"element": [self.element(e) for e in node.elements]}

    def code(self, node: tree.Code) -> Json:
        return {"code": node.code, **_some(display=node.display), "system": self.plain(node.system)}

    def concept(self, node: tree.Concept) -> Json:
        return {**_some(display=node.display), "code": [self.code(c) for c in node.codes]}

    def reference(self, node: Any) -> Json:
        return _some(name=node.name, libraryName=node.library or None)

    def function(self, node: tree.FunctionRef) -> Json:
        found = self.reference(node)
        found["signature"] = [self.names.specifier(t) for t in node.signature]
        return {**found, "operand": [self.node(o) for o in node.operands]}

    def property(self, node: tree.Property) -> Json:
        return {"path": node.path, "source": self.node(node.source)}

    def relationship(self, node: tree.Relationship) -> Json:
        return {
            "type": "Without" if node.negated else "With",
            "alias": node.alias,
            "expression": self.node(node.expression),
            "suchThat": self.node(node.condition),
        }

    def query(self, node: tree.Query) -> Json:
        found: Json = {
            "source": [
                {"alias": s.alias, **self.where(s), "expression": self.node(s.expression)}
                for s in node.sources
            ],
            "let": [
                {"identifier": x.name, **self.where(x), "expression": self.node(x.expression)}
                for x in node.lets
            ],
            "relationship": [self.node(r) for r in node.relationships],
        }
        if node.where is not None:
            found["where"] = self.node(node.where)
        if node.returns is not None:
            found["return"] = {
                **self.where(node.returns),
                "distinct": node.returns.distinct,
                "expression": self.node(node.returns.expression),
            }
        if node.aggregate is not None:
            clause = node.aggregate
            found["aggregate"] = {
                **self.where(clause),
                "identifier": clause.name,
                "distinct": clause.distinct,
                "expression": self.node(clause.expression),
                "starting": self.node(clause.starting),
            }
        if node.sort:
            found["sort"] = {"by": [self.sort_item(item) for item in node.sort]}
        return found

    def sort_item(self, item: tree.SortItem) -> Json:
        found: Json = {"direction": "desc" if item.descending else "asc", **self.where(item)}
        if item.expression is None:
            return {"type": "ByDirection", **found}
        if isinstance(item.expression, tree.Property) and isinstance(item.expression.source, tree.Current):
            typed = self.names.written(item.expression.type, "resultTypeName", "resultTypeSpecifier")
            return {"type": "ByColumn", "path": item.expression.path, **found, **typed}
        return {"type": "ByExpression", **found, "expression": self.node(item.expression)}

    def retrieve(self, node: tree.Retrieve) -> Json:
        found = _some(
            dataType=self.names.qualified(node.data_type),
            templateId=node.template,
            codeProperty=node.code_property,
            codeComparator=node.comparator,
            dateProperty=node.date_property,
            idProperty=node.id_property,
        )
        for name, part in (
            ("codes", node.codes),
            ("dateRange", node.date_range),
            ("id", node.id),
            ("context", node.context),
        ):
            if part is not None:
                found[name] = self.node(part)
        return found


_KEYS: dict[Any, str] = {
    "otherwise": "else",
    "elements": "element",
    "items": "caseItem",
    "initial": "initialValue",
}
_RULES: dict[type[Any], Callable[[Any, Any], Json]] = {
    tree.Literal: _Writer.literal,
    tree.Ratio: _Writer.ratio,
    tree.Interval: _Writer.interval,
    tree.Operator: _Writer.operator,
    tree.Is: _Writer.typed,
    tree.As: _Writer.typed,
    tree.Convert: _Writer.typed,
    tree.CanConvert: _Writer.typed,
    tree.Instance: _Writer.instance,
    tree.Tuple: _Writer.tuple,
    tree.Code: _Writer.code,
    tree.Concept: _Writer.concept,
    tree.FunctionRef: _Writer.function,
    tree.Property: _Writer.property,
    tree.Relationship: _Writer.relationship,
    tree.Query: _Writer.query,
    tree.Retrieve: _Writer.retrieve,
    **dict.fromkeys(
        (
            tree.ExpressionRef,
            tree.ParameterRef,
            tree.ValueSetRef,
            tree.CodeSystemRef,
            tree.CodeRef,
            tree.ConceptRef,
        ),
        _Writer.reference,
    ),
}


def _fields(node: tree.Node) -> list[tuple[str, Any]]:
    return [(f.name, getattr(node, f.name)) for f in fields(node) if f.name not in ("type", "place")]


def _some(**members: Any) -> Json:
    return {name: value for name, value in members.items() if value is not None}


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _value_type(node: tree.Literal) -> Any:
    known = {bool: BOOLEAN, str: STRING, Decimal: DECIMAL}
    if node.type in (INTEGER, LONG):
        return node.type
    return known.get(type(node.value), INTEGER)
