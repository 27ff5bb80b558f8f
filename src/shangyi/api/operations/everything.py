"""Patient/$everything (http://hl7.org/fhir/R4/patient-operation-everything.html), page by page."""

from shangyi.api.bundles import bundle, link, search_entry
from shangyi.api.call import Call
from shangyi.api.interactions.history import count, since
from shangyi.api.operations.definition import Input, Operation, Parameter
from shangyi.api.reply import Reply


def everything(call: Call, include: bool = True, types: list[str] | None = None) -> Reply:
    """The resident's record: what is theirs as matches, what that refers to (staff, institutions) as included."""
    asked = [(name, value) for name, value in call.parameters if name in ("_since", "_count", "_type")]
    result = call.session.everything(
        call.place["type"],
        call.place["id"],
        since=since(call.one("_since")),
        types=types,
        count=count(call.one("_count")) if call.one("_count") else None,
        cursor=call.one("_cursor"),
    )
    links = [link(call, "self", asked)]
    if result.next:
        links.append(link(call, "next", [*asked, ("_cursor", result.next)]))
    entries = [search_entry(call, version, "match") for version in result.matches]
    if include:
        entries += [search_entry(call, version, "include") for version in result.included]
    return bundle(call, "searchset", links, entries, result.total)


def invoke(call: Call, given: Input) -> Reply:
    """The operation. Input in a body counts like that in the address, so that the links of the pages hold it."""
    call.parameters = [(name, value) for name, values in given.items() for value in _joined(name, values)]
    return everything(call, types=given.get("_type"))


def _joined(name: str, values: list[str]) -> list[str]:
    return [",".join(values)] if name == "_type" else values


OPERATION = Operation(
    name="everything",
    definition="http://hl7.org/fhir/OperationDefinition/Patient-everything",
    handler=invoke,
    types=frozenset({"Patient"}),
    parameters={
        "_since": Parameter("string"),
        "_type": Parameter("code", many=True),
        "_count": Parameter("integer"),
        "_cursor": Parameter("string"),
    },
)
