"""GET [base]/[type]?…, POST …/_search, over all types, and in a compartment (http://hl7.org/fhir/R4/http.html#search)."""

from shangyi.api import reply
from shangyi.api.bundles import bundle, link, search_entry
from shangyi.api.call import Call
from shangyi.api.operations.everything import ASKED, everything
from shangyi.api.reply import Reply
from shangyi.api.subset import Subset
from shangyi.errors import Invalid, Issue, NotFound
from shangyi.store.model import SearchRequest, SearchResult


def search(call: Call) -> Reply:
    """One page of what matches, as a searchset."""
    request = SearchRequest(call.place.get("type"), call.parameters, call.strict, base=call.base)
    return searchset(call, call.session.search(request))


def compartment_search(call: Call) -> Reply:
    """The resources of one type, or of all (``*``), that are about one patient (http://hl7.org/fhir/R4/http.html#vsearch)."""
    if call.place["type"] != "Patient":
        raise NotFound("There is no compartment of {type} here", type=call.place["type"])
    if call.place["member"] == "*":
        return whole_compartment(call)
    where = ("Patient", call.place["id"])
    request = SearchRequest(call.place["member"], call.parameters, call.strict, where, call.base)
    return searchset(call, call.session.search(request))


def whole_compartment(call: Call) -> Reply:
    """All that is a patient's, by type."""
    unknown = [name for name, _ in call.parameters if name not in (*ASKED, "_cursor")]
    if unknown and call.strict:
        raise Invalid(
            "A search over a whole compartment takes _type, _since, _count, start and end, not {name}",
            name=unknown[0][:64],
        )
    types = call.one("_type")
    return everything(call, include=False, types=types.split(",") if types else None)


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
