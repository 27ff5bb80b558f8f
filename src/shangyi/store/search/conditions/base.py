"""What every kind of condition is made of: SQL on a row ``s`` of ``search``, and what only the resource itself can tell."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from shangyi.errors import NotSupported
from shangyi.store.model import Version
from shangyi.store.search.catalogue import Parameter
from shangyi.store.search.path import values as at
from shangyi.store.search.units import Unit

Recheck = Callable[[Sequence[Version]], Sequence[bool]]
"""Which of these versions, found by SQL, truly meet the condition."""


Reader = Callable[[Any, str], bool]
"""Whether a value of a resource, of a FHIR type, meets what a query asks."""


@dataclass(frozen=True, slots=True)
class Narrow:
    """The other way to a condition on a narrow table: its ``rows`` may be counted, and it can be read as well."""

    rows: str
    values: tuple[Any, ...]
    reading: "Condition"


@dataclass(frozen=True, slots=True)
class Probe:
    """The other way to a condition on what refers to a resource: asked of one row ``s``, where many are referred to.

    ``tokens``: one of these must what refers have.
    """

    sql: str
    values: tuple[Any, ...]
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """``sql`` with its ``values``. ``tokens``: one of these must be there, so that a plan may start from them.

    ``code``: the key that the ``code`` column has where this is the primary code, and the token of rows that
    have it as a further coding. ``dates``: a row that is no longer than ``date.LONG_US`` can only meet the
    condition with ``date`` between these two. ``recheck``: where SQL finds too much. ``narrow``: where the values stand
    in a table of their own. ``probe``: where other rows are asked, which may be many.
    """

    sql: str
    values: tuple[Any, ...] = ()
    tokens: tuple[int, ...] = ()
    code: tuple[int, int] | None = None
    dates: tuple[int, int] | None = None
    recheck: Recheck | None = None
    narrow: Narrow | None = None
    probe: Probe | None = None


NOTHING = Condition("false")


class Context(Protocol):
    """What a condition may ask of the record while it is made, within what the reader may see."""

    base: str | None
    """The address of this server, which references may begin with."""

    def few(self, type: str, wanted: Condition, most: int) -> list[Version] | None:
        """All resources of a type that meet a condition, or None where there are more than ``most``."""

    def each(self, type: str, wanted: Condition) -> Iterator[Version]:
        """All resources of a type that meet a condition."""

    def meeting(self, type: str, wanted: Condition, references: Collection[str]) -> set[str]:
        """Those of these resources that meet a condition."""

    def may_see(self, type: str) -> bool:
        """Whether the reader may see resources of a type at all."""

    def units(self, parameters: Sequence[int]) -> Sequence[Unit]:
        """The units that the values of these parameters have."""

    def codes(self, value_set: str) -> Collection[tuple[str, str]]:
        """The codes (system, code) of a value set; ("system", "") is all of a system. NotSupported, Invalid."""


def split(text: str, separator: str = ",") -> list[str]:
    r"""The parts between separators, their escapes left: ``\,`` does not separate (search.html#escaping)."""
    parts, current, escaped = [], "", False
    for character in text:
        if escaped or character != separator:
            current += character
            escaped = character == "\\" and not escaped
        else:
            parts.append(current)
            current = ""
    return [*parts, current]


def unescape(text: str) -> str:
    r"""``\,`` ``\|`` ``\$`` ``\\`` as the character itself; another backslash stays."""
    if "\\" not in text:
        return text
    out, escaped = "", False
    for character in text:
        if escaped:
            out += character if character in ",|$\\" else "\\" + character
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            out += character
    return out + ("\\" if escaped else "")


def any_token(wanted: Sequence[int]) -> Condition:
    """Rows that hold one of these tokens."""
    unique = tuple(dict.fromkeys(wanted))
    if not unique:
        return NOTHING
    if len(unique) == 1:
        return Condition("s.tokens @> array[%s::bigint]", unique, unique)
    return Condition("s.tokens && %s::bigint[]", (list(unique),), unique)


def either(conditions: Sequence[Condition]) -> Condition:
    """Rows that meet one of these, none of which needs a recheck."""
    if len(conditions) == 1:
        return conditions[0]
    sql = " or ".join(f"({condition.sql})" for condition in conditions)
    values = tuple(value for condition in conditions for value in condition.values)
    tokens = tuple(token for condition in conditions for token in condition.tokens)
    return Condition(f"({sql})", values, tokens if all(condition.tokens for condition in conditions) else ())


def present(parameter: Parameter) -> Condition:
    """Rows that have a value for the parameter: a bit of the presence key, the first of the tokens."""
    return Condition("(s.tokens[1] & %s::bigint) <> 0", (1 << parameter.bit,))


def not_supported(modifier: str, parameter: Parameter) -> NotSupported:
    """The error for a modifier that does not go with the parameter."""
    return NotSupported(
        "The modifier :{modifier} is not supported for {name}", modifier=modifier[:32], name=parameter.code
    )


def read_by(parameter: Parameter, meets: Reader) -> Condition:
    """Rows that have a value, each read for whether one meets the query."""

    def check(versions: Sequence[Version]) -> list[bool]:
        return [
            any(meets(v, path.type) for path in parameter.paths for v in at(path, version.resource))
            for version in versions
        ]

    there = present(parameter)
    return Condition(there.sql, there.values, recheck=check)
