"""GET and POST [base]/…/$[name] (http://hl7.org/fhir/R4/operations.html#executing): the one way to every operation."""

from collections.abc import Mapping

from shangyi.api.call import Call
from shangyi.api.errors import MethodNotAllowed
from shangyi.api.operations import everything, sqlquery_run, validate, viewdefinition_run
from shangyi.api.operations.definition import Operation, read_input
from shangyi.api.reply import Reply
from shangyi.errors import NotFound

OPERATIONS: Mapping[str, Operation] = {
    op.name: op
    for op in (
        everything.OPERATION,
        validate.OPERATION,
        viewdefinition_run.OPERATION,
        sqlquery_run.OPERATION,
    )
}


def operation(call: Call) -> Reply:
    """The answer of the operation that the address names; 404 where it is not served at this level or type."""
    name = call.place["operation"].lstrip("$")
    type_ = call.place.get("type") or call.place.get("logical")
    level = "system" if type_ is None else "instance" if call.place.keys() & {"id", "view"} else "type"
    found = OPERATIONS.get(name)
    if (
        found is None
        or level not in found.levels
        or (type_ is not None and type_ not in found.types and (found.types or "logical" in call.place))
    ):
        raise NotFound("There is no operation ${name} here", name=name[:64])
    if call.method in ("GET", "HEAD") and not found.safe:
        raise MethodNotAllowed(call.method, ["POST"])
    return found.handler(call, read_input(call, found))
