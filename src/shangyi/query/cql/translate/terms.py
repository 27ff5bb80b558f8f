"""Literals, selectors, conditionals and conversions that are written out."""

from dataclasses import replace
from decimal import Decimal

from shangyi.query import temporal
from shangyi.query.cql import syntax, tree
from shangyi.query.cql.translate.names import Names
from shangyi.query.cql.types import (
    ANY,
    BOOLEAN,
    CODE,
    CONCEPT,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    LONG,
    QUANTITY,
    RATIO,
    STRING,
    TIME,
    IntervalOf,
    ListOf,
    TupleOf,
    Type,
    tuple_of,
)
from shangyi.query.quantity import Quantity
from shangyi.query.types import ItemType
from shangyi.terminology import ucum

_LIMIT = 2**31
_TEMPORAL = {"date": ("Date", DATE), "datetime": ("DateTime", DATETIME), "time": ("Time", TIME)}
_CONVERSIONS = {
    STRING: "ToString",
    BOOLEAN: "ToBoolean",
    INTEGER: "ToInteger",
    LONG: "ToLong",
    DECIMAL: "ToDecimal",
    DATETIME: "ToDateTime",
    DATE: "ToDate",
    TIME: "ToTime",
    QUANTITY: "ToQuantity",
    RATIO: "ToRatio",
    CONCEPT: "ToConcept",
}


