"""What the walk over a resource collects, and what is done with the values at its elements.

A token is its eight bytes here, not the number: that is how COPY wants it. Codes, concepts and references come again
and again, so each element remembers what it made of them last.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from shangyi.errors import Invalid
from shangyi.store import keys
from shangyi.store.search import date, number, values
from shangyi.store.search.catalogue import Home, main_date, primary_code
from shangyi.store.search.path import Emit

REMEMBERED = 2048
"""Values that an element keeps: the codes in use, the resident and the visit at hand."""
NO_CODE = bytes(8)
K = TypeVar("K")
V = TypeVar("V")

Made = tuple[tuple[bytes, ...], tuple[tuple[bytes, bytes], ...]]
"""Tokens of a value; and of a primary code, (token, token under ``code+``) of each spelling with system and code."""


class Extracted:
    """The search values of a resource. ``dates``, ``numbers``, ``strings``: as in ``store.index``, but plain tuples.

    ``present``: the bits of the parameters that have a value.
    """

    __slots__ = ("code", "date", "dates", "numbers", "patient", "present", "strings", "tokens")

    def __init__(self) -> None:
        self.tokens: set[bytes] = set()
        self.dates: set[tuple[int, int, int]] = set()
        self.numbers: set[tuple[int, int, float, float]] = set()
        self.strings: set[tuple[int, str]] = set()
        self.patient = keys.NONE
        self.code = NO_CODE
        self.date: tuple[int, int] | None = None
        self.present = 0


def bits(home: Home, target: str | None = None) -> int:
    """The bits of the parameters that look here, of those that see this target only."""
    return sum({1 << parameter.bit for parameter, seen in home.parameters if seen == target})


class _Remembered(dict[K, V]):
    """What was made of the last values: of a key that is not there it is made now."""

    def __init__(self, make: Callable[[K], V], length: Callable[[K], int]) -> None:
        self.make, self.length = make, length

    def __missing__(self, key: K) -> V:
        found = self.make(key)
        if self.length(key) <= keys.REMEMBERED_LENGTH:
            if len(self) >= REMEMBERED:
                self.clear()
            self[key] = found
        return found


def _length(key: tuple[str | None, ...]) -> int:
    return sum(len(text) for text in key if text)


def token(name: str, home: Home) -> Emit:
    """Of token parameters; the primary code goes into the code column."""
    seen, kind, code = bits(home), home.type, home.code
    primary = code == primary_code(name)

    def make(spellings: Iterable[str]) -> Made:
        spelled = list(spellings)
        whole = [s for s in spelled if primary and "|" in s and s[-1] != "|"]
        return (
            tuple(keys.token_bytes(name, code, s) for s in spelled),
            tuple((keys.token_bytes(name, code, s), keys.token_bytes(name, "code+", s)) for s in whole),
        )

    def take(made: Made, row: Extracted) -> None:
        row.tokens.update(made[0])
        for first, further in made[1]:
            if row.code == NO_CODE:
                row.code = first
            elif row.code != first:
                row.tokens.add(further)

    def of_pair(key: tuple[str | None, str | None]) -> Made:
        return make(values.pair(*key))

    def of_text(value: str) -> Made:
        return make((value,))

    pair, text = _Remembered(of_pair, _length), _Remembered(of_text, len)

    def concept(value: Any, row: Extracted) -> None:
        if type(value) is not dict:
            return other(value, row)
        row.present |= seen
        for coding in value.get("coding", ()):
            made = pair[coding.get("system"), coding.get("code")]
            if primary:
                take(made, row)
            else:
                row.tokens.update(made[0])

    def coding(value: Any, row: Extracted) -> None:
        if type(value) is not dict or "coding" in value:
            return other(value, row)
        row.present |= seen
        take(pair[value.get("system"), value.get("code")], row)

    def other(value: Any, row: Extracted) -> None:
        row.present |= seen
        take(text[value] if type(value) is str else make(values.tokens(value, kind)), row)

    if kind == "CodeableConcept":
        return concept
    return other if kind in ("Identifier", "ContactPoint") else coding


def reference(name: str, home: Home, patient: bool) -> Emit:
    """Of reference parameters; ``patient``: it says whose the resource is."""
    kind, code = home.type, home.code
    any_target = bits(home)
    targets = {target: bits(home, target) for _, target in home.parameters if target is not None}

    def make(text: str) -> tuple[int, tuple[bytes, ...], int]:
        if text.startswith("#"):
            return 0, (), keys.NONE
        found, text = any_target, text.partition("/_history/")[0]
        for target, its in targets.items():
            if values.points_to(text, target):
                found |= its
        if not found:
            return 0, (), keys.NONE
        whose = keys.key(text) if patient and text.startswith("Patient/") else keys.NONE
        return found, (keys.token_bytes(name, code, text),), whose

    look = _Remembered(make, len)

    def emit(value: Any, row: Extracted) -> None:
        row.present |= any_target
        plain = type(value) is dict and "reference" in value and "identifier" not in value
        for text in (value["reference"],) if plain else values.references(value, kind):
            found, tokens, whose = look[text]
            row.present |= found
            row.tokens.update(tokens)
            if whose and row.patient == keys.NONE:
                row.patient = whose

    return emit


def when(name: str, home: Home) -> Emit:
    """Of a date parameter; the first main date goes into the columns instead."""
    seen, parameter = bits(home), keys.parameter(name, home.code)
    main = home.code == main_date(name)

    def emit(value: Any, row: Extracted) -> None:
        row.present |= seen
        try:
            span = date.span(value)
        except Invalid:
            return
        if span is None:
            return
        if main and row.date is None:
            row.date = span
        else:
            row.dates.add((parameter, *span))

    return emit


def quantity(name: str, home: Home) -> Emit:
    """Of number and quantity parameters."""
    seen, parameter = bits(home), keys.parameter(name, home.code)

    def emit(value: Any, row: Extracted) -> None:
        row.present |= seen
        span = number.stored(value)
        if span is not None:
            unit = number.unit_key(value) if type(value) is dict else keys.NONE
            row.numbers.add((parameter, unit, *span))

    return emit


def string(name: str, home: Home) -> Emit:
    """Of string parameters."""
    seen, parameter = bits(home), keys.parameter(name, home.code)
    kind, part = home.type, home.steps[-1][0]

    def emit(value: Any, row: Extracted) -> None:
        row.present |= seen
        row.strings.update((parameter, text) for text in values.strings(value, kind, part))

    return emit


def uri(name: str, home: Home) -> Emit:
    """Of uri parameters."""
    seen, code = bits(home), home.code

    def emit(value: Any, row: Extracted) -> None:
        row.present |= seen
        if isinstance(value, str):
            row.tokens.add(keys.token_bytes(name, code, value))

    return emit
