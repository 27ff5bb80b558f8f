"""What an operation takes, as its OperationDefinition says, and the one way its input is read and checked."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shangyi.api.call import Call
from shangyi.api.reply import Reply
from shangyi.errors import Invalid, NotSupported

Input = dict[str, list[Any]]

FORMS = {
    "integer": re.compile(r"0|-?[1-9]\d{0,9}"),
    "date": re.compile(r"\d{4}(-\d\d(-\d\d)?)?"),
    "instant": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[ +-]\d\d:\d\d)"),
    "code": re.compile(r"\S+( \S+)*"),
    "string": re.compile(r"(?s).+"),
    "uri": re.compile(r"\S+"),
    "boolean": re.compile(r"true|false"),
    "Reference": re.compile(r"\S+"),
}

STRUCTURED = frozenset({"Resource", "Coding", "CodeableConcept", "Parts"})
"""Types that an address cannot hold."""

KEYS = {
    "uri": ("valueUri", "valueCanonical", "valueUrl"),
    "code": ("valueCode", "valueString"),
    "string": ("valueString", "valueCode"),
}
"""Where a value may stand: some types are written as their near kin in other versions of FHIR."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One input. ``type``: a primitive of ``FORMS``, one of ``STRUCTURED``; ``many``: may be repeated.

    ``parts``: of what has no value of its own; read as an ``Input`` of these.
    """

    type: str
    many: bool = False
    parts: Mapping[str, "Parameter"] | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation: its name without ``$``, its canonical, the types it is for (empty: all), its levels, its input.

    ``safe``: it changes nothing, so that GET may ask for it. ``unsupported``: input that its definition names and this
    server does not take. ``documentation``: for the CapabilityStatement.
    """

    name: str
    definition: str
    handler: Callable[[Call, Input], Reply]
    types: frozenset[str] = frozenset()
    levels: frozenset[str] = frozenset({"instance"})
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    safe: bool = True
    unsupported: frozenset[str] = frozenset()
    documentation: str = ""


def read_input(call: Call, operation: Operation) -> Input:
    """The input from the address and from a Parameters body, or the resource itself as ``resource``.

    Invalid for what the definition does not name, names twice, or has another type.
    """
    found: Input = {}
    for name, text in call.parameters:
        _check_supported(operation, name)
        parameter = operation.parameters.get(name)
        if parameter is None:
            if call.strict:
                raise Invalid(
                    "${operation} has no parameter {name}", operation=operation.name, name=name[:64]
                )
            continue
        if parameter.type in STRUCTURED:
            raise Invalid("The parameter {name} belongs in the body", name=name)
        values = text.split(",") if parameter.many else [text]
        for value in values:
            _check_form(name, parameter, value)
            found.setdefault(name, []).append(value)
    if call.method == "POST" and call.body and not call.form:
        _read_body(call, operation, found)
    _check_once(operation.parameters, found)
    return found


def _check_supported(operation: Operation, name: object) -> None:
    if name in operation.unsupported:
        raise NotSupported(
            "The parameter {name} of ${operation} is not served here",
            expression=str(name),
            name=name,
            operation=operation.name,
        )


def _plain(parameter: Parameter, value: object) -> str:
    """A value as the address would have it; empty, which has no form, where it is something else."""
    if parameter.type == "Reference":
        reference = value.get("reference") if isinstance(value, dict) else None
        return reference if isinstance(reference, str) else ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check_form(name: str, parameter: Parameter, value: object) -> None:
    if not FORMS[parameter.type].fullmatch(str(value)):
        raise Invalid("The parameter {name} is no {type}", name=name, type=parameter.type)


def _read_body(call: Call, operation: Operation, found: Input) -> None:
    body = call.resource()
    if body["resourceType"] != "Parameters":
        if "resource" not in operation.parameters:
            raise Invalid("${operation} takes a Parameters resource", operation=operation.name)
        found.setdefault("resource", []).append(body)
        return
    _read_items(operation, operation.parameters, body.get("parameter", []), "Parameters.parameter", found)


def _read_items(
    operation: Operation, parameters: Mapping[str, Parameter], given: object, place: str, found: Input
) -> None:
    """The items of a list of parameters, or of the parts of one, into ``found``."""
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise Invalid("{place} is a list", expression=place, place=place)
    for item in given:
        name = item.get("name")
        _check_supported(operation, str(name))
        parameter = parameters.get(name) if isinstance(name, str) else None
        if parameter is None:
            raise Invalid(
                "${operation} has no parameter {name}", operation=operation.name, name=str(name)[:64]
            )
        found.setdefault(str(name), []).append(_value(operation, parameter, str(name), item, place))


def _value(operation: Operation, parameter: Parameter, name: str, item: Mapping[str, Any], place: str) -> Any:
    if parameter.parts is not None:
        inner: Input = {}
        _read_items(operation, parameter.parts, item.get("part", []), f"{place}.part", inner)
        _check_once(parameter.parts, inner)
        return inner
    key = _key(parameter, item)
    if key not in item:
        raise Invalid("The parameter {name} needs {key}", name=name, key=key)
    if parameter.type in STRUCTURED:
        if not isinstance(item[key], dict):
            raise Invalid("The parameter {name} is no {type}", name=name, type=parameter.type)
        return item[key]
    value = _plain(parameter, item[key])
    _check_form(name, parameter, value)
    return value


def _check_once(parameters: Mapping[str, Parameter], found: Input) -> None:
    for name, given in found.items():
        if len(given) > 1 and not parameters[name].many:
            raise Invalid("The parameter {name} may be given once only", name=name)


def _key(parameter: Parameter, item: Mapping[str, Any]) -> str:
    """Where the value stands in an item of Parameters."""
    if parameter.type == "Resource":
        return "resource"
    usual = f"value{parameter.type[0].upper()}{parameter.type[1:]}"
    return next((key for key in KEYS.get(parameter.type, ()) if key in item), usual)
