"""$viewdefinition-run of SQL on FHIR v2: the rows of a view, within what the caller may read.

The definition is http://sql-on-fhir.org/OperationDefinition/$viewdefinition-run; docs/api.md says what is served of it.
"""

import re
from typing import Any

from shangyi.api.call import Call
from shangyi.api.operations import tabular
from shangyi.api.operations.definition import Input, Operation, Parameter
from shangyi.api.reply import Reply
from shangyi.errors import Invalid, NotFound

PATIENT = re.compile(r"(?:Patient/)?([A-Za-z0-9\-.]{1,64})")


def invoke(call: Call, given: Input) -> Reply:
    """The rows."""
    form = tabular.Form.asked(call, given)
    view = _view(call, given)
    limit, patient = _limit(given), _patient(call, given)
    most = tabular.MOST_ROWS if limit is None else min(limit, tabular.MOST_ROWS)
    with tabular.asking(call) as analyst:
        answer = analyst.view(view, limit=most, patient=patient)
    return form.reply(call, tabular.whole(answer, limit))


def _view(call: Call, given: Input) -> str | dict[str, Any]:
    """A name of the library, or a ViewDefinition of the caller's own."""
    named = call.place.get("view")
    sources = [name for name in ("viewReference", "viewResource") if name in given]
    if named is not None:
        if sources:
            raise Invalid("The address names the view already", expression=sources[0])
        return library_view(call, named)
    if len(sources) != 1:
        raise Invalid("Give one view: viewReference, or viewResource in the body")
    if sources == ["viewReference"]:
        return library_view(call, given["viewReference"][0])
    resource: dict[str, Any] = given["viewResource"][0]
    return resource


def library_view(call: Call, reference: str) -> str:
    """The name of the view of the library that a name, ``ViewDefinition/<name>`` or its canonical stands for."""
    from shangyi.lake import library

    short = reference.partition("|")[0].removeprefix(f"{call.base}/").removeprefix("ViewDefinition/")
    name = short.replace("-", "_")
    if name in library.names():
        return name
    for name in library.names():
        if short == library.definition(name)["url"]:
            return name
    raise NotFound("There is no view {name} in the library", name=reference[:200])


def _limit(given: Input) -> int | None:
    if "_limit" not in given:
        return None
    limit = int(given["_limit"][0])
    if limit < 0:
        raise Invalid("The parameter {name} is no {type}", name="_limit", type="unsignedInt")
    return limit


def _patient(call: Call, given: Input) -> str | None:
    if "patient" not in given:
        return None
    found = PATIENT.fullmatch(given["patient"][0].removeprefix(f"{call.base}/"))
    if found is None:
        raise Invalid("The parameter {name} is no {type}", name="patient", type="Reference(Patient)")
    return f"Patient/{found[1]}"


OPERATION = Operation(
    name="viewdefinition-run",
    definition="http://sql-on-fhir.org/OperationDefinition/$viewdefinition-run",
    documentation=(
        "viewReference: a view of the library as ViewDefinition/<name> or by its canonical URL. "
        f"_format: {', '.join(tabular.MEDIA_TYPES)}."
    ),
    handler=invoke,
    types=frozenset({"ViewDefinition"}),
    levels=frozenset({"system", "type", "instance"}),
    parameters={
        **tabular.PARAMETERS,
        "viewReference": Parameter("Reference"),
        "viewResource": Parameter("Resource"),
        "patient": Parameter("Reference"),
        "_limit": Parameter("integer"),
    },
    unsupported=frozenset({"group", "source", "resource", "_since"}),
)
