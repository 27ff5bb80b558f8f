"""Measures by the bedside back end: the closures of a program, one subject after another."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from threading import Lock
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
        self.engine = engine_of(program)
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


KEPT = 64
"""Programs whose closures are kept ready."""
_engines: OrderedDict[str, Engine] = OrderedDict()
_lock = Lock()


def engine_of(program: Program) -> Engine:
    """The compiled program: kept by what its library says and includes, since compiling costs more than a resident."""
    key = program.main.key
    if not key:
        return Engine(program)
    with _lock:
        found = _engines.get(key)
        if found is None:
            found = _engines[key] = Engine(program)
            if len(_engines) > KEPT:
                _engines.popitem(last=False)
        _engines.move_to_end(key)
        return found


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
