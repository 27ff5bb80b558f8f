"""A SearchRequest taken apart: conditions, order, count, includes, what was applied (http://hl7.org/fhir/R4/search.html)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shangyi.errors import Invalid, Issue, NotSupported, ShangyiError
from shangyi.store import keys
from shangyi.store.model import SearchRequest
from shangyi.store.search.conditions import Condition, Resolve, condition
from shangyi.store.search.order import Key, order
from shangyi.store.types import NUMBERS

DEFAULT_COUNT, LARGEST_COUNT = 20, 1000
MOST_PARAMETERS = 100
"""Of one search; PostgreSQL plans a longer one for minutes."""

RESULT = frozenset(
    "_count _cursor _sort _include _revinclude _include:iterate _revinclude:iterate _summary _elements _total _type".split()
)
SUMMARIES = ("true", "text", "data", "count", "false")
TOTALS = ("none", "estimate", "accurate")


@dataclass(slots=True)
class Query:
    """``sort_text`` is what ``order`` was read from; ``includes``: (parameter, value) as asked."""

    types: list[str]
    conditions: list[Condition] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    count: int = DEFAULT_COUNT
    cursor: str | None = None
    sort: str | None = None
    summary: str = "false"
    total: str = "none"
    includes: list[tuple[str, str]] = field(default_factory=list)
    applied: list[tuple[str, str]] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)


def read(request: SearchRequest, resolve: Resolve) -> Query:
    """The query; unknown parameters are refused, or reported where handling is lenient."""
    query = Query([request.type] if request.type else [])
    if len(request.parameters) > MOST_PARAMETERS:
        raise Invalid("A search has at most {most} parameters", most=MOST_PARAMETERS)
    if request.type is not None and request.type not in NUMBERS:
        raise Invalid("{type} is not a resource type of FHIR R4", type=request.type[:64])
    for name, value in request.parameters:
        try:
            _take(query, request.type, name, value, resolve)
        except (Invalid, NotSupported) as error:
            unknown = isinstance(error, NotSupported) or "has no search parameter" in error.issues[0].text
            if request.strict or not unknown:
                raise
            first = error.issues[0]
            query.issues.append(Issue("warning", "not-supported", first.text, first.args))
            continue
        query.applied.append((name, value))
    if compartment := getattr(request, "compartment", None):
        query.conditions.append(Condition("s.patient = %s", (keys.rid(*compartment),)))
    query.keys = order(request.type, query.sort)
    return query


def _take(query: Query, type: str | None, name: str, value: str, resolve: Resolve) -> None:
    match name:
        case "_count":
            if not (value.isascii() and value.isdigit() and len(value) < 10):
                raise Invalid("{name} needs a whole number", name=name)
            query.count = min(int(value), LARGEST_COUNT)
        case "_cursor":
            query.cursor = value
        case "_sort":
            query.sort = value
            order(type, value)
        case "_summary":
            query.summary = _one_of(name, value, SUMMARIES)
        case "_total":
            query.total = _one_of(name, value, TOTALS)
        case "_type":
            kinds = value.split(",")
            if unknown := [kind for kind in kinds if kind not in NUMBERS]:
                raise Invalid("{type} is not a resource type of FHIR R4", type=unknown[0][:64])
            query.types = kinds
        case "_elements" | "_format" | "_pretty":
            pass
        case _ if name.startswith(("_include", "_revinclude")) and name in RESULT:
            query.includes.append((name, value))
        case _:
            query.conditions.append(
                condition(type or "Resource", name, value, resolve)
                if type
                else _untyped(name, value, resolve)
            )


def _untyped(name: str, value: str, resolve: Resolve) -> Condition:
    if name != "_lastUpdated":
        raise NotSupported(
            "A search over all types takes _type, _lastUpdated, _sort and _count; {name} needs a type",
            name=name[:64],
        )
    return condition("Basic", name, value, resolve)


def _one_of(name: str, value: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise Invalid("{name} is one of {allowed}", name=name, allowed=", ".join(allowed))
    return value


__all__ = ["Query", "ShangyiError", "read"]
