"""One run of a program: what does not change during it, what it has computed so far, and how far it may go."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shangyi.query.cql.closures.data import Data
from shangyi.query.cql.operators.terminology import Terminology
from shangyi.query.cql.values import DateTime
from shangyi.query.errors import EvaluationError
from shangyi.query.temporal import now as present

Frame = list[Any]
"""The values of one definition or call: the evaluation first, then operands, aliases, lets, items."""
Closure = Callable[[Frame], Any]

UNSET: Any = object()


@dataclass(frozen=True, slots=True)
class Limits:
    """``steps``: rows of queries, items of lists and calls of functions together; ``depth``: calls within calls."""

    steps: int = 5_000_000
    depth: int = 100


@dataclass(frozen=True, slots=True)
class Message:
    """What ``Message`` of CQL said. The source is not kept: it can hold anything of a resident's record."""

    severity: str
    code: str | None
    text: str | None


class Evaluation:
    """One run, for one resident (or none, where the program asks for none)."""

    __slots__ = (
        "_steps",
        "data",
        "depth",
        "known",
        "limits",
        "messages",
        "now",
        "offset",
        "parameters",
        "terminology",
    )

    def __init__(
        self,
        data: Data,
        terminology: Terminology,
        parameters: Mapping[str, Any] | None = None,
        now: DateTime | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.data, self.terminology = data, terminology
        self.parameters = parameters or {}
        self.now = present() if now is None else now
        self.offset = self.now.offset or 0
        self.limits = limits or Limits()
        self.messages: list[Message] = []
        self.known: dict[Any, Any] = {}
        self.depth = 0
        self._steps = self.limits.steps

    def spend(self, steps: int) -> None:
        """Count work done; EvaluationError when the limit is reached."""
        self._steps -= steps
        if self._steps < 0:
            raise EvaluationError("Stopped after {count} steps: this runs too long", count=self.limits.steps)

    def message(self, severity: str, code: str | None, text: str | None, source: Any) -> None:
        """Keep a message, warning or trace."""
        self.messages.append(Message(severity, code, text))

    def local(self, value: DateTime) -> DateTime:
        """A DateTime that is written without an offset, with that of this run."""
        return DateTime(value.parts, self.offset) if value.offset is None else value
