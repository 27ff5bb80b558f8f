"""$viewdefinition-run of SQL on FHIR v2: the rows of a view, within what the caller may read.

The definition is http://sql-on-fhir.org/OperationDefinition/$viewdefinition-run; docs/api.md says what is served of it.
"""

from shangyi.api.call import Call
from shangyi.api.operations import asked_rows, tabular
from shangyi.api.operations.definition import Input, Operation, Parameter
from shangyi.api.reply import Reply
from shangyi.errors import Invalid


def invoke(call: Call, given: Input) -> Reply:
    """The rows."""
    form = tabular.Form.asked(call, given)
    view = asked_rows.view(call, given, call.place.get("view"))
    narrowing, limit = asked_rows.narrowing(call, given), _limit(given)
    most = tabular.MOST_ROWS if limit is None else min(limit, tabular.MOST_ROWS)
    with tabular.asking(call) as analyst:
        answer = analyst.view(view, limit=most, narrowing=narrowing)
    return form.reply(call, tabular.whole(answer, limit))


def _limit(given: Input) -> int | None:
    if "_limit" not in given:
        return None
    limit = int(given["_limit"][0])
    if limit < 0:
        raise Invalid("The parameter {name} is no {type}", name="_limit", type="unsignedInt")
    return limit


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
        **asked_rows.NARROWING,
        "patient": Parameter("Reference"),
        "_limit": Parameter("integer"),
    },
    unsupported=frozenset({"source", "resource"}),
)
