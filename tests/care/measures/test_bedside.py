"""A Measure with its library, over one resident's resources."""

import pytest
from tests.care.measures.measures import measure, population

from shangyi.care.measures import Bedside, Period, read
from shangyi.care.measures.bedside import engine_of
from shangyi.care.measures.definition import INITIAL
from shangyi.care.measures.results import Outcome
from shangyi.errors import Unprocessable
from shangyi.query.cql.library import Program
from shangyi.query.cql.translate import translate
from shangyi.query.cql.values import DateTime
from shangyi.terminology.definitions import Memory
from shangyi.terminology.service import Terminology

TEXT = """library Visits version '1'
using FHIR version '4.0.1'
parameter "Measurement Period" Interval<DateTime>
context Patient
define "Visits": [Encounter] E where E.period.start in "Measurement Period"
"""
NOW = DateTime((2026, 1, 1, 0, 0, 0), 8 * 60)


def visit(id: str, start: str) -> dict[str, object]:
    return {"resourceType": "Encounter", "id": id, "period": {"start": start}}


def bedside(program: Program, expression: str = "Visits") -> Bedside:
    definition = read(measure("cohort", population(INITIAL, expression), basis="Encounter"))
    return Bedside(definition, program, Terminology(Memory()), Period.parse("2025"), NOW)


def test_the_period_is_that_of_the_place() -> None:
    """Whole days where the record is kept: the year begins eight hours before it does in UTC."""
    visits = [
        visit("before", "2024-12-31T15:59:59Z"),
        visit("first", "2024-12-31T16:00:00Z"),
        visit("last", "2025-12-31T23:59:59+08:00"),
        visit("after", "2026-01-01T00:00:00+08:00"),
    ]
    found = bedside(translate(TEXT)).result("Patient/1", [{"resourceType": "Patient", "id": "1"}, *visits])
    assert found.groups == (Outcome({INITIAL: ("Encounter/first", "Encounter/last")}),)


def test_a_definition_that_the_library_lacks_is_named() -> None:
    with pytest.raises(Unprocessable, match="has no definition Stays"):
        bedside(translate(TEXT), "Stays")


def test_closures_are_kept_by_what_a_library_says() -> None:
    assert engine_of(translate(TEXT)) is engine_of(translate(TEXT))
    assert engine_of(translate(TEXT)) is not engine_of(
        translate(TEXT.replace("E.period.start", "E.period.end"))
    )
