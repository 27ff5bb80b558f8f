"""Whatever goes into a lake comes out with the same meaning."""

from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.lake.meaning import meaning
from tests.shared import shared

from shangyi import lake
from shangyi.fhir import json
from shangyi.lake import shape
from shangyi.lake.intake import lines
from shangyi.query.columns import Column


def rebuilt(directory: Path) -> dict[str, Any]:
    with lake.open(directory) as opened:
        return {
            f"{r['resourceType']}/{r['id']}": meaning(r)
            for type_ in opened.tables()
            for r in opened.resources(type_)
        }


def through(tmp_path: Path, *resources: dict[str, Any]) -> list[Any]:
    """Each resource as it comes out, in the order in which they went in."""
    lake.write(tmp_path, resources)
    found = rebuilt(tmp_path)
    return [found[f"{r['resourceType']}/{r['id']}"] for r in resources]


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.slow)])
def test_synthea(tmp_path: Path, step: int) -> None:
    """Each fourth resource in the default run, every one with ``--slow``."""
    found = [
        (line.type, json.loads(line.data))
        for line in islice(lines([shared("data/synthea-r4")]), 0, None, step)
    ]
    expected = {f"{type_}/{resource['id']}": meaning(resource) for type_, resource in found}
    lake.write(tmp_path, [resource for _, resource in found] if step > 1 else [shared("data/synthea-r4")])
    assert rebuilt(tmp_path) == expected
    with lake.open(tmp_path) as opened:
        columns = {type_: opened.schema(type_) for type_ in opened.tables()}
        assert not any(opened.table(type_).beyond for type_ in opened.tables())
        with lake.DuckDBEngine(opened) as engine:
            for type_ in columns:
                left = engine.sql(f'select count(rest_json) c from "{type_}"').to_pylist()
                assert left == [{"c": 0}], type_


def test_all_examples_of_the_specification(tmp_path: Path) -> None:
    found = [json.loads(p.read_bytes()) for p in sorted(shared("conformance/r4-examples").glob("*.json"))]
    resources = {f"{r['resourceType']}/{r['id']}": r for r in found if "id" in r}
    assert len(resources) >= 70
    lake.write(tmp_path, list(resources.values()))
    assert rebuilt(tmp_path) == {key: meaning(r) for key, r in resources.items()}


@pytest.mark.parametrize(
    "number", ["1.20", "1e3", "0.010", "-0.0", "12345678901234567890.123456789", "7", "1E-7"]
)
def test_decimals_keep_their_digits(tmp_path: Path, number: str) -> None:
    file = tmp_path / "o.ndjson"
    line = '{"resourceType":"Observation","id":"%s","valueQuantity":{"value":%s}}\n'
    file.write_text(line % ("a", number) + line % ("b", "1.0"))
    lake.write(tmp_path / "lake", [file])
    with lake.open(tmp_path / "lake") as opened, lake.DuckDBEngine(opened) as engine:
        assert engine.sql("select valueQuantity.value v from Observation where id = 'a'").to_pylist() == [
            {"v": number}
        ]


ODD = {
    "nulls in an array of primitives": {"name": [{"given": ["a", None], "_given": [None, {"id": "x"}]}]},
    "an extension on a primitive": {
        "_birthDate": {"extension": [{"url": "u", "valueDecimal": json.loads('{"x":1.50}')["x"]}]}
    },
    "an unknown element": {"shoeSize": 45, "name": [{"family": "张", "nickname": ["三"]}, {"family": "李"}]},
    "a value of another type": {"birthDate": 1969, "active": "true", "gender": ["male"]},
    "one where there should be many": {"name": {"family": "王"}},
    "many where there should be one": {"maritalStatus": [{"text": "married"}]},
    "a text among objects": {"name": ["张三", {"family": "张"}]},
    "a number among texts": {"name": [{"given": ["a", 5]}]},
    "nothing in an object": {"maritalStatus": {}, "name": [{}, {"family": "x"}]},
    "an empty list": {"name": []},
    "a large integer": {"multipleBirthInteger": 2**40},
    "an integer with a fraction": {"multipleBirthInteger": json.loads('{"x":1.0}')["x"]},
    "a text that looks like a number": {"contact": [{"name": {"text": '"value":1.5'}}], "language": '":1.2,'},
    "a number under the name of a decimal that is a text": {"identifier": [{"value": 5}]},
    "contained": {
        "contained": [
            {"resourceType": "Organization", "id": "o", "name": '卫生院 "一" \\ é\n'},
            {"resourceType": "Basic"},
        ]
    },
    "contained that is none": {"contained": ["x", {"resourceType": "Basic"}]},
    "quotation marks and backslashes": {
        "name": [{"family": '\\"value\\":1.5 \\\\"', "text": "\u2028\U0001f600"}]
    },
}


