"""A program on its way to a statement: its definitions, each compiled once, and what stands around it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shangyi.query.columns import Table
from shangyi.query.cql import tree
from shangyi.query.cql.closures.compiler import Compiler as Closures
from shangyi.query.cql.closures.data import Resources
from shangyi.query.cql.closures.evaluation import Evaluation
from shangyi.query.cql.closures.program import Engine
from shangyi.query.cql.closures.scope import Names as Slots
from shangyi.query.cql.closures.scope import Slots as Frame
from shangyi.query.cql.closures.scope import frame
from shangyi.query.cql.library import Library, Program
from shangyi.query.cql.operators.terminology import Terminology
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.population.items import Item
from shangyi.query.cql.sql.population.select import Names, Select
from shangyi.query.cql.values import DateTime, ValueSet
from shangyi.query.errors import EvaluationError
from shangyi.query.temporal import now as present


@dataclass(frozen=True)
class Setting:
    """What a statement is made for.

    ``table``: the columns that the lake has of a type. ``primary``: of each type the JSON names of the elements whose
    codings are in the columns ``codes`` and ``primary_code``. ``now``: the instant of the evaluation.
    """

    table: Callable[[str], Table]
    terminology: Terminology
    parameters: Mapping[str, Any] = field(default_factory=dict)
    now: DateTime = field(default_factory=present)
    primary: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def offset(self) -> int:
        """Of the evaluation, in minutes from UTC."""
        return self.now.offset or 0


@dataclass(eq=False)
class Defined:
    """A definition: a CTE, or (without ``select``) a constant. ``listed``: rows, else one row for each patient."""

    name: str
    title: str
    select: Select | None
    item: Item
    listed: bool


class Calls:
    """The definitions of a program as far as they were asked for, in the order in which they must be written."""

    def __init__(self, program: Program, setting: Setting) -> None:
        self.program, self.setting = program, setting
        self.names = Names()
        self.defined: dict[tuple[int, str], Defined] = {}
        self.parameters: dict[str, list[str]] = {}
        self.retrieves: list[str] = []
        self.depth = 0
        self._sets: dict[tuple[str | None, str | None], tuple[str, ...]] = {}
        self._engine = Engine(program)
        self._evaluation = Evaluation(Resources(()), setting.terminology, setting.parameters, setting.now)

    def constant(self, node: tree.Node, library: Library) -> Any:
        """The value of a node that is the same for everybody, by the closures; of a fault it is null."""
        slots = Frame()
        closure = Closures(self.program, library, self._engine).node(node, Slots(slots))
        try:
            return closure(frame(self._evaluation, slots))
        except EvaluationError:
            return None

    def codes(self, value_set: ValueSet) -> tuple[str, ...]:
        """The members of a value set as ``system|code``; also ``|code`` where all are of one system."""
        name = (value_set.id, value_set.version)
        if name not in self._sets:
            members = self.setting.terminology.expand(value_set)
            keys = {f"{code.system or ''}|{code.code}" for code in members}
            if len({code.system for code in members}) == 1:
                keys |= {f"|{code.code}" for code in members}
            self._sets[name] = tuple(sorted(keys))
        return self._sets[name]

    def parameter(self, keys: tuple[str, ...]) -> str:
        """The name of the statement's parameter with these texts."""
        for name, known in self.parameters.items():
            if known == list(keys):
                return name
        name = f"set{len(self.parameters) + 1}"
        self.parameters[name] = list(keys)
        return name

    def enter(self) -> None:
        """One call more within others; NoForm where they do not end."""
        self.depth += 1
        if self.depth > 40:
            raise NoForm("A function that calls itself has no form in SQL")
