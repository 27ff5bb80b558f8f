"""Chains and ``_has`` (http://hl7.org/fhir/R4/search.html#chaining, #has): conditions on what is linked.

Three ways, each within what the reader may see: residents by the column ``patient``; where few are linked, by their
references; where many are, the candidates of a page are asked one page after the other.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from shangyi.errors import Invalid
from shangyi.fhir import definitions
from shangyi.store import keys
from shangyi.store.model import Version
from shangyi.store.search import values
from shangyi.store.search.catalogue import CONTROL, Parameter, catalogue
from shangyi.store.search.conditions.base import NOTHING, Condition, Context, Probe, any_token, present
from shangyi.store.search.conditions.reference import targets
from shangyi.store.search.path import values as at
from shangyi.store.types import NUMBERS

Make = Callable[[str, str], Condition]
"""The condition on a resource of a type by the rest of the name: ``condition`` with the value bound."""

MOST_LINKED = 2000
OF_RESIDENTS = frozenset({"patient", "subject", "beneficiary"})


def chain(
    type: str, parameter: Parameter, modifier: str, rest: str, make: Make, context: Context
) -> Condition:
    """``subject:Patient.name=…``: what is referred to first, then those that refer to it."""
    if parameter.kind != "reference":
        raise Invalid("{name} is no reference and cannot be chained", name=parameter.code)
    code = rest.partition(".")[0].partition(":")[0]
    everywhere = code in CONTROL or rest.startswith("_has:")
    kinds = [
        kind
        for kind in ((modifier,) if modifier else targets(parameter))
        if kind in NUMBERS and (everywhere or code in definitions.search_parameters(kind))
    ]
    if not kinds:
        raise Invalid(
            "Nothing that {name} refers to has the search parameter {code}",
            name=parameter.code,
            code=code[:64],
        )
    inner = {kind: make(kind, rest) for kind in kinds}
    if kinds == ["Patient"] and parameter.code in OF_RESIDENTS and inner["Patient"].recheck is None:
        return _residents("s.patient in (select s.rid", "Patient", inner["Patient"], context)
    tokens: list[int] = []
    for kind, wanted in inner.items():
        found = context.few(kind, wanted, MOST_LINKED)
        if found is None:
            return _linked(parameter, inner, context)
        tokens += [keys.token(type, home, v.reference) for home in parameter.homes for v in found]
    return any_token(tokens) if tokens else NOTHING


def _residents(head: str, type: str, wanted: Condition, context: Context) -> Condition:
    """By the column ``patient``. What is a resident's may be seen where the resident may: that the row itself is held to."""
    if not context.may_see(type):
        return NOTHING
    sql = f"{head} from search s where s.type = %s and {wanted.sql}{')' * head.count('(')}"
    return Condition(sql, (NUMBERS[type], *wanted.values))


def _of_residents(type: str, wanted: Condition, context: Context) -> Condition:
    """Residents who have such a resource: gathered, or asked one after the other."""
    # an array: gathered once, whatever PostgreSQL believes
    found = _residents("s.rid = any(array(select s.patient", type, wanted, context)
    if not wanted.tokens or found is NOTHING:
        return found
    # patient <> 0: as the index has it; offset 0: PostgreSQL must not gather all that have the tokens, for each resident anew
    probe = Probe(
        "exists (select from (select s.rid) q (resident) cross join lateral"
        " (select s.* from search s where s.patient = q.resident and s.patient <> 0 and s.type = %s offset 0) s"
        f" where {wanted.sql})",
        found.values,
        wanted.tokens,
    )
    return replace(found, probe=probe)


def _linked(parameter: Parameter, inner: dict[str, Condition], context: Context) -> Condition:
    def check(versions: Sequence[Version]) -> list[bool]:
        leads = [references(version, parameter) for version in versions]
        met: set[str] = set()
        for kind, wanted in inner.items():
            asked = {r for found in leads for r in found if r.startswith(kind + "/")}
            met |= context.meeting(kind, wanted, asked)
        return [not met.isdisjoint(found) for found in leads]

    there = present(parameter)
    return Condition(there.sql, there.values, recheck=check)


def references(version: Version, parameter: Parameter) -> set[str]:
    """What a resource refers to by a parameter."""
    return {
        reference
        for path in parameter.paths
        for value in at(path, version.resource)
        for reference in values.references(value, path.type)
    }


def has(type: str, name: str, make: Make, context: Context) -> Condition:
    """``_has:Observation:patient:code=…``: resources that others refer to."""
    kind, _, rest = name.removeprefix("_has:").partition(":")
    code, _, further = rest.partition(":")
    parameter = catalogue(kind).get(code) if definitions.is_resource_type(kind) else None
    if parameter is None or parameter.kind != "reference" or not further:
        raise Invalid("{name} is not of the form _has:Type:reference:parameter", name=name[:80])
    if type not in targets(parameter):
        raise Invalid("{name} does not refer to a {type}", name=f"{kind}.{code}", type=type)
    inner = make(kind, further)
    if type == "Patient" and code in OF_RESIDENTS and inner.recheck is None:
        return _of_residents(kind, inner, context)
    found = context.few(kind, inner, MOST_LINKED)
    if found is not None:
        linked = {r for version in found for r in references(version, parameter)}
        return Condition("s.rid = any(%s)", ([keys.key(r) for r in linked if r.startswith(type + "/")],))

    def check(versions: Sequence[Version]) -> list[bool]:
        wanted = {
            keys.token(kind, home, version.reference): version.reference
            for version in versions
            for home in parameter.homes
        }
        tokens = any_token(list(wanted))
        both = Condition(
            f"{tokens.sql} and {inner.sql}", (*tokens.values, *inner.values), recheck=inner.recheck
        )
        met: set[str] = set()
        for referring in context.each(kind, both):
            met |= references(referring, parameter)
        return [version.reference in met for version in versions]

    return Condition("true", recheck=check)
