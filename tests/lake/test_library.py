"""Each view of the library over a synthetic county, row by row against the resources, read by plain Python."""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.lake.conftest import County

from shangyi import lake
from shangyi.lake import library, relations
from shangyi.query import views
from shangyi.query.columns import Table
from shangyi.terminology.analytes import analytes
from shangyi.terminology.common_units import Conversion, conversions

Row = dict[str, Any]
BASE = "https://shangyi.dev/fhir"
UNITS = {c.unit: c for c in conversions()}
ANALYTES = {analyte.code: analyte for analyte in analytes()}


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
    analyte = ANALYTES.get(at(o, "code", "coding", 0, "code"))
    if analyte and unit:  # the county reports every analyte in the unit that it is compared in
        assert unit == analyte.unit
        known = Conversion(unit, unit, 1.0, 0.0)
    return {
        "analyte": analyte.name if analyte else None,
        "value": value,
        "comparator": at(o, "valueQuantity", "comparator"),
        "unit": unit,
        "value_code": at(o, "valueCodeableConcept", "coding", 0, "code"),
        "value_text": at(o, "valueString") or at(o, "valueCodeableConcept", "text"),
        "interpretation": at(o, "interpretation", 0, "coding", 0, "code"),
        "canonical_unit": known.canonical if known else None,
        "canonical_value": None if known is None or value is None else value * known.factor + known.offset,
    }


def clock(text: str | None) -> Row:
    """Local day and time of an instant, the day alone of a date."""
    if text is None or len(text) < 10:
        return {"local_date": None, "local_time": None}
    if len(text) == 10:
        return {"local_date": date.fromisoformat(text), "local_time": None}
    here = datetime.fromisoformat(text).astimezone(ZoneInfo("Asia/Shanghai"))
    return {"local_date": here.date(), "local_time": here.time()}


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
        **clock(r.get("recordedDate")),
    }


def observation(r: Row) -> Iterator[Row]:
    of_all = common(r) | {
        "status": r["status"],
        "category": at(r, "category", 0, "coding", 0, "code"),
        "effective": r.get("effectiveDateTime"),
        **clock(r.get("effectiveDateTime")),
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
        "systolic_mmhg": number(parts["8480-6"]["value"]),
        "diastolic_mmhg": number(parts["8462-4"]["value"]),
        **clock(r.get("effectiveDateTime")),
    }


def laboratory(r: Row) -> Row | None:
    if not any(c["code"] == "laboratory" for concept in r.get("category", ()) for c in concept["coding"]):
        return None
    return {
        **common(r),
        "status": r["status"],
        "effective": r.get("effectiveDateTime"),
        **clock(r.get("effectiveDateTime")),
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
        **clock(r.get("authoredOn")),
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
        **clock(r.get("whenHandedOver")),
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
        **clock(at(r, "period", "start")),
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
        **clock(r.get("occurrenceDateTime")),
        "dose": at(r, "protocolApplied", 0, "doseNumberPositiveInt"),
        "lot": r.get("lotNumber"),
        "organization_id": ref(r, "performer", 0, "actor", type="Organization"),
    }


