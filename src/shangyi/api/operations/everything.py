"""Patient/$everything (http://hl7.org/fhir/R4/patient-operation-everything.html), page by page."""

from shangyi.api.bundles import bundle, link, search_entry
from shangyi.api.call import Call
from shangyi.api.interactions.history import count, since
from shangyi.api.operations.definition import Input, Operation, Parameter
from shangyi.api.reply import Reply
from shangyi.store.search import date

ASKED = ("start", "end", "_since", "_count", "_type")


def everything(call: Call, include: bool = True, types: list[str] | None = None) -> Reply:
    """The resident's record: what is theirs as matches, what that refers to (staff, institutions) as included."""
    asked = [(name, value) for name, value in call.parameters if name in ASKED]
    result = call.session.everything(
        call.place["type"],
        call.place["id"],
        since=since(call.one("_since")),
        types=types,
        count=count(call.one("_count")) if call.one("_count") else None,
        cursor=call.one("_cursor"),
        care=care(call.one("start"), call.one("end")),
    )
    links = [link(call, "self", asked)]
    if result.next:
        links.append(link(call, "next", [*asked, ("_cursor", result.next)]))
    entries = [search_entry(call, version, "match") for version in result.matches]
    if include:
        entries += [search_entry(call, version, "include") for version in result.included]
    return bundle(call, "searchset", links, entries, result.total)


def care(start: str | None, end: str | None) -> tuple[int, int] | None:
    """The care dates asked for, in microseconds since 1970: from the start of ``start`` to the end of ``end``."""
    if start is None and end is None:
        return None
    return (
        date.bounds(start)[0] if start is not None else date.FIRST,
        date.bounds(end)[1] if end is not None else date.LAST,
    )


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
        "start": Parameter("date"),
        "end": Parameter("date"),
        "_since": Parameter("string"),
        "_type": Parameter("code", many=True),
        "_count": Parameter("integer"),
        "_cursor": Parameter("string"),
    },
)
