"""A visit as it is typed: what is asked about, what is refused, what is written."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shangyi.fhir import json
from shangyi.query.conformance import validate
from shangyi.web import formats
from shangyi.web.resident.limits import limits, other_unit, possible, usual
from shangyi.web.resident.safety import confirmation, crosses, warnings
from shangyi.web.resident.visit import MEASURED, bundle, read

NOW = dt.datetime(2026, 11, 24, 9, 30, tzinfo=formats.ZONE)
KEY = "0b9c1a52-5f43-4a0e-9a53-0d6a4a3c1b11"
ATC = "http://www.whocc.no/atc"


def allergy(code: str, text: str, **more: Any) -> dict[str, Any]:
    coding = {"coding": [{"system": ATC, "code": code}]} if code else {}
    return {"resourceType": "AllergyIntolerance", "code": {**coding, "text": text}, **more}


def test_limits_are_nested_and_sourced() -> None:
    for name in MEASURED:
        (lowest, highest), (low, high) = limits()[name]["possible"], limits()[name]["usual"]
        assert lowest < low < high < highest


@pytest.mark.parametrize(
    ("name", "value", "unit", "meant"),
    [
        ("systolic", "16", "kPa", "120"),
        ("diastolic", "10", "kPa", "75"),
        ("glucose", "126", "mg/dL", "7.0"),
    ],
)
def test_another_unit_is_guessed_and_asked_about(name: str, value: str, unit: str, meant: str) -> None:
    assert other_unit(name, Decimal(value)) == (unit, Decimal(meant))
    form = {name: value, **({"diastolic": "10"} if name == "systolic" else {})}
    entry = read({"systolic": "16", **form} if name == "diastolic" else form, NOW)
    assert not entry.problems
    assert unit in [w.args.get("other") for w in warnings(entry, ())]


@given(st.sampled_from(MEASURED), st.decimals(-10, 1000, places=1, allow_nan=False))
def test_a_value_is_refused_asked_about_or_usual(name: str, value: Decimal) -> None:
    entry = read({name: str(value), "systolic" if name == "diastolic" else "x": "250"}, NOW)
    if not possible(name, value):
        assert name in entry.problems
    elif not entry.problems and name in ("pulse", "glucose"):
        assert bool(warnings(entry, ())) == (not usual(name, value))


@pytest.mark.parametrize(
    ("substance", "medicine", "code", "against"),
    [
        (allergy("J01C", "青霉素类"), "阿莫西林胶囊 0.5g", "J01CA04", True),
        (allergy("J01C", "青霉素类"), "阿奇霉素片 0.25g", "J01FA10", False),
        (allergy("", "青霉素"), "青霉素V钾片", "", True),
        (allergy("", "阿莫西林胶囊"), "阿莫西林胶囊 0.5g", "", True),
        (allergy("", "芒果"), "阿司匹林肠溶片 100mg", "B01AC06", False),
    ],
)
def test_a_medicine_against_an_allergy(
    substance: dict[str, Any], medicine: str, code: str, against: bool
) -> None:
    assert crosses(substance["code"], medicine, code) == against


def test_an_allergy_that_holds_no_more_is_not_asked_about() -> None:
    entry = read({}, NOW, medicines=[("阿莫西林胶囊 0.5g", "", "")])
    ended = {"coding": [{"code": "resolved"}]}
    assert [w.field for w in warnings(entry, [allergy("J01C", "青霉素类")])] == ["medicine-0"]
    assert not warnings(entry, [allergy("J01C", "青霉素类", clinicalStatus=ended)])


def test_a_confirmation_holds_for_what_was_seen_only() -> None:
    first = warnings(read({"glucose": "35"}, NOW), ())
    second = warnings(read({"glucose": "36"}, NOW), ())
    assert confirmation(first) != confirmation(second)


def test_what_is_written_is_coded_valid_and_the_same_each_time() -> None:
    form = {
        "key": KEY,
        "at": "2026-11-24T09:00",
        "systolic": "152",
        "diastolic": "94",
        "glucose": "７。２",
        "note": "头晕",
    }
    order = {
        "resourceType": "MedicationRequest",
        "id": "old",
        "medicationCodeableConcept": {
            "coding": [{"system": ATC, "code": "A10BA02"}],
            "text": "盐酸二甲双胍片 0.5g",
        },
        "dosageInstruction": [{"text": "每次0.5g", "route": {"text": "口服"}}],
    }
    rows = ([("高血压病", "", ""), ("失眠", "", "")], [("苯磺酸氨氯地平片 5mg", "", "每日1次")], [order])
    entry, again = read(form, NOW, *rows), read(form, NOW + dt.timedelta(minutes=1), *rows)
    assert not entry.problems
    first, second = (bundle(e, "Patient/p", "Practitioner/d") for e in (entry, again))
    assert json.dumps(first) == json.dumps(second)
    resources = [e["resource"] for e in first["entry"]]
    for resource in resources:
        assert not [i.diagnostics for i in validate(resource) if i.severity in ("error", "fatal")]
    conditions = [r for r in resources if r["resourceType"] == "Condition"]
    assert conditions[0]["code"]["coding"][0]["code"] == "I10.x00"
    assert conditions[1]["code"] == {"text": "失眠"}
    orders = [r for r in resources if r["resourceType"] == "MedicationRequest"]
    assert orders[0]["medicationCodeableConcept"]["coding"][0]["code"] == "C08CA01"
    assert orders[1]["priorPrescription"]["reference"] == "MedicationRequest/old"
    assert orders[1]["dosageInstruction"] == order["dosageInstruction"]
    glucose = next(r for r in resources if "valueQuantity" in r)
    assert str(glucose["valueQuantity"]["value"]) == "7.2"


def test_another_content_under_one_key_is_noticed() -> None:
    one, other = (read({"key": KEY, "note": note}, NOW) for note in ("a", "b"))
    assert one.key == other.key
    assert one.digest != other.digest
