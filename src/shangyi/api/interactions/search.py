"""GET [base]/[type]?…, POST …/_search, over all types, and in a compartment (http://hl7.org/fhir/R4/http.html#search)."""

from dataclasses import replace
from functools import cache

from shangyi.api import reply
from shangyi.api.bundles import bundle, link, search_entry
from shangyi.api.call import Call
from shangyi.api.operations.everything import everything
from shangyi.api.reply import Reply
from shangyi.api.subset import Subset
from shangyi.errors import Issue, NotFound
from shangyi.fhir import definitions
from shangyi.store.model import SearchRequest, SearchResult


def search(call: Call) -> Reply:
    """One page of what matches, as a searchset."""
    request = SearchRequest(call.place.get("type"), call.parameters, call.strict)
    return searchset(call, call.session.search(request))


def compartment_search(call: Call) -> Reply:
    """The resources of one type, or of all (``*``), that are about one patient (http://hl7.org/fhir/R4/http.html#vsearch)."""
    if call.place["type"] != "Patient":
        raise NotFound("There is no compartment of {type} here", type=call.place["type"])
    reference = f"Patient/{call.place['id']}"
    if call.place["member"] == "*":
        return everything(call, include=False)
    name = member_parameter(call.place["member"])
    request = SearchRequest(call.place["member"], [(name, reference), *call.parameters], call.strict)
    result = call.session.search(request)
    # the patient is in the address already
    applied = [pair for pair in result.applied if pair != (name, reference)]
    return searchset(call, replace(result, applied=applied))


@cache
def member_parameter(type_: str) -> str:
    """The search parameter that says whose a resource is: ``patient`` where the type has it."""
    names = definitions.compartment("Patient").get(type_, ())
    if not names:
        raise NotFound("{type} is not in the compartment of a patient", type=type_)
    return "patient" if "patient" in definitions.search_parameters(type_) else names[0]


def searchset(call: Call, result: SearchResult) -> Reply:
    """The Bundle: what was applied as ``self``, the next page by its cursor, matches, included, and an outcome."""
    subset = Subset.asked(call)
    applied = [(name, value) for name, value in result.applied if name != "_cursor"]
    cursor = [(name, value) for name, value in result.applied if name == "_cursor"]
    links = [link(call, "self", [*applied, *cursor])]
    if result.next:
        links.append(link(call, "next", [*applied, ("_cursor", result.next)]))
    if subset is not None and subset.mode == "count":
        return bundle(call, "searchset", links[:1], [], result.total)
    entries = [search_entry(call, version, "match", subset) for version in result.matches]
    entries += [search_entry(call, version, "include", subset) for version in result.included]
    issues = [issue for issue in result.issues if isinstance(issue, Issue)]
    if issues:
        outcome = reply.outcome_of(issues, call.language)
        entries.append({"resource": outcome, "search": {"mode": "outcome"}})
    return bundle(call, "searchset", links, entries, result.total)