@pytest.mark.parametrize("name", ODD)
def test_odd_resources_among_plain_ones(tmp_path: Path, name: str) -> None:
    plain = {"resourceType": "Patient", "active": True, "birthDate": "1969", "gender": "male"}
    resources = [{**plain, "id": "a"}, {**plain, **ODD[name], "id": "b"}, {**plain, "id": "c"}]
    assert through(tmp_path, *resources) == [meaning(r) for r in resources]


def test_odd_resources_among_thousands(tmp_path: Path) -> None:
    """The quick way and the exact one meet within a chunk."""
    plain = {"resourceType": "Patient", "active": True, "name": [{"family": "王", "given": ["小明"]}]}
    resources = [{**plain, "id": f"p{n}"} for n in range(3000)]
    for position, change in enumerate(ODD.values()):
        resources[700 + 37 * position].update(change)
    assert through(tmp_path, *resources) == [meaning(r) for r in resources]


def test_deep_items_within_and_beyond_the_bounds(tmp_path: Path) -> None:
    def item(depth: int) -> dict[str, Any]:
        return {"linkId": str(depth), **({"item": [item(depth - 1), {"linkId": "x"}]} if depth else {})}

    forms = [{"resourceType": "Questionnaire", "id": f"q{n}", "item": [item(n)]} for n in (0, 3, 22, 40)]
    assert through(tmp_path, *forms) == [meaning(form) for form in forms]
    with lake.open(tmp_path) as opened:
        depth, column = 0, next(c for c in opened.schema("Questionnaire") if c.name == "item")
        while (below := column.field("item")) is not None:
            depth, column = depth + 1, below
        assert depth == shape.DEEPEST - 2
        assert opened.table("Questionnaire").beyond == {".".join(["item"] * (depth + 2))}


def test_no_more_columns_than_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shape, "MOST_LEAVES", 4)
    resource = {
        "resourceType": "Patient",
        "id": "a",
        "active": True,
        "gender": "male",
        "name": [{"text": "t", "family": "f"}],
    }
    assert through(tmp_path, resource) == [meaning(resource)]
    with lake.open(tmp_path) as opened:
        names = [column.name for column in opened.schema("Patient")]
        assert names == ["id", "active", "name", "gender"]
        assert opened.table("Patient").beyond == {"name.family"}


def test_columns_go_by_the_tables_of_r4(tmp_path: Path) -> None:
    lake.write(tmp_path, [{"resourceType": "Patient", "id": "1", "birthDate": "1969", "deceasedBoolean": False,
                           "_birthDate": {"id": "x"}, "multipleBirthInteger": 2, "contained": [{"resourceType": "Basic"}]}])  # fmt: skip
    with lake.open(tmp_path) as opened:
        assert opened.schema("Patient") == (
            Column("id", "text"),
            Column("contained", "json", many=True),
            Column("birthDate", "text"),
            Column("_birthDate", "struct", fields=(Column("id", "text"),)),
            Column("deceasedBoolean", "boolean"),
            Column("multipleBirthInteger", "integer"),
        )


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
numbers = st.decimals(allow_nan=False, allow_infinity=False, places=3) | st.integers(-(2**70), 2**70)
anything = st.recursive(
    st.none() | st.booleans() | texts | numbers,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["value", "code", "system", "extension", "url", "text", "x", "_value", "display"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
elements = st.fixed_dictionaries(
    {},
    optional={
        "status": st.just("final") | anything,
        "code": st.builds(lambda c, d: {"coding": [{"code": c, "display": d}]}, texts, texts) | anything,
        "valueQuantity": st.builds(lambda v: {"value": v, "unit": "毫米汞柱"}, numbers) | anything,
        "valueString": texts | anything,
        "_valueString": anything,
        "component": st.lists(st.fixed_dictionaries({}, optional={"valueInteger": st.integers(-9, 9) | anything, "code": anything}), max_size=3),
        "contained": st.lists(st.builds(lambda x: {"resourceType": "Basic", "id": "b", "note": x}, anything), max_size=2),
        "extension": anything,
        "effectiveDateTime": st.just("2020-02-30") | st.just("2020") | anything,
        "subject": st.just({"reference": "Patient/1"}) | anything,
        "nonsense": anything,
    },
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(elements, min_size=1, max_size=6))
def test_made_resources(tmp_path_factory: pytest.TempPathFactory, made: list[dict[str, Any]]) -> None:
    resources = [
        {"resourceType": "Observation", "id": f"o{number}", **without_none(element)}
        for number, element in enumerate(made)
    ]
    assert through(tmp_path_factory.mktemp("lake"), *resources) == [meaning(r) for r in resources]


def without_none(value: Any) -> Any:
    """FHIR has null in arrays only."""
    if isinstance(value, dict):
        return {name: without_none(inner) for name, inner in value.items() if inner is not None}
    return [without_none(item) for item in value] if isinstance(value, list) else value
