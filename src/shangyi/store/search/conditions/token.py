"""Tokens (http://hl7.org/fhir/R4/search.html#token): codes, identifiers, contact points, booleans."""

from collections.abc import Iterator, Sequence
from typing import Any

from shangyi.errors import Invalid, NotSupported
from shangyi.store import keys
from shangyi.store.model import Version
from shangyi.store.search import text, values
from shangyi.store.search.catalogue import Parameter, primary_code
from shangyi.store.search.conditions.base import (
    Condition,
    Context,
    Reader,
    any_token,
    not_supported,
    present,
    split,
    unescape,
)
from shangyi.store.search.elements import bound_codes
from shangyi.store.search.path import values as at

COMPLEX = frozenset({"CodeableConcept", "Coding", "Identifier"})
SPECIAL = "http://hl7.org/fhir/special-values"
"""The code system of true and false."""


def condition(type: str, parameter: Parameter, modifier: str, value: str, context: Context) -> Condition:
    """A token parameter with ``:not``, ``:in``, ``:not-in``, ``:text``, ``:of-type``."""
    match modifier:
        case "" | "not":
            found = _any(type, parameter, value)
        case "in" | "not-in":
            codes = sorted(context.codes(unescape(value)))
            spelled = [one for code in codes for one in _spellings(type, parameter, *code)]
            found = any_token([keys.token(type, home, one) for home in parameter.homes for one in spelled])
        case "text":
            return _text(parameter, value)
        case "of-type" if all(path.type == "Identifier" for path in parameter.paths):
            return _of_type(type, parameter, value)
        case "above" | "below":
            raise NotSupported(
                "Codes above or below another need a terminology service, which is not here yet"
            )
        case _:
            raise not_supported(modifier, parameter)
    if not modifier.startswith("not"):
        return found
    if found.recheck is not None:
        raise not_supported(modifier, parameter)
    return Condition(f"not ({found.sql})", found.values)


def parse(value: str, parameter: Parameter) -> tuple[str | None, str]:
    """System (None: any; empty: without one) and code (empty: any) of ``system|code``."""
    parts = [unescape(part) for part in split(value, "|")]
    if len(parts) > 2 or not any(parts):
        raise Invalid("{value} is not of the form code or system|code", value=value[:80], name=parameter.code)
    return (None, parts[0]) if len(parts) == 1 else (parts[0], parts[1])


def _any(type: str, parameter: Parameter, value: str) -> Condition:
    wanted: list[int] = []
    systems: list[tuple[str, str]] = []
    asked = [parse(one, parameter) for one in split(value)]
    for system, code in asked:
        for spelling in dict.fromkeys(_spellings(type, parameter, system, code)):
            wanted += [keys.token(type, home, spelling) for home in parameter.homes]
        if system and all(path.type == "ContactPoint" for path in parameter.paths):
            systems.append((system, values.telecom(code)))
    found = any_token(wanted)
    if systems:
        return Condition(found.sql, found.values, found.tokens, recheck=_contact(parameter, asked))
    (system, code), *others = asked
    if system and code and not others and parameter.homes == (primary_code(type),):
        further = keys.token(type, "code+", f"{system}|{code}")
        if len(found.tokens) == 1:
            return Condition(found.sql, found.values, found.tokens, (found.tokens[0], further))
    return found


def _spellings(type: str, parameter: Parameter, system: str | None, code: str) -> Iterator[str]:
    """Under which spellings a code is kept, by the types of the elements that the parameter looks at."""
    kinds = {path.type for path in parameter.paths} or {"boolean"}
    if kinds & COMPLEX:
        yield code if system is None else f"{system}|{code}"
        if "Identifier" in kinds and code:  # 11010519491231002x is the id that ends in X
            yield from (
                f"{system or ''}|{c}" if system is not None else c for c in (code.upper(), code.lower())
            )
    if "ContactPoint" in kinds and code:
        yield values.telecom(code)
    if "boolean" in kinds and system in (None, "", SPECIAL):
        yield code
    for path in parameter.paths:
        if path.type not in ("code", "string", "id", "uri"):
            continue
        bound = bound_codes(type, path.steps)
        if not system or (not bound and code):
            yield code
        else:
            yield from (known for known in bound.get(system, ()) if code in ("", known))


def _contact(parameter: Parameter, asked: Sequence[tuple[str | None, str]]) -> Any:
    """``telecom=email|a@b``: the system of a contact point is what it is, not where its codes come from."""

    def fits(value: dict[str, Any]) -> bool:
        spelled = values.telecom(str(value.get("value", "")))
        return any(
            (system is None or system == value.get("system", "")) and values.telecom(code) == spelled
            for system, code in asked
        )

    def check(versions: Sequence[Version]) -> list[bool]:
        return [any(fits(v) for path in parameter.paths for v in at(path, r.resource)) for r in versions]

    return check


def _text(parameter: Parameter, value: str) -> Condition:
    """``:text``: what the code or identifier is called, in the resource (search.html#modifiers)."""
    wanted = [folded for one in split(value) if (folded := text.fold(unescape(one)))]
    if not wanted:
        raise Invalid("The parameter {name} has no value", name=parameter.code)

    def check(versions: Sequence[Version]) -> list[bool]:
        return [
            any(
                one in text.fold(said)
                for path in parameter.paths
                for found in at(path, version.resource)
                for said in said_of(found)
                for one in wanted
            )
            for version in versions
        ]

    if not any(path.type in COMPLEX for path in parameter.paths):
        raise not_supported("text", parameter)
    there = present(parameter)
    return Condition(there.sql, there.values, recheck=check)


def said_of(value: Any) -> Iterator[str]:
    """CodeableConcept.text, Coding.display, Identifier.type.text."""
    if not isinstance(value, dict):
        return
    for holder in (value, *value.get("coding", ())):
        for name in ("text", "display"):
            if isinstance(holder.get(name), str):
                yield holder[name]
    kind = value.get("type")
    if isinstance(kind, dict):
        yield from said_of(kind)


def _of_type(type: str, parameter: Parameter, value: str) -> Condition:
    """``identifier:of-type=system|code|value``: the kind of identifier, whoever gave it out."""
    asked = []
    for one in split(value):
        parts = [unescape(part) for part in split(one, "|")]
        if len(parts) != 3 or not all(parts):
            raise Invalid("{name}:of-type needs system|code|value", name=parameter.code)
        asked.append(tuple(parts))

    def fits(found: dict[str, Any]) -> bool:
        kinds = {(c.get("system"), c.get("code")) for c in found.get("type", {}).get("coding", ())}
        return any(found.get("value") == value and (system, code) in kinds for system, code, value in asked)

    def check(versions: Sequence[Version]) -> list[bool]:
        return [any(fits(v) for path in parameter.paths for v in at(path, r.resource)) for r in versions]

    found = any_token([keys.token(type, home, value) for home in parameter.homes for _, _, value in asked])
    return Condition(found.sql, found.values, found.tokens, recheck=check)


def reader(value: str, parameter: Parameter) -> Reader:
    """Whether a code of a resource meets the query, unmodified."""
    asked = {
        code if system is None else f"{system}|{code}"
        for system, code in (parse(one, parameter) for one in split(value))
    }
    return lambda found, kind: not asked.isdisjoint(values.tokens(found, kind))
