"""The walk that gives every node its meaning and its type, or says where the expression can never be right."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from shangyi.query import temporal, tree, typed, types
from shangyi.query.errors import SemanticError, excerpt
from shangyi.query.model import FHIR, Form, Model
from shangyi.query.quantity import Quantity
from shangyi.query.resolve import externals, operators
from shangyi.query.resolve.functions import SIGNATURES
from shangyi.query.resolve.scope import Scope
from shangyi.query.resolve.signature import Parameter, Signature
from shangyi.query.types import BOOLEAN, INTEGER, QUANTITY, STRING, ItemType, Type

_LITERALS = {bool: types.BOOLEAN, str: types.STRING, int: types.INTEGER}


@dataclass(frozen=True, slots=True)
class Options:
    """``strict``: no criterion that is a System value but no Boolean; singleton evaluation would call it true.
    ``check_order``: no function that goes by order on a collection that has none. ``variables``: their types.
    """

    strict: bool = False
    check_order: bool = False
    variables: Mapping[str, Type] = field(default_factory=dict)
    resource: Type | None = None


def resolve(
    node: tree.Node, root: Type, *, text: str = "", options: Options = Options(), model: Model = FHIR
) -> typed.Node:
    """The typed tree of ``node`` for a context of type ``root``; SemanticError with its place in ``text``."""
    return _Resolver(text, root, options, model).resolve(node, Scope(root))


class _Resolver:
    def __init__(self, text: str, root: Type, options: Options, model: Model) -> None:
        self.text, self.root, self.options, self.model = text, root, options, model
        self.sites = 0

    def error(self, node: tree.Node, template: str, /, **args: object) -> SemanticError:
        span = _place(node)
        context = excerpt(self.text, span.start, span.end) if self.text else ""
        return SemanticError(template, line=span.line, column=span.column, context=context, **args)

    def resolve(self, node: tree.Node, scope: Scope) -> typed.Node:
        """A node whose definitions end with it: an operand, an argument."""
        return self.chain(node, scope)[0]

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

    def found(self, source: Type, name: str) -> tuple[Form, ...]:
        """The forms of an element in any of the alternatives."""
        return tuple(form for item in source.items or () for form in self.model.forms(item, name))

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

    def unknown(self, node: tree.Member, type_: Type) -> SemanticError:
        names = [
            name
            for item in type_.items or ()
            if item.namespace != "System"
            for name in self.model.elements(item)
        ]
        owner = " | ".join(item.name for item in type_.items or ())
        near = get_close_matches(node.name, names, 1)
        if near:
            return self.error(
                node,
                "{type} has no element {name}; did you mean {near}?",
                type=owner,
                name=node.name,
                near=near[0],
            )
        return self.error(node, "{type} has no element {name}", type=owner, name=node.name)

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

    def type_name(self, node: tree.TypeName, source: Type) -> ItemType:
        system = types.SYSTEM_TYPES.get(node.name)
        found = self.model.find(node.name)
        if node.namespace == "System":
            found = system or ItemType("System", node.name) if system or found else None
        elif node.namespace not in ("", "FHIR"):
            found = None
        elif not node.namespace and system:
            of_system = source.items and all(item.namespace == "System" for item in source.items)
            found = system if found is None or of_system else found
        if found is None:
            raise self.error(node, "There is no type {name}", name=node.name)
        return found

    def is_a(self, item: ItemType, target: ItemType) -> bool:
        return item == target or target in self.model.ancestors(item)

    def narrow(self, source: Type, target: ItemType) -> Type:
        """What of ``source`` can be of ``target``."""
        if source.items is None:
            return Type((target,), 0, source.max, source.ordered)
        kept: list[ItemType] = []
        for item in source.items:
            if self.is_a(item, target):
                kept.append(item)
            elif item in self.model.ancestors(target):
                kept.append(target)
        if not kept:
            return types.NOTHING
        least = source.min if len(kept) == len(source.items) and target not in kept else 0
        if all(self.is_a(item, target) for item in source.items):
            least = source.min
        return Type(tuple(dict.fromkeys(kept)), least, source.max, source.ordered)

    def kinds(self, type_: Type) -> operators.Kinds:
        """System types that a value can have after implicit conversion from the model; None where that is open."""
        if type_.items is None:
            return None
        found: set[ItemType] = set()
        for item in type_.items:
            if self.model.subtypes(item):
                return None
            system = self.model.system(item)
            if system is not None:
                found.add(system)
        return frozenset(found)

    def call(self, node: tree.Call, scope: Scope) -> tuple[typed.Node, Scope]:
        inner = scope
        if node.source is None:
            source: typed.Node = typed.Local("this", type=scope.this, span=node.span)
        else:
            source, inner = self.chain(node.source, scope)
        if node.name == "defineVariable":
            return self.define(node, source, inner)
        signature = SIGNATURES.get(node.name)
        if signature is None:
            near = get_close_matches(node.name, [*SIGNATURES, "defineVariable"], 1)
            if near:
                raise self.error(
                    node,
                    "There is no function {name}(); did you mean {near}()?",
                    name=node.name,
                    near=near[0],
                )
            raise self.error(node, "There is no function {name}()", name=node.name)
        self.check_input(node, signature, source)
        count = len(node.arguments)
        if count < signature.least or (signature.most is not None and count > signature.most):
            raise self.error(node, "{name}() does not take {count} arguments", name=node.name, count=count)
        arguments = self.arguments(node, signature, source.type, inner)
        result = signature.result(source.type, tuple(a.type for a in arguments))
        if node.name == "union":
            result = operators.united(source.type, arguments[0].type, 0)
        called = typed.Call(node.name, source, arguments, type=result, span=node.place)
        return called, inner

    def check_input(self, node: tree.Call, signature: Signature, source: typed.Node) -> None:
        if signature.in_order and self.options.check_order and not source.type.ordered:
            raise self.error(node, "{name}() goes by order, but the collection has none", name=node.name)
        if signature.needs:
            self.check_kind(node, source.type, signature.needs, f"{signature.name}()")

    def check_kind(self, node: tree.Node, type_: Type, needs: tuple[ItemType, ...], what: str) -> None:
        """Refuse what can never be, or become, one of ``needs``."""
        kinds = self.kinds(type_)
        if kinds is None or type_.max == 0:
            return
        widened = kinds.union(*(types.WIDENS.get(kind, ()) for kind in kinds))
        if not widened & set(needs):
            wanted = " or ".join(need.name for need in needs)
            raise self.error(
                node, "{what} needs {wanted}, not {type}", what=what, wanted=wanted, type=str(type_)
            )

    def arguments(
        self, node: tree.Call, signature: Signature, source: Type, scope: Scope
    ) -> tuple[typed.Node, ...]:
        found: list[typed.Node] = []
        for position, argument in enumerate(node.arguments):
            parameter = signature.parameter(position)
            found.append(self.argument(argument, parameter, signature, source, scope))
            self.check_argument(argument, parameter, signature, found[-1].type)
        return tuple(found)

    def argument(
        self, node: tree.Node, parameter: Parameter, signature: Signature, source: Type, scope: Scope
    ) -> typed.Node:
        if parameter.scope == "value":
            return self.resolve(node, scope)
        if parameter.scope == "input":
            same = (
                source is scope.this
            )  # iif() without a source: a path may still start with the context's type
            return self.resolve(node, scope if same else scope.of(source, index=False))
        item = source.with_count(1, 1)
        if signature.name in ("repeat", "repeatAll"):
            return self.repeated(node, item, scope)
        if signature.name == "aggregate":
            return self.resolve(node, scope.of(item, total=Type(None, 0, None)))
        if signature.name == "sort":
            return self.key(node, scope.of(item, index=False))
        return self.resolve(node, scope.of(item))

    def key(self, node: tree.Node, scope: Scope) -> typed.Node:
        """What ``sort`` goes by; a minus in front, or ``desc`` behind, turns it round, whatever its type."""
        order, operand = "asc", node
        if isinstance(node, tree.Unary) and node.operator in ("-", "asc", "desc"):
            order, operand = node.operator, node.operand
        key = self.resolve(operand, scope)
        return typed.Key(key, order, type=key.type, span=node.span)

    def repeated(self, node: tree.Node, item: Type, scope: Scope) -> typed.Node:
        """A projection on the input and on its own results: their types are found by trying until none is new."""
        for _ in range(5):
            inner = self.resolve(node, scope.of(item, index=False))
            merged = types.merge((item, inner.type))
            if merged == item.items:
                return inner
            item = item.with_items(merged)
        return self.resolve(node, scope.of(item.with_items(None), index=False))

    def check_argument(
        self, node: tree.Node, parameter: Parameter, signature: Signature, type_: Type
    ) -> None:
        if not parameter.needs:
            return
        if parameter.needs == (BOOLEAN,) and parameter.scope != "value":
            self.check_criterion(node, type_, f"{signature.name}()")
        else:
            self.check_kind(node, type_, parameter.needs, f"An argument of {signature.name}()")

    def check_criterion(self, node: tree.Node, type_: Type, what: str) -> None:
        if type_.min > 1:
            raise self.error(node, "{what} needs one Boolean, not {type}", what=what, type=str(type_))
        if self.options.strict and type_.items and all(i.namespace == "System" for i in type_.items):
            self.check_kind(node, type_, (BOOLEAN,), what)

    def define(self, node: tree.Call, source: typed.Node, scope: Scope) -> tuple[typed.Node, Scope]:
        if not 1 <= len(node.arguments) <= 2 or not isinstance(node.arguments[0], tree.Literal):
            raise self.error(node, "defineVariable() takes a name in quotes, and a value")
        name = str(node.arguments[0].value)
        if name in scope.defined or externals.reserved(name) or name in self.options.variables:
            raise self.error(node, "%{name} is defined already", name=name)
        value = (
            self.resolve(node.arguments[1], scope.of(source.type, index=False))
            if len(node.arguments) > 1
            else None
        )
        self.sites += 1
        type_ = source.type if value is None else value.type
        defined = typed.Define(source, name, self.sites, value, type=source.type, span=node.span)
        return defined, scope.define(name, self.sites, type_)

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

    def mismatch(self, node: tree.Binary, left: typed.Node, right: typed.Node) -> SemanticError:
        return self.error(
            node,
            "{operator} does not go between {left} and {right}",
            operator=node.operator,
            left=str(left.type),
            right=str(right.type),
        )


def _place(node: tree.Node) -> tree.Span:
    """Where to point: at the name of a member or a function, not at all the path in front of it."""
    if isinstance(node, tree.Member | tree.Call) and node.place is not tree.NOWHERE:
        return node.place
    return node.span


def _constants(node: typed.Node) -> frozenset[tuple[type, object]]:
    """The different literals that a union is certain to hold."""
    if isinstance(node, typed.Constant) and isinstance(node.value, bool | str | int):
        return frozenset({(type(node.value), node.value)})
    if isinstance(node, typed.Operation) and node.operator == "|":
        return _constants(node.left) | _constants(node.right)
    return frozenset()
