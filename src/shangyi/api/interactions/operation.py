"""GET and POST [base]/…/$[name] (http://hl7.org/fhir/R4/operations.html#executing): the one way to every operation."""

from collections.abc import Mapping

from shangyi.api.call import Call
from shangyi.api.errors import MethodNotAllowed
from shangyi.api.operations import everything, validate
from shangyi.api.operations.definition import Operation, read_input
from shangyi.api.reply import Reply
from shangyi.errors import NotFound

OPERATIONS: Mapping[str, Operation] = {op.name: op for op in (everything.OPERATION, validate.OPERATION)}


def operation(call: Call) -> Reply:
    """The answer of the operation that the address names; 404 where it is not served at this level or type."""
    name = call.place["operation"].lstrip("$")
    level = "instance" if "id" in call.place else "type" if "type" in call.place else "system"
    found = OPERATIONS.get(name)
    if (
        found is None
        or level not in found.levels
        or (found.types and call.place.get("type") not in found.types)
    ):
        raise NotFound("There is no operation ${name} here", name=name[:64])
    if call.method in ("GET", "HEAD") and not found.safe:
        raise MethodNotAllowed(call.method, ["POST"])
    return found.handler(call, read_input(call, found))
