"""Membership in value sets and code systems (https://cql.hl7.org/09-b-cqlreference.html#clinical-operators-3)."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from shangyi.query.cql.values import Code, CodeSystem, Concept, ValueSet


class Terminology(Protocol):
    """What the operators ask. Each raises NotFound (``shangyi.errors``) naming the set that cannot be resolved."""

    def expand(self, valueset: ValueSet) -> Sequence[Code]:
        """All codes of a value set."""

    def in_valueset(self, code: Code, valueset: ValueSet) -> bool:
        """Whether the set has the code; a code without a system is looked for by the code alone."""

    def in_codesystem(self, code: Code, codesystem: CodeSystem) -> bool:
        """Whether the system defines the code."""

    def subsumes(self, general: Code, special: Code) -> bool:
        """Whether a code means the same as another, or more."""


def codes_of(value: Any) -> list[Code]:
    """The codes of a String, Code, Concept, or list of them."""
    if value is None:
        return []
    if type(value) is str:
        return [Code(value)]
    if type(value) is Concept:
        return [code for code in value.codes if code is not None]
    if type(value) is list:
        return [code for item in value for code in codes_of(item)]
    return [value]


def in_valueset(terminology: Terminology, value: Any, valueset: ValueSet | list[Any] | None) -> bool | None:
    """``InValueSet`` and ``AnyInValueSet``: whether one of the codes is in the set; false of null."""
    if valueset is None:
        return None
    if isinstance(valueset, list):  # the codes themselves
        return _among(codes_of(value), codes_of(valueset))
    return any(terminology.in_valueset(code, valueset) for code in codes_of(value))


def _among(codes: Iterable[Code], members: Iterable[Code]) -> bool:
    known = {(member.code, member.system) for member in members}
    return any((code.code, code.system) in known for code in codes)


def in_codesystem(terminology: Terminology, value: Any, codesystem: CodeSystem | None) -> bool | None:
    """``InCodeSystem`` and ``AnyInCodeSystem``."""
    if codesystem is None:
        return None
    return any(terminology.in_codesystem(code, codesystem) for code in codes_of(value))


def subsumes(terminology: Terminology, general: Any, special: Any) -> bool | None:
    """``Subsumes``: of concepts, whether a code of one subsumes a code of the other."""
    if general is None or special is None:
        return None
    return any(terminology.subsumes(a, b) for a in codes_of(general) for b in codes_of(special))


def subsumed_by(terminology: Terminology, special: Any, general: Any) -> bool | None:
    """``SubsumedBy``."""
    return subsumes(terminology, general, special)


def expand_valueset(terminology: Terminology, valueset: ValueSet | None) -> list[Code] | None:
    """``ExpandValueSet``."""
    return None if valueset is None else list(terminology.expand(valueset))
