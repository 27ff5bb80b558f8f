"""A library over a lake in SQL, and over each resident by the closures: every definition gives the same.

The residents are written by hand, to have what divides the two: dates of all precisions, open periods, other zones,
several codings, codes without a system, what is missing, and residents without anything.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from shangyi.lake import catalog, population, writer
from shangyi.lake.duckdb_engine import DuckDBEngine
from shangyi.query.closures.values import Element
from shangyi.query.cql.closures import Codes, Engine, Evaluation, Fault, Resources
from shangyi.query.cql.library import Program
from shangyi.query.cql.sql.constants import ends
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.translate import translate
from shangyi.query.cql.values import Code, DateTime, Interval, Quantity, Tuple, Uncertainty
from shangyi.query.temporal import Temporal
from shangyi.terminology.definitions import Memory
from shangyi.terminology.service import Terminology

NOW = DateTime((2025, 6, 1, 12, 0, 0), 0)
TEXT = (Path(__file__).parent / "agreement.cql").read_text(encoding="utf-8")
PROGRAM = translate(TEXT, name="Agreement")
NAMES = [d.name for d in PROGRAM.main.expressions if d.name != "Patient"]
SNOMED, LOINC = "http://snomed.info/sct", "http://loinc.org"


def coding(code: str, system: str | None = SNOMED) -> dict[str, Any]:
    return {"code": code} if system is None else {"system": system, "code": code}


def concept(*codings: dict[str, Any]) -> dict[str, Any]:
    return {"coding": list(codings)}


def value_set(url: str, *codes: str) -> dict[str, Any]:
    listed = [{"code": code} for code in codes]
    return {
        "resourceType": "ValueSet",
        "url": url,
        "status": "active",
        "compose": {"include": [{"system": SNOMED, "concept": listed}]},
    }


CODES = Codes(
    Terminology(
        Memory(
            [
                value_set("http://example.org/hypertension", "38341003", "59621000"),
                value_set("http://example.org/visits", "185349003"),
            ]
        )
    )
)
ACTIVE = concept(coding("active", "http://terminology.hl7.org/CodeSystem/condition-clinical"))
OF_VISIT = concept(coding("185349003"))


def pressure(systolic: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": concept(coding("85354-9", LOINC)),
        "component": [
            {
                "code": concept(coding("8480-6", LOINC)),
                "valueQuantity": {"value": float(systolic), "unit": "mmHg", "code": "mm[Hg]"},
            },
            {"code": concept(coding("8462-4", LOINC)), "valueQuantity": {"value": 80.5, "code": "mm[Hg]"}},
        ],
        **more,
    }


def visit(
    status: str, start: str | None, end: str | None, type_: dict[str, Any] = OF_VISIT
) -> dict[str, Any]:
    period = {name: text for name, text in (("start", start), ("end", end)) if text}
    return {"resourceType": "Encounter", "status": status, "class": coding("AMB"), "type": [type_]} | (
        {"period": period} if period else {}
    )


def condition(code: dict[str, Any], onset: str | None = None, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Condition", "code": code} | ({"onsetDateTime": onset} if onset else {}) | more


RESIDENTS: list[tuple[dict[str, Any], list[dict[str, Any]]]] = [
    (
        {"gender": "female", "birthDate": "1960-02-29", "active": True},
        [
            condition(concept(coding("38341003")), "2025-03-04T09:30:00+08:00", clinicalStatus=ACTIVE),
            condition(concept(coding("44054006"), coding("38341003")), "2025-03"),
            visit("finished", "2025-03-04T01:00:00Z", "2025-03-04T02:00:00Z"),
            visit("finished", "2024-12-31T23:30:00-05:00", "2025-01-02"),
            pressure(
                "151.5", effectiveDateTime="2025-03-04T01:20:00Z", encounter={"reference": "Encounter/r0-2"}
            ),
            pressure("120", effectiveDateTime="2025-02"),
        ],
    ),
    (
        {"gender": "male", "birthDate": "1985"},
        [
            condition(concept(coding("44054006")), "2025-07-01", clinicalStatus=ACTIVE),
            condition(concept(coding("59621000", None))),
            visit("in-progress", "2025-07-01", None),
            visit("cancelled", None, "2025-07-03T00:00:00.000Z"),
            visit("finished", None, None),
            visit(
                "finished", "2025-07-01T10:00:00Z", "2025-07-01T11:00:00Z", concept(coding("185349003", "x"))
            ),
            pressure("139", effectivePeriod={"start": "2025-07-01", "end": "2025-07-02"}),
        ],
    ),
    (
        {"birthDate": "2010-12"},
        [
            {
                "resourceType": "Observation",
                "status": "final",
                "code": concept(coding("15074-8", LOINC)),
                "effectiveDateTime": "2025-01-01",
                "valueQuantity": {"value": 7.01, "unit": "mmol/L"},
            },
            {
                "resourceType": "Observation",
                "status": "amended",
                "code": concept(coding("15074-8", LOINC)),
                "valueCodeableConcept": concept(coding("44054006")),
            },
            {
                "resourceType": "Observation",
                "status": "final",
                "code": concept(coding("15074-8", LOINC)),
                "valueString": "44054006",
            },
            {"resourceType": "Condition", "onsetAge": {"value": 2, "code": "wk"}},
        ],
    ),
    ({}, []),
]


def residents() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for number, (patient, others) in enumerate(RESIDENTS):
        about = {"reference": f"Patient/p{number}"}
        made = [{"resourceType": "Patient", "id": f"p{number}", **patient}]
        made += [{"id": f"r{number}-{place}", "subject": about, **r} for place, r in enumerate(others)]
        yield f"Patient/p{number}", made


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBEngine]:
    directory = tmp_path_factory.mktemp("lake")
    writer.write(directory, [resource for _, found in residents() for resource in found])
    with DuckDBEngine(catalog.open(directory), threads=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def answers(engine: DuckDBEngine) -> dict[str, dict[str, Any]]:
    found = population.evaluate(PROGRAM, NAMES, engine.lake, engine, CODES, now=NOW)
    return {row["patient_key"]: row for row in found.to_pylist()}


def closures(program: Program, resources: list[dict[str, Any]]) -> dict[str, Any]:
    at = Evaluation(Resources(resources), CODES, now=NOW)
    return dict(Engine(program).run(at))


def shown(value: Any) -> Any:
    """A value as the columns show it."""
    if isinstance(value, list):
        return len(value)
    if isinstance(value, Element):
        return str(value.value) if isinstance(value.value, str) else True
    if isinstance(value, Tuple | Code):
        return True
    if isinstance(value, Interval):
        return (shown(value.low), shown(value.high), value.low_closed, value.high_closed)
    if isinstance(value, Temporal):
        return ends(value, 0)
    if isinstance(value, Uncertainty):
        return value.low, value.high
    if isinstance(value, Quantity):
        return value.value, value.unit
    return None if isinstance(value, Fault) else value


def answered(value: Any) -> Any:
    """A cell in the same form."""
    if not isinstance(value, dict):
        return value
    if "unit" in value:
        return None if value["value"] is None else (value["value"], value["unit"])
    if "low_closed" in value:
        sides = [answered({p: value[f"{s}.{p}"] for p in ("low", "high")}) for s in ("low", "high")]
        return None if value["low_closed"] is None else (*sides, value["low_closed"], value["high_closed"])
    if value.get("low") is None and "low" in value:
        return None
    low, high = value["low"], value["high"]
    return low if low == high and isinstance(low, int) else (low, high)


@pytest.mark.parametrize("name", NAMES)
def test_both_back_ends_agree(name: str, answers: dict[str, dict[str, Any]]) -> None:
    by_sql = {patient: answered(row[name]) for patient, row in answers.items()}
    by_closures = {patient: shown(closures(PROGRAM, found)[name]) for patient, found in residents()}
    assert by_sql == by_closures


def test_the_cases_divide() -> None:
    """Most definitions say different things of different residents: else agreement would mean little."""
    values = [closures(PROGRAM, found) for _, found in residents()]
    same = [name for name in NAMES if len({str(shown(v[name])) for v in values}) == 1]
    assert set(same) <= {"Constant", "Next Year", "Nothing", "No Such Type"}
    assert not [name for v in values for name in NAMES if isinstance(v[name], Fault)]


def test_what_has_no_form_is_refused_with_its_place(engine: DuckDBEngine) -> None:
    text = "library L\nusing FHIR version '4.0.1'\ncontext Patient\ndefine X: Message([Flag], true, 'a', 'Trace', 'b')\n"
    text += "define Y: ([Condition]) C aggregate R starting 0: R + 1"
    program = translate(text, name="L")
    with pytest.raises(NoForm, match="L:5:11"):
        population.evaluate(program, ["Y"], engine.lake, engine, CODES)
    made = population.statement(program, ["X", "Y"], engine.lake, CODES, lenient=True)
    assert list(made.refused) == ["Y"]
    assert [definition.name for definition in made.definitions] == ["X"]


def test_a_table_of_residents(engine: DuckDBEngine) -> None:
    found = population.evaluate(PROGRAM, ["Has Hypertension", "Age"], engine.lake, engine, CODES, now=NOW)
    assert found.column_names == ["patient_key", "Has Hypertension", "Age"]
    assert found.schema.field("Has Hypertension").type == pa.bool_()
    assert found.num_rows == len(RESIDENTS)
