"""What a Measure is read as, and what is refused before anybody's record is read."""

from typing import Any

import pytest
from tests.care.measures.measures import criteria, extension, measure, population

from shangyi.care.measures import read
from shangyi.care.measures.definition import DENOMINATOR, INITIAL, MEASURED, NUMERATOR, OBSERVATION
from shangyi.errors import ShangyiError

PROPORTION = (population(INITIAL), population(DENOMINATOR), population(NUMERATOR))


def test_a_group_may_differ_from_its_measure() -> None:
    given = measure("proportion", *PROPORTION)
    given["group"].append(
        {
            "extension": [
                extension("populationBasis", "Encounter"),
                {
                    "url": "http://hl7.org/fhir/us/cqfmeasures/StructureDefinition/cqfm-scoring",
                    "valueCodeableConcept": {"coding": [{"code": "continuous-variable"}]},
                },
            ],
            "population": [
                population(INITIAL),
                population(MEASURED),
                population(OBSERVATION, "Days", "", extension("aggregateMethod", "Median")),
            ],
        }
    )
    first, second = read(given).groups
    assert (first.scoring, first.basis) == ("proportion", "boolean")
    assert (second.scoring, second.basis) == ("continuous-variable", "Encounter")
    observation = second.populations[2]
    assert observation.method == "median"
    assert second.observed(observation) == second.coded(MEASURED)


def test_what_a_measure_needs() -> None:
    given = measure("proportion", *PROPORTION, stratifier=[{"criteria": criteria("Town")}, {"id": "empty"}])
    given["supplementalData"] = [{"criteria": criteria("Sex")}]
    made = read(given)
    assert made.needed == (INITIAL, DENOMINATOR, NUMERATOR, "Town")
    assert made.canonical == "urn:measure|1"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"library": []}, "one library"),
        ({"group": []}, "no group"),
        ({"scoring": {"coding": [{"code": "guess"}]}}, "guess"),
        ({"group": measure("proportion", *PROPORTION[:2])["group"]}, "needs numerator"),
        ({"group": measure("proportion", *PROPORTION, PROPORTION[0])["group"]}, "one initial-population only"),
        ({"group": measure("proportion", *PROPORTION, population(MEASURED))["group"]}, "has no measure-population"),
        (
            {"group": measure("proportion", {**PROPORTION[0], "criteria": {"language": "text/fhirpath", "expression": "x"}}, *PROPORTION[1:])["group"]},
            "text/fhirpath",
        ),
        (
            {"group": measure("proportion", *PROPORTION, population(OBSERVATION, "x", "", extension("aggregateMethod", "mode")))["group"]},
            "mode",
        ),
        ({"resourceType": "Patient"}, "no Measure"),
    ],
)  # fmt: skip
def test_what_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ShangyiError, match=said):
        read({**measure("proportion", *PROPORTION), **change})