def claim(r: Row) -> Row:
    totals = {t["category"]["coding"][0]["code"]: t["amount"] for t in r["total"]}
    return {
        "id": key(r),
        "patient_id": ref(r, "patient", type="Patient"),
        "status": r["status"],
        "created": r["created"],
        **clock(r["created"]),
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
    never = {"corrected", "pathogen", "value_text", "value_code", "comparator"}  # the county is small
    if name == "condition" or not any(row.get("local_time") for row in wanted):
        never.add("local_time")
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


def result(id: str, code: str, value: float, unit: str, **more: Any) -> Row:
    quantity = {"value": value, "code": unit, "system": "http://unitsofmeasure.org"}
    coding = {"system": "http://loinc.org", "code": code}
    return {"resourceType": "Observation", "id": id, "status": "final", "code": {"coding": [coding]}, "valueQuantity": quantity, **more}  # fmt: skip


MEASURED = [
    # What stands in textbooks and on the conversion cards of laboratories.
    ("2345-7", 126, "mg/dL", "glucose", 6.99, "mmol/L"),
    ("14749-6", 7.0, "mmol/L", "glucose", 7.0, "mmol/L"),
    ("1558-6", 100, "mg/dL", "fasting_glucose", 5.55, "mmol/L"),
    ("2160-0", 1.0, "mg/dL", "creatinine", 88.4, "umol/L"),
    ("14682-9", 0.0884, "mmol/L", "creatinine", 88.4, "umol/L"),
    ("3094-0", 20, "mg/dL", "urea_nitrogen", 7.14, "mmol/L"),
    ("3084-1", 7.0, "mg/dL", "uric_acid", 416.4, "umol/L"),
    ("2093-3", 200, "mg/dL", "total_cholesterol", 5.17, "mmol/L"),
    ("13457-7", 100, "mg/dL", "ldl_cholesterol", 2.59, "mmol/L"),
    ("2571-8", 150, "mg/dL", "triglycerides", 1.694, "mmol/L"),
    ("4548-4", 7.0, "%", "hba1c", 7.0, "%"),
    ("59261-8", 53, "mmol/mol", "hba1c", 7.0, "%"),
    ("14585-4", 3.39, "mg/mmol", "albumin_creatinine_ratio", 30.0, "mg/g"),
    ("1975-2", 1.0, "mg/dL", "bilirubin", 17.1, "umol/L"),
    ("29463-7", 154, "[lb_av]", None, 69.85, "kg"),
    ("8302-2", 70, "[in_i]", None, 177.8, "cm"),
    ("8302-2", 1.75, "m", None, 175.0, "cm"),
    ("8310-5", 98.6, "[degF]", None, 37.0, "Cel"),
    ("8480-6", 16, "kPa", None, 120.01, "mm[Hg]"),
    ("2345-7", 3, "{furlong}", "glucose", None, None),
]


def test_units_are_comparable(tmp_path: Path) -> None:
    """Mass and substance, percent and IFCC, pounds and inches: one unit an analyte, the original beside it."""
    lake.write(tmp_path / "lake", [result(f"{n:02}", *given[:3]) for n, given in enumerate(MEASURED)])
    with lake.DuckDBEngine(lake.open(tmp_path / "lake")) as engine:
        columns = "value, unit, analyte, canonical_value, canonical_unit"
        rows = engine.sql(f"select {columns} from views.observation order by id").to_pylist()
    for row, (code, value, unit, analyte, canonical, canonical_unit) in zip(rows, MEASURED, strict=True):
        assert list(row.values())[:3] == [value, unit, analyte], code
        assert row["canonical_value"] == (canonical and pytest.approx(canonical, rel=2e-3)), code
        assert row["canonical_unit"] == canonical_unit, code


def test_what_is_void_is_left_out(tmp_path: Path) -> None:
    """Entered in error, or merged into another record; what was cancelled or not done is there with its status."""
    void = {"coding": [{"code": "entered-in-error"}]}
    made: list[Row] = [
        {"resourceType": "Patient", "id": "p"},
        {"resourceType": "Patient", "id": "merged", "link": [{"other": {"reference": "Patient/p"}, "type": "replaced-by"}]},
        {"resourceType": "Condition", "id": "a", "code": {"text": "x"}},
        {"resourceType": "Condition", "id": "b", "code": {"text": "x"}, "verificationStatus": void},
        result("a", "1", 1, "%"), result("b", "1", 1, "%", status="entered-in-error"), result("c", "1", 1, "%", status="corrected"),
    ]  # fmt: skip
    statuses = {
        "Encounter": ("cancelled", "class"),
        "Immunization": ("not-done", "vaccineCode"),
        "MedicationRequest": ("stopped", "intent"),
        "MedicationDispense": ("cancelled", "whenHandedOver"),
        "ExplanationOfBenefit": ("cancelled", "created"),
    }
    for type_, (status, _) in statuses.items():
        made += [
            {"resourceType": type_, "id": id, "status": s}
            for id, s in (("a", status), ("b", "entered-in-error"))
        ]
    lake.write(tmp_path / "lake", made)
    with lake.DuckDBEngine(lake.open(tmp_path / "lake")) as engine:
        for name in ("patient", "patient_identity"):
            assert engine.sql(f"select patient_id from views.{name}").to_pylist() == [
                {"patient_id": "Patient/p"}
            ]
        assert engine.sql("select id from views.condition").to_pylist() == [{"id": "Condition/a"}]
        found = engine.sql("select id, status from views.observation order by id").to_pylist()
        assert [row["status"] for row in found] == ["final", "corrected"]
        for name, status in [("encounter", "cancelled"), ("immunization", "not-done"), ("medication_request", "stopped"),
                             ("medication_dispense", "cancelled"), ("claim", "cancelled")]:  # fmt: skip
            assert [row["status"] for row in engine.sql(f"select status from views.{name}").to_pylist()] == [
                status
            ]


def test_limits_times_and_panels(tmp_path: Path) -> None:
    less = {"value": 0.5, "comparator": "<", "code": "mg/L"}
    late = "2026-03-01T20:30:00Z"

    def pressure(code: str, value: float) -> Row:
        return {"code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "valueQuantity": {"value": value, "unit": "kPa"}}  # fmt: skip

    panel = result("panel", "55284-4", 0, "", component=[pressure("8480-6", 16), pressure("8462-4", 10)])
    del panel["valueQuantity"]
    lake.write(
        tmp_path / "lake",
        [
            {**result("a", "1988-5", 0, ""), "valueQuantity": less, "effectiveDateTime": late},
            result("b", "1988-5", 1, "mg/L", effectivePeriod={"start": "2026-03-01", "end": "2026-03-02"}),
            result("c", "1988-5", 1, "mg/L", effectiveDateTime="2026-03"),
            result("d", "1988-5", 1, "mg/L", effectiveInstant="2026-03-01T08:00:00+08:00"),
            panel,
        ],
    )
    with lake.DuckDBEngine(lake.open(tmp_path / "lake")) as engine:
        columns = "comparator, effective, local_date, local_time"
        found = engine.sql(f"select {columns} from views.observation where analyte is not null order by id")
        [pressures] = engine.sql("select * from views.blood_pressure").to_pylist()
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("<", late, date(2026, 3, 2), time(4, 30)),
        (None, "2026-03-01", date(2026, 3, 1), None),
        (None, "2026-03", None, None),
        (None, "2026-03-01T08:00:00+08:00", date(2026, 3, 1), time(8)),
    ]
    assert (pressures["systolic"], pressures["unit"]) == (16, "kPa")
    assert pressures["systolic_mmhg"] == pytest.approx(120.01, rel=1e-4)
    assert pressures["diastolic_mmhg"] == pytest.approx(75.006, rel=1e-4)


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
