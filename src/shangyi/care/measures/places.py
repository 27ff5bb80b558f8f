"""Results divided by where residents live, which no library needs to know."""

from collections.abc import Mapping
from dataclasses import replace

from shangyi.care.measures.definition import Component, Definition, Stratifier
from shangyi.care.measures.results import Coded, Result
from shangyi.care.measures.running import Kept

CUTS = {"county": 10**6, "town": 10**3, "village": 1}
"""What a 12-digit division code is cut by."""
SYSTEM = "https://shangyi.dev/fhir/CodeSystem/division"


def divided(definition: Definition, by: str) -> Definition:
    """The measure with a stratifier more in each group, by ``county``, ``town`` or ``village``."""
    stratifier = Stratifier((Component(by),), {"text": by})
    groups = tuple(
        replace(group, stratifiers=(*group.stratifiers, stratifier)) for group in definition.groups
    )
    return replace(definition, groups=groups)


def division(area: int, by: str) -> int:
    """The county, town or village of a division code, as a 12-digit code; 0 unknown."""
    return area // CUTS[by] * CUTS[by]


def placed(kept: Kept, by: str, names: Mapping[int, str]) -> Result:
    """The result, its items in the stratum of their resident's division."""
    code = division(kept.area, by)
    known = Coded(names.get(code) or str(code), ((SYSTEM, str(code), names.get(code, "")),))
    value = (known if code else Coded(""),)
    groups = tuple(
        outcome
        and replace(
            outcome,
            strata=(
                *outcome.strata,
                {item: value for items in outcome.members.values() for item in items},
            ),
        )
        for outcome in kept.result.groups
    )
    return replace(kept.result, groups=groups)
