"""Packages read from directories: what they hold, and every mistake with its file and place."""

import json
from pathlib import Path
from typing import Any

import pytest

from shangyi.errors import NotFound
from shangyi.knowledge import find, installed, load, named
from shangyi.knowledge.errors import PackageError

CANONICAL = "https://example.org/knowledge/small"
MANIFEST = {
    "name": "small",
    "version": "1.0.0",
    "canonical": CANONICAL,
    "title": "Small",
    "description": "A package of two definitions",
    "license": "Apache-2.0",
    "author": "Nobody",
    "fhirVersions": ["4.0.1"],
}
LIBRARY = "library Small version '1.0.0'\nusing FHIR version '4.0.1'\ncontext Patient\ndefine \"All\": true\n"
POPULATION = "http://terminology.hl7.org/CodeSystem/measure-population"


def measure(expression: str = "All", library: str = "Small") -> dict[str, Any]:
    population = {
        "code": {"coding": [{"system": POPULATION, "code": "initial-population"}]},
        "criteria": {"language": "text/cql-identifier", "expression": expression},
    }
    return {
        "resourceType": "Measure",
        "id": "all",
        "url": f"{CANONICAL}/Measure/all",
        "status": "active",
        "library": [f"{CANONICAL}/Library/{library}|1.0.0"],
        "group": [{"population": [population]}],
    }


def write(root: Path, files: dict[str, Any]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return root


def small(root: Path, **changed: Any) -> Path:
    files = {"package.json": MANIFEST, "cql/Small.cql": LIBRARY, "measures/all.json": measure()}
    return write(root, {**files, **{name.replace("__", "/"): content for name, content in changed.items()}})


def faults(root: Path) -> list[str]:
    with pytest.raises(PackageError) as raised:
        load(root)
    return str(raised.value).replace(f"{root}/", "").splitlines()


def test_a_package_has_what_its_files_say(tmp_path: Path) -> None:
    package = load(small(tmp_path))
    assert (package.name, list(package.programs), list(package.measures)) == ("small", ["Small"], ["all"])
    assert package.program_of(package.measures["all"]).main.named["All"].name == "All"
    (library,) = package.libraries()
    assert library["url"] == f"{CANONICAL}/Library/Small"


def test_no_manifest(tmp_path: Path) -> None:
    assert faults(tmp_path) == [f"{tmp_path}: There is no package.json: this is no knowledge package"]


@pytest.mark.parametrize(
    ("text", "place"),
    [('{\n  "name": small}', "package.json:2:11"), ('{"name": "small"}', "package.json")],
)
def test_a_manifest_that_cannot_be_read_is_said_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    (said,) = faults(write(tmp_path, {"package.json": text}))
    assert said.startswith(f"{place}: The manifest cannot be read: ")


def test_a_package_of_another_fhir_is_refused(tmp_path: Path) -> None:
    (said,) = faults(write(tmp_path, {"package.json": MANIFEST | {"fhirVersions": ["5.0.0"]}}))
    assert "This is a package of FHIR 5.0.0" in said


def test_every_error_of_every_library_has_file_line_and_column(tmp_path: Path) -> None:
    root = small(tmp_path, **{"cql__Small.cql": LIBRARY + "define B: Al\ndefine C: 1 +\n"})
    write(root, {"cql/Other.cql": "library Other\ndefine D: X\n"})
    said = faults(root)
    assert [line.split(": ")[0] for line in said] == ["cql/Other.cql:2:11", "cql/Small.cql:7:1"]


def test_a_mistake_in_an_included_library_is_told_in_its_own_file(tmp_path: Path) -> None:
    root = small(tmp_path, **{"cql__Common.cql": "library Common\ndefine A: Nothing\n"})
    write(root, {"cql/Small.cql": "library Small version '1.0.0'\ninclude Common\ndefine All: true\n"})
    assert {line.split(": ")[0] for line in faults(root)} == {"cql/Common.cql:2:11"}


def test_a_measure_whose_definition_is_not_there(tmp_path: Path) -> None:
    (said,) = faults(small(tmp_path, **{"measures__all.json": measure("Alll")}))
    assert said.startswith(
        "measures/all.json: Measure.group[0].population[0]: the library Small defines no Alll; near is All"
    )


def test_a_measure_whose_library_is_not_there(tmp_path: Path) -> None:
    (said,) = faults(small(tmp_path, **{"measures__all.json": measure(library="Smal")}))
    assert said == "measures/all.json: The package has no library Smal; it has Small"


def test_json_that_is_none(tmp_path: Path) -> None:
    (said,) = faults(small(tmp_path, **{"codes__x.json": "{"}))
    assert said.startswith("codes/x.json: This is not JSON: ")


def test_a_case_without_a_promise(tmp_path: Path) -> None:
    package = load(small(tmp_path, **{"tests__one__input.json": {"resourceType": "Patient", "id": "p"}}))
    with pytest.raises(PackageError, match="The case has no expected"):
        _ = package.cases


def test_packages_are_found_by_name_and_by_directory(tmp_path: Path) -> None:
    assert find(str(small(tmp_path))).name == "small"
    assert find("cn-basic-public-health") is named("cn-basic-public-health")
    with pytest.raises(NotFound, match="there are cn-basic-public-health"):
        find("cn-basic")


@pytest.mark.parametrize("package", installed(), ids=lambda package: package.name)
def test_what_comes_with_the_platform_names_its_sources(package: Any) -> None:
    """No threshold without the document that it is from; every definition that is shown has both languages."""
    for name, program in package.programs.items():
        for definition in program.main.expressions:
            tags = dict(definition.tags)
            assert ("zh" in tags) == ("en" in tags), f"{name}.{definition.name}"
            if any(
                word in definition.name
                for word in ("Below", "Required", "From", "Within", "Younger", "Before")
            ):
                assert tags.get("source"), f"{name}.{definition.name} is a threshold without a source"
    for measure in package.measures.values():
        assert measure["relatedArtifact"][0]["citation"]
        assert measure["guidance"]
        for group in measure["group"]:
            assert group["code"]["text"]
            assert group["code"]["_text"]["extension"]
