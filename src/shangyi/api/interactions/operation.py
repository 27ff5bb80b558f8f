"""GET and POST [base]/…/$[name] (http://hl7.org/fhir/R4/operations.html#executing): the one way to every operation."""

from shangyi.api.call import Call
from shangyi.api.errors import MethodNotAllowed
from shangyi.api.operations import (
    care_gaps,
    data_requirements,
    evaluate,
    evaluate_measure,
    everything,
    expand,
    lookup,
    sqlquery_run,
    subsumes,
    translate,
    validate,
    validate_code,
    viewdefinition_export,
    viewdefinition_run,
)
from shangyi.api.operations.definition import Operation, read_input
from shangyi.api.reply import Reply
from shangyi.errors import NotFound

OPERATIONS: tuple[Operation, ...] = (
    everything.OPERATION,
    validate.OPERATION,
    viewdefinition_run.OPERATION,
    viewdefinition_export.OPERATION,
    sqlquery_run.OPERATION,
    expand.OPERATION,
    *validate_code.OPERATIONS,
    lookup.OPERATION,
    subsumes.OPERATION,
    translate.OPERATION,
    evaluate.CQL,
    evaluate.OPERATION,
    evaluate_measure.OPERATION,
    care_gaps.OPERATION,
    *data_requirements.OPERATIONS,
)


def operation(call: Call) -> Reply:
    """The answer of the operation that the address names; 404 where it is not served at this level or type."""
    name = call.place["operation"].lstrip("$")
    type_ = call.place.get("type") or call.place.get("logical")
    level = "system" if type_ is None else "instance" if call.place.keys() & {"id", "view"} else "type"
    found = next((op for op in OPERATIONS if op.name == name and _serves(op, level, type_, call)), None)
    if found is None:
        raise NotFound("There is no operation ${name} here", name=name[:64])
    if call.method in ("GET", "HEAD") and not found.safe:
        raise MethodNotAllowed(call.method, ["POST"])
    return found.handler(call, read_input(call, found))


def _serves(op: Operation, level: str, type_: str | None, call: Call) -> bool:
    """Whether the operation is there at this level, for this type; a type that is no resource must be named."""
    return level in op.levels and (
        type_ is None or type_ in op.types or (not op.types and "logical" not in call.place)
    )
