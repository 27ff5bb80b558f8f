"""References: to definitions, functions, parameters, codes, and to the names of the place itself."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from shangyi.query.cql import tree
from shangyi.query.cql.closures.evaluation import Closure, Frame
from shangyi.query.cql.closures.faults import placed
from shangyi.query.cql.closures.fhirhelpers import FUNCTIONS as FHIRHELPERS
from shangyi.query.cql.closures.scope import Names
from shangyi.query.cql.library import (
    CodeDef,
    CodeSystemDef,
    ConceptDef,
    ExpressionDef,
    FunctionDef,
    Library,
    ParameterDef,
    ValueSetDef,
)
from shangyi.query.cql.values import Code, CodeSystem, Concept, ValueSet
from shangyi.query.errors import EvaluationError

if TYPE_CHECKING:
    from shangyi.query.cql.closures.compiler import Compiler

_HELPERS = "FHIRHelpers"


class Calls(Protocol):
    """What a program gives to references."""

    def definition(self, library: Library, definition: ExpressionDef) -> Callable[[Any], Any]:
        """The value of a definition in an evaluation."""

    def function(self, library: Library, function: FunctionDef) -> Callable[..., Any]:
        """The result of a function, of the evaluation and the operands."""

    def parameter(self, library: Library, parameter: ParameterDef) -> Callable[[Any], Any]:
        """The value of a parameter in an evaluation."""


def _expression(compiler: "Compiler", node: tree.ExpressionRef, names: Names) -> Closure:
    value = compiler.calls.definition(*compiler.program.expression(compiler.library, node))
    return lambda frame: value(frame[0])


def _parameter(compiler: "Compiler", node: tree.ParameterRef, names: Names) -> Closure:
    library = compiler.program.library(compiler.library, node.library)
    found = library.named[node.name]
    assert isinstance(found, ParameterDef)
    value = compiler.calls.parameter(library, found)
    return placed(lambda frame: value(frame[0]), node.place)


def _function(compiler: "Compiler", node: tree.FunctionRef, names: Names) -> Closure:
    operands = compiler.all(node.operands, names)
    if node.library == _HELPERS or _is_helpers(compiler, node):
        return _helper(node, operands)
    call = compiler.calls.function(*compiler.program.function(compiler.library, node))

    def run(frame: Frame) -> Any:
        return call(frame[0], *[operand(frame) for operand in operands])

    return placed(run, node.place)


def _is_helpers(compiler: "Compiler", node: tree.FunctionRef) -> bool:
    return compiler.program.library(compiler.library, node.library).identifier.name == _HELPERS


def _helper(node: tree.FunctionRef, operands: tuple[Closure, ...]) -> Closure:
    function = FHIRHELPERS.get(node.name)
    if function is None:
        raise NotImplementedError(f"FHIRHelpers.{node.name}")
    (operand,) = operands

    def run(frame: Frame) -> Any:
        value = operand(frame)
        return None if value is None else function(value, frame[0].offset)

    return placed(run, node.place)


def _operand(compiler: "Compiler", node: tree.OperandRef, names: Names) -> Closure:
    slot = names.operands[node.name]
    return lambda frame: frame[slot]


def _alias(compiler: "Compiler", node: tree.AliasRef, names: Names) -> Closure:
    slot = names.aliases[node.name]
    return lambda frame: frame[slot]


def _let(compiler: "Compiler", node: tree.QueryLetRef, names: Names) -> Closure:
    slot = names.lets[node.name]

    def run(frame: Frame) -> Any:
        value = frame[slot]
        if type(value) is Pending:
            value = frame[slot] = value.closure(frame)
        return value

    return run


class Pending:
    """What a ``let`` holds until it is first asked for in a row."""

    __slots__ = ("closure",)

    def __init__(self, closure: Closure) -> None:
        self.closure = closure


# --- Terminology


def codesystem(compiler: "Compiler", node: tree.CodeSystemRef) -> CodeSystem:
    """The code system that a reference is to."""
    found = compiler.program.library(compiler.library, node.library).named[node.name]
    assert isinstance(found, CodeSystemDef)
    return CodeSystem(found.id, found.version, found.name)


def code(compiler: "Compiler", node: tree.Code) -> Code:
    """A code selector's value."""
    system = codesystem(compiler, node.system)
    return Code(node.code, system.id, system.version, node.display)


def _within(compiler: "Compiler", library: str) -> "Compiler":
    from shangyi.query.cql.closures.compiler import Compiler

    return Compiler(compiler.program, compiler.program.library(compiler.library, library), compiler.calls)


def _defined_code(compiler: "Compiler", node: tree.CodeRef) -> Code:
    inside = _within(compiler, node.library)
    found = inside.library.named[node.name]
    assert isinstance(found, CodeDef)
    system = codesystem(inside, found.system)
    return Code(found.id, system.id, system.version, found.display)


def _code_ref(compiler: "Compiler", node: tree.CodeRef, names: Names) -> Closure:
    value = _defined_code(compiler, node)
    return lambda frame: value


def _concept_ref(compiler: "Compiler", node: tree.ConceptRef, names: Names) -> Closure:
    inside = _within(compiler, node.library)
    found = inside.library.named[node.name]
    assert isinstance(found, ConceptDef)
    value = Concept(tuple(_defined_code(inside, ref) for ref in found.codes), found.display)
    return lambda frame: value


def _valueset_ref(compiler: "Compiler", node: tree.ValueSetRef, names: Names) -> Closure:
    inside = _within(compiler, node.library)
    found = inside.library.named[node.name]
    assert isinstance(found, ValueSetDef)
    systems = tuple(codesystem(inside, ref) for ref in found.systems)
    value = ValueSet(found.id, found.version, found.name, systems)
    return lambda frame: value


def _codesystem_ref(compiler: "Compiler", node: tree.CodeSystemRef, names: Names) -> Closure:
    value = codesystem(compiler, node)
    return lambda frame: value


def external(name: str) -> Callable[..., Any]:
    """A function without a body that this engine does not have."""

    def call(at: Any, *operands: Any) -> Any:
        raise EvaluationError("The external function {name} is not known here", name=name)

    return call


BUILDERS: dict[type[tree.Node], Callable[..., Closure]] = {
    tree.ExpressionRef: _expression,
    tree.ParameterRef: _parameter,
    tree.FunctionRef: _function,
    tree.OperandRef: _operand,
    tree.AliasRef: _alias,
    tree.QueryLetRef: _let,
    tree.CodeRef: _code_ref,
    tree.ConceptRef: _concept_ref,
    tree.ValueSetRef: _valueset_ref,
    tree.CodeSystemRef: _codesystem_ref,
}
