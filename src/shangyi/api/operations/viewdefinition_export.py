"""$viewdefinition-export of SQL on FHIR v2: views to files, in the background, for who may export.

The definition is http://sql-on-fhir.org/OperationDefinition/$viewdefinition-export; docs/api.md says what is served of it.
What follows the kick-off stands in ``interactions/exports.py``.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shangyi.access.audit.event import EXPORT
from shangyi.api.call import Call, Resource
from shangyi.api.negotiation import media_type
from shangyi.api.operations import asked_rows, tabular
from shangyi.api.operations.definition import Input, Operation, Parameter
from shangyi.api.reply import Reply
from shangyi.api.reply import resource as reply_resource
from shangyi.errors import Invalid, Issue, NotSupported, Unprocessable
from shangyi.lake.export_job import ACCEPTED, Output, Request, new_id, now
from shangyi.lake.narrowing import Narrowing

MOST_VIEWS = 100
NAME = "viewdefinition-export"


def invoke(call: Call, given: Input) -> Reply:
    """202, and where to ask how far it is."""
    if "respond-async" not in call.prefer:
        raise Invalid("${operation} is asynchronous: send Prefer: respond-async", operation=NAME)
    form = _format(given)
    with call.session.recording(NAME, "E", type=EXPORT) as recording:
        call.session.require_use("export")
        narrowing = asked_rows.narrowing(call, given)
        for patient in narrowing.patients or () if "group" not in given else ():
            call.session.read("Patient", patient.removeprefix("Patient/"))  # NotFound: the client should know
        views = _views(call, given)
        outputs = _outputs(views, form)
        with tabular.asking(call) as analyst:
            _check(analyst.check, [view for _, view in views], narrowing)
        area = call.session.principal.area.digits
        tracking = given.get("clientTrackingId", [None])[0]
        request = Request(
            new_id(), call.session.principal.id, area, now(), form, outputs, narrowing, tracking
        )
        recording.event.query = f"{request.id}: {', '.join(output.name for output in outputs)}{narrowing}"
        assert call.analysts is not None  # asked above
        call.analysts.exports.begin(request, call.session)
    location = address(call, request.id)
    content = parameters(request, ACCEPTED, location)
    return reply_resource(call, content, 202, [(b"content-location", location.encode())])


def address(call: Call, id_: str, *rest: str) -> str:
    """Of an export on this server, or of one of its files."""
    return "/".join((f"{call.base}/${NAME}", id_, *rest))


def parameters(request: Request, status: str, location: str, *more: Resource) -> Resource:
    """The answer that every step gives."""
    found: list[Resource] = [{"name": "exportId", "valueString": request.id}]
    if request.tracking is not None:
        found.append({"name": "clientTrackingId", "valueString": request.tracking})
    found += [
        {"name": "status", "valueCode": status},
        {"name": "location", "valueUri": location},
        {"name": "cancelUrl", "valueUri": location},
        {"name": "_format", "valueCode": request.format},
    ]
    return {"resourceType": "Parameters", "parameter": [*found, *more]}


def _format(given: Input) -> str:
    asked = given.get("_format", [tabular.DEFAULT])[0]
    name = media_type(asked.replace(" ", "+")).name
    if name not in tabular.NAMES:
        formats = ", ".join(tabular.MEDIA_TYPES)
        raise NotSupported("Rows are written as {formats}", expression="_format", formats=formats)
    return tabular.NAMES[name]


def _views(call: Call, given: Input) -> list[tuple[str | None, str | dict[str, Any]]]:
    """Each view with the name that the client gives it."""
    named = call.place.get("view")
    if named is not None and "view" in given:
        raise Invalid("The address names it already", expression="view")
    if named is not None:
        return [(None, asked_rows.library_view(call, named))]
    asked = given.get("view", [])
    if not 1 <= len(asked) <= MOST_VIEWS:
        raise Invalid("Give 1 to {most} views: the parameter view with its parts", most=MOST_VIEWS)
    return [(part.get("name", [None])[0], asked_rows.view(call, part, None)) for part in asked]


def _outputs(views: list[tuple[str | None, str | dict[str, Any]]], form: str) -> list[Output]:
    """One for each view, under its own name: the client's, else the view's. Invalid where two have the same."""
    from shangyi.lake import library

    found: list[Output] = []
    for number, (given, view) in enumerate(views, 1):
        definition: Mapping[str, Any] = library.definition(view) if isinstance(view, str) else view
        own = definition.get("name")
        name = given or (own if isinstance(own, str) and own else f"view{number}")
        if name in {output.name for output in found}:
            raise Invalid("Two outputs have the name {name}: give them names of their own", name=name[:64])
        short = re.sub(r"[^A-Za-z0-9_\-]+", "_", name)[:48]
        found.append(Output(name, f"{number}-{short}.{form}", str(definition.get("resource")), view))
    return found


def _check(check: Any, views: list[str | dict[str, Any]], narrowing: Narrowing) -> None:
    """Every fault of every view at once, each with its place in the request."""
    issues: list[Issue] = []
    for number, view in enumerate(views):
        try:
            check(view, narrowing)
        except Invalid as error:
            place = f"Parameters.parameter.where(name = 'view')[{number}]"
            issues += [_placed(issue, place) if len(views) > 1 else issue for issue in error.issues]
    if issues:
        raise Unprocessable(issues)


def _placed(issue: Issue, place: str) -> Issue:
    inner = f".{issue.expression}" if issue.expression else ""
    return replace(issue, expression=place + inner)


OPERATION = Operation(
    name=NAME,
    definition="http://sql-on-fhir.org/OperationDefinition/$viewdefinition-export",
    documentation=(
        "Asynchronous (Prefer: respond-async); for roles that may export. view.viewReference: a view of the library as "
        f"ViewDefinition/<name> or by its canonical URL. _format: {', '.join(tabular.MEDIA_TYPES)}."
    ),
    handler=invoke,
    types=frozenset({"ViewDefinition"}),
    levels=frozenset({"system", "type", "instance"}),
    safe=False,
    parameters={
        "view": Parameter(
            "Parts",
            many=True,
            parts={
                "name": Parameter("string"),
                "viewReference": Parameter("Reference"),
                "viewResource": Parameter("Resource"),
            },
        ),
        "clientTrackingId": Parameter("string"),
        "_format": Parameter("code"),
        **asked_rows.NARROWING,
    },
    unsupported=frozenset({"source"}),
)
