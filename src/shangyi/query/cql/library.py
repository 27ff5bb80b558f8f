"""Libraries of typed CQL: definitions by name, and a program, which is a library with all that it includes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from shangyi.query.cql.tree import CodeRef, CodeSystemRef, ExpressionRef, FunctionRef, Node
from shangyi.query.cql.types import Type


@dataclass(frozen=True, slots=True)
class Identifier:
    """The name of a library (``org.example.Common``) and its version."""

    name: str
    version: str | None = None

    def __str__(self) -> str:
        return f"{self.name}|{self.version}" if self.version else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition(Node):
    """Anything that a library defines by name. ``tags`` are those of the comment before it (``@name: value``)."""

    name: str
    private: bool = False
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Using(Definition):
    """``using FHIR version '4.0.1'``: ``name`` is the local one."""

    model: str
    url: str
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Include(Definition):
    """``include Common version '1' called C``: ``name`` is the local one."""

    library: Identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterDef(Definition):
    """``parameter``: ``type`` is that of its value."""

    default: Node | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSystemDef(Definition):
    """``codesystem``: ``id`` is its canonical URL."""

    id: str
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSetDef(Definition):
    """``valueset``: ``id`` is its canonical URL."""

    id: str
    version: str | None = None
    systems: tuple[CodeSystemRef, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeDef(Definition):
    """``code``."""

    id: str
    system: CodeSystemRef
    display: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptDef(Definition):
    """``concept``."""

    codes: tuple[CodeRef, ...]
    display: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionDef(Definition):
    """``define``. ``context`` is ``Patient``, ``Unfiltered`` …; in Patient, ``Patient`` itself is one of these."""

    context: str
    expression: Node


@dataclass(frozen=True, slots=True)
class OperandDef:
    """An operand of a function."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionDef(Definition):
    """``define function``; without an expression it is external: the back end knows it by name and signature."""

    context: str
    operands: tuple[OperandDef, ...]
    expression: Node | None
    fluent: bool = False

    @property
    def signature(self) -> tuple[Type, ...]:
        """The operand types, which tell overloads apart."""
        return tuple(operand.type for operand in self.operands)


@dataclass(frozen=True)
class Library:
    """A library; definitions in the order of the text, expressions in it may refer to later ones.

    ``key``: what identifies its content and that of all it includes, for caches (a hash), or "".
    """

    identifier: Identifier
    usings: tuple[Using, ...] = ()
    includes: tuple[Include, ...] = ()
    parameters: tuple[ParameterDef, ...] = ()
    code_systems: tuple[CodeSystemDef, ...] = ()
    value_sets: tuple[ValueSetDef, ...] = ()
    codes: tuple[CodeDef, ...] = ()
    concepts: tuple[ConceptDef, ...] = ()
    expressions: tuple[ExpressionDef, ...] = ()
    functions: tuple[FunctionDef, ...] = ()
    key: str = field(default="", compare=False)

    @cached_property
    def named(self) -> Mapping[str, Definition]:
        """All definitions but functions; they share one space of names."""
        groups: tuple[tuple[Definition, ...], ...] = (
            self.usings,
            self.includes,
            self.parameters,
            self.code_systems,
            self.value_sets,
            self.codes,
            self.concepts,
            self.expressions,
        )
        return {definition.name: definition for group in groups for definition in group}

    @cached_property
    def overloads(self) -> Mapping[tuple[str, tuple[Type, ...]], FunctionDef]:
        """Functions by name and signature."""
        return {(f.name, f.signature): f for f in self.functions}


@dataclass(frozen=True)
class Program:
    """A library and all that it includes, directly or not."""

    main: Library
    libraries: Mapping[Identifier, Library]

    def library(self, within: Library, local: str) -> Library:
        """The library that ``local`` stands for in ``within``: an include's local name, or "" for itself."""
        if not local:
            return within
        include = within.named[local]
        assert isinstance(include, Include)
        return self.libraries[include.library]

    def expression(self, within: Library, ref: ExpressionRef) -> tuple[Library, ExpressionDef]:
        """The definition that a reference in ``within`` is to, and its library."""
        library = self.library(within, ref.library)
        found = library.named[ref.name]
        assert isinstance(found, ExpressionDef)
        return library, found

    def function(self, within: Library, ref: FunctionRef) -> tuple[Library, FunctionDef]:
        """The definition that a call in ``within`` is of, and its library."""
        library = self.library(within, ref.library)
        return library, library.overloads[ref.name, ref.signature]
