"""POST [base] with a Bundle (http://hl7.org/fhir/R4/http.html#transaction).

A transaction is the repository's: all or nothing. A batch is many requests in one: each entry goes the way that it
would go alone, so everything that is served alone is served in a batch, with the same decisions and errors.
"""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import replace
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from shangyi.api import errors, reply
from shangyi.api.bundles import instant
from shangyi.api.call import Call, Resource
from shangyi.api.negotiation import Format
from shangyi.api.reply import Reply
from shangyi.errors import Invalid, Issue, ShangyiError
from shangyi.fhir import json

LARGEST = 10_000
CONDITIONS = {
    "ifMatch": b"if-match",
    "ifNoneMatch": b"if-none-match",
    "ifModifiedSince": b"if-modified-since",
    "ifNoneExist": b"if-none-exist",
}


def batch(call: Call) -> Reply:
    """The response Bundle of a batch or transaction."""
    bundle = call.resource()
    kind = bundle.get("type") if bundle["resourceType"] == "Bundle" else None
    if kind == "transaction":
        return reply.resource(call, run_transaction(call, bundle))
    if kind == "batch":
        return reply.resource(call, run_batch(call, bundle))
    raise Invalid("Only a Bundle of type batch or transaction can be posted here", expression="Bundle.type")


def run_transaction(call: Call, bundle: Resource) -> Resource:
    """The response Bundle, with what ``Prefer: return`` asks for: the resources written, or an outcome of each."""
    wanted = call.prefer.get("return")
    answer = call.session.transaction(relative(call, bundle), whole=wanted == "representation")
    if wanted == "OperationOutcome":
        for entry in answer.get("entry", ()):
            if "resource" not in entry:
                entry["response"]["outcome"] = reply.outcome_of([_done(entry["response"])], call.language)
    return answer


def _done(response: Resource) -> Issue:
    version = response.get("etag", "").strip('W/"')
    if response["status"].startswith("201"):
        return Issue("information", "informational", "Created as version {version}", {"version": version})
    if version:
        return Issue("information", "informational", "Version {version} is current", {"version": version})
    return Issue("information", "informational", "Deleted; its history remains")


def relative(call: Call, bundle: Resource) -> Resource:
    """The Bundle with addresses of this server as those relative to its base."""
    entries = bundle.get("entry")
    if not isinstance(entries, list):
        return bundle
    found = []
    for entry in entries:
        request = entry.get("request") if isinstance(entry, dict) else None
        url = request.get("url") if isinstance(request, dict) else None
        if isinstance(request, dict) and isinstance(url, str):
            short = url.removeprefix(call.base + "/").lstrip("/")
            entry = {**entry, "request": {**request, "url": short}}
        found.append(entry)
    return {**bundle, "entry": found}


def run_batch(call: Call, bundle: Resource) -> Resource:
    """The response Bundle, its entries in the order of those asked."""
    entries = bundle.get("entry", [])
    if not isinstance(entries, list) or len(entries) > LARGEST:
        raise Invalid(
            "Bundle.entry is a list of at most {limit} entries", limit=LARGEST, expression="Bundle.entry"
        )
    answers = [_answer(call, entry, number) for number, entry in enumerate(entries)]
    content: Resource = {"resourceType": "Bundle", "type": "batch-response"}
    return {**content, "entry": answers} if answers else content


def _answer(call: Call, entry: object, number: int) -> Resource:
    try:
        inner = entry_call(call, entry, f"Bundle.entry[{number}]")
    except ShangyiError as error:
        found = errors.answer(json_call(call), error)
    else:
        found = call.run(inner)
    headers = {name: value.decode("latin-1") for name, value in found.headers}
    response: Resource = {"status": f"{found.status} {HTTPStatus(found.status).phrase}"}
    if b"location" in headers:
        response["location"] = headers[b"location"].removeprefix(call.base + "/")
    if b"etag" in headers:
        response["etag"] = headers[b"etag"]
    if b"last-modified" in headers:
        response["lastModified"] = instant(parsedate_to_datetime(headers[b"last-modified"]))
    content = json.loads(found.body) if found.body else None
    if content is not None and "lastUpdated" in content.get("meta", {}) and "lastModified" in response:
        response["lastModified"] = content["meta"]["lastUpdated"]  # to the millisecond
    if content is not None and found.status >= 400:
        return {"response": {**response, "outcome": content}}
    return {"resource": content, "response": response} if content is not None else {"response": response}


def json_call(call: Call) -> Call:
    """The same request, answered in JSON, whatever the outer one asked for."""
    inner = replace(call, headers={**call.headers, b"accept": Format.JSON.encode()}, query_string="")
    inner.session = call.session
    return inner


def entry_call(call: Call, entry: Any, place: str) -> Call:
    """One entry as a request of its own; a POST of a search has its parameters in the url. Invalid where it is none."""
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, Mapping) or not isinstance(request.get("url"), str):
        raise Invalid("The entry needs a request with method and url", expression=f"{place}.request")
    url: str = request["url"].removeprefix(call.base).lstrip("/")
    path, _, query = url.partition("?")
    if not path and request.get("method") == "POST":
        raise Invalid("A batch cannot stand in a batch", expression=f"{place}.request.url")
    headers = {b"accept": Format.JSON.encode(), b"content-type": Format.JSON.encode()}
    for name in (b"prefer", b"accept-language"):
        if name in call.headers:
            headers[name] = call.headers[name]
    for key, header in CONDITIONS.items():
        if isinstance(value := request.get(key), str):
            headers[header] = value.encode("utf-8", "replace")
    body, kind = (
        content_of(entry, place) if request.get("method") == "PATCH" else (entry.get("resource"), None)
    )
    if kind is not None:
        headers[b"content-type"] = kind
    inner = Call(
        method=str(request.get("method")),
        base=call.base,
        path="/" + path.rstrip("/"),
        query_string=query,
        headers=headers,
        body=body if isinstance(body, bytes) else json.dumps(body) if body is not None else b"",
        request_id=call.request_id,
        client=call.client,
        limits=call.limits,
        run=call.run,
        in_batch=True,
    )
    inner.session = call.session
    return inner


def content_of(entry: Resource, place: str) -> tuple[bytes, bytes]:
    """The patch in a Binary and its media type (http://hl7.org/fhir/R4/http.html#jsonpatch)."""
    binary = entry.get("resource")
    try:
        assert isinstance(binary, dict)
        assert binary["resourceType"] == "Binary"
        return b64decode(binary["data"], validate=True), str(binary["contentType"]).encode("latin-1")
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        raise Invalid(
            "A patch in a Bundle is a Binary with its contentType", expression=f"{place}.resource"
        ) from error
