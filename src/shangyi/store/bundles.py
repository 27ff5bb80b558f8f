"""The entries of a Bundle to be processed, and what is answered to each (http://hl7.org/fhir/R4/http.html#transaction).

``store/transaction.py`` processes them.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import psycopg

from shangyi.errors import Gone, Invalid, NotFound, NotSupported, ShangyiError, TooLarge
from shangyi.store import identity, keys
from shangyi.store.body import stamp
from shangyi.store.model import Method, Resource, SearchRequest, SearchResult, Version, Written
from shangyi.store.writer import current

if TYPE_CHECKING:
    from shangyi.store.repository import Repository

ORDER = ("DELETE", "POST", "PUT", "PATCH", "GET", "HEAD")
MOST_ENTRIES = 100_000
_ETAG = re.compile(r'(?:W/)?"([1-9]\d{0,9})"')


@dataclass(slots=True)
class Entry:
    """One entry as asked. ``id`` is empty and ``condition`` set where a search says which resource is meant."""

    position: int
    method: str
    type: str
    id: str
    condition: list[tuple[str, str]] | None
    resource: Resource | None
    full_url: str | None
    if_match: int | None
    url: str
    if_none_match: str | None = None

    @property
    def place(self) -> str:
        """Where it stands in the Bundle, as FHIRPath."""
        return f"Bundle.entry[{self.position}]"

    @property
    def is_search(self) -> bool:
        """Whether a GET asks for a searchset."""
        return self.method in ("GET", "HEAD") and not self.id

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The parameters of its url."""
        return parse_qsl(urlsplit(self.url).query, keep_blank_values=True)


Reader = Callable[[psycopg.Connection, Entry], Resource]


def read_entries(bundle: Resource, kind: str) -> list[Entry]:
    """The entries of a Bundle of this type. Raises Invalid with the place of what is wrong."""
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != kind:
        raise Invalid("A Bundle of type {type} is needed", type=kind, expression="Bundle.type")
    entries = bundle.get("entry", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Invalid("Bundle.entry is a list of objects", expression="Bundle.entry")
    if len(entries) > MOST_ENTRIES:
        raise TooLarge("A Bundle of {count} entries is too large; use load", count=len(entries))
    return [read_entry(position, entry) for position, entry in enumerate(entries)]


def read_entry(position: int, entry: Mapping[str, Any]) -> Entry:
    """One entry with its request."""
    place = f"Bundle.entry[{position}]"
    request = entry.get("request")
    if not isinstance(request, dict) or not isinstance(request.get("url"), str):
        raise Invalid("The entry needs a request with method and url", expression=f"{place}.request")
    method, url = request.get("method"), str(request["url"])
    if method not in ORDER:
        raise Invalid(
            "The method {method} is not known", method=str(method)[:20], expression=f"{place}.request.method"
        )
    path, query = urlsplit(url).path.strip("/").split("/"), urlsplit(url).query
    type_, id_ = path[0], path[1] if len(path) > 1 else ""
    resource = entry.get("resource")
    named = resource.get("resourceType") if isinstance(resource, dict) else None
    if method in ("POST", "PUT") and named != type_:
        raise Invalid("The resource is not of the type that the url names", expression=f"{place}.resource")
    condition = request.get("ifNoneExist") if method == "POST" else query if not id_ else None
    if method not in ("GET", "HEAD"):
        identity.check(type_, id_ or None)
        if method in ("PUT", "DELETE") and not id_ and not query:
            raise Invalid("The url needs an id or a condition", expression=f"{place}.request.url")
    if method == "PUT" and id_ and isinstance(resource, dict) and resource.get("id", id_) != id_:
        raise Invalid("The body needs the id that the url has", expression=f"{place}.resource.id")
    if_match = request.get("ifMatch")
    found = _ETAG.fullmatch(if_match) if isinstance(if_match, str) else None
    if if_match is not None and found is None:
        raise Invalid('ifMatch has the form W/"3"', expression=f"{place}.request.ifMatch")
    return Entry(
        position,
        method,
        type_,
        id_,
        parse_qsl(condition.lstrip("?"), keep_blank_values=True) if condition else None,
        resource if isinstance(resource, dict) else None,
        entry.get("fullUrl"),
        int(found[1]) if found else None,
        url,
        request.get("ifNoneMatch") if isinstance(request.get("ifNoneMatch"), str) else None,
    )


def get(repository: "Repository", connection: psycopg.Connection, entry: Entry) -> Resource:
    """The answer to a GET: a searchset, a resource or a version of it."""
    if entry.is_search:
        request = SearchRequest(entry.type or None, entry.parameters)
        return found(repository.search_on(connection, request))
    return stored(repository, connection, entry)


def stored(repository: "Repository", connection: psycopg.Connection, entry: Entry) -> Resource:
    """The answer to a GET of one resource or version; 304 where ``ifNoneMatch`` names it."""
    parts = urlsplit(entry.url).path.strip("/").split("/")
    identity.check(parts[0], parts[1])
    reference = f"{parts[0]}/{parts[1]}"
    if len(parts) == 4 and parts[2] == "_history" and parts[3].isdecimal():
        version: Version | None = repository.vread(parts[0], parts[1], int(parts[3]))
    elif len(parts) == 2:
        latest = current(connection, repository.codec, [keys.rid(parts[0], parts[1])])
        version = next(iter(latest.values()), None)
    else:
        raise NotSupported(
            "In a transaction a GET reads a resource or a version, or searches; put others in a batch",
            expression=f"{entry.place}.request.url",
        )
    if version is None:
        raise NotFound("{reference} is not known", reference=reference, expression=entry.place)
    if version.method is Method.DELETE:
        raise Gone("{reference} was deleted", reference=reference, expression=entry.place)
    if entry.if_none_match is not None and version.etag in entry.if_none_match:
        return response("304 Not Modified", version)
    return {"resource": version.resource, **response("200 OK", version)}


def found(result: SearchResult) -> Resource:
    """The answer to a search."""
    return {"resource": searchset(result), "response": {"status": "200 OK"}}


def searchset(result: SearchResult) -> Resource:
    """A search's page as a Bundle, without links."""
    entries = [{"resource": v.resource, "search": {"mode": "match"}} for v in result.matches]
    entries += [{"resource": v.resource, "search": {"mode": "include"}} for v in result.included]
    total = {} if result.total is None else {"total": result.total}
    return {"resourceType": "Bundle", "type": "searchset", **total, "entry": entries}


def response(status: str, version: Version | None = None) -> Resource:
    """Bundle.entry.response."""
    answer: Resource = {"status": status}
    if version is not None:
        answer["location"] = f"{version.reference}/_history/{version.version}"
        answer["etag"] = version.etag
        answer["lastModified"] = stamp(version.updated)
    return {"response": answer}


def written(result: Written, whole: bool = False) -> Resource:
    """The answer to a write; ``whole``: with the resource."""
    if result.version.method is Method.DELETE:
        return response("204 No Content")
    answer = response("201 Created" if result.created else "200 OK", result.version)
    return {"resource": result.version.resource, **answer} if whole else answer


def at(place: str, error: ShangyiError, below: str = "") -> ShangyiError:
    """The error, its places moved into an entry of the Bundle; those of a resource under ``below`` of the entry."""

    def placed(expression: str | None) -> str:
        if expression is None or expression.startswith("Bundle."):
            return expression or place
        _, dot, rest = expression.partition(".")
        return f"{place}{below}{dot}{rest}"

    error.issues = tuple(replace(issue, expression=placed(issue.expression)) for issue in error.issues)
    return error
