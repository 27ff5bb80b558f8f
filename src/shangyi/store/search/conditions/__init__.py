"""One search parameter of a query as a condition in SQL on a row ``s`` of ``search``, one kind of parameter a file."""

from shangyi.errors import Invalid, NotSupported
from shangyi.fhir import definitions
from shangyi.store.search.catalogue import CONTROL, Parameter, catalogue
from shangyi.store.search.conditions import (
    composite,
    control,
    date,
    links,
    number,
    reference,
    string,
    token,
    uri,
)
from shangyi.store.search.conditions.base import (
    NOTHING,
    Condition,
    Context,
    Recheck,
    any_token,
    either,
    present,
    split,
    unescape,
)

DEEPEST_CHAIN = 4


def condition(type: str, name: str, value: str, context: Context, depth: int = 0) -> Condition:
    """The condition of ``name=value`` on resources of ``type``. Raises Invalid, NotSupported."""
    if depth > DEEPEST_CHAIN:
        raise NotSupported("A chain may have at most {n} links", n=DEEPEST_CHAIN)

    def inner(kind: str, further: str) -> Condition:
        return condition(kind, further, value, context, depth + 1)

    if name.startswith("_has:"):
        return links.has(type, name, inner, context)
    head, dot, rest = name.partition(".")
    code, _, modifier = head.partition(":")
    if code in CONTROL:
        return control.condition(type, code, modifier, value)
    parameter = catalogue(type).get(code)
    if parameter is None:
        return _without_index(type, code, modifier, value, context, depth)
    if dot:
        return links.chain(type, parameter, modifier, rest, inner, context)
    if modifier == "missing":
        return _missing(parameter, value)
    if not value:
        raise Invalid("The parameter {name} has no value", name=name[:64])
    return _by_kind(type, parameter, modifier, value, context)


def _by_kind(type: str, parameter: Parameter, modifier: str, value: str, context: Context) -> Condition:
    match parameter.kind:
        case "token":
            return token.condition(type, parameter, modifier, value, context)
        case "reference":
            return reference.condition(type, parameter, modifier, value, context)
        case "uri":
            return uri.condition(type, parameter, modifier, value)
        case "string":
            return string.condition(type, parameter, modifier, value)
        case "date":
            return date.condition(type, parameter, modifier, value)
    return number.condition(type, parameter, modifier, value, context)


def _without_index(
    type: str, code: str, modifier: str, value: str, context: Context, depth: int
) -> Condition:
    definition = definitions.search_parameters(type).get(code)
    if definition is not None and definition.type == "composite":
        return composite.condition(
            type,
            definition,
            modifier,
            value,
            lambda kind, part, wanted: condition(kind, part, wanted, context, depth + 1),
            context,
        )
    _refuse(code)
    known = ", ".join(sorted([*catalogue(type), *CONTROL]))
    raise Invalid(
        "{type} has no search parameter {name}. It has: {known}", type=type, name=code[:64], known=known
    )


def _refuse(code: str) -> None:
    """The parameters of the specification that are not there: what to do instead."""
    match code:
        case "_text" | "_content":
            raise NotSupported(
                "The text of a resource is not indexed; search by name, by code:text and other parameters"
            )
        case "_list":
            raise NotSupported("Lists are not searched by; read the List and ask for its members by _id")
        case "_filter" | "_query":
            raise NotSupported("There is neither a filter language nor a named query; use search parameters")
        case "_contained" | "_containedType":
            raise NotSupported("Contained resources are not searched apart from what contains them")
        case "near":
            raise NotSupported("Distance is not searched by; search by address")


def _missing(parameter: Parameter, value: str) -> Condition:
    """``:missing=true``: without a value, by the presence key (http://hl7.org/fhir/R4/search.html#modifiers)."""
    if value not in ("true", "false"):
        raise Invalid(":missing is true or false")
    there = present(parameter)
    return there if value == "false" else Condition(f"not {there.sql}", there.values)


__all__ = [
    "NOTHING",
    "Condition",
    "Context",
    "Recheck",
    "any_token",
    "condition",
    "either",
    "present",
    "split",
    "unescape",
]
