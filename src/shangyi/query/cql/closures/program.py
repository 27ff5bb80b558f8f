"""A program compiled: its definitions by name, each compiled when first needed and kept, run for many residents."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from shangyi.query.cql.closures.compiler import Compiler
from shangyi.query.cql.closures.evaluation import UNSET, Closure, Evaluation
from shangyi.query.cql.closures.faults import located
from shangyi.query.cql.closures.references import external
from shangyi.query.cql.closures.scope import Names, Slots, frame
from shangyi.query.cql.closures.types import tester
from shangyi.query.cql.library import ExpressionDef, FunctionDef, Library, ParameterDef, Program
from shangyi.query.errors import EvaluationError


@dataclass(frozen=True)
class Fault:
    """What stands in the place of a value that could not be computed."""

    error: EvaluationError

    def __str__(self) -> str:
        return str(self.error)


class Engine:
    """The compiled program. It holds nothing of a run and can serve many at once."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._values: dict[tuple[int, str], Callable[[Evaluation], Any]] = {}
        self._functions: dict[tuple[int, str, Any], Callable[..., Any]] = {}

    @property
    def names(self) -> list[str]:
        """The definitions of the main library, in the order of its text."""
        return [definition.name for definition in self.program.main.expressions]

    def value(self, name: str, at: Evaluation) -> Any:
        """The value of one definition of the main library; EvaluationError with its place."""
        definition = self.program.main.named.get(name)
        if not isinstance(definition, ExpressionDef):
            raise EvaluationError("There is no definition {name}", name=name)
        return self.definition(self.program.main, definition)(at)

    def run(self, at: Evaluation, names: Iterable[str] | None = None) -> Iterator[tuple[str, Any]]:
        """The values of definitions by name, all by default; one that fails gives a Fault, and the others go on."""
        for name in self.names if names is None else names:
            try:
                yield name, self.value(name, at)
            except EvaluationError as error:
                yield name, Fault(error)

    def has(self, name: str) -> bool:
        """Whether the main library has a definition or a function of this name."""
        return isinstance(self.program.main.named.get(name), ExpressionDef) or self.is_function(name)

    def is_function(self, name: str) -> bool:
        """Whether the main library has a function of this name and one operand, and no definition."""
        main = self.program.main
        return name not in main.named and any(f.name == name and len(f.operands) == 1 for f in main.functions)

    def call(self, name: str, at: Evaluation, operand: Any) -> Any:
        """A function of the main library with one operand; EvaluationError where none takes such a value."""
        main = self.program.main
        for function in main.functions:
            if function.name == name and len(function.operands) == 1:
                (type_,) = function.signature
                if operand is None or tester(type_)(operand):
                    return self.function(main, function)(at, operand)
        raise EvaluationError("No function {name} takes this item", name=name)

    # What references ask for

    def definition(self, library: Library, definition: ExpressionDef) -> Callable[[Evaluation], Any]:
        """Its value, computed once in a run."""
        key = (id(library), definition.name)
        found = self._values.get(key)
        if found is None:
            found = self._values[key] = self._remembered(key, self._definition(library, definition))
        return found

    def _definition(self, library: Library, definition: ExpressionDef) -> Callable[[Evaluation], Any]:
        compiled: list[tuple[Closure, Slots]] = []

        def value(at: Evaluation) -> Any:
            if not compiled:
                slots = Slots()
                names = Names(slots)
                compiled.append(
                    (Compiler(self.program, library, self).node(definition.expression, names), slots)
                )
            closure, slots = compiled[0]
            try:
                return closure(frame(at, slots))
            except RecursionError:
                raise located(EvaluationError("This is nested too deeply"), definition.place) from None

        return value

    @staticmethod
    def _remembered(key: Any, compute: Callable[[Evaluation], Any]) -> Callable[[Evaluation], Any]:
        def value(at: Evaluation) -> Any:
            found = at.known.get(key, UNSET)
            if found is UNSET:
                try:
                    found = compute(at)
                except EvaluationError as error:
                    found = Fault(error)
                at.known[key] = found
            if type(found) is Fault:
                raise found.error
            return found

        return value

    def parameter(self, library: Library, parameter: ParameterDef) -> Callable[[Evaluation], Any]:
        """What was given under ``Library.name`` or ``name``, else the default; null without one."""
        names = (f"{library.identifier.name}.{parameter.name}", parameter.name)
        test = tester(parameter.type)
        default: list[tuple[Closure, Slots]] = []

        def value(at: Evaluation) -> Any:
            for name in names:
                if name in at.parameters:
                    given = at.parameters[name]
                    if given is not None and not test(given):
                        raise EvaluationError(
                            "The parameter {name} needs {type}, not {value}",
                            name=name,
                            type=str(parameter.type),
                            value=str(given),
                        )
                    return given
            if parameter.default is None:
                return None
            if not default:
                slots = Slots()
                default.append(
                    (Compiler(self.program, library, self).node(parameter.default, Names(slots)), slots)
                )
            closure, slots = default[0]
            return closure(frame(at, slots))

        return self._remembered((id(library), "parameter", parameter.name), value)

    def function(self, library: Library, function: FunctionDef) -> Callable[..., Any]:
        """A call of it, in a frame of its own."""
        key = (id(library), function.name, function.signature)
        found = self._functions.get(key)
        if found is None:
            found = self._functions[key] = self._function(library, function)
        return found

    def _function(self, library: Library, function: FunctionDef) -> Callable[..., Any]:
        if function.expression is None:
            return external(function.name)
        expression = function.expression
        compiled: list[tuple[Closure, Slots]] = []

        def call(at: Evaluation, *operands: Any) -> Any:
            if not compiled:
                slots = Slots()
                names = Names(slots, {operand.name: slots.new() for operand in function.operands})
                compiled.append((Compiler(self.program, library, self).node(expression, names), slots))
            closure, slots = compiled[0]
            at.spend(1)
            at.depth += 1
            try:
                if at.depth > at.limits.depth:
                    raise EvaluationError("Stopped after {count} calls within calls", count=at.limits.depth)
                return closure(frame(at, slots, *operands))
            finally:
                at.depth -= 1

        return call
