"""The rules as data: ``data/*.yaml``, read once. A rule names its guideline; no threshold stands in code."""

from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Literal

import msgspec


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text in the console's languages."""

    zh: str
    en: str

    def of(self, language: str) -> str:
        """In this language, English where it is another."""
        return self.zh if language.startswith("zh") else self.en


class Codes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Codes of a system by how they begin. ``months``: for how long an order counts."""

    system: str
    prefixes: tuple[str, ...]
    months: int = 12


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From an age on (years): ``below`` asks all values to be lower, the others ask one value to be there."""

    from_years: int = 0
    below: dict[str, float] = {}
    at_least: dict[str, float] = {}
    at_most: dict[str, float] = {}

    def met(self, values: dict[str, float]) -> bool:
        """Whether the values (by code) meet it."""
        if self.below:
            return all(code in values and values[code] < limit for code, limit in self.below.items())
        return any(code in values and values[code] >= limit for code, limit in self.at_least.items()) or any(
            code in values and values[code] <= limit for code, limit in self.at_most.items()
        )


class Latest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The latest measurement of a code meets its limit; it counts until the next one, or for ``months``."""

    code: str
    limits: tuple[Limit, ...]
    months: int = 12
    in_a_row: int = 1


class AtLeast(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many measurements, on different days, within so many months."""

    code: str
    times: int
    months: int


class Missing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No measurement of ``code``, or visit of a type, within ``months``, or in this calendar year."""

    code: str = ""
    visit: str = ""
    months: int = 12
    calendar_year: bool = False


class Attention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a reader is told: ``why`` is a template over the facts, ``next`` what the guideline says.

    ``once`` is said instead where it is the first reading, ``never`` where there is none; ``brief`` names the source
    in a few words.
    """

    grade: Literal[1, 2, 3, 4]
    kind: Literal["urgent", "chronic", "due", "screening"]
    tag: Words
    why: Words
    next: Words
    brief: Words
    once: Words | None = None
    never: Words | None = None


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One state. It holds where all of its parts do; ``within`` and ``without`` name rules before it."""

    id: str
    title: Words
    source: Words
    from_years: int | None = None
    within: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    problem: Codes | None = None
    order: Codes | None = None
    latest: Latest | None = None
    at_least: AtLeast | None = None
    missing: Missing | None = None
    attention: Attention | None = None


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of ``data/``."""

    rules: tuple[Rule, ...]


@cache
def _read() -> tuple[tuple[Rule, ...], str]:
    folder = resources.files("shangyi.care.standing").joinpath("data")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    bodies = [file.read_bytes() for file in files]
    found = tuple(rule for body in bodies for rule in msgspec.yaml.decode(body, type=File).rules)
    return found, sha256(b"\0".join(bodies)).hexdigest()[:16]


def rules() -> tuple[Rule, ...]:
    """All rules, in the order of their files; a rule stands after those that it names."""
    return _read()[0]


def rule(id: str) -> Rule | None:
    """The rule of an id."""
    return next((found for found in rules() if found.id == id), None)


def digest() -> str:
    """Changes when a rule does: what was kept is then made again."""
    return f"{VERSION}-{_read()[1]}"


VERSION = 2
"""Of the evaluation itself: raised when the same rules give other answers or other facts."""


@cache
def measured() -> frozenset[str]:
    """``system|code`` of every measurement that a rule looks at."""
    found: set[str] = set()
    for rule in rules():
        found |= {part.code for part in (rule.latest, rule.at_least, rule.missing) if part and part.code}
    return frozenset(found)
