"""What an expression is translated in: names in scope, places, errors, calls of operators."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from shangyi.query.cql import syntax, tree
from shangyi.query.cql.errors import CqlError, CqlSemanticError, near
from shangyi.query.cql.model import Model
from shangyi.query.cql.parser.cursor import Lines
from shangyi.query.cql.translate.overloads import Ambiguous, Overloads
from shangyi.query.cql.translate.signatures import signatures
from shangyi.query.cql.types import IntervalOf, ListOf, Type, choice, tuple_of
from shangyi.query.errors import excerpt
from shangyi.query.types import ItemType


@dataclass
class Frame:
    """Names that a query or function brings; ``this``: what ``$this`` is, and in ``sort`` what bare names are of."""

    names: dict[str, tree.Node] = field(default_factory=dict)
    this: Type | None = None
    implicit: bool = False
    total: Type | None = None


class Scope:
    """The translator's state."""

    def __init__(self, text: str, name: str, models: Sequence[Model]) -> None:
        self.text, self.name = text, name
        self.lines = Lines(text)
        self.types = Overloads(models)
        self.models = list(models)
        self.frames: list[Frame] = []
        self.context = "Unfiltered"
        self.errors: list[CqlError] = []

    # Places and errors

    def place(self, node: syntax.Node) -> tree.Place:
        """Where a node is written."""
        line, column = self.lines.place(node.start)
        end_line, end_column = self.lines.place(max(node.start, node.end - 1))
        return tree.Place(self.name, line, column, end_line, end_column)

    def error(
        self, node: syntax.Node, template: str, near: tuple[str, ...] = (), **args: object
    ) -> CqlSemanticError:
        """An error that marks a node."""
        place = self.place(node)
        return CqlSemanticError(
            template,
            library=self.name,
            line=place.line,
            column=place.column,
            end_line=place.end_line,
            end_column=place.end_column,
            context=excerpt(self.text, node.start, node.end),
            near=near,
            **args,
        )

    def unknown(self, node: syntax.Node, name: str, known: Iterable[str]) -> CqlSemanticError:
        """An error for a name that means nothing here."""
        return self.error(node, "{name} is not known here", near(name, known), name=name)

    # Types

    def type_of(self, written: syntax.TypeSpecifier) -> Type:
        """The type that is written."""
        match written:
            case syntax.ListType():
                return ListOf(self.type_of(written.element))
            case syntax.IntervalType():
                return IntervalOf(self.type_of(written.point))
            case syntax.TupleType():
                return tuple_of({name: self.type_of(type_) for name, type_ in written.elements})
            case syntax.ChoiceType():
                return choice(map(self.type_of, written.options))
        return self.named_type(written)

    def named_type(self, written: syntax.NamedType) -> ItemType:
        """A named type: of the model that is named, else of the models in use, System last."""
        name = ".".join(written.parts)
        prefix, _, rest = name.partition(".")
        if rest and prefix in self.types.models:
            found = self.types.models[prefix].find(rest)
            if found is not None:
                return found.type
            raise self.unknown(written, rest, self.types.models[prefix].classes)
        for model in (*self.models, self.types.models["System"]):
            found = model.find(name)
            if found is not None:
                return found.type
        raise self.unknown(written, name, [n for m in self.types.models.values() for n in m.classes])

    # Conversions and calls

    def convert(self, node: tree.Node, needed: Type, at: syntax.Node) -> tree.Node:
        """``node`` as a value of the type that is needed."""
        found = self.types.to_type(node, needed)
        if found is None:
            raise self.error(at, "A {needed} is needed here, not a {type}", needed=needed, type=node.type)
        return found

    def call(
        self,
        name: str,
        operands: Sequence[tree.Node],
        at: syntax.Node,
        precision: str | None = None,
        shown: str = "",
    ) -> tree.Operator:
        """An operator of System on operands, each converted as the best overload needs it."""
        given = [operand.type for operand in operands]
        try:
            chosen = self.types.choose(given, ((s, r, None) for s, r in signatures()[name]))
        except Ambiguous:
            raise self.ambiguous(shown or name, given, at) from None
        if chosen is None:
            raise self.no_overload(shown or name, given, at)
        converted = tuple(self.types.convert(o, s) for o, s in zip(operands, chosen.steps, strict=True))
        return tree.Operator(name, converted, precision, type=chosen.result, place=self.place(at))

    def no_overload(self, name: str, given: Sequence[Type], at: syntax.Node) -> CqlSemanticError:
        """An error for a call that no overload fits."""
        return self.error(at, "{name} does not take ({types})", name=name, types=", ".join(map(str, given)))

    def ambiguous(self, name: str, given: Sequence[Type], at: syntax.Node) -> CqlSemanticError:
        """An error for a call that several overloads fit."""
        types = ", ".join(map(str, given))
        return self.error(at, "{name} is ambiguous for ({types})", name=name, types=types)

    def fits(self, name: str, given: Sequence[Type]) -> bool:
        """Whether an operator takes operands of these types."""
        return self.types.choose(given, ((s, r, None) for s, r in signatures()[name])) is not None

    # Names in scope

    def local(self, name: str) -> tree.Node | None:
        """An alias, ``let`` or operand, the innermost first."""
        for frame in reversed(self.frames):
            if name in frame.names:
                return frame.names[name]
        return None

    def local_names(self) -> list[str]:
        """All of them, for hints."""
        return [name for frame in self.frames for name in frame.names]
