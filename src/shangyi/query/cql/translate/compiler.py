"""One library: its definitions, translated as they are first needed."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from shangyi.query.cql import library as lib
from shangyi.query.cql import syntax, tree
from shangyi.query.cql.errors import CqlError, CqlErrors
from shangyi.query.cql.model import Model
from shangyi.query.cql.translate.functions import Functions
from shangyi.query.cql.translate.scope import Frame
from shangyi.query.cql.types import ANY, CODE, CODESYSTEM, CONCEPT, VALUESET, ListOf, Type
from shangyi.query.types import ItemType

_UNKNOWN = ANY


class Compiler(Functions):
    """The translation of one library. ``includes``: libraries by local name."""

    def __init__(
        self,
        text: str,
        written: syntax.Library,
        name: str,
        models: Sequence[tuple[syntax.Using, Model]],
        includes: dict[str, lib.Library],
    ) -> None:
        super().__init__(text, name, [model for _, model in models])
        self.written, self.includes = written, includes
        self.usings = models
        self.by_name: dict[str, syntax.Definition] = {}
        self.functions_by_name: dict[str, list[syntax.Function]] = {}
        self.done: dict[str, lib.Definition | None] = {}
        self.headers: dict[int, lib.FunctionDef] = {}
        self.bodies: dict[int, lib.FunctionDef] = {}
        self.doing: list[str] = []
        for definition in written.definitions:
            self._register(definition)

    def _register(self, definition: syntax.Definition) -> None:
        if isinstance(definition, syntax.Function):
            self.functions_by_name.setdefault(definition.name, []).append(definition)
        elif definition.name in self.by_name and not isinstance(definition, syntax.Using):
            self.errors.append(self.error(definition, "{name} is defined twice", name=definition.name))
        else:
            self.by_name[definition.name] = definition

    def compiled(self) -> lib.Library:
        """The typed library; CqlErrors with all that is wrong."""
        for definition in self.written.definitions:
            try:
                if isinstance(definition, syntax.Function):
                    self._body(definition)
                else:
                    self.definition(definition.name)
            except CqlError as error:
                self._record(error)
        if self.errors:
            raise CqlErrors(sorted(self.errors, key=lambda e: (e.line, e.column)))
        found = [d for d in self.done.values() if d is not None]

        def of(kind: type[Any]) -> tuple[Any, ...]:
            return tuple(d for d in found if type(d) is kind)

        order = {d.name: i for i, d in enumerate(self.written.definitions)}
        expressions = sorted(of(lib.ExpressionDef), key=lambda d: order.get(d.name, -1))
        functions = [self.bodies[d.start] for d in self.written.definitions if isinstance(d, syntax.Function)]
        return lib.Library(
            lib.Identifier(self.written.name or self.name, self.written.version),
            of(lib.Using),
            of(lib.Include),
            of(lib.ParameterDef),
            of(lib.CodeSystemDef),
            of(lib.ValueSetDef),
            of(lib.CodeDef),
            of(lib.ConceptDef),
            tuple(expressions),
            tuple(functions),
            self._key(),
        )

    def _key(self) -> str:
        parts = [self.text, *(f"{m.name}|{m.version}" for m in self.models)]
        parts += [library.key or str(library.identifier) for library in self.includes.values()]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def _record(self, error: CqlError) -> None:
        if error not in self.errors:
            self.errors.append(error)

    # Names

    def known(self) -> list[str]:
        """All names of this library, for hints."""
        return [*self.by_name, *self.functions_by_name]

    def included(self, local: str) -> lib.Library | None:
        """The library of an include."""
        return self.includes.get(local)

    def include_names(self) -> Sequence[str]:
        """The local names of all includes."""
        return list(self.includes)

    def definition(self, name: str) -> lib.Definition | None:
        """A definition, translated at its first use, in its own context and without the names around its use."""
        if name in self.done:
            return self.done[name]
        written = self.by_name.get(name)
        if written is None:
            return self._patient(name)
        if name in self.doing:
            path = " → ".join([*self.doing[self.doing.index(name) :], name])
            raise self.error(written, "{name} is defined by itself: {path}", name=name, path=path)
        try:
            self.done[name] = self._apart(written, name, self._translated)
        except CqlError as error:
            self._record(error)
            self.done[name] = lib.ExpressionDef(
                name=name, context=self.context, expression=tree.Null(), type=_UNKNOWN
            )
        return self.done[name]

    def _apart(self, written: Any, name: str, translate: Callable[[Any], Any]) -> Any:
        frames, context = self.frames, self.context
        self.frames, self.context = [], getattr(written, "context", "Unfiltered")
        self.doing.append(name)
        try:
            return translate(written)
        finally:
            self.doing.pop()
            self.frames, self.context = frames, context

    def _patient(self, name: str) -> lib.Definition | None:
        """The definition that ``context Patient`` brings: the one patient."""
        if name not in {context for _, context in self.written.contexts} or name == "Unfiltered":
            return None
        for model in self.models:
            info = model.find(model.patient if name == "Patient" and model.patient else name)
            if info is not None:
                data = ItemType(model.target_name, info.target or info.type.name)
                retrieve = tree.Retrieve(data, info.identifier or None, type=ListOf(info.type))
                one = tree.Operator("SingletonFrom", (retrieve,), type=info.type)
                self.done[name] = lib.ExpressionDef(name=name, context=name, expression=one, type=info.type)
                return self.done[name]
        return None

    # Definitions

    def _translated(self, d: syntax.Definition) -> lib.Definition:
        place = self.place(d)
        match d:
            case syntax.Using():
                model = next(m for used, m in self.usings if used.name == d.name)
                return lib.Using(name=d.name, model=model.name, url=model.url, version=d.version, place=place)
            case syntax.Include():
                return lib.Include(name=d.name, library=self.includes[d.name].identifier, place=place)
            case syntax.Parameter():
                return self._parameter(d)
            case syntax.CodeSystem():
                return lib.CodeSystemDef(
                    name=d.name,
                    private=d.private,
                    tags=d.tags,
                    id=d.id,
                    version=d.version,
                    type=CODESYSTEM,
                    place=place,
                )
            case syntax.ValueSet():
                systems = tuple(map(self.system_of, d.systems))
                return lib.ValueSetDef(
                    name=d.name, private=d.private, tags=d.tags, id=d.id, version=d.version, systems=systems,
                    type=VALUESET, place=place,
                )  # fmt: skip
            case syntax.CodeDefinition():
                return lib.CodeDef(
                    name=d.name, private=d.private, tags=d.tags, id=d.id, system=self.system_of(d.system),
                    display=d.display, type=CODE, place=place,
                )  # fmt: skip
            case syntax.ConceptDefinition():
                return self._concept(d)
        assert isinstance(d, syntax.Expression)
        expression = self.expression(d.expression)
        return lib.ExpressionDef(
            name=d.name, private=d.private, tags=d.tags, context=d.context, expression=expression,
            type=expression.type, place=place,
        )  # fmt: skip

    def _parameter(self, d: syntax.Parameter) -> lib.Definition:
        default = None if d.default is None else self.expression(d.default)
        if d.type is None and default is None:
            raise self.error(d, "The parameter {name} needs a type or a default", name=d.name)
        type_: Type = default.type if default is not None else ANY
        if d.type is not None:
            type_ = self.type_of(d.type)
            if default is not None and d.default is not None:
                default = self.convert(default, type_, d.default)
        return lib.ParameterDef(
            name=d.name, private=d.private, tags=d.tags, default=default, type=type_, place=self.place(d)
        )

    def _concept(self, d: syntax.ConceptDefinition) -> lib.Definition:
        codes = []
        for name in d.codes:
            found = self.terminology(name)
            if not isinstance(found, tree.CodeRef):
                raise self.error(name, "{name} is no code", name=name.name)
            codes.append(found)
        return lib.ConceptDef(
            name=d.name, private=d.private, tags=d.tags, codes=tuple(codes), display=d.display, type=CONCEPT,
            place=self.place(d),
        )  # fmt: skip

    # Functions

    def own_functions(self, name: str) -> Sequence[lib.FunctionDef]:
        """The overloads of a name, by their heads."""
        return [self._header(written) for written in self.functions_by_name.get(name, ())]

    def _header(self, written: syntax.Function) -> lib.FunctionDef:
        found = self.headers.get(written.start)
        if found is None:
            operands = tuple(lib.OperandDef(name, self.type_of(type_)) for name, type_ in written.operands)
            found = lib.FunctionDef(
                name=written.name, private=written.private, tags=written.tags, context=written.context,
                operands=operands, expression=None, fluent=written.fluent,
                type=ANY if written.returns is None else self.type_of(written.returns), place=self.place(written),
            )  # fmt: skip
            self.headers[written.start] = found
        return found

    def result_of(self, found: lib.FunctionDef, at: syntax.Node) -> Type:
        """What an own function gives: as it says, or as its body does."""
        written = next(
            w for w in self.functions_by_name[found.name] if self._header(w).signature == found.signature
        )
        if written.returns is not None:
            return found.type
        try:
            return self._body(written).type
        except CqlError as error:
            self._record(error)
            return _UNKNOWN

    def _body(self, written: syntax.Function) -> lib.FunctionDef:
        header = self._header(written)
        title = f"{header.name}({', '.join(map(str, header.signature))})"
        if title in self.doing:
            raise self.error(written, "{name} is defined by itself: {path}", name=header.name, path=title)
        if written.start not in self.bodies:
            self.bodies[written.start] = header
            self.bodies[written.start] = self._apart(written, title, self._function)
        return self.bodies[written.start]

    def _function(self, written: syntax.Function) -> lib.FunctionDef:
        header = self._header(written)
        if written.body is None:
            if written.returns is None:
                raise self.error(written, "The external function {name} needs returns", name=written.name)
            return header
        self.frames = [Frame({o.name: tree.OperandRef(o.name, type=o.type) for o in header.operands})]
        body = self.expression(written.body)
        if written.returns is not None:
            body = self.convert(body, header.type, written.body)
        return replace(header, expression=body, type=body.type)

    # Expressions

    def expression(self, node: syntax.Node) -> tree.Node:
        """The typed tree of any expression."""
        rule = _RULES.get(type(node))
        if rule is None:
            raise self.error(node, "{name} is not known here", name=type(node).__name__)
        return rule(self, node)


_RULES: dict[type[Any], Callable[[Any, Any], tree.Node]] = {
    syntax.Literal: Compiler.literal,
    syntax.Quantity: Compiler.quantity,
    syntax.Ratio: Compiler.ratio,
    syntax.Interval: Compiler.interval,
    syntax.List: Compiler.list,
    syntax.Tuple: Compiler.tuple,
    syntax.Instance: Compiler.instance,
    syntax.Code: Compiler.code,
    syntax.Concept: Compiler.concept,
    syntax.Identifier: Compiler.identifier,
    syntax.Member: Compiler.member,
    syntax.Call: Compiler.call_of,
    syntax.Index: Compiler.index,
    syntax.Variable: Compiler.variable,
    syntax.External: Compiler.external,
    syntax.Unary: Compiler.unary,
    syntax.Binary: Compiler.binary,
    syntax.Timing: Compiler.timing,
    syntax.Between: Compiler.between,
    syntax.Span: Compiler.span,
    syntax.TypeOperation: Compiler.type_operation,
    syntax.ConvertUnit: Compiler.convert_unit,
    syntax.If: Compiler.if_,
    syntax.Case: Compiler.case,
    syntax.Per: Compiler.per,
    syntax.Retrieve: Compiler.retrieve,
    syntax.Query: Compiler.query,
}
"""What translates each node."""
