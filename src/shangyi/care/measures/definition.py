"""A Measure as evaluation needs it (http://hl7.org/fhir/R4/measure.html, http://hl7.org/fhir/us/cqfmeasures).

Read from the resource, with the extensions of the Quality Measure IG (scoring, population basis and improvement of each
group, criteria references, aggregate methods), and checked: what cannot be evaluated is said before anybody's record is
read, with the place in the Measure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from shangyi.errors import NotSupported, Unprocessable

Resource = dict[str, Any]

INITIAL, OBSERVATION = "initial-population", "measure-observation"
DENOMINATOR, NUMERATOR, MEASURED = "denominator", "numerator", "measure-population"
DENOMINATOR_EXCLUSION, DENOMINATOR_EXCEPTION = "denominator-exclusion", "denominator-exception"
NUMERATOR_EXCLUSION, MEASURED_EXCLUSION = "numerator-exclusion", "measure-population-exclusion"
BOOLEAN = "boolean"
"""The population basis that counts subjects; any other counts items (encounters, procedures …)."""
METHODS = frozenset({"sum", "average", "median", "minimum", "maximum", "count"})
LANGUAGES = frozenset({"text/cql", "text/cql-identifier", "text/cql.identifier"})
"""Of criteria: each names a definition of the library."""


class Criteria(NamedTuple):
    """Which populations a scoring must have, and which it may."""

    must: frozenset[str]
    may: frozenset[str]


SCORINGS: Mapping[str, Criteria] = {
    "proportion": Criteria(
        frozenset({INITIAL, DENOMINATOR, NUMERATOR}),
        frozenset({DENOMINATOR_EXCLUSION, DENOMINATOR_EXCEPTION, NUMERATOR_EXCLUSION, OBSERVATION}),
    ),
    "ratio": Criteria(
        frozenset({INITIAL, DENOMINATOR, NUMERATOR}),
        frozenset({DENOMINATOR_EXCLUSION, NUMERATOR_EXCLUSION, OBSERVATION}),
    ),
    "continuous-variable": Criteria(
        frozenset({INITIAL, MEASURED}), frozenset({MEASURED_EXCLUSION, OBSERVATION})
    ),
    "cohort": Criteria(frozenset({INITIAL}), frozenset()),
}


@dataclass(frozen=True, slots=True)
class Population:
    """A population or measure observation. ``key``: its id, or its code; unique in the group.

    ``of``: the key of the population that it is drawn from, where the Measure says so (criteria reference).
    """

    key: str
    code: str
    expression: str
    id: str | None = None
    of: str | None = None
    method: str | None = None


@dataclass(frozen=True, slots=True)
class Component:
    """One expression of a stratifier; ``code`` a CodeableConcept, or None."""

    expression: str
    code: Resource | None = None


@dataclass(frozen=True, slots=True)
class Stratifier:
    """What a group is divided by: one expression, or several together."""

    components: tuple[Component, ...]
    code: Resource | None = None
    id: str | None = None

    @property
    def compound(self) -> bool:
        """Whether its strata are of components."""
        return self.code is None and any(component.code for component in self.components)


@dataclass(frozen=True, slots=True)
class Supplemental:
    """Supplemental data or a risk adjustment factor (``usage``)."""

    key: str
    expression: str
    code: Resource | None = None
    usage: str = "supplemental-data"


@dataclass(frozen=True, slots=True)
class Group:
    """One score with its populations."""

    scoring: str
    basis: str
    populations: tuple[Population, ...]
    stratifiers: tuple[Stratifier, ...] = ()
    id: str | None = None
    code: Resource | None = None
    improvement: Resource | None = None

    def coded(self, code: str) -> Population | None:
        """The first population of a code."""
        return next((found for found in self.populations if found.code == code), None)

    def initial(self, population: Population | None) -> Population | None:
        """The initial population that another is drawn from: a ratio may have two."""
        named = population.of if population is not None else None
        return next(
            (p for p in self.populations if p.code == INITIAL and p.key == named), self.coded(INITIAL)
        )

    def observed(self, observation: Population) -> Population | None:
        """The population whose members a measure observation is of."""
        for population in self.populations:
            if observation.of is not None and population.key == observation.of:
                return population
        return self.coded(MEASURED if self.scoring == "continuous-variable" else DENOMINATOR)


@dataclass(frozen=True, slots=True)
class Definition:
    """A Measure. ``library``: the canonical of the library that its expressions are of."""

    resource: Resource
    library: str
    groups: tuple[Group, ...]
    supplemental: tuple[Supplemental, ...] = ()

    @property
    def canonical(self) -> str:
        """``url|version``, as a MeasureReport names it."""
        url = str(self.resource.get("url") or f"Measure/{self.resource.get('id', '')}")
        version = self.resource.get("version")
        return f"{url}|{version}" if version else url

    @property
    def needed(self) -> tuple[str, ...]:
        """The definitions without which no group can be evaluated, each once. Supplemental data are not of them."""
        return tuple(dict.fromkeys(self._needed()))

    def _needed(self) -> Iterator[str]:
        for group in self.groups:
            yield from (population.expression for population in group.populations)
            for stratifier in group.stratifiers:
                yield from (component.expression for component in stratifier.components)


def read(measure: Resource) -> Definition:
    """The Measure, checked. Unprocessable or NotSupported name the place."""
    if measure.get("resourceType") != "Measure":
        raise Unprocessable("This is no Measure")
    libraries = measure.get("library") or []
    if len(libraries) != 1:
        raise Unprocessable(
            "A Measure names one library; this one names {count}", "Measure.library", count=len(libraries)
        )
    groups = tuple(
        _group(measure, group, f"Measure.group[{at}]") for at, group in enumerate(measure.get("group") or ())
    )
    if not groups:
        raise Unprocessable("The Measure has no group", "Measure.group")
    supplemental = tuple(
        Supplemental(
            str(given.get("id") or f"sde-{at + 1}"),
            _expression(given, f"Measure.supplementalData[{at}]"),
            given.get("code"),
            _code((given.get("usage") or [{}])[0]) or "supplemental-data",
        )
        for at, given in enumerate(measure.get("supplementalData") or ())
    )
    return Definition(measure, str(libraries[0]), groups, supplemental)


def _group(measure: Resource, group: Resource, place: str) -> Group:
    scoring = _code(_extended(group, "scoring") or measure.get("scoring"))
    if scoring not in SCORINGS:
        raise NotSupported("The scoring {scoring} is not known", place, scoring=scoring or "")
    basis = _extended(group, "populationBasis") or _extended(measure, "populationBasis") or BOOLEAN
    populations: dict[str, Population] = {}
    for at, given in enumerate(group.get("population") or ()):
        found = _population(given, populations, f"{place}.population[{at}]")
        if found is not None:
            populations[found.key] = found
    _check(scoring, list(populations.values()), place)
    return Group(
        scoring,
        str(basis),
        tuple(populations.values()),
        tuple(
            _stratifier(given, f"{place}.stratifier[{at}]")
            for at, given in enumerate(group.get("stratifier") or ())
            if (given.get("criteria") or {}).get("expression") or given.get("component")
        ),
        group.get("id"),
        group.get("code"),
        _extended(group, "improvementNotation") or measure.get("improvementNotation"),
    )


def _population(given: Resource, known: Mapping[str, Population], place: str) -> Population | None:
    code = _code(given.get("code"))
    if not (given.get("criteria") or {}).get("expression"):
        return None
    key = str(given.get("id") or code)
    if key in known:
        key = f"{key}-{sum(population.code == code for population in known.values()) + 1}"
    method = _extended(given, "aggregateMethod")
    if method is not None and str(method).lower() not in METHODS:
        raise NotSupported("The aggregate method {method} is not known", place, method=str(method)[:64])
    reference = _extended(given, "criteriaReference")
    return Population(
        key,
        code,
        _expression(given, place),
        given.get("id"),
        None if reference is None else str(reference),
        None if method is None else str(method).lower(),
    )


def _check(scoring: str, populations: list[Population], place: str) -> None:
    codes = [population.code for population in populations]
    must, may = SCORINGS[scoring]
    for code in sorted(must - set(codes)):
        raise Unprocessable("A {scoring} needs {population}", place, scoring=scoring, population=code)
    for code in codes:
        if code not in must | may:
            raise Unprocessable("A {scoring} has no {population}", place, scoring=scoring, population=code)
        many = code == OBSERVATION or (code == INITIAL and scoring == "ratio")
        if codes.count(code) > 1 and not many:
            raise Unprocessable("There can be one {population} only", place, population=code)


def _stratifier(given: Resource, place: str) -> Stratifier:
    components = given.get("component") or ()
    if not components:
        return Stratifier((Component(_expression(given, place)),), given.get("code"), given.get("id"))
    return Stratifier(
        tuple(
            Component(_expression(component, f"{place}.component[{at}]"), component.get("code"))
            for at, component in enumerate(components)
        ),
        given.get("code"),
        given.get("id"),
    )


def _expression(given: Resource, place: str) -> str:
    criteria = given.get("criteria") or {}
    language, expression = criteria.get("language", "text/cql"), criteria.get("expression")
    if language not in LANGUAGES:
        raise NotSupported("Criteria in {language} are not served", place, language=str(language)[:64])
    if not expression:
        raise Unprocessable("The criteria name no definition", place)
    return str(expression)


def _extended(element: Resource, name: str) -> Any:
    """The value of an extension of the Quality Measure IG, by the end of its address (``cqfm-scoring``)."""
    for extension in element.get("extension") or ():
        if str(extension.get("url", "")).endswith(f"cqfm-{name}"):
            return next((value for key, value in extension.items() if key.startswith("value")), None)
    return None


def _code(concept: Any) -> str:
    """The first code of a CodeableConcept."""
    codings = concept.get("coding") or () if isinstance(concept, dict) else ()
    return str(next((coding["code"] for coding in codings if coding.get("code")), ""))
