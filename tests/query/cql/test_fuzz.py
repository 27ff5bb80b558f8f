"""Mutilated libraries: nothing but our own errors comes out, and nothing takes long for its size.

By default a few hundred texts; ``--slow`` goes on for ten minutes, from a seed that it prints.
"""

import random
import re
import time

import pytest
from tests.query.cql.official import SUITE, cases

from shangyi.query.cql.errors import CqlErrors
from shangyi.query.cql.translate import translate

LIBRARY = """library Fuzz version '1.0'
using FHIR version '4.0.1'
include FHIRHelpers version '4.0.1' called H
codesystem "LOINC": 'http://loinc.org' version '2.7'
valueset "V": 'urn:v'
code "C": '8480-6' from "LOINC" display 'Systolic'
concept "K": { "C" } display 'k'
parameter "Measurement Period" Interval<DateTime> default Interval[@2025-01-01T00:00:00.0, @2026-01-01T00:00:00.0)
context Patient
define "Visits": [Encounter: "V"] E where E.period during "Measurement Period" return all E.period sort by start of $this desc
define "Readings": from [Observation: "C"] O, "Visits" P let low: O.value as Quantity where O.effective included in P return Tuple { at: P, v: low }
define function Adult(p FHIR.Patient): CalculateAgeInYearsAt(p.birthDate.value, Today()) >= 18
define "Due": exists "Visits" V with [Condition: "V"] D such that D.onset 3 days or less before start of V without "Readings" R such that R.v > 140 'mm[Hg]'
define "Sum": ({1, 2, 3}) X aggregate R starting 0: R + X * 2.5
define "Case": case when Patient.gender = 'male' then @2012-02-29 + 1 year else @T12:30 is not null end
context Unfiltered
define "All": Count([Patient]) + Length('a' & ToString(First("Sum")))
"""
BITS = [
    *"()[]{}<>,.:;'\"`@%$&|+-*/=~!?#\\ \n\t\x00字😀",
    "//",
    "/*",
    "*/",
    "@2012-",
    "T10:",
    "10 'mg'",
    "Interval[",
    "define ",
    "where ",
]
MOST = 10_000
"""Characters that one mutilation repeats."""
SECONDS = 5.0
"""Of processor for a text of some ten thousand characters: twenty times what one takes."""


def outcome(text: str) -> bool:
    """Whether it is a library; AssertionError where it takes long."""
    began = time.process_time()
    right = True
    try:
        translate(text)
    except CqlErrors:
        right = False
    took = time.process_time() - began
    assert took < SECONDS, f"{took:.1f} s for {len(text)} characters: {text!r}"
    return right


def pieces(text: str) -> list[str]:
    """The text cut about where its tokens end."""
    return re.findall(r"""\w+|\s+|'[^']*'|"[^"]*"|.""", text, re.DOTALL)


def mutilated(rng: random.Random, sources: list[list[str]]) -> str:
    """One of the texts with some tokens gone, doubled, exchanged, repeated many times, taken from another text or made up."""
    parts = list(rng.choice(sources))
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(parts))
        match rng.randrange(7):
            case 0:
                del parts[at : at + rng.randint(1, 4)]
            case 1:
                parts.insert(at, parts[at])
            case 2:
                other = rng.randrange(len(parts))
                parts[at], parts[other] = parts[other], parts[at]
            case 3:
                parts[at] = ("".join(parts[at : at + rng.randint(1, 3)]) * rng.choice([3, 30, 300]))[:MOST]
            case 4:
                other_text = rng.choice(sources)
                begin = rng.randrange(len(other_text))
                parts[at:at] = other_text[begin : begin + rng.randint(1, 9)]
            case 5:
                parts.insert(at, rng.choice(BITS))
            case 6 if parts[at]:
                inside = rng.randrange(len(parts[at]))
                parts[at] = parts[at][:inside] + rng.choice(BITS) + parts[at][inside + 1 :]
        if not parts:
            break
    return "".join(parts)


def fuzz(seed: int, seconds: float, most: int) -> tuple[int, int]:
    """So many texts, and how many of them are libraries still."""
    rng = random.Random(seed)
    texts = (
        [LIBRARY, *(f"define X: {case.expression}\n" for case in cases())] if SUITE.is_dir() else [LIBRARY]
    )
    sources = [pieces(LIBRARY)] * 200 + [pieces(text) for text in texts]
    end, tried, right = time.monotonic() + seconds, 0, 0
    while tried < most and time.monotonic() < end:
        right += outcome(mutilated(rng, sources))
        tried += 1
    return tried, right


def test_the_library_is_one() -> None:
    assert outcome(LIBRARY)


def test_a_few_hundred() -> None:
    tried, right = fuzz(1, 60, 300)
    assert tried > right > 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_for_ten_minutes() -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    tried, right = fuzz(seed, 600, 10**9)
    assert tried > right > 0
