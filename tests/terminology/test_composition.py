"""Which codes a value set holds: FHIR R4, ValueSet.compose, and the operators of its filters."""

from typing import Any

import pytest
from tests.terminology.systems import DISEASES, SYSTEM, of, value_set, where

from shangyi.errors import Invalid, NotFound, Unprocessable
from shangyi.fhir import definitions as r4_tables
from shangyi.terminology.composition import Composition, WrongVersion
from shangyi.terminology.definitions import Memory
from shangyi.terminology.library import Library, Versions
from shangyi.terminology.r4 import SPECIFICATION
from shangyi.terminology.service import Terminology

UNKNOWN = "https://example.org/unknown"


def codes(*resources: dict[str, Any]) -> list[str]:
    """The codes of the first of these value sets."""
    terminology = Terminology(Memory([DISEASES, *resources]))
    return sorted(code for _, code in terminology.codes(resources[0]["url"]).codes)


@pytest.mark.parametrize(
    ("include", "expected"),
    [
        (of(), "D D1 D2 D2n D9 H N Nd"),
        (of(concept=[{"code": "H"}, {"code": "X"}]), "H"),
        (where("concept", "is-a", "D2"), "D2 D2n Nd"),
        (where("concept", "descendent-of", "D2"), "D2n Nd"),
        (where("concept", "child-of", "D"), "D1 D2 D9"),
        (where("concept", "descendent-leaf", "D"), "D1 D9 Nd"),
        (where("concept", "is-not-a", "D"), "H N"),
        (where("concept", "generalizes", "Nd"), "D D2 D2n N Nd"),
        (where("organ", "=", "pancreas"), "D1 D2"),
        (where("organ", "in", "vessel, pancreas"), "D1 D2 H"),
        (where("organ", "not-in", "pancreas"), "D D2n D9 H N Nd"),
        (where("organ", "exists", "true"), "D1 D2 H"),
        (where("organ", "exists", "false"), "D D2n D9 N Nd"),
        (where("code", "regex", "D[12]"), "D1 D2"),
        (where("display", "regex", ".*diabetes"), "D1 D2 D9"),
    ],
)
def test_what_an_include_means(include: dict[str, Any], expected: str) -> None:
    assert codes(value_set("v", include)) == expected.split()


def test_conditions_of_one_include_all_hold() -> None:
    both = of(
        filter=[where("concept", "is-a", "D")["filter"][0], where("organ", "=", "pancreas")["filter"][0]]
    )
    assert codes(value_set("v", both)) == ["D1", "D2"]


def test_includes_are_united_and_excludes_taken_away() -> None:
    found = codes(
        value_set("v", where("concept", "is-a", "D"), of(concept=[{"code": "H"}]), exclude=[where("concept", "is-a", "D2")])
    )  # fmt: skip
    assert found == ["D", "D1", "D9", "H"]


def test_value_sets_of_one_include_are_met() -> None:
    diabetes, organ = (
        value_set("d", where("concept", "is-a", "D")),
        value_set("o", where("organ", "exists", "true")),
    )
    both = {"valueSet": [diabetes["url"], organ["url"]]}
    assert codes(value_set("v", both), diabetes, organ) == ["D1", "D2"]
    assert codes(value_set("v", {**of(), "valueSet": [organ["url"]]}), organ) == ["D1", "D2", "H"]


def test_inactive_codes_can_be_left_out() -> None:
    found = value_set("v", where("concept", "is-a", "D"))
    found["compose"]["inactive"] = False
    assert "D9" not in codes(found)


def test_a_cycle_is_named() -> None:
    first, second = value_set("a", {"valueSet": ["https://example.org/vs/b"]}), value_set("b")
    second["compose"]["include"] = [{"valueSet": [first["url"]]}]
    with pytest.raises(Unprocessable, match=r"includes itself, by way of .*/b"):
        codes(first, second)


@pytest.mark.parametrize(
    ("include", "error", "named"),
    [
        (of(UNKNOWN), NotFound, UNKNOWN),
        ({"valueSet": [UNKNOWN]}, NotFound, UNKNOWN),
        (of(version="7.0.0"), NotFound, "7.0.0, but in 1.0.0"),
        (where("concept", "is-a", "X"), Unprocessable, "X"),
        (where("concept", "like", "D"), Unprocessable, "like"),
        (where("code", "regex", "(D"), Invalid, r"\(D"),
        ({}, Unprocessable, "names no system and no value set"),
    ],
)
def test_what_cannot_be_resolved_is_named(
    include: dict[str, Any], error: type[Exception], named: str
) -> None:
    with pytest.raises(error, match=named):
        codes(value_set("v", include))


def test_listed_codes_need_no_code_system() -> None:
    assert codes(value_set("v", of(UNKNOWN, concept=[{"code": "1"}, {"code": "2"}]))) == ["1", "2"]


def test_a_stored_expansion_answers_where_the_system_is_not_here() -> None:
    found = value_set("v", of(UNKNOWN))
    nested = {"system": UNKNOWN, "code": "1", "contains": [{"system": UNKNOWN, "code": "2"}]}
    found["expansion"] = {"timestamp": "2026-01-01", "total": 2, "contains": [nested]}
    assert codes(found) == ["1", "2"]
    found["expansion"]["total"] = 900
    with pytest.raises(NotFound, match=UNKNOWN):
        codes(found)


def test_versions() -> None:
    newer = {**DISEASES, "version": "1.2.0", "concept": [{"code": "Z"}]}
    source = Memory([DISEASES, newer, value_set("v", of()), value_set("w", of(version="1.0.x"))])

    def found(name: str, **versions: Any) -> set[str]:
        pairs = {key: ((SYSTEM, value),) for key, value in versions.items()}
        return {
            code
            for _, code in Terminology(source, Versions(**pairs))
            .codes(f"https://example.org/vs/{name}")
            .codes
        }

    assert found("v") == {"Z"}, "the newest"
    assert "H" in found("w"), "one that fits"
    assert "H" in found("v", default="1.0.0")
    assert "H" in found("w", default="1.2.0"), "a version that stands there counts more than a default"
    assert found("w", force="1.2.0") == {"Z"}
    with pytest.raises(WrongVersion, match=r"1\.2\.0 .* was to be 1\.0\.0"):
        Terminology(source, Versions(force=((SYSTEM, "1.2.0"),), check=((SYSTEM, "1.0.0"),))).codes(
            "https://example.org/vs/v"
        )


def test_required_bindings_of_r4_hold_the_codes_of_its_tables() -> None:
    """Two ways to one answer: the tables of ``fhir`` were expanded by another program; they leave out abstract codes."""
    library, checked = Library(SPECIFICATION), 0
    for url in SPECIFICATION.addresses("ValueSet"):
        systems = r4_tables.codes(url)
        if systems is not None:
            expected = {(system, code) for system, listed in systems.items() for code in listed}
            members = Composition(library).members(library.value_set(url)).values()
            assert {(m.system, m.code) for m in members if not m.abstract} == expected, url
            checked += 1
    assert checked > 200
