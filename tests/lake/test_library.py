"""Each view of the library over a synthetic county, row by row against the resources, read by plain Python."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.lake.conftest import County

from shangyi import lake
from shangyi.lake import library, relations
from shangyi.query import views
from shangyi.query.columns import Table
from shangyi.terminology.common_units import conversions

Row = dict[str, Any]
BASE = "https://shangyi.dev/fhir"
UNITS = {c.unit: c for c in conversions()}


def at(value: Any, *path: str | int) -> Any:
    """What stands at a path, None where there is nothing."""
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and len(value) > step else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def key(r: Row) -> str:
    return f"{r['resourceType']}/{r['id']}"


def ref(r: Row, *path: str | int, type: str) -> str | None:
    reference = at(r, *path, "reference")
    return reference if reference and reference.startswith(f"{type}/") else None


def code(concept: Any, prefix: str = "") -> Row:
    coding = at(concept, "coding", 0)
    return {
        f"{prefix}system": at(coding, "system"),
        f"{prefix}code": at(coding, "code"),
        f"{prefix}display": at(concept, "text") or at(coding, "display"),
    }


def number(value: Any) -> float | None:
    return None if value is None else float(value)


def extension(holder: Any, name: str) -> Any:
    found = [e for e in at(holder, "extension") or [] if e["url"] == f"{BASE}/StructureDefinition/{name}"]
    return found[0] if found else None


def division(addresses: Any) -> str | None:
    homes = [a for a in addresses or [] if a.get("use") == "home"]
    return at(extension(homes[0], "division") if homes else None, "valueCoding", "code")


def measured(o: Row) -> Row:
    unit = at(o, "valueQuantity", "code") or at(o, "valueQuantity", "unit")
    value = number(at(o, "valueQuantity", "value"))
    known = UNITS.get(unit)
    return {
        "value": value,
        "unit": unit,
        "value_code": at(o, "valueCodeableConcept", "coding", 0, "code"),
        "value_text": at(o, "valueString") or at(o, "valueCodeableConcept", "text"),
        "interpretation": at(o, "interpretation", 0, "coding", 0, "code"),
        "canonical_unit": known.canonical if known else None,
        "canonical_value": None if known is None or value is None else value * known.factor + known.offset,
    }


def common(o: Row) -> Row:
    return {
        "id": key(o),
        "patient_id": ref(o, "subject", type="Patient"),
        "encounter_id": ref(o, "encounter", type="Encounter"),
    }


def patient(r: Row) -> Row:
    dead = r.get("deceasedBoolean")
    return {
        "patient_id": key(r),
        "gender": r.get("gender"),
        "birth_year": int(r["birthDate"][:4]),
        "deceased": "deceasedDateTime" in r if dead is None else dead,
        "division": division(r.get("address")),
        "practitioner_id": ref(r, "generalPractitioner", 0, type="Practitioner"),
        "organization_id": ref(r, "managingOrganization", type="Organization"),
    }


def patient_identity(r: Row) -> Row:
    def identifier(kind: str) -> Any:
        return next((i["value"] for i in r["identifier"] if i["system"] == f"{BASE}/sid/{kind}"), None)

    return {
        "patient_id": key(r),
        "name": at(r, "name", 0, "text"),
        "family": at(r, "name", 0, "family"),
        "given": at(r, "name", 0, "given", 0),
        "birth_date": r["birthDate"],
        "resident_id": identifier("resident-id"),
        "insurance_number": identifier("insurance-number"),
        "phone": next((t["value"] for t in r.get("telecom", ()) if t["system"] == "phone"), None),
        "address": next((a.get("text") for a in r.get("address", ()) if a.get("use") == "home"), None),
    }


def condition(r: Row) -> Row:
    return {
        **common(r),
        **code(r.get("code")),
        "category": at(r, "category", 0, "coding", 0, "code"),
        "clinical_status": at(r, "clinicalStatus", "coding", 0, "code"),
        "verification_status": at(r, "verificationStatus", "coding", 0, "code"),
        "onset": r.get("onsetDateTime"),
        "abatement": r.get("abatementDateTime"),
        "recorded": r.get("recordedDate"),
    }


def observation(r: Row) -> Iterator[Row]:
    of_all = common(r) | {
        "status": r["status"],
        "category": at(r, "category", 0, "coding", 0, "code"),
        "effective": r.get("effectiveDateTime"),
    }
    for part in (r, *r.get("component", ())):
        yield {**of_all, **code(part["code"]), **measured(part)}


def blood_pressure(r: Row) -> Row | None:
    if not any(c["code"] == "85354-9" for c in r["code"]["coding"]):
        return None
    parts = {c["code"]["coding"][0]["code"]: c["valueQuantity"] for c in r["component"]}
    return {
        **common(r),
        "effective": r.get("effectiveDateTime"),
        "systolic": number(parts["8480-6"]["value"]),
        "diastolic": number(parts["8462-4"]["value"]),
        "unit": parts["8480-6"]["code"],
    }


def laboratory(r: Row) -> Row | None:
    if not any(c["code"] == "laboratory" for concept in r.get("category", ()) for c in concept["coding"]):
        return None
    return {
        **common(r),
        "status": r["status"],
        "effective": r.get("effectiveDateTime"),
        **code(r["code"]),
        **measured(r),
        "low": number(at(r, "referenceRange", 0, "low", "value")),
        "high": number(at(r, "referenceRange", 0, "high", "value")),
    }


def medication_request(r: Row) -> Row:
    dose = at(r, "dosageInstruction", 0, "doseAndRate", 0, "doseQuantity")
    supply = at(r, "dispenseRequest", "expectedSupplyDuration")
    return {
        **common(r),
        **code(r["medicationCodeableConcept"]),
        "status": r["status"],
        "authored": r.get("authoredOn"),
        "dose": number(at(dose, "value")),
        "dose_unit": at(dose, "code"),
        "supply_days": number(supply["value"]) if supply and supply["code"] == "d" else None,
        "practitioner_id": ref(r, "requester", type="Practitioner"),
    }


def medication_dispense(r: Row) -> Row:
    supply = r.get("daysSupply")
    return {
        **common(r),
        "encounter_id": ref(r, "context", type="Encounter"),
        **code(r["medicationCodeableConcept"]),
        "status": r["status"],
        "dispensed": r.get("whenHandedOver"),
        "quantity": number(at(r, "quantity", "value")),
        "quantity_unit": at(r, "quantity", "unit"),
        "supply_days": number(supply["value"]) if supply and supply["code"] == "d" else None,
        "request_id": ref(r, "authorizingPrescription", 0, type="MedicationRequest"),
    }


def encounter(r: Row) -> Row:
    return {
        "id": key(r),
        "patient_id": ref(r, "subject", type="Patient"),
        "status": r["status"],
        "class": r["class"]["code"],
        **code(at(r, "type", 0), "type_"),
        "started": at(r, "period", "start"),
        "ended": at(r, "period", "end"),
        "organization_id": ref(r, "serviceProvider", type="Organization"),
        "reason": at(r, "reasonCode", 0, "text"),
    }


def immunization(r: Row) -> Row:
    return {
        "id": key(r),
        "patient_id": ref(r, "patient", type="Patient"),
        **code(r["vaccineCode"]),
        "status": r["status"],
        "occurrence": r.get("occurrenceDateTime"),
        "dose": at(r, "protocolApplied", 0, "doseNumberPositiveInt"),
        "lot": r.get("lotNumber"),
        "organization_id": ref(r, "performer", 0, "actor", type="Organization"),
    }


def claim(r: Row) -> Row:
    totals = {t["category"]["coding"][0]["code"]: t["amount"] for t in r["total"]}
    return {
        "id": key(r),
        "patient_id": ref(r, "patient", type="Patient"),
        "created": r["created"],
        "type": at(r, "type", "coding", 0, "code"),
        "submitted": number(at(totals, "submitted", "value")),
        "benefit": number(at(totals, "benefit", "value")),
        "self_pay": number(at(totals, "self-pay", "value")),
        "currency": at(r, "total", 0, "amount", "currency"),
        "organization_id": ref(r, "provider", type="Organization"),
        "coverage_id": next((i["coverage"]["reference"] for i in r["insurance"] if i["focal"]), None),
        "claim_id": ref(r, "claim", type="Claim"),
    }


def notifiable_report(r: Row) -> Row | None:
    if not any(
        c["system"] == f"{BASE}/CodeSystem/condition-category" and c["code"] == "notifiable-case"
        for concept in r.get("category", ())
        for c in concept["coding"]
    ):
        return None
    person = at(r, "contained", 0)
    pathogen = at(extension(r, "pathogen"), "valueCodeableConcept", "coding", 0, "code")
    return {
        "id": key(r),
        "patient_id": ref(r, "subject", type="Patient"),
        "report_number": next(
            i["value"] for i in r["identifier"] if i["system"] == f"{BASE}/sid/case-report"
        ),
        **code(r["code"]),
        "class": at(extension(r, "case-class"), "valueCoding", "code"),
        "status": at(extension(r, "case-status"), "valueCoding", "code"),
        "onset": r.get("onsetDateTime"),
        "diagnosed": r.get("recordedDate"),
        **{name: at(extension(r, name), "valueInstant") for name in ("reported", "reviewed", "corrected")},
        "reporting_unit_id": ref(extension(r, "reporting-unit") or {}, "valueReference", type="Organization"),
        "pathogen": pathogen,
        "gender": at(person, "gender"),
        "birth_year": int(at(person, "birthDate")[:4]) if at(person, "birthDate") else None,
        "division": division(at(person, "address")),
    }


def place_division(r: Row) -> Row | None:
    if at(r, "physicalType", "coding", 0, "code") != "area":
        return None
    return {
        "division": at(extension(r["address"], "division"), "valueCoding", "code"),
        "name": r["name"],
        "part_of": ref(r, "partOf", type="Location"),
    }


def institution(r: Row) -> Row:
    return {
        "organization_id": key(r),
        "name": r["name"],
        "type": at(r, "type", 0, "coding", 0, "code"),
        "division": at(extension(at(r, "address", 0), "division"), "valueCoding", "code"),
    }


EXPECTED: dict[str, Callable[[Row], Any]] = {
    "blood_pressure": blood_pressure,
    "claim": claim,
    "condition": condition,
    "division": place_division,
    "encounter": encounter,
    "immunization": immunization,
    "institution": institution,
    "laboratory": laboratory,
    "medication_dispense": medication_dispense,
    "medication_request": medication_request,
    "notifiable_report": notifiable_report,
    "observation": observation,
    "patient": patient,
    "patient_identity": patient_identity,
}


def expected(name: str, resources: list[Row]) -> Iterator[Row]:
    for resource in resources:
        found = EXPECTED[name](resource)
        if isinstance(found, dict):
            yield found
        elif found is not None:
            yield from found


def in_order(rows: list[Row]) -> list[str]:
    return sorted(repr(sorted(row.items())) for row in rows)


def test_every_view_has_an_expectation() -> None:
    assert set(EXPECTED) == set(library.names())


@pytest.mark.parametrize("name", library.names())
def test_row_by_row(name: str, county: County, county_engine: lake.DuckDBEngine) -> None:
    wanted = list(expected(name, county[library.definition(name)["resource"]]))
    found = county_engine.sql(f"select * from views.{name}")
    assert wanted
    assert in_order(found.to_pylist()) == in_order(wanted)
    described = {column.name: column.type for column in relations.columns(name)}
    assert found.column_names == list(described)
    never = {"corrected", "pathogen", "value_text", "value_code"}  # the county is small
    if name == "notifiable_report":
        never.add("patient_id")  # of residents: below
    for column in wanted[0]:
        if column not in never:
            assert any(row[column] is not None for row in wanted), (
                f"{name}.{column} is never filled: what is tested?"
            )


@pytest.mark.parametrize("name", library.names())
def test_over_a_lake_without_anything(name: str) -> None:
    """Every view compiles over a table without columns."""
    definition = library.definition(name)
    assert "select" in relations.of_library(name, Table(definition["resource"], ())).sql("source")
    assert views.compile(definition, Table(definition["resource"], ())).columns


def test_what_has_no_column_is_not_answered_in_part(tmp_path: Path) -> None:
    """A lake that keeps an element beside its columns lacks the view that asks for it, and says why."""
    table = Table("Immunization", (), frozenset({"vaccineCode"}))
    with pytest.raises(views.ViewError) as refused:
        relations.of_library("immunization", table)
    assert "column[2]" in str(refused.value.issues[0].expression)


def test_a_report_of_a_resident(tmp_path: Path, county: County) -> None:
    """Gender, year of birth and division are the resident's where the report refers to one."""
    resident = county["Patient"][0]
    card = next(r for r in county["Condition"] if r["id"].startswith("case-"))
    report = {**card, "subject": {"reference": key(resident)}}
    del report["contained"]
    lake.write(tmp_path / "lake", [resident, report])
    with lake.DuckDBEngine(lake.open(tmp_path / "lake")) as engine:
        [row] = engine.sql("select * from views.notifiable_report").to_pylist()
    assert row["patient_id"] == key(resident)
    person = {name: row[name] for name in ("gender", "birth_year", "division")}
    assert person == {name: patient(resident)[name] for name in person}


