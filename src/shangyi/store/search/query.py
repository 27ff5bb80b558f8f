"""A SearchRequest taken apart: conditions, order, count, includes, what was applied (http://hl7.org/fhir/R4/search.html)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shangyi.errors import Invalid, Issue, NotFound, NotSupported
from shangyi.fhir import definitions
from shangyi.store import keys
from shangyi.store.model import SearchRequest, Version
from shangyi.store.search.catalogue import catalogue
from shangyi.store.search.conditions import Condition, Context, any_token, condition, either, split, unescape
from shangyi.store.search.order import Key, order
from shangyi.store.types import NUMBERS

DEFAULT_COUNT, LARGEST_COUNT = 20, 1000
MOST_PARAMETERS = 100
"""Of one search; PostgreSQL plans a longer one for minutes."""

RESULT = frozenset("_count _cursor _sort _summary _elements _total _type _format _pretty".split())
INCLUDES = frozenset(
    f"{name}{modifier}" for name in ("_include", "_revinclude") for modifier in ("", ":iterate", ":recurse")
)
SUMMARIES = ("true", "text", "data", "count", "false")
TOTALS = ("none", "estimate", "accurate")


@dataclass(slots=True)
class Query:
    """``includes``: (parameter, value) as asked; ``applied``: what was processed, with the values that were used."""

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


def read(request: SearchRequest, context: Context) -> Query:
    """The query; unknown parameters are refused, or reported where handling is lenient."""
    query = Query([request.type] if request.type else [])
    if len(request.parameters) > MOST_PARAMETERS:
        raise Invalid("A search has at most {most} parameters", most=MOST_PARAMETERS)
    if request.type is not None and request.type not in NUMBERS:
        raise Invalid("{type} is not a resource type of FHIR R4", type=request.type[:64])
    if request.type is None:
        query.types = _types(request)
    once: set[str] = set()
    for name, value in request.parameters:
        if name in RESULT and name != "_elements" and name in once:
            raise Invalid("The parameter {name} may be given once only", name=name)
        once.add(name)
        try:
            value = _take(query, request.type, name, value, context)
        except (Invalid, NotSupported) as error:
            first = error.issues[0]
            unknown = isinstance(error, NotSupported) or "has no search parameter" in first.text
            if request.strict or not unknown:
                raise
            query.issues.append(Issue("warning", "not-supported", first.text, first.args))
            continue
        query.applied.append((name, value))
    if request.compartment is not None:
        query.conditions.append(_compartment(request))
    if query.summary == "text" and query.includes:
        raise Invalid("_summary=text goes with no _include and no _revinclude")
    query.keys = order(request.type, query.sort)
    return query


def _types(request: SearchRequest) -> list[str]:
    kinds = [
        kind for name, value in request.parameters if name == "_type" for kind in value.split(",") if kind
    ]
    if unknown := [kind for kind in kinds if kind not in NUMBERS]:
        raise Invalid("{type} is not a resource type of FHIR R4", type=unknown[0][:64])
    return list(dict.fromkeys(kinds))


def _take(query: Query, type: str | None, name: str, value: str, context: Context) -> str:
    """Put one parameter where it belongs; the value that it is processed with."""
    match name:
        case "_count":
            if not (value.isascii() and value.isdigit() and len(value) < 10):
                raise Invalid("{name} needs a whole number", name=name)
            query.count = min(int(value), LARGEST_COUNT)
            return str(query.count)
        case "_cursor":
            query.cursor = value
        case "_sort":
            query.sort = value
            order(type, value)
        case "_summary":
            query.summary = _one_of(name, value, SUMMARIES)
        case "_total":
            query.total = _one_of(name, value, TOTALS)
        case "_type" if type is not None and value != type:
            raise Invalid("_type is for a search over all types")
        case _ if name in RESULT:
            pass
        case _ if name in INCLUDES:
            query.includes.append((name, value))
        case _ if type is not None:
            query.conditions.append(condition(type, name, value, context))
        case _:
            query.conditions.append(_over(query.types, name, value, context))
    return value


def _over(types: Sequence[str], name: str, value: str, context: Context) -> Condition:
    """A condition on several types (http://hl7.org/fhir/R4/search.html#all): a parameter that all of them have."""
    code = name.partition(":")[0].partition(".")[0]
    if not types and code not in definitions.search_parameters(
        "Basic"
    ).keys() & definitions.search_parameters("Binary"):
        raise NotSupported(
            "A search over all types takes _id, _lastUpdated, _tag, _profile, _security and _source;"
            " for {name} say which by _type",
            name=name[:64],
        )
    kinds = list(types) or list(NUMBERS)
    if code == "_lastUpdated":
        return condition(kinds[0], name, value, context)
    if code == "_id" and name == code:
        return Condition(
            "s.rid = any(%s)", ([keys.rid(kind, unescape(id)) for kind in kinds for id in split(value)],)
        )
    found = {kind: condition(kind, name, value, context) for kind in kinds}
    if all(c.tokens and c.recheck is None and any_token(c.tokens).sql == c.sql for c in found.values()):
        return any_token([token for c in found.values() for token in c.tokens])
    typed = [
        Condition(f"s.type = %s and {c.sql}", (NUMBERS[kind], *c.values), c.tokens)
        for kind, c in found.items()
    ]
    both = either(typed)
    if all(c.recheck is None for c in found.values()):
        return both

    def check(versions: Sequence[Version]) -> list[bool]:
        return [
            recheck([version])[0] if (recheck := found[version.type].recheck) else True
            for version in versions
        ]

    return Condition(both.sql, both.values, both.tokens, recheck=check)


def _compartment(request: SearchRequest) -> Condition:
    """What is a patient's: by every parameter that the compartment's definition names (compartmentdefinition.html)."""
    assert request.compartment is not None
    kind, id = request.compartment
    names = definitions.compartment(kind).get(request.type or "", ())
    if request.type is None or not names:
        raise NotFound("{type} is not in the compartment of a patient", type=request.type or "Resource")
    known = catalogue(request.type)
    homes = dict.fromkeys(home for name in names if name in known for home in known[name].homes)
    found = any_token([keys.token(request.type, home, f"{kind}/{id}") for home in homes])
    if request.type == kind:
        return Condition(f"({found.sql} or s.rid = %s)", (*found.values, keys.rid(kind, id)))
    return found


def _one_of(name: str, value: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise Invalid("{name} is one of {allowed}", name=name, allowed=", ".join(allowed))
    return value
