"""A code system's hierarchy, properties and supplements (FHIR R4, CodeSystem)."""

from tests.terminology.systems import DISEASES, SYSTEM, concept

from shangyi.terminology.code_system import CodeSystem

SYSTEM_OF_DISEASES = CodeSystem(DISEASES)


def test_subsumption() -> None:
    subsumes = SYSTEM_OF_DISEASES.subsumes
    assert subsumes("D", "Nd") == "subsumes"
    assert subsumes("N", "Nd") == "subsumes", "the other of its two parents"
    assert subsumes("Nd", "D2") == "subsumed-by"
    assert subsumes("D1", "D2") == "not-subsumed"
    assert subsumes("D", "D") == "equivalent"
    assert subsumes("D", "X") is None


def test_a_hierarchy_with_a_cycle_ends() -> None:
    looped = {**DISEASES, "concept": [concept("a", "A", parent="b"), concept("b", "B", parent="a")]}
    assert CodeSystem(looped).subsumes("a", "b") == "subsumes"


def test_a_deep_hierarchy_needs_no_stack() -> None:
    deep = concept("0", "0")
    for number in range(1, 5000):
        deep = concept(str(number), str(number), deep)
    assert CodeSystem({**DISEASES, "concept": [deep]}).subsumes("4999", "0") == "subsumes"


def test_common_properties_by_the_name_that_the_system_gives_them() -> None:
    retired, group = SYSTEM_OF_DISEASES.find("D9"), SYSTEM_OF_DISEASES.find("D")
    assert retired is not None
    assert group is not None
    assert SYSTEM_OF_DISEASES.inactive(retired)
    assert SYSTEM_OF_DISEASES.abstract(group)
    assert not SYSTEM_OF_DISEASES.abstract(retired)


def test_a_supplement_adds_designations_and_properties() -> None:
    supplement = {
        "url": "https://example.org/zh",
        "version": "1",
        "language": "zh-CN",
        "supplements": SYSTEM,
        "concept": [{"code": "D2", "display": "2型糖尿病"}, {"code": "X", "display": "没有"}],
    }
    found = CodeSystem(DISEASES, [supplement])
    concept = found.find("D2")
    assert concept is not None
    assert [(d.value, d.language) for d in concept.designations] == [("2型糖尿病", "zh-CN")]
    assert found.supplements == ["https://example.org/zh|1"]
