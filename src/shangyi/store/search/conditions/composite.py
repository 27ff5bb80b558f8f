"""Composites (http://hl7.org/fhir/R4/search.html#composite): ``code-value-quantity=8480-6$gt140``, of one element."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from shangyi.errors import Invalid, NotSupported
from shangyi.fhir import definitions
from shangyi.fhir.definitions import SearchParameter
from shangyi.store.model import Version
from shangyi.store.search.catalogue import Parameter, catalogue
from shangyi.store.search.conditions import date, number, reference, string, token
from shangyi.store.search.conditions.base import Condition, Context, Narrow, Reader, Recheck, split, unescape
from shangyi.store.search.path import Path, alternatives, paths
from shangyi.store.search.path import values as at

Resource = dict[str, Any]
RESOURCE = "%resource."


def condition(
    type: str,
    definition: SearchParameter,
    modifier: str,
    value: str,
    make: Callable[[str, str, str], Condition],
    context: Context,
) -> Condition:
    """A composite: its parts found apart by ``make``, then held together on the resource where that can differ."""
    if modifier:
        raise NotSupported(
            "The modifier :{modifier} is not supported for {name}",
            modifier=modifier[:32],
            name=definition.code,
        )
    parts = components(type, definition)
    asked = [split(one, "$") for one in split(value)]
    if any(len(one) != len(parts) or not all(one) for one in asked):
        form = "$".join(parameter.code for parameter, _ in parts)
        raise Invalid("{name} needs a value of the form {form}", name=definition.code, form=form)
    found = [
        [make(type, parameter.code, part) for (parameter, _), part in zip(parts, one, strict=True)]
        for one in asked
    ]
    sql = " or ".join("(" + " and ".join(c.sql for c in one) + ")" for one in found)
    given = tuple(value for one in found for condition in one for value in condition.values)
    hint = found[0][0] if len(found) == 1 else Condition("true")
    together = _together(type, definition, asked, context)
    check = None if roots(type, definition) == (type,) else together
    return Condition(
        f"({sql})", given, hint.tokens, hint.code, recheck=check, narrow=_narrow(found, together)
    )


def _narrow(found: Sequence[Sequence[Condition]], together: Recheck) -> Narrow | None:
    """The parts that need no table of their own by SQL, the whole by reading; of one value only."""
    apart = [condition for condition in found[0] if condition.narrow is not None]
    if len(found) != 1 or not apart or apart[0].narrow is None:
        return None
    others = [condition for condition in found[0] if condition.narrow is None]
    sql = " and ".join(condition.sql for condition in others) or "true"
    given = tuple(value for condition in others for value in condition.values)
    hint = others[0] if others else Condition("true")
    reading = Condition(f"({sql})", given, hint.tokens, hint.code, recheck=together)
    return Narrow(apart[0].narrow.rows, apart[0].narrow.values, reading)


def components(type: str, definition: SearchParameter) -> list[tuple[Parameter, str]]:
    """The parameters that a composite is made of, each with its expression within the element."""
    found = []
    for url, expression in definition.component:
        known = definitions.search_parameter_by_url(url)
        parameter = catalogue(type).get(known.code) if known else None
        if parameter is None:
            raise NotSupported("{type} cannot be searched by {name}", type=type, name=definition.code)
        found.append((parameter, expression))
    return found


def roots(type: str, definition: SearchParameter) -> tuple[str, ...]:
    """The elements that hold the parts together: the resource itself, or elements of it."""
    return tuple(alternatives(definition.expression_for(type) or ""))


class Part(NamedTuple):
    """A part: its parameter and its paths, below the element or (``%resource.…``) below the resource."""

    parameter: Parameter
    paths: tuple[Path, ...]
    whole: bool


@cache
def _plan(type: str, code: str) -> tuple[tuple[Path | None, tuple[Part, ...]], ...]:
    """Each kind of root (None: the resource) with the paths of the parts below it."""
    definition = definitions.search_parameters(type)[code]
    plan: list[tuple[Path | None, tuple[Part, ...]]] = []
    for root in roots(type, definition):
        for path in paths(type, root) if root != type else [None]:
            below = path.type if path else type
            parts = [
                _part(type, below, parameter, expression)
                for parameter, expression in components(type, definition)
            ]
            plan.append((path, tuple(parts)))
    return tuple(plan)


def _part(type: str, below: str, parameter: Parameter, expression: str) -> Part:
    whole = expression.startswith(RESOURCE)
    found = paths(type, expression.removeprefix(RESOURCE), root=type if whole else below)
    return Part(parameter, tuple(found), whole)


def _together(
    type: str, definition: SearchParameter, asked: Sequence[Sequence[str]], context: Context
) -> Recheck:
    plan = _plan(type, definition.code)
    wanted = [
        [
            _reader(type, parameter, one, context)
            for (parameter, _), one in zip(components(type, definition), values, strict=True)
        ]
        for values in asked
    ]

    def met(resource: Resource, readers: Sequence[Reader]) -> bool:
        return any(
            all(
                any(
                    meets(value, path.type)
                    for path, value in _below(resource if part.whole else root, part.paths)
                )
                for part, meets in zip(parts, readers, strict=True)
            )
            for where, parts in plan
            for root in ([resource] if where is None else at(where, resource))
        )

    def check(versions: Sequence[Version]) -> list[bool]:
        return [any(met(version.resource, readers) for readers in wanted) for version in versions]

    return check


def _below(root: Resource, below: Sequence[Path]) -> Iterator[tuple[Path, Any]]:
    for path in below:
        for value in at(path, root):
            yield path, value


def _reader(type: str, parameter: Parameter, value: str, context: Context) -> Reader:
    match parameter.kind:
        case "token":
            return token.reader(value, parameter)
        case "date":
            return date.reader(value)
        case "string":
            return string.reader([unescape(value)])
        case "reference":
            return reference.reader(value, parameter, context.base)
        case "uri":
            return lambda found, kind: bool(found == unescape(value))
    return number.reader(type, parameter, value, context)
