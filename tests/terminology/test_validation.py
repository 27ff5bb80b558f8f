"""$validate-code: what is wrong with a code, and of which kind (tx-issue-type of the terminology ecosystem)."""

from typing import Any

import pytest
from tests.terminology.systems import DISEASES, SYSTEM, of, value_set, where

from shangyi.terminology.concepts import Coding
from shangyi.terminology.definitions import Memory
from shangyi.terminology.library import Library
from shangyi.terminology.validation import Request, Validator, Verdict

DIABETES = value_set("d", where("concept", "is-a", "D"))
LIBRARY = Library(Memory([DISEASES, DIABETES]))


def look(coding: Coding, against: bool = True, **request: Any) -> Verdict:
    definition = LIBRARY.value_set(DIABETES["url"]) if against else None
    return Validator(LIBRARY, definition, Request(**request)).coding(coding)


def kinds(verdict: Verdict) -> list[tuple[str, str]]:
    return [(p.issue.severity, p.kind) for p in verdict.problems]


def test_a_code_of_the_set() -> None:
    found = look(Coding(SYSTEM, "D2", None, "type 2 DIABETES"))
    assert found.valid
    assert found.display == "Type 2 diabetes"
    assert not found.problems


@pytest.mark.parametrize(
    ("coding", "request_", "valid", "expected"),
    [
        (Coding(SYSTEM, "H"), {}, False, [("error", "not-in-vs")]),
        (Coding(SYSTEM, "X"), {}, False, [("error", "not-in-vs"), ("error", "invalid-code")]),
        (
            Coding("https://example.org/none", "D"),
            {},
            False,
            [("error", "not-in-vs"), ("error", "not-found")],
        ),
        (Coding("none", "D"), {}, False, [("error", "not-in-vs"), ("error", "invalid-data")]),
        (Coding(None, "D"), {}, False, [("warning", "invalid-data"), ("error", "not-in-vs")]),
        (Coding(None, "D2"), {"infer_system": True}, True, []),
        (
            Coding(None, "X"),
            {"infer_system": True},
            False,
            [("error", "cannot-infer"), ("error", "not-in-vs")],
        ),
        (Coding(SYSTEM, "D"), {"abstract": False}, False, [("error", "code-rule")]),
        (Coding(SYSTEM, "D9"), {}, True, [("warning", "code-comment")]),
        (Coding(SYSTEM, "D9"), {"active_only": True}, False, [("error", "not-in-vs")]),
        (Coding(SYSTEM, "D1", None, "Type 2 diabetes"), {}, False, [("error", "invalid-display")]),
        (Coding(SYSTEM, "D1", None, "Sugar"), {"lenient": True}, True, [("warning", "invalid-display")]),
    ],
)
def test_what_is_wrong(
    coding: Coding, request_: dict[str, Any], valid: bool, expected: list[tuple[str, str]]
) -> None:
    found = look(coding, **request_)
    assert found.valid is valid
    assert kinds(found) == expected


def test_against_the_code_system_alone() -> None:
    assert look(Coding(SYSTEM, "H"), against=False).valid
    assert kinds(look(Coding(SYSTEM, "X"), against=False)) == [("error", "invalid-code")]


def test_case_means_nothing_where_the_system_says_so() -> None:
    library = Library(Memory([{**DISEASES, "caseSensitive": False}, value_set("v", of())]))
    validator = Validator(library, library.value_set("https://example.org/vs/v"), Request())
    found = validator.coding(Coding(SYSTEM, "d2N"))
    assert found.valid
    assert kinds(found) == [("information", "code-rule")]


def test_a_value_set_that_cannot_be_written_out_is_the_problem() -> None:
    library = Library(Memory([DISEASES, value_set("v", {"valueSet": ["https://example.org/gone"]})]))
    validator = Validator(library, library.value_set("https://example.org/vs/v"), Request())
    found = validator.coding(Coding(SYSTEM, "D2"))
    assert not found.valid
    assert "https://example.org/gone" in found.problems[0].issue.diagnostics
