"""Faults at run time: each names the innermost place in the source at which it came up."""

from typing import Any

from shangyi.errors import ShangyiError
from shangyi.query.cql.closures.evaluation import Closure, Frame
from shangyi.query.cql.tree import Place
from shangyi.query.errors import EvaluationError


def placed(closure: Closure, place: Place) -> Closure:
    """The closure, its errors with the place, unless they have one."""

    def run(frame: Frame) -> Any:
        try:
            return closure(frame)
        except ShangyiError as error:
            raise located(error, place) from None

    return run


def located(error: ShangyiError, place: Place) -> EvaluationError:
    """An error as one of evaluation, at a place: also what terminology or data could not resolve."""
    found = error
    if not isinstance(found, EvaluationError):
        found = EvaluationError("This cannot be resolved: {reason}", reason=str(error))
    if not found.line:
        found.library, found.line, found.column = place.library, place.line, place.column
    return found
