"""Batch and transaction (http://hl7.org/fhir/R4/http.html#transaction)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import psycopg

from shangyi.errors import Invalid, NotFound, NotSupported, ShangyiError, TooLarge
from shangyi.store import identity, keys
from shangyi.store.body import stamp
from shangyi.store.model import Method, Resource, SearchRequest, SearchResult, Version, Written
from shangyi.store.types import NUMBERS
from shangyi.store.writer import Pending, current, lock, retrying, write

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
    )


def transaction(repository: "Repository", bundle: Resource, read: Reader | None = None) -> Resource:
    """All or nothing; entries in the order of the specification, answers in the order of the Bundle.

    ``read`` answers a GET within the transaction; without it everything may be read.
    """
    from shangyi.store.repository import check

    entries = read_entries(bundle, "transaction")
    for entry in entries:
        if entry.method == "PATCH":
            raise NotSupported("PATCH is not possible in a Bundle", expression=entry.place)
        if entry.method in ("POST", "PUT") and entry.resource is not None:
            try:
                check({**entry.resource, "id": entry.id or identity.new_id()}, repository.validate)
            except ShangyiError as error:
                raise at(entry.place, error) from error

    def work(connection: psycopg.Connection) -> dict[int, Resource]:
        return _transact(repository, connection, entries, read or partial(get, repository))

    answers = retrying(repository.transaction_connection, work)
    return {
        "resourceType": "Bundle",
        "type": "transaction-response",
        "entry": [answers[entry.position] for entry in entries],
    }


def _transact(
    repository: "Repository", connection: psycopg.Connection, entries: list[Entry], read: Reader
) -> dict[int, Resource]:
    answers: dict[int, Resource] = {}
    targets: dict[int, str] = {}
    kept: set[int] = set()
    conditions = [entry for entry in entries if entry.condition and entry.method not in ("GET", "HEAD")]
    fixed = [keys.rid(e.type, e.id) for e in entries if e.id and e.method in ("PUT", "DELETE")]
    lock(connection, fixed + [keys.key(f"{e.type}?{e.condition}") for e in conditions])
    urls: dict[str, str] = {}
    for entry in sorted(entries, key=lambda entry: ORDER.index(entry.method)):
        id_ = entry.id
        if entry in conditions:
            assert entry.condition is not None
            found = repository.matching(connection, entry.type, entry.condition)
            if found is None and entry.method == "DELETE":
                answers[entry.position] = response("204 No Content")
                continue
            if found is not None and entry.method == "POST":
                answers[entry.position] = written(Written(found, created=False, changed=False))
                kept.add(entry.position)
            id_ = (
                found.id
                if found
                else str((entry.resource or {}).get("id") or "")
                if entry.method == "PUT"
                else ""
            )
        if entry.method in ("POST", "PUT"):
            id_ = id_ or identity.new_id()
            if entry.full_url:
                urls[entry.full_url] = f"{entry.type}/{id_}"
        targets[entry.position] = id_
    pending: list[Pending] = []
    places: list[Entry] = []
    for entry in sorted(entries, key=lambda entry: ORDER.index(entry.method)):
        if entry.position in answers or entry.method in ("GET", "HEAD"):
            continue
        id_, resource = targets[entry.position], None
        if entry.method in ("POST", "PUT"):
            resolved = resolve(repository, connection, entry.resource, urls, entry.place)
            resource = {**resolved, "id": id_}
        pending.append(Pending(entry.type, id_, resource, entry.if_match, new=entry.method == "POST"))
        places.append(entry)
    seen: dict[int, Entry] = {}
    for item, entry in zip(pending, places, strict=True):
        if item.rid in seen:
            raise Invalid(
                "{reference} is in the Bundle twice",
                reference=f"{item.type}/{item.id}",
                expression=entry.place,
            )
        seen[item.rid] = entry
    gone = [item.rid for item in pending if item.resource is None]
    if gone:
        lock(connection, [item.rid for item in pending])
        known = current(connection, repository.codec, gone)
        for item, entry in list(zip(pending, places, strict=True)):
            if item.resource is None and item.rid not in known:
                answers[entry.position] = response("204 No Content")
                pending.remove(item)
                places.remove(entry)
    for entry, result in zip(
        places, write(connection, repository.codec, repository.indexer, pending), strict=True
    ):
        answers[entry.position] = written(result)
    for entry in entries:
        if entry.method in ("GET", "HEAD"):
            answers[entry.position] = read(connection, entry)
    return answers


def resolve(
    repository: "Repository | None",
    connection: psycopg.Connection | None,
    value: Any,
    urls: Mapping[str, str],
    place: str,
) -> Any:
    """A copy of a resource with references to entries of the Bundle, and conditional references, made literal."""
    if isinstance(value, dict):
        return {
            name: _reference(repository, connection, item, urls, place)
            if name == "reference" and isinstance(item, str)
            else resolve(repository, connection, item, urls, place)
            if isinstance(item, dict | list | str)
            else item
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [resolve(repository, connection, item, urls, place) for item in value]
    if isinstance(value, str) and value.startswith("urn:"):
        return urls.get(value, value)
    return value


def _reference(
    repository: "Repository | None",
    connection: psycopg.Connection | None,
    text: str,
    urls: Mapping[str, str],
    place: str,
) -> str:
    if text in urls:
        return urls[text]
    if text.startswith("urn:uuid:"):
        raise Invalid(
            "The reference {reference} is to nothing in the Bundle", reference=text[:100], expression=place
        )
    type_, mark, query = text.partition("?")
    if not mark or type_ not in NUMBERS or repository is None or connection is None:
        return text
    found = repository.matching(connection, type_, parse_qsl(query, keep_blank_values=True))
    if found is None:
        raise Invalid("Nothing matches the reference {reference}", reference=type_ + "?…", expression=place)
    return found.reference


def get(repository: "Repository", connection: psycopg.Connection, entry: Entry) -> Resource:
    """The answer to a GET: a searchset, a resource or a version of it."""
    if entry.is_search:
        request = SearchRequest(entry.type or None, entry.parameters)
        return found(repository.search_on(connection, request))
    return stored(repository, connection, entry)


def stored(repository: "Repository", connection: psycopg.Connection, entry: Entry) -> Resource:
    """The answer to a GET of one resource or version."""
    parts = urlsplit(entry.url).path.strip("/").split("/")
    identity.check(parts[0], parts[1])
    latest = current(connection, repository.codec, [keys.rid(parts[0], parts[1])])
    version = next(iter(latest.values()), None)
    if len(parts) == 4 and parts[2] == "_history" and parts[3].isdecimal() and version is not None:
        version = repository.vread(parts[0], parts[1], int(parts[3]))
    if version is None or version.method is Method.DELETE:
        raise NotFound("{reference} is not known", reference=f"{parts[0]}/{parts[1]}", expression=entry.place)
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


def written(result: Written) -> Resource:
    """The answer to a write."""
    if result.version.method is Method.DELETE:
        return response("204 No Content")
    return response("201 Created" if result.created else "200 OK", result.version)


def at(place: str, error: ShangyiError) -> ShangyiError:
    """The same error with its places below an entry of the Bundle."""
    from dataclasses import replace

    def below(expression: str | None) -> str:
        return f"{place}.resource{'.' + expression.partition('.')[2] if expression and '.' in expression else ''}"

    return type(error)([replace(issue, expression=below(issue.expression)) for issue in error.issues])