class Terms(Names):
    """Terms."""

    def literal(self, node: syntax.Literal) -> tree.Node:
        """A literal."""
        place = self.place(node)
        match node.kind:
            case "null":
                return tree.Null(type=ANY, place=place)
            case "boolean":
                return tree.Literal(node.text == "true", type=BOOLEAN, place=place)
            case "string":
                return tree.Literal(node.text, type=STRING, place=place)
            case "long":
                return tree.Literal(int(node.text), type=LONG, place=place)
            case "number" if "." in node.text:
                return tree.Literal(Decimal(node.text), type=DECIMAL, place=place)
            case "number":
                value = int(node.text)
                if value >= _LIMIT:
                    raise self.error(node, "{value} is too large for an Integer", value=value)
                return tree.Literal(value, type=INTEGER, place=place)
        kind, type_ = _TEMPORAL[node.kind]
        moment = temporal.parse(kind, node.text)
        if moment is None or any(part >= 60 for part in moment.parts[5 - moment.first :]):
            raise self.error(node, "{text} is no {type}", text=node.text, type=kind)
        return tree.Literal(moment, type=type_, place=place)

    def quantity(self, node: syntax.Quantity) -> tree.Literal:
        """A quantity; its unit must be one of UCUM."""
        if not node.calendar:
            try:
                ucum.parse(node.unit)
            except ucum.UcumError:
                raise self.error(node, "{unit} is no unit of UCUM", unit=node.unit) from None
        return tree.Literal(
            Quantity(Decimal(node.value), node.unit, node.calendar), type=QUANTITY, place=self.place(node)
        )

    def ratio(self, node: syntax.Ratio) -> tree.Node:
        """A ratio."""
        parts = [self.quantity(part).value for part in (node.numerator, node.denominator)]
        assert isinstance(parts[0], Quantity)
        assert isinstance(parts[1], Quantity)
        return tree.Ratio(parts[0], parts[1], type=RATIO, place=self.place(node))

    def interval(self, node: syntax.Interval) -> tree.Node:
        """``Interval[low, high)``: both of one type."""
        low, high = self.expression(node.low), self.expression(node.high)
        (low, high), point = self._ends(low, high, node)
        return tree.Interval(
            low, high, node.low_closed, node.high_closed, type=IntervalOf(point), place=self.place(node)
        )

    def _ends(self, low: tree.Node, high: tree.Node, at: syntax.Node) -> tuple[list[tree.Node], Type]:
        nodes, point = self.types.unify([low, high])
        if isinstance(point, ListOf | IntervalOf | TupleOf):
            raise self.error(
                at,
                "The ends of an interval are of one type, not {low} and {high}",
                low=low.type,
                high=high.type,
            )
        return nodes, point

    def list(self, node: syntax.List) -> tree.Node:
        """``{ a, b }``: of one type, or of a choice."""
        items = [self.expression(e) for e in node.elements]
        if node.type is not None:
            element = self.type_of(node.type)
            items = [self.convert(i, element, at) for i, at in zip(items, node.elements, strict=True)]
        else:
            items, element = self.types.unify(items) if items else ([], ANY)
        return tree.List(tuple(items), type=ListOf(element), place=self.place(node))

    def elements(self, nodes: tuple[syntax.Element, ...]) -> tuple[tree.Element, ...]:
        """``name: value``, each name once."""
        found: dict[str, tree.Element] = {}
        for node in nodes:
            if node.name in found:
                raise self.error(node, "{name} is given twice", name=node.name)
            value = self.expression(node.value)
            found[node.name] = tree.Element(node.name, value, type=value.type, place=self.place(node))
        return tuple(found.values())

    def tuple(self, node: syntax.Tuple) -> tree.Node:
        """``Tuple { … }``."""
        elements = self.elements(node.elements)
        type_ = tuple_of({e.name: e.type for e in elements})
        return tree.Tuple(elements, type=type_, place=self.place(node))

    def instance(self, node: syntax.Instance) -> tree.Node:
        """``FHIR.Period { … }``: elements of the class, each converted to its type."""
        type_ = self.named_type(node.type)
        converted = []
        for written, element in zip(node.elements, self.elements(node.elements), strict=True):
            known = self.types.element(type_, element.name)
            if known is None:
                near = self.near(element.name, type_)
                raise self.error(written, "{type} has no element {name}", near, type=type_, name=element.name)
            value = self.convert(element.value, known.type, written)
            converted.append(replace(element, value=value, type=value.type))
        return tree.Instance(tuple(converted), type=type_, place=self.place(node))

    def code(self, node: syntax.Code) -> tree.Code:
        """``Code 'x' from "System"``."""
        return tree.Code(
            node.code, self.system_of(node.system), node.display, type=CODE, place=self.place(node)
        )

    def concept(self, node: syntax.Concept) -> tree.Node:
        """``Concept { … }``."""
        return tree.Concept(
            tuple(map(self.code, node.codes)), node.display, type=CONCEPT, place=self.place(node)
        )

    def if_(self, node: syntax.If) -> tree.Node:
        """``if``."""
        condition = self.convert(self.expression(node.condition), BOOLEAN, node.condition)
        (then, otherwise), type_ = self.types.unify(
            [self.expression(node.then), self.expression(node.otherwise)]
        )
        return tree.If(condition, then, otherwise, type=type_, place=self.place(node))

    def case(self, node: syntax.Case) -> tree.Node:
        """``case``."""
        comparand = None if node.comparand is None else self.expression(node.comparand)
        whens = []
        for when, _ in node.items:
            value = self.expression(when)
            if comparand is None:
                value = self.convert(value, BOOLEAN, when)
            else:
                equal = self.call("Equal", [comparand, value], when)
                comparand, value = equal.operands
            whens.append(value)
        results = [self.expression(then) for _, then in node.items] + [self.expression(node.otherwise)]
        results, type_ = self.types.unify(results)
        items = tuple(
            tree.CaseItem(when, then, type=type_, place=when.place)
            for when, then in zip(whens, results, strict=False)
        )
        return tree.Case(comparand, items, results[-1], type=type_, place=self.place(node))

    def type_operation(self, node: syntax.TypeOperation) -> tree.Node:
        """``is``, ``as``, ``cast``, ``convert``, ``minimum``, ``maximum``."""
        place = self.place(node)
        target = self.type_of(node.type)
        if node.operand is None:
            name = "MinValue" if node.operator == "minimum" else "MaxValue"
            return tree.Operator(name, (), type=target, place=place)
        operand = self.expression(node.operand)
        match node.operator:
            case "is":
                return tree.Is(operand, target, type=BOOLEAN, place=place)
            case "as" | "cast":
                self._castable(operand, target, node)
                return tree.As(operand, target, node.operator == "cast", type=target, place=place)
        return self.explicit(operand, target, node)

    def _castable(self, operand: tree.Node, target: Type, node: syntax.Node) -> None:
        types = self.types
        if not (
            types.subtype(target, operand.type)
            or types.subtype(operand.type, target)
            or types.compatible(operand.type, target)
        ):
            raise self.error(node, "A {type} is never a {needed}", type=operand.type, needed=target)

    def explicit(self, operand: tree.Node, target: Type, node: syntax.Node) -> tree.Node:
        """``convert x to T``."""
        name = _CONVERSIONS.get(target) if isinstance(target, ItemType) else None
        if name is not None and operand.type == ANY:
            return tree.Operator(name, (operand,), type=target, place=self.place(node))
        if name is not None and self.fits(name, [operand.type]):
            return self.call(name, [operand], node)
        return self.convert(operand, target, node)

    def convert_unit(self, node: syntax.ConvertUnit) -> tree.Node:
        """``convert x to 'mg'``."""
        unit = tree.Literal(node.unit, type=STRING, place=self.place(node))
        return self.call("ConvertQuantity", [self.expression(node.operand), unit], node)

    def external(self, node: syntax.External) -> tree.Node:
        """``%name``: a parameter."""
        return self.identifier(syntax.Identifier(node.name, start=node.start, end=node.end))

    def variable(self, node: syntax.Variable) -> tree.Node:
        """``$this``, ``$index``, ``$total``."""
        place = self.place(node)
        for frame in reversed(self.frames):
            if frame.this is not None:
                if node.name == "$this":
                    return tree.Current(type=frame.this, place=place)
                if node.name == "$index":
                    return tree.Iteration(type=INTEGER, place=place)
                return tree.Total(type=frame.total or ANY, place=place)
        raise self.error(node, "{name} is not known here", name=node.name)
