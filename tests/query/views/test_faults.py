"""What is wrong with a view is told before any data is read: where in the view, and where in the expression."""

from typing import Any

import pytest

from shangyi.i18n import translate
from shangyi.query import views
from shangyi.query.columns import Column, Table
from shangyi.query.views import ViewError

TABLE = Table(
    "Patient",
    (
        Column("id", "text"),
        Column("active", "boolean"),
        Column("name", "struct", True, (Column("family", "text"), Column("given", "text", True))),
        Column("deceasedBoolean", "boolean"),
        Column("deceasedDateTime", "text"),
        Column("contained", "json", True),
        Column("extension", "struct", True, (Column("url", "text"), Column("valueString", "text"))),
    ),
    frozenset({"extension.extension"}),
)


def column(path: str, **more: Any) -> dict[str, Any]:
    return {"name": "x", "path": path, **more}


def view(*columns: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resource": "Patient", "select": [{"column": list(columns)}], **more}


FIRST = "ViewDefinition.select[0].column[0].path"


@pytest.mark.parametrize(
    ("definition", "place", "said"),
    [
        ([], "ViewDefinition", "is an object"),
        ({"resourceType": "Patient", "resource": "Patient"}, "ViewDefinition", "not a ViewDefinition"),
        ({"resource": "Pateint", "select": []}, "ViewDefinition.resource", "names the type"),
        (view(column("id"), colour="red"), "ViewDefinition.colour", "no element colour here"),
        (view(column("id", title="x")), "ViewDefinition.select[0].column[0].title", "no element title"),
        (view(column("brithDate")), FIRST, "did you mean birthDate? (line 1, column 1)"),
        (view(column("name.\n given.frist()")), FIRST, "did you mean first()? (line 2, column 8)"),
        (view(column("name.where(")), FIRST, "(line 1"),
        (view(column("deceased")), FIRST, "narrow it with ofType() (line 1, column 1)"),
        (view(column("name\n .family", collection=False)), FIRST, "first() (line 2, column 3)"),
        (view(column("contact.gender", collection=False)), FIRST, "collection: true"),
        (
            view(column("name.given & 'x'")),
            FIRST,
            "One value is needed here: choose one with first(), or ask exists() (line 1, column 6)",
        ),
        (view(column("contact.name.family.length()")), FIRST, "One value is needed here"),
        (
            view(column("id"), where=[{"path": "contact.\ngender > 'm'"}]),
            "ViewDefinition.where[0].path",
            "(line 2, column 1)",
        ),
        (view(column("birthDate > name.given")), FIRST, "[0..*] (line 1, column 1)"),
        (view(column("id", type="integer")), FIRST, "not integer (line 1, column 1)"),
        (view(column("id", type="ident")), FIRST, "no type ident"),
        (view(column("$this")), FIRST, "whole resource"),
        (view(column("%nothing")), FIRST, "%nothing was not given"),
        (view(column("extension.extension.url")), FIRST, "goes beyond the columns"),
        (view(column("contained.name")), FIRST, "narrow it with ofType()"),
        (view(column("conformsTo('x')")), FIRST, "conformsTo() has no form in SQL (line 1, column 1)"),
        (view(column("id"), column("id")), "ViewDefinition.select[0]", "two columns x"),
        (
            view(column("id"), where=[{"path": "name"}]),
            "ViewDefinition.where[0].path",
            "one Boolean, not FHIR.HumanName [0..*] (line 1, column 1)",
        ),
        (view(column("id"), where=[{}]), "ViewDefinition.where[0].path", "path is a FHIRPath"),
        (view(column("id"), constant=[{"name": "c"}]), "ViewDefinition.constant[0].value", "one value"),
        (
            view(column("id"), constant=[{"name": "c", "valueDate": "2020-13"}]),
            "ViewDefinition.constant[0].valueDate",
            "no date",
        ),
        (
            {
                "resource": "Patient",
                "select": [{"forEach": "name", "repeat": ["name"], "column": [column("id")]}],
            },
            "ViewDefinition.select[0]",
            "Only one of",
        ),
        (
            {
                "resource": "Patient",
                "select": [{"unionAll": [{"column": [column("id")]}, {"column": [column("active")]}]}],
            },
            "ViewDefinition.select[0].unionAll[1].column[0].path",
            "another type in another branch",
        ),
    ],
)
def test_a_fault_has_a_place(definition: Any, place: str, said: str) -> None:
    with pytest.raises(ViewError) as refused:
        views.compile(definition, TABLE)
    issues = [(issue["expression"][0], issue["diagnostics"]) for issue in refused.value.outcome()["issue"]]
    assert any(where == place and said in text for where, text in issues), issues


CYCLES = [
    ("$this", 1), ("%resource.item", 1), ("%context.item", 1), ("item | $this", 8), ("where(linkId = 'a')", 1), ("'a'", 1),
    ("iif(linkId = 'a', item, $this)", 25), ("Questionnaire", 1), ("item.select(%resource.item)", 13), ("first().first()", 1),
]  # fmt: skip
DESCENTS = ["item", "$this.item", "item.where(linkId = 'a')", "Questionnaire.item", "item | item.item", "iif(true, item, {})",
            "first().item", "item.select($this)", "item.select(item)", "item[0]", "extension('http://x')", "item.repeat(item)"]  # fmt: skip
ITEMS = Column("item", "struct", True, (Column("linkId", "text"), Column("item", "struct", True, (Column("linkId", "text"),))))  # fmt: skip


def repeating(*paths: str) -> views.Plan:
    columns = [column("linkId")] if "extension" not in paths[0] else [column("url")]
    definition = {"resource": "Questionnaire", "select": [{"repeat": list(paths), "column": columns}]}
    return views.compile(definition, Table("Questionnaire", (Column("id", "text"), ITEMS)))


@pytest.mark.parametrize(("path", "at"), CYCLES)
def test_a_cycle_is_refused(path: str, at: int) -> None:
    with pytest.raises(ViewError) as refused:
        repeating("item", path)
    [issue] = refused.value.outcome()["issue"]
    assert issue["expression"] == ["ViewDefinition.select[0].repeat[1]"]
    assert "goes round in a circle" in issue["diagnostics"]
    assert f"(line 1, column {at})" in issue["diagnostics"]
    [said] = refused.value.issues
    assert translate(said.text, "zh-CN").startswith("repeat 形成循环")
    assert "第 {line} 行" in translate(said.text, "zh-CN")


@pytest.mark.parametrize("path", DESCENTS)
def test_what_goes_down_is_none(path: str) -> None:
    assert repeating(path).sql()


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ViewError) as refused:
        views.compile(
            {
                "resource": "Patient",
                "select": [{"column": [{"name": "a", "path": "idd"}, {"name": "b", "path": "activ"}]}],
            },
            TABLE,
        )
    assert len(refused.value.issues) == 2


def test_a_table_of_another_type_is_refused() -> None:
    with pytest.raises(ViewError, match="the table of Observation"):
        views.compile(view(column("id")), Table("Observation", ()))
