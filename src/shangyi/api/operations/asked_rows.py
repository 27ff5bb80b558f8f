"""What the operations of SQL on FHIR are asked in the same words: where a view or query comes from, and of whom it is."""

import re
from collections.abc import Iterator
from typing import Any

from shangyi.api.call import Call
from shangyi.api.interactions.history import since
from shangyi.api.operations.definition import Input, Parameter
from shangyi.errors import Invalid, NotFound, NotSupported
from shangyi.lake.narrowing import Narrowing

ID = r"([A-Za-z0-9\-.]{1,64})"
NARROWING = {
    "patient": Parameter("Reference", many=True),
    "group": Parameter("Reference", many=True),
    "_since": Parameter("instant"),
}
"""``patient`` and ``group`` may be repeated: of any of these. Of both: of who is in both."""


def source(call: Call, given: Input, what: str, named: str | None) -> tuple[str, Any]:
    """``reference`` or ``resource``, and which: what the address names, ``<what>Reference`` or ``<what>Resource``.

    Invalid unless there is exactly one.
    """
    names = f"{what}Reference", f"{what}Resource"
    found = [name for name in names if name in given]
    if named is not None and found:
        raise Invalid("The address names it already", expression=found[0])
    if named is not None:
        return "reference", named
    if len(found) != 1:
        raise Invalid("Give one of {names}, the latter in the body", names=", ".join(names))
    return ("reference" if found == [names[0]] else "resource"), given[found[0]][0]


def view(call: Call, given: Input, named: str | None) -> str | dict[str, Any]:
    """A name of the library, or a ViewDefinition of the caller's own."""
    kind, found = source(call, given, "view", named)
    if kind == "reference":
        return library_view(call, found)
    definition: dict[str, Any] = found
    return definition


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


def local_id(call: Call, reference: str, type_: str) -> str | None:
    """The id in a reference to a resource of this server: ``Type/id``, its address, or the id alone."""
    found = re.fullmatch(f"(?:{type_}/)?{ID}", reference.removeprefix(f"{call.base}/"))
    return found[1] if found else None


def narrowing(call: Call, given: Input) -> Narrowing:
    """Whose rows, and since when; of a Group the active members that are Patients, as it is now.

    NotFound, Forbidden where the caller may not read the group. Residents are not looked for: who is not within reach has
    no rows.
    """
    moment = since(given["_since"][0]) if "_since" in given else None
    named = _named(call, given, "patient", "Patient")
    patients = None if named is None else frozenset(f"Patient/{id_}" for id_ in named)
    groups = _named(call, given, "group", "Group")
    if groups is not None:
        members = frozenset(key for id_ in groups for key in _members(call, id_))
        patients = members if patients is None else patients & members
    return Narrowing(None if patients is None else tuple(sorted(patients)), moment)


def _named(call: Call, given: Input, parameter: str, type_: str) -> list[str] | None:
    if parameter not in given:
        return None
    found = [local_id(call, reference, type_) for reference in given[parameter]]
    if None in found:
        raise Invalid("The parameter {name} is no {type}", name=parameter, type=f"Reference({type_})")
    return [id_ for id_ in found if id_ is not None]


def _members(call: Call, id_: str) -> Iterator[str]:
    group = call.session.read("Group", id_).resource
    if not group.get("actual", True):
        raise NotSupported("Group/{id} describes its members and does not name them", id=id_)
    for member in group.get("member", ()):
        reference = str(member.get("entity", {}).get("reference", ""))
        if reference.startswith("Group/"):
            raise NotSupported("Group/{id} holds other groups: name these", id=id_)
        if not member.get("inactive") and re.fullmatch(f"Patient/{ID}", reference):
            yield reference
