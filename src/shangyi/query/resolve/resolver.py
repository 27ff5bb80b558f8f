"""The walk that gives every node its meaning and its type, or says where the expression can never be right."""

from shangyi.query import temporal, tree, typed, types
from shangyi.query.model import FHIR, Model
from shangyi.query.quantity import Quantity
from shangyi.query.resolve import externals, operators
from shangyi.query.resolve.calls import Calls
from shangyi.query.resolve.options import DEFAULT, Options
from shangyi.query.resolve.scope import Scope
from shangyi.query.types import BOOLEAN, INTEGER, QUANTITY, STRING, Type

_LITERALS = {bool: types.BOOLEAN, str: types.STRING, int: types.INTEGER}


def resolve(
    node: tree.Node, root: Type, *, text: str = "", options: Options = DEFAULT, model: Model = FHIR
) -> typed.Node:
    """The typed tree of ``node`` for a context of type ``root``; SemanticError with its place in ``text``."""
    return _Resolver(text, root, options, model).resolve(node, Scope(root))


class _Resolver(Calls):
    """One expression."""

    def chain(self, node: tree.Node, scope: Scope) -> tuple[typed.Node, Scope]:
        """A node, and the scope for what is called on it: ``defineVariable`` adds to that."""
        match node:
            case tree.Literal():
                of = _LITERALS.get(type(node.value), types.DECIMAL)
                return typed.Constant(node.value, type=types.one(of), span=node.span), scope
            case tree.TemporalLiteral():
                return self.temporal(node), scope
            case tree.QuantityLiteral():
                quantity = Quantity(node.value, node.unit, node.calendar)
                return typed.Constant(quantity, type=types.one(QUANTITY), span=node.span), scope
            case tree.Empty():
                return typed.Empty(type=types.NOTHING, span=node.span), scope
            case tree.Variable():
                return self.local(node, scope), scope
            case tree.External():
                return self.external(node, scope), scope
            case tree.Member():
                return self.member(node, scope)
            case tree.TypeTest():
                return self.type_test(node, scope)
            case tree.Call():
                return self.call(node, scope)
            case tree.Index():
                source, inner = self.chain(node.source, scope)
                return self.at(node, source, self.resolve(node.index, scope)), inner
            case tree.Unary():
                return self.unary(node, scope), scope
            case tree.Binary():
                return self.binary(node, scope), scope
        raise self.error(node, "This is not an expression of FHIRPath")

    def temporal(self, node: tree.TemporalLiteral) -> typed.Node:
        text = node.text.removesuffix("T") if node.kind == "DateTime" else node.text
        value = temporal.parse(node.kind, text)
        if value is None:
            raise self.error(node, "There is no such date or time: {text}", text=node.text)
        return typed.Constant(value, type=types.one(types.SYSTEM_TYPES[node.kind]), span=node.span)

    def local(self, node: tree.Variable, scope: Scope) -> typed.Node:
        found = {"this": scope.this, "index": scope.index, "total": scope.total}[node.name]
        if found is None:
            raise self.error(node, "${name} has no meaning here", name=node.name)
        return typed.Local(node.name, type=found, span=node.span)

    def external(self, node: tree.External, scope: Scope) -> typed.Node:
        if node.name in scope.defined:
            site, type_ = scope.defined[node.name]
            return typed.Defined(node.name, site, type=type_, span=node.span)
        constant = externals.constant(node.name)
        if constant is not None:
            return typed.Constant(constant, type=types.one(STRING), span=node.span)
        type_ = externals.type_of(node.name, self.root, self.options.resource, self.options.variables)
        return typed.External(node.name, type=type_, span=node.span)

    def member(self, node: tree.Member, scope: Scope) -> tuple[typed.Node, Scope]:
        if node.source is not None:
            source, inner = self.chain(node.source, scope)
            return self.field(node, source), inner
        this = typed.Local("this", type=scope.this, span=node.span)
        if scope.root and self.model.find(node.name) and not self.found(scope.this, node.name):
            return self.start(node, this), scope
        return self.field(node, this), scope

    def start(self, node: tree.Member, this: typed.Local) -> typed.Node:
        """A path that starts with the type of its context: ``Patient.name``."""
        target = self.model.find(node.name)
        assert target is not None
        items = this.type.items
        if items is not None and all(self.is_a(item, target) for item in items):
            return this
        narrowed = self.narrow(this.type, target)
        if narrowed.max == 0:
            raise self.error(node, "The context is {type}, not {name}", type=str(this.type), name=node.name)
        return typed.TypeOperation("ofType", this, target, type=narrowed, span=node.span)

    def field(self, node: tree.Member, source: typed.Node) -> typed.Node:
        type_ = source.type
        if type_.max == 0:
            return typed.Field(source, node.name, (), type=types.NOTHING, span=node.place)
        forms = self.found(type_, node.name)
        if type_.items is None or any(
            self.model.subtypes(item) and not self.model.forms(item, node.name) for item in type_.items
        ):  # an element of some narrower type, which only a value knows
            return typed.Field(
                source, node.name, None, type=Type(None, 0, None, type_.ordered), span=node.place
            )
        if not forms:
            raise self.unknown(node, type_)
        many = any(form.many for form in forms)
        every = len(type_.items or ()) == 1 and all(form.required for form in forms)
        result = Type(
            types.merge(types.one(form.type) for form in forms),
            min(type_.min, 1) if every else 0,
            None if many else type_.max,
            type_.ordered,
        )
        return typed.Field(source, node.name, forms, type=result, span=node.place)

    def type_test(self, node: tree.TypeTest, scope: Scope) -> tuple[typed.Node, Scope]:
        inner = scope
        if node.source is None:
            source: typed.Node = typed.Local("this", type=scope.this, span=node.span)
        else:
            source, inner = self.chain(node.source, scope)
        target = self.type_name(node.type, source.type)
        if node.operator == "is":
            result = Type((BOOLEAN,), min(1, source.type.min), 0 if source.type.max == 0 else 1)
        else:
            result = self.narrow(source.type, target)
            if node.operator == "as":
                result = result.with_count(result.min, min(1, result.max if result.max is not None else 1))
        return typed.TypeOperation(node.operator, source, target, type=result, span=node.span), inner

    def at(self, node: tree.Index, source: typed.Node, index: typed.Node) -> typed.Node:
        self.check_kind(node.index, index.type, (INTEGER,), "[]")
        if self.options.check_order and not source.type.ordered:
            raise self.error(node, "[] goes by order, but the collection has none")
        type_ = source.type.with_count(0, 0 if source.type.max == 0 else 1)
        return typed.At(source, index, type=type_, span=node.span)

    def unary(self, node: tree.Unary, scope: Scope) -> typed.Node:
        operand = self.resolve(node.operand, scope)
        self.check_kind(node, operand.type, (INTEGER, types.DECIMAL, QUANTITY), node.operator)
        if node.operator == "+":
            return operand
        return typed.Negation(operand, type=operators.of(self.kinds(operand.type)), span=node.span)

    def binary(self, node: tree.Binary, scope: Scope) -> typed.Node:
        left, right = self.resolve(node.left, scope), self.resolve(node.right, scope)
        return typed.Operation(
            node.operator, left, right, type=self.result(node, left, right), span=node.span
        )

    def result(self, node: tree.Binary, left: typed.Node, right: typed.Node) -> Type:
        operator = node.operator
        kinds = self.kinds(left.type), self.kinds(right.type)
        nothing = left.type.max == 0 or right.type.max == 0
        match operator:
            case "|":
                constants = _constants(left) | _constants(right)
                return operators.united(left.type, right.type, len(constants))
            case "=" | "!=" | "in" | "contains" | "and" | "or" | "xor" | "implies":
                return operators.boolean(left.type, right.type)
            case "~" | "!~":
                return types.one(BOOLEAN)
            case "<" | "<=" | ">" | ">=":
                if not nothing and not operators.comparable(*kinds):
                    raise self.mismatch(node, left, right)
                return operators.boolean(left.type, right.type).with_count(0, 1)
            case "&":
                for side, operand in ((node.left, left), (node.right, right)):
                    self.check_kind(side, operand.type, (STRING,), "&")
                return types.one(STRING)
        found = operators.arithmetic(operator, *kinds)
        if found is not None and not found and not nothing:
            raise self.mismatch(node, left, right)
        return operators.of(found) if found else Type(None, 0, 1)


def _constants(node: typed.Node) -> frozenset[tuple[type, object]]:
    """The different literals that a union is certain to hold."""
    if isinstance(node, typed.Constant) and isinstance(node.value, bool | str | int):
        return frozenset({(type(node.value), node.value)})
    if isinstance(node, typed.Operation) and node.operator == "|":
        return _constants(node.left) | _constants(node.right)
    return frozenset()
