"""Measures by the bedside back end: the closures of a program, one subject after another."""

from collections.abc import Iterable, Mapping
from typing import Any

from shangyi.care.measures.definition import Definition
from shangyi.care.measures.period import Period
from shangyi.care.measures.results import Result
from shangyi.care.measures.scoring import result
from shangyi.errors import Unprocessable
from shangyi.query.cql.closures import Codes, Engine, Evaluation, Resources
from shangyi.query.cql.library import Program
from shangyi.query.cql.values import DateTime
from shangyi.terminology.service import Terminology


class Bedside:
    """A measure with its program, for a period. Holds nothing of a subject.

    ``now``: the instant that the whole run takes place at; its offset is that of dates and times without one.
    """

    def __init__(
        self,
        definition: Definition,
        program: Program,
        terminology: Terminology,
        period: Period,
        now: DateTime,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        self.definition, self.now = definition, now
        self.engine = Engine(program)
        self.codes = Codes(terminology)
        self.parameters = {**period.parameters(program, now.offset or 0), **(parameters or {})}
        missing = [name for name in definition.needed if not self.engine.has(name)]
        if missing:
            raise Unprocessable(
                "The library {library} has no definition {name}",
                library=str(program.main.identifier),
                name=", ".join(missing),
            )

    def evaluation(self, resources: Iterable[dict[str, Any]]) -> Evaluation:
        """A run over one subject's resources, and those that they refer to."""
        return Evaluation(Resources(resources), self.codes, self.parameters, self.now)

    def result(self, subject: str, resources: Iterable[dict[str, Any]]) -> Result:
        """The result of one subject (``Patient/1``)."""
        return result(self.definition, subject, Definitions(self.engine, self.evaluation(resources)))


class Definitions:
    """The values of one evaluation, as scoring asks for them."""

    def __init__(self, engine: Engine, at: Evaluation) -> None:
        self._engine, self._at = engine, at

    def value(self, name: str) -> Any:
        """Of a definition."""
        return self._engine.value(name, self._at)

    def of(self, name: str, item: Any) -> Any:
        """Of a function of one operand."""
        return self._engine.call(name, self._at, item)

    def is_function(self, name: str) -> bool:
        """Whether it is one."""
        return self._engine.is_function(name)
