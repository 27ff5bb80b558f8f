"""GET [base]/metadata (http://hl7.org/fhir/R4/http.html#capabilities): the CapabilityStatement, made from what is served."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from shangyi import __version__
from shangyi.access.audit.search import PARAMETERS as AUDIT_PARAMETERS
from shangyi.api import reply
from shangyi.api.call import Call, Resource
from shangyi.api.interactions.operation import OPERATIONS
from shangyi.api.interactions.patch import MEDIA_TYPE
from shangyi.api.operations import expand
from shangyi.api.operations.definition import Operation
from shangyi.api.reply import Reply
from shangyi.api.subset import Subset
from shangyi.errors import Invalid
from shangyi.fhir import definitions
from shangyi.terminology.r4 import SPECIFICATION

SEARCH_TYPES = frozenset({"number", "date", "string", "token", "reference", "quantity", "uri", "composite"})
RESULT_PARAMETERS = ("_id", "_lastUpdated")
NOT_WRITTEN = frozenset({"AuditEvent"})
"""Kept by the server itself: read and searched only."""

AUDIT_INTERACTIONS = frozenset({"read", "search-type"})
TYPE_CODES = (
    "read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type",
)  # fmt: skip
SYSTEM_CODES = ("transaction", "batch", "search-system", "history-system")
STARTED = datetime.now(UTC)


def capabilities(served: Callable[[], Sequence[str]]) -> Callable[[Call], Reply]:
    """The interaction; ``served`` gives the codes of the interactions in the table of routes."""

    def answer(call: Call) -> Reply:
        mode = call.one("mode")
        if mode not in (None, "full", "normative", "terminology"):
            raise Invalid("{name} takes {values}", name="mode", values="full, normative, terminology")
        if mode == "terminology":
            return reply.resource(call, {**terminology_statement(), "implementation": implementation(call)})
        found = {**statement(frozenset(served())), "implementation": implementation(call)}
        subset = Subset.asked(call)
        return reply.resource(call, subset.apply(found) if subset else found)

    return answer


def implementation(call: Call) -> Resource:
    """Where this server is."""
    return {"description": "Shangyi 上医", "url": call.base}


@cache
def statement(codes: frozenset[str]) -> Resource:
    """The statement, but for the address."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": STARTED.isoformat(timespec="seconds"),
        "kind": "instance",
        "software": {"name": "Shangyi", "version": __version__},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "application/fhir+xml", "json", "xml"],
        "patchFormat": [MEDIA_TYPE],
        "rest": [
            {
                "mode": "server",
                "security": {"cors": False, "description": "Authorization: Bearer, or the console's session"},
                "resource": [type_entry(name, codes) for name in definitions.resource_types()],
                "interaction": [{"code": code} for code in SYSTEM_CODES if code in codes],
                "operation": [operation_entry(op) for op in OPERATIONS if "system" in op.levels],
                "searchParam": [
                    {"name": p.code, "definition": p.url, "type": p.type}
                    for p in search_parameters("Basic")
                    if p.code.startswith("_")
                ],
                "compartment": ["http://hl7.org/fhir/CompartmentDefinition/patient"],
            }
        ],
    }


@cache
def terminology_statement() -> Resource:
    """What the terminology operations take; code systems are those of FHIR itself, the record may hold more."""
    return {
        "resourceType": "TerminologyCapabilities",
        "status": "active",
        "date": STARTED.isoformat(timespec="seconds"),
        "kind": "instance",
        "software": {"name": "Shangyi", "version": __version__},
        "codeSystem": [{"uri": url} for url in SPECIFICATION.addresses("CodeSystem")],
        "expansion": {
            "hierarchical": False,
            "paging": True,
            "incomplete": False,
            "parameter": [{"name": name} for name in expand.OPERATION.parameters],
            "textFilter": "Every word within the code or one of the displays, whatever its case",
        },
        "validateCode": {"translations": True},
        "translation": {"needsMap": True},
    }


def type_entry(type_: str, codes: frozenset[str]) -> Resource:
    """What is served for one type."""
    allowed = codes & AUDIT_INTERACTIONS if type_ in NOT_WRITTEN else codes
    written = type_ not in NOT_WRITTEN
    entry: dict[str, Any] = {
        "type": type_,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{type_}",
        "interaction": [{"code": code} for code in TYPE_CODES if code in allowed],
        "versioning": "versioned-update" if written else "no-version",
        "readHistory": written,
        "updateCreate": written,
        "conditionalCreate": written,
        "conditionalRead": "full-support",
        "conditionalUpdate": written,
        "conditionalDelete": "single" if written else "not-supported",
        "referencePolicy": ["literal", "logical"],
        **({"searchInclude": includes(type_), "searchRevInclude": ["*"]} if written else {}),
        "searchParam": [
            {"name": p.code, "definition": p.url, "type": p.type} for p in search_parameters(type_)
        ],
    }
    served = [op for op in OPERATIONS if not op.types or type_ in op.types]
    if operations := [operation_entry(op) for op in served if op.levels != {"system"}]:
        entry["operation"] = operations
    return entry


def operation_entry(op: Operation) -> Resource:
    """An operation and where it is defined."""
    found = {"name": op.name, "definition": op.definition}
    return {**found, "documentation": op.documentation} if op.documentation else found


@cache
def includes(type_: str) -> list[str]:
    """What ``_include`` can name for a type, the wildcards first. ``_revinclude`` takes these of any type."""
    references = [p.code for p in search_parameters(type_) if p.type == "reference"]
    return ["*", f"{type_}:*", *(f"{type_}:{code}" for code in references)] if references else []


def search_parameters(type_: str) -> list[definitions.SearchParameter]:
    """The parameters of a type of the kinds that can be searched by, those without an expression apart."""
    found = definitions.search_parameters(type_).values()
    if type_ in NOT_WRITTEN:
        return [p for p in found if p.code in AUDIT_PARAMETERS or p.code == "_id"]
    return [p for p in found if p.type in SEARCH_TYPES and (p.expression or p.code in RESULT_PARAMETERS)]
