"""Calls: of System's functions, of a library's own, fluent ones, and methods on lists."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from shangyi.query.cql import library as lib
from shangyi.query.cql import syntax, tree
from shangyi.query.cql.errors import near
from shangyi.query.cql.lexer import PLURALS
from shangyi.query.cql.translate.overloads import Ambiguous
from shangyi.query.cql.translate.queries import Queries
from shangyi.query.cql.translate.scope import Frame
from shangyi.query.cql.translate.signatures import signatures
from shangyi.query.cql.types import ANY, BOOLEAN, DATE, DATETIME, INTEGER, ListOf, Type

_AGES = {f"In{plural.capitalize()}": precision for plural, precision in PLURALS.items()}
_METHODS = {"single": "SingletonFrom", "combine": "Union"}
_NOT_CALLED = {"Equal", "Equivalent", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"}


class Functions(Queries):
    """Calls."""

    def own_functions(self, name: str) -> Sequence[lib.FunctionDef]:
        """This library's overloads of a name; their bodies may not be translated yet."""
        raise NotImplementedError

    def include_names(self) -> Sequence[str]:
        """The local names of all includes."""
        raise NotImplementedError

    def result_of(self, found: lib.FunctionDef, at: syntax.Node) -> Type:
        """What an own function gives."""
        raise NotImplementedError

    def call_of(self, node: syntax.Call) -> tree.Node:
        """Any call."""
        if node.source is None:
            return self._plain(node)
        if isinstance(node.source, syntax.Identifier) and self.local(node.source.name) is None:
            library = self.included(node.source.name)
            if library is not None:
                return self._of_library(library, node.source.name, node)
            if node.source.name == "System":
                return self._system(node.name, list(map(self.expression, node.arguments)), node)
        method = self._method(node)
        if method is not None:
            return method
        return self._fluent(node)

    def _plain(self, node: syntax.Call) -> tree.Node:
        """``name(…)``: an own function, else one of System."""
        own = self.own_functions(node.name)
        operands = list(map(self.expression, node.arguments))
        if own:
            found = self._chosen(node.name, operands, (("", f) for f in own), node)
            if found is not None:
                return found
        return self._system(node.name, operands, node)

    def _chosen(
        self,
        name: str,
        operands: list[tree.Node],
        overloads: Iterator[tuple[str, lib.FunctionDef]],
        at: syntax.Node,
    ) -> tree.Node | None:
        """The call of the overload that fits best; None where none fits."""
        given = [operand.type for operand in operands]
        try:
            chosen = self.types.choose(given, ((f.signature, f.type, (local, f)) for local, f in overloads))
        except Ambiguous:
            raise self.ambiguous(name, given, at) from None
        if chosen is None:
            return None
        local, function = chosen.target
        result = function.type if local else self.result_of(function, at)
        converted = tuple(self.types.convert(o, s) for o, s in zip(operands, chosen.steps, strict=True))
        return tree.FunctionRef(local, name, converted, function.signature, type=result, place=self.place(at))

    def _of_library(self, library: lib.Library, local: str, node: syntax.Call) -> tree.Node:
        overloads = [f for f in library.functions if f.name == node.name]
        if not overloads:
            raise self.unknown(node, node.name, (f.name for f in library.functions))
        public = [f for f in overloads if not f.private]
        if not public:
            raise self.error(node, "{name} is private to {owner}", name=node.name, owner=library.identifier)
        operands = list(map(self.expression, node.arguments))
        found = self._chosen(node.name, operands, ((local, f) for f in public), node)
        if found is None:
            raise self.no_overload(node.name, [o.type for o in operands], node)
        return found

    def _fluents(self, name: str) -> Iterator[tuple[str, lib.FunctionDef]]:
        yield from (("", f) for f in self.own_functions(name) if f.fluent)
        for local in self.include_names():
            library = self.included(local)
            if library is not None:
                yield from (
                    (local, f) for f in library.functions if f.name == name and f.fluent and not f.private
                )

    def _fluent(self, node: syntax.Call) -> tree.Node:
        """``x.name(…)``: a fluent function with ``x`` as its first operand, else one of System."""
        assert node.source is not None
        overloads = list(self._fluents(node.name))
        operands = [self.expression(node.source), *map(self.expression, node.arguments)]
        if overloads:
            found = self._chosen(node.name, operands, iter(overloads), node)
            if found is None:
                raise self.no_overload(node.name, [o.type for o in operands], node)
            return found
        name = _METHODS.get(node.name, node.name[:1].upper() + node.name[1:])
        return self._system(name, operands, node)

    # System

    def _system(self, name: str, operands: list[tree.Node], at: syntax.Node) -> tree.Node:
        place = self.place(at)
        if name.startswith(("AgeIn", "CalculateAgeIn")):
            return self._age(name, operands, at)
        match name, operands:
            case "Skip", [source, count]:
                return self._slice(source, self.convert(count, INTEGER, at), tree.Null(type=INTEGER), at)
            case "Tail", [source]:
                return self._slice(source, self._integer(1, at), tree.Null(type=INTEGER), at)
            case "Take", [source, count]:
                zero = self._integer(0, at)
                count = self.call("Coalesce", [self.convert(count, INTEGER, at), zero], at)
                return self._slice(source, zero, count, at)
            case ("Slice", [_, *ends]) if len(ends) < 2:
                found = self.call(name, operands, at)
                missing = tree.Null(type=INTEGER, place=place)
                return replace(found, operands=(*found.operands, *[missing] * (2 - len(ends))))
            case (("Children" | "Descendents" | "Descendants"), [source]):
                return tree.Operator(name, (source,), type=ListOf(ANY), place=place)
            case "Coalesce", [_, _, _, _, _, _, *_]:
                nodes, type_ = self.types.unify(operands)
                return tree.Operator(name, tuple(nodes), type=type_, place=place)
        if name in signatures() and name not in _NOT_CALLED:
            return self.call(name, operands, at)
        own = [f"{local}.{f.name}" for local in self.include_names() for f in self._functions_of(local)]
        hint = near(name, [*signatures(), *(n.rpartition(".")[2] for n in own), *self.known()])
        raise self.error(at, "{name} is no function that is known here", hint, name=name)

    def _functions_of(self, local: str) -> Sequence[lib.FunctionDef]:
        library = self.included(local)
        return () if library is None else library.functions

    def _integer(self, value: int, at: syntax.Node) -> tree.Node:
        return tree.Literal(value, type=INTEGER, place=self.place(at))

    def _slice(self, source: tree.Node, start: tree.Node, end: tree.Node, at: syntax.Node) -> tree.Node:
        checked = self.call("Distinct", [source], at, shown="a list")
        return tree.Operator("Slice", (source, start, end), type=checked.type, place=self.place(at))

    def _age(self, name: str, operands: list[tree.Node], at: syntax.Node) -> tree.Node:
        """``AgeInYears()``, ``AgeInYearsAt(x)``, ``CalculateAgeInYears(b)``, ``CalculateAgeInYearsAt(b, x)``."""
        unit = name.removeprefix("Calculate").removeprefix("Age").removesuffix("At")
        precision = _AGES.get(unit)
        if precision is None:
            raise self.error(at, "{name} is no function that is known here", name=name)
        if name.startswith("Age"):
            operands = [self._birth_date(at), *operands]
        if precision in ("hour", "minute", "second", "millisecond"):
            operands = [self.convert(o, DATETIME, at) for o in operands]
        if name.endswith("At") and [o.type for o in operands] == [DATE, DATETIME]:
            # Whole days are counted where one side has no time of day.
            operands = [operands[0], self.call("DateFrom", [operands[1]], at)]
        return self.call(
            "CalculateAgeAt" if name.endswith("At") else "CalculateAge", operands, at, precision, name
        )

    def _birth_date(self, at: syntax.Node) -> tree.Node:
        model = next((m for m in self.models if m.birth_date), None)
        if model is None or self.context != "Patient":
            raise self.error(at, "An age needs the context Patient and a model of patients")
        node: tree.Node = self.identifier(syntax.Identifier("Patient", start=at.start, end=at.end))
        for name in model.birth_date.split("."):
            node = self.member_of(node, name, at)
        return node

    # Methods with a scope of their own

    def _method(self, node: syntax.Call) -> tree.Node | None:
        """``where``, ``select``, ``all``, ``exists``, ``ofType``, ``is``, ``as``, ``repeat``, ``aggregate``."""
        assert node.source is not None
        place = self.place(node)
        name, count = node.name, len(node.arguments)
        if any(True for _ in self._fluents(name)):
            return None
        if name in ("is", "as", "ofType") and count == 1:
            return self._typed(node)
        if count != 1 or name not in ("where", "select", "all", "exists", "repeat", "aggregate"):
            return None
        source = self._as_list(self.expression(node.source))
        assert isinstance(source.type, ListOf)
        item = source.type.element
        frame = Frame(this=item, implicit=True)
        self.frames.append(frame)
        try:
            inner = self.expression(node.arguments[0])
        finally:
            self.frames.pop()
        match name:
            case "where":
                return tree.Filter(source, self.convert(inner, BOOLEAN, node), type=source.type, place=place)
            case "exists":
                kept = tree.Filter(source, self.convert(inner, BOOLEAN, node), type=source.type, place=place)
                return self.call("Exists", [kept], node)
            case "all":
                each = tree.ForEach(
                    source, self.convert(inner, BOOLEAN, node), type=ListOf(BOOLEAN), place=place
                )
                return self.call("AllTrue", [each], node)
            case "repeat":
                element = inner.type.element if isinstance(inner.type, ListOf) else inner.type
                return tree.Repeat(source, inner, type=ListOf(element), place=place)
            case "aggregate":
                return tree.Aggregate(source, inner, None, type=inner.type, place=place)
        each = tree.ForEach(source, inner, type=ListOf(inner.type), place=place)
        return self.call("Flatten", [each], node) if isinstance(inner.type, ListOf) else each

    def _as_list(self, node: tree.Node) -> tree.Node:
        if isinstance(node.type, ListOf):
            return node
        return tree.Operator("ToList", (node,), type=ListOf(node.type), place=node.place)

    def _typed(self, node: syntax.Call) -> tree.Node:
        """Methods whose argument is the name of a type."""
        assert node.source is not None
        parts: list[str] = []
        argument = node.arguments[0]
        while isinstance(argument, syntax.Member):
            parts.insert(0, argument.name)
            argument = argument.source
        if not isinstance(argument, syntax.Identifier):
            raise self.error(argument, "A type is needed here")
        parts.insert(0, argument.name)
        written = syntax.NamedType(tuple(parts), start=argument.start, end=node.arguments[0].end)
        if node.name != "ofType":
            return self.type_operation(
                syntax.TypeOperation(node.name, node.source, written, start=node.start, end=node.end)
            )
        target = self.named_type(written)
        source = self._as_list(self.expression(node.source))
        assert isinstance(source.type, ListOf)
        place = self.place(node)
        item = tree.Current(type=source.type.element, place=place)
        kept = tree.Filter(
            source, tree.Is(item, target, type=BOOLEAN, place=place), type=source.type, place=place
        )
        return tree.ForEach(
            kept, tree.As(item, target, type=target, place=place), type=ListOf(target), place=place
        )