def test_units_are_comparable(tmp_path: Path) -> None:
    """kPa and mmHg, degrees Fahrenheit, an unknown unit."""

    def made(id: str, value: float, unit: str) -> Row:
        quantity = {"value": value, "code": unit, "system": "http://unitsofmeasure.org"}
        return {
            "resourceType": "Observation",
            "id": id,
            "status": "final",
            "code": {"text": "x"},
            "valueQuantity": quantity,
        }

    lake.write(
        tmp_path / "lake", [made("a", 16, "kPa"), made("b", 98.6, "[degF]"), made("c", 3, "{furlong}")]
    )
    with lake.DuckDBEngine(lake.open(tmp_path / "lake")) as engine:
        rows = engine.sql(
            "select canonical_value, canonical_unit from views.observation order by id"
        ).to_pylist()
    assert rows[0] == {"canonical_value": pytest.approx(120.0102, rel=1e-6), "canonical_unit": "mm[Hg]"}
    assert rows[1] == {"canonical_value": pytest.approx(37.0), "canonical_unit": "Cel"}
    assert rows[2] == {"canonical_value": None, "canonical_unit": None}


def test_every_column_is_documented() -> None:
    """docs/views.md lists every view with every column, its type and what it holds."""
    page = (Path(__file__).parents[2] / "docs" / "views.md").read_text(encoding="utf-8")
    parts = re.split(r"^## ([a-z_]+) .*$", page, flags=re.MULTILINE)
    documented = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert sorted(documented) == sorted(library.names())
    for name in library.names():
        for column in relations.columns(name):
            assert f"| `{column.name}` | {column.type} | {column.description} |" in documented[name]


def test_chinese_titles() -> None:
    assert all(
        re.search("[一-鿿]", relations.title(library.definition(name), "zh-CN")) for name in library.names()
    )
