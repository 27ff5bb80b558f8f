"""Types known before evaluation, and errors that name the place."""

import pytest

from shangyi.query import typed
from shangyi.query.closures import FUNCTIONS
from shangyi.query.errors import EvaluationError, SemanticError
from shangyi.query.fhirpath import compile
from shangyi.query.resolve.functions import SIGNATURES


def test_every_function_has_both_halves() -> None:
    assert set(FUNCTIONS) == set(SIGNATURES)


@pytest.mark.parametrize(
    ("root", "text", "type_"),
    [
        ("Patient", "name.given", "FHIR.string [0..*]"),
        ("Patient", "name.first().family", "FHIR.string [0..1]"),
        ("Observation", "status", "FHIR.code [1..1]"),
        ("Observation", "value.ofType(Quantity).unit", "FHIR.string [0..1]"),
        ("Observation", "value is Quantity", "System.Boolean [0..1]"),
        ("Patient", "name.where(use = 'home').exists()", "System.Boolean [1..1]"),
        ("Patient", "birthDate + 1 year", "System.Date [0..1]"),
        ("Questionnaire", "repeat(item).linkId", "FHIR.string [0..*]"),
        ("Bundle", "entry.resource.ofType(Patient).gender", "FHIR.code [0..*]"),
        ("Patient.contact", "%resource.birthDate", "FHIR.date [0..1]"),
        ("Patient", "iif(active, 1, 'no')", "System.Integer | System.String [1..1]"),
    ],
)
def test_static_type(root: str, text: str, type_: str) -> None:
    assert str(compile(text, root).type) == type_


def test_a_choice_lists_its_forms() -> None:
    tree = compile("Patient.deceased", "Patient").tree
    assert isinstance(tree, typed.Field)
    assert [form.key for form in tree.forms or ()] == ["deceasedBoolean", "deceasedDateTime"]


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("name.givn", "HumanName has no element givn; did you mean given?", 6),
        ("Encounter.status", "The context is FHIR.Patient [1..1], not Encounter", 1),
        ("name.whre(true)", "There is no function whre(); did you mean where()?", 6),
        ("name.family & 1", "& needs String, not System.Integer [1..1]", 15),
        ("active and (1 > 'a')", "> does not go between System.Integer [1..1] and System.String [1..1]", 13),
        ("name.first(1)", "first() does not take 1 arguments", 6),
        ("birthDate is Dog", "There is no type Dog", 14),
        ("$total", "$total has no meaning here", 1),
        ("name.defineVariable('n').defineVariable('n')", "%n is defined already", 26),
    ],
)
def test_errors_name_what_and_where(text: str, message: str, column: int) -> None:
    with pytest.raises(SemanticError) as caught:
        compile(text, "Patient")
    assert caught.value.issues[0].diagnostics == message
    assert (caught.value.line, caught.value.column) == (1, column)
    assert "^" in caught.value.context


def test_a_variable_lives_in_what_is_called_on_it() -> None:
    patient = {"resourceType": "Patient", "name": [{"family": "单"}]}
    text = "name.defineVariable('n').select(%n.family & '!')"
    assert compile(text, "Patient").evaluate(patient) == ["单!"]
    with pytest.raises(EvaluationError, match="%n was not given"):
        compile("name.defineVariable('n').exists() and %n.exists()", "Patient").evaluate(patient)


def test_answers_as_plain_python() -> None:
    patient = {
        "resourceType": "Patient",
        "name": [{"given": ["秀英"]}],
        "birthDate": "1958-03",
        "active": True,
    }
    assert compile("name.given", "Patient").values(patient) == ["秀英"]
    assert compile("name", "Patient").values(patient) == [{"given": ["秀英"]}]
    assert compile("birthDate < @1960", "Patient").values(patient) == [True]
    assert compile("active", "Patient").holds(patient)
    assert not compile("deceased", "Patient").holds(patient)
