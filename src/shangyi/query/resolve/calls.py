"""Calls of functions: their arguments, each in the scope that its parameter says, and ``defineVariable``."""

from difflib import get_close_matches

from shangyi.fhir import definitions
from shangyi.query import tree, typed, types
from shangyi.query.resolve import externals, operators
from shangyi.query.resolve.checks import Checks
from shangyi.query.resolve.functions import SIGNATURES
from shangyi.query.resolve.scope import Scope
from shangyi.query.resolve.signature import Parameter, Signature
from shangyi.query.types import BOOLEAN, Type


class Calls(Checks):
    """Resolves calls; what stands around them is the resolver's."""

    sites = 0

    def resolve(self, node: tree.Node, scope: Scope) -> typed.Node:
        """A node whose definitions end with it: an operand, an argument."""
        return self.chain(node, scope)[0]

    def chain(self, node: tree.Node, scope: Scope) -> tuple[typed.Node, Scope]:
        """A node, and the scope for what is called on it: ``defineVariable`` adds to that."""
        raise NotImplementedError

    def call(self, node: tree.Call, scope: Scope) -> tuple[typed.Node, Scope]:
        """A function on its source, checked against its signature."""
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
        """Refuse an input of the wrong type, or without the order that the function goes by."""
        if signature.in_order and self.options.check_order and not source.type.ordered:
            raise self.error(node, "{name}() goes by order, but the collection has none", name=node.name)
        if signature.needs:
            self.check_kind(node, source.type, signature.needs, f"{signature.name}()")

    def arguments(
        self, node: tree.Call, signature: Signature, source: Type, scope: Scope
    ) -> tuple[typed.Node, ...]:
        """All arguments, checked."""
        found: list[typed.Node] = []
        for position, argument in enumerate(node.arguments):
            parameter = signature.parameter(position)
            found.append(self.argument(argument, parameter, signature, source, scope))
            self.check_argument(argument, parameter, signature, found[-1].type)
        return tuple(found)

    def argument(
        self, node: tree.Node, parameter: Parameter, signature: Signature, source: Type, scope: Scope
    ) -> typed.Node:
        """One argument, in the scope of its parameter."""
        if signature.name == "getReferenceKey":
            return self.type_argument(node)
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

    def type_argument(self, node: tree.Node) -> typed.Node:
        """A type of resource by its bare name: ``getReferenceKey(Patient)``."""
        name = node.name if isinstance(node, tree.Member) else ""
        source = node.source if isinstance(node, tree.Member) else None
        qualified = isinstance(source, tree.Member) and source.source is None and source.name == "FHIR"
        if not definitions.is_resource_type(name) or not (source is None or qualified):
            raise self.error(node, "getReferenceKey() takes the name of a resource type")
        return typed.Constant(name, type=types.one(types.STRING), span=node.span)

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
        """Refuse an argument of the wrong type."""
        if not parameter.needs:
            return
        if parameter.needs == (BOOLEAN,) and parameter.scope != "value":
            self.check_criterion(node, type_, f"{signature.name}()")
        else:
            self.check_kind(node, type_, parameter.needs, f"An argument of {signature.name}()")

    def define(self, node: tree.Call, source: typed.Node, scope: Scope) -> tuple[typed.Node, Scope]:
        """``defineVariable``: its name is known from here on in the chain."""
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
