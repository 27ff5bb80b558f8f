"""Measured values as Observation resources."""

from collections.abc import Iterator, Mapping
from typing import Any

from shangyi.synth import build
from shangyi.synth.body import ADULT, Body
from shangyi.synth.build import HL7, LOINC, Resource, concept
from shangyi.synth.tables import table

CATEGORIES = {"vital-signs": "生命体征", "laboratory": "检验", "social-history": "生活方式"}
SENIOR_YEARS = 60


def _bound(data: Mapping[str, Any], name: str, sex: str, age: float) -> float | None:
    value = data.get(f"{name}_from_60") if age >= SENIOR_YEARS else None
    value = value if value is not None else data.get(name)
    return value[sex] if isinstance(value, dict) else value


def _limits(data: Mapping[str, Any], sex: str, age: float) -> tuple[float | None, float | None]:
    if age < ADULT and not data.get("any_age"):
        return None, None  # the ranges are those of adults
    return _bound(data, "low", sex, age), _bound(data, "high", sex, age)


def _value(data: Mapping[str, Any], value: float, sex: str, age: float) -> Resource:
    shown = build.quantity(value, data["places"], data["unit"], data["ucum"])
    low, high = _limits(data, sex, age)
    part: Resource = {"valueQuantity": shown}
    if low is None and high is None:
        return part
    number = float(shown["value"])
    code, display = ("H", "偏高") if high is not None and number > high else ("N", "正常")
    if low is not None and number < low:
        code, display = "L", "偏低"
    part["interpretation"] = [concept(f"{build.V3}ObservationInterpretation", code, display)]
    bounds = {}
    for name, limit in (("low", low), ("high", high)):
        if limit is not None:
            bounds[name] = build.quantity(limit, data["places"], data["unit"], data["ucum"])
    part["referenceRange"] = [bounds]
    return part


def observe(
    base: Resource, ids: list[str], body: Body, day: int, bump: Mapping[str, Any], smoking: str
) -> Iterator[Resource]:
    """The Observations of one visit. ``base``: subject, encounter, time, performer; ``id`` is its prefix."""
    tables, seen = table("observations"), dict[str, float]()
    sex, age = body.person.sex, body.person.age_on(day)
    for id in ids:
        if id == "smoking":
            if age >= ADULT:
                yield _smoking(base, smoking)
            continue
        panel = tables["panels"].get(id)
        data = panel or tables[id]
        if not all(body.measurable(part, day) for part in (panel or {"parts": [id]})["parts"]):
            continue
        resource = _head(base, id, data)
        if panel:
            values = [body.measure(part, day, seen, bump) for part in panel["parts"]]
            values[1] = min(values[1], values[0] - 22)  # pulse pressure
            resource["component"] = [
                {"code": _code(tables[part])} | _value(tables[part], value, sex, age)
                for part, value in zip(panel["parts"], values, strict=True)
            ]
        else:
            resource |= _value(data, body.measure(id, day, seen, bump), sex, age)
        yield resource


def _code(data: Mapping[str, Any]) -> Resource:
    return concept(LOINC, data["loinc"], data["zh"])


def _head(base: Resource, id: str, data: Mapping[str, Any]) -> Resource:
    category = data.get("category", "social-history")
    return {
        "resourceType": "Observation",
        "id": f"{base['id']}-{id}",
        "status": "final",
        "category": [concept(f"{HL7}observation-category", category, CATEGORIES[category])],
        "code": _code(data),
    } | {key: value for key, value in base.items() if key != "id"}


def _smoking(base: Resource, status: str) -> Resource:
    data = table("smoking")
    code, display = data["codes"][status]
    return _head(base, "smoking", data["observation"]) | {
        "valueCodeableConcept": concept(LOINC, code, display)
    }
