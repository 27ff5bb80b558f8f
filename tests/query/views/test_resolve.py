"""``resolve()`` as a join within the lake: by key, of contained resources, of what is not there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shangyi import lake
from shangyi.query import views
from shangyi.query.columns import Table
from shangyi.query.fhirpath import compile
from shangyi.query.views import ViewError

PATIENTS = [
    {"resourceType": "Patient", "id": "1", "gender": "female", "name": [{"given": ["秀英", "a"]}]},
    {
        "resourceType": "Patient",
        "id": "2",
        "gender": "male",
        "managingOrganization": {"reference": "Organization/o"},
    },
]
ORGANIZATION = {"resourceType": "Organization", "id": "o", "name": "城关镇卫生院"}
REFERENCES = {
    "relative": "Patient/1",
    "versioned": "Patient/1/_history/3",
    "other": "Patient/2",
    "unknown": "Patient/none",
    "elsewhere": "https://example.org/Patient/1",
    "urn": "urn:uuid:4e5f0a3c-9c0f-4d61-9a39-3d0a3c6a2a10",
    "contained": "#p",
}


def observation(id: str, reference: str | None) -> dict[str, Any]:
    made: dict[str, Any] = {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"text": id},
        "performer": [{"reference": "Organization/o"}, {"reference": "Patient/2"}, {"display": "nobody"}],
    }
    if reference is not None:
        made["subject"] = {"reference": reference}
    if reference == "#p":
        made["contained"] = [
            {"resourceType": "Organization", "id": "q", "name": "q"},
            {"resourceType": "Patient", "id": "p", "gender": "other", "name": [{"given": ["c"]}]},
        ]
    return made


OBSERVATIONS = [*(observation(*pair) for pair in REFERENCES.items()), observation("none", None)]
EVERYTHING = {f"{r['resourceType']}/{r['id']}": r for r in (*PATIENTS, ORGANIZATION)}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    directory: Path = tmp_path_factory.mktemp("lake")
    lake.write(directory, [*PATIENTS, ORGANIZATION, *OBSERVATIONS])
    with lake.DuckDBEngine(lake.open(directory), threads=1) as engine:
        yield engine


def plan(engine: Any, *paths: str, **more: Any) -> views.Plan:
    tables = {name: engine.lake.table(name) for name in engine.lake.tables()}
    selected: dict[str, Any] = {"column": [{"name": f"c{i}", "path": path} for i, path in enumerate(paths)]}
    selected |= {key: more.pop(key) for key in ("forEach",) if key in more}
    view = {"resource": "Observation", "select": [selected], "status": "active", **more}
    return views.compile(view, tables["Observation"], tables)


def rows(engine: Any, *paths: str, **more: Any) -> list[tuple[Any, ...]]:
    found = engine.sql(plan(engine, *paths, **more).sql("duckdb")).to_pylist()
    return sorted((tuple(row.values()) for row in found), key=str)


def resolver(reference: str) -> dict[str, Any] | None:
    return EVERYTHING.get(reference.partition("/_history/")[0])


@pytest.mark.parametrize(
    "path",
    [
        "subject.resolve().ofType(Patient).gender",
        "subject.resolve().ofType(Patient).name.given.last()",
        "subject.where(reference.exists()).resolve().ofType(Patient).exists()",
        "subject.resolve().ofType(Patient).managingOrganization.resolve().ofType(Organization).name",
        "subject.resolve().ofType(Patient).getResourceKey()",
        "performer.first().resolve().ofType(Organization).name",
        "(subject.resolve() is Patient)",
    ],
)
def test_joined_is_what_closures_find(path: str, opened: Any) -> None:
    expression = compile(path, "Observation")
    expected = []
    for resource in OBSERVATIONS:
        found = [getattr(x, "value", x) for x in expression.evaluate(resource, resolver=resolver)]
        expected.append((resource["id"], found[0] if found else None))
    assert rows(opened, "id", path) == sorted(expected, key=str)
    assert any(value for _, value in expected)


def test_each_of_several_by_a_row_of_its_own(opened: Any) -> None:
    found = rows(
        opened,
        "resolve().ofType(Organization).name",
        "resolve().ofType(Patient).gender",
        forEach="performer",
        where=[{"path": "id = 'urn'"}],
    )
    assert sorted(found, key=str) == [("城关镇卫生院", None), (None, "male"), (None, None)]


def test_rows_by_what_a_reference_leads_to(opened: Any) -> None:
    where = [{"path": "subject.resolve().ofType(Patient).gender = 'female'"}]
    assert rows(opened, "id", where=where) == [("relative",), ("versioned",)]


def test_only_the_tables_that_are_used_are_joined(opened: Any) -> None:
    made = plan(opened, "id", "subject.resolve().ofType(Patient).gender")
    assert made.joined == {"Patient"}
    text = made.sql("duckdb")
    assert text.count("LEFT JOIN") == 1
    spark = made.sql("spark", others={"Patient": "lake.patients"})
    assert "LEFT JOIN lake.patients AS `j1` ON `j1`.`resource_key` =" in spark


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("performer.resolve().ofType(Patient).gender", "give each a row of its own with forEach"),
        ("performer.where(resolve() is Patient).display", "use forEach"),
    ],
)
def test_several_at_once_are_refused(path: str, said: str, opened: Any) -> None:
    with pytest.raises(ViewError, match=said):
        plan(opened, path)


def test_a_row_by_itself_resolves_nothing(opened: Any) -> None:
    view = {
        "resource": "Observation",
        "select": [{"column": [{"name": "x", "path": "subject.resolve().id"}]}],
    }
    with pytest.raises(ViewError, match="needs the other tables"):
        views.compile(view, Table("Observation", opened.lake.table("Observation").columns))
