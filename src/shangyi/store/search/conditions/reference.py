"""References (http://hl7.org/fhir/R4/search.html#reference): by id, type and id, URL, or identifier."""

from collections.abc import Iterator

from shangyi.errors import Invalid
from shangyi.fhir import definitions
from shangyi.store import keys
from shangyi.store.search import values
from shangyi.store.search.catalogue import Parameter
from shangyi.store.search.conditions.base import (
    Condition,
    Context,
    Reader,
    any_token,
    not_supported,
    split,
    unescape,
)


def targets(parameter: Parameter) -> tuple[str, ...]:
    """The resource types that a reference parameter leads to."""
    narrowed = {path.target for path in parameter.paths}
    if narrowed and None not in narrowed:
        return tuple(sorted(target for target in narrowed if target))
    return parameter.targets or definitions.resource_types()


def condition(type: str, parameter: Parameter, modifier: str, value: str, context: Context) -> Condition:
    """A reference parameter; ``:Patient`` names the type of a bare id, ``:identifier`` a logical reference."""
    if modifier == "identifier":
        wanted = [f"identifier:{_identifier(one)}" for one in split(value)]
    elif modifier in ("", *targets(parameter)):
        wanted = [
            found for one in split(value) for found in spellings(parameter, modifier, one, context.base)
        ]
    elif definitions.is_resource_type(modifier):
        raise Invalid("{name} does not refer to a {type}", name=parameter.code, type=modifier)
    else:
        raise not_supported(modifier, parameter)
    return any_token([keys.token(type, home, one) for home in parameter.homes for one in wanted])


def _identifier(value: str) -> str:
    return "|".join(unescape(part) for part in split(value, "|"))


def spellings(parameter: Parameter, modifier: str, value: str, base: str | None = None) -> Iterator[str]:
    """How what a query names may stand in a resource; an address of this server is the same as what it points to."""
    text = unescape(value)
    if base and text.startswith(base + "/"):
        text = text[len(base) + 1 :]
    text = text.partition("/_history/")[0]
    kinds = (modifier,) if modifier else targets(parameter)
    if "/" in text or ":" in text:
        if None in {path.target for path in parameter.paths} or any(
            values.points_to(text, kind) for kind in kinds
        ):
            yield text
    else:
        yield from (f"{kind}/{text}" for kind in kinds)
        yield text


def reader(value: str, parameter: Parameter, base: str | None) -> Reader:
    """Whether a reference of a resource meets the query, unmodified."""
    asked = {found for one in split(value) for found in spellings(parameter, "", one, base)}
    return lambda found, kind: not asked.isdisjoint(values.references(found, kind))
