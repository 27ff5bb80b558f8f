"""Who belongs where: the rules of each scoring over the values of one subject's definitions.

http://hl7.org/fhir/us/cqfmeasures/measure-conformance.html, and the flow diagrams of the eCQM logic guidance. Each rule is
of items: with the basis ``boolean`` the one item is the subject, else each encounter (procedure …) stands for itself.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol, TypeVar

from shangyi.care.measures.definition import (
    BOOLEAN,
    DENOMINATOR,
    DENOMINATOR_EXCEPTION,
    DENOMINATOR_EXCLUSION,
    INITIAL,
    MEASURED,
    MEASURED_EXCLUSION,
    NUMERATOR,
    NUMERATOR_EXCLUSION,
    OBSERVATION,
    Definition,
    Group,
    Population,
)
from shangyi.care.measures.items import coded, identity, number
from shangyi.care.measures.results import Coded, Number, Outcome, Result
from shangyi.errors import ShangyiError, Unprocessable

T = TypeVar("T")
Items = dict[str, Any]
"""Items by their identity."""


class Values(Protocol):
    """The definitions of a measure's library for one subject, whichever back end computes them."""

    def value(self, name: str) -> Any:
        """The value of a definition. A ShangyiError where it cannot be computed."""

    def of(self, name: str, item: Any) -> Any:
        """The value of a function of one operand."""

    def is_function(self, name: str) -> bool:
        """Whether the name is that of a function of one operand."""


def result(definition: Definition, subject: str, values: Values) -> Result:
    """All groups and supplemental data of one subject (``Patient/1``)."""
    faults: list[str] = []
    groups = tuple(_attempt(faults, partial(outcome, group, subject, values)) for group in definition.groups)
    supplemental: dict[str, tuple[Coded, ...]] = {}
    for element in definition.supplemental:
        found = _attempt(faults, partial(_listed, values, element.expression))
        if found:
            supplemental[element.key] = found
    return Result(subject, groups, supplemental, tuple(dict.fromkeys(faults)))


def _attempt(faults: list[str], compute: Callable[[], T]) -> T | None:
    try:
        return compute()
    except ShangyiError as error:
        faults.append(str(error))
        return None


def _listed(values: Values, name: str) -> tuple[Coded, ...]:
    value = values.value(name)
    items = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(coded(item) for item in items if item is not None))


def outcome(group: Group, subject: str, values: Values) -> Outcome:
    """One group."""
    raw = {
        population.key: _items(group, population, subject, values)
        for population in group.populations
        if population.code != OBSERVATION
    }
    members = _SCORINGS[group.scoring](group, raw)
    observations = {
        population.key: _observed(group, population, members, values)
        for population in group.populations
        if population.code == OBSERVATION
    }
    everybody = {key: item for items in members.values() for key, item in items.items()}
    strata = tuple(
        _strata(group, [component.expression for component in stratifier.components], everybody, values)
        for stratifier in group.stratifiers
    )
    return Outcome({key: tuple(items) for key, items in members.items()}, observations, strata)


def _items(group: Group, population: Population, subject: str, values: Values) -> Items:
    """The items that satisfy a criterion."""
    value = values.value(population.expression)
    if value is None:
        return {}
    if group.basis == BOOLEAN:
        if isinstance(value, bool):
            return {subject: None} if value else {}
        raise Unprocessable(
            "{name} gives no true or false, which the population basis {basis} needs",
            name=population.expression,
            basis=group.basis,
        )
    if isinstance(value, bool):
        raise Unprocessable(
            "{name} gives true or false, but the population basis is {basis}",
            name=population.expression,
            basis=group.basis,
        )
    return {
        identity(item): item for item in (value if isinstance(value, list) else [value]) if item is not None
    }


# --- The scorings


def _both(left: Items, right: Items | None) -> Items:
    return {key: item for key, item in left.items() if right is not None and key in right}


def _without(left: Items, *others: Items | None) -> Items:
    return {key: item for key, item in left.items() if not any(other and key in other for other in others)}


class _Draft:
    """The members of a group's populations by code, while a scoring decides on them."""

    def __init__(self, group: Group, raw: Mapping[str, Items]) -> None:
        self.group, self.raw = group, raw
        self.found: dict[str, Items] = {
            population.key: raw[population.key]
            for population in group.populations
            if population.code == INITIAL
        }

    def initial(self, code: str) -> Items:
        """The initial population that this one is drawn from."""
        population = self.group.initial(self.group.coded(code))
        return {} if population is None else self.raw[population.key]

    def set(self, code: str, within: Items, *without: Items) -> Items:
        """What of ``within``, and not of ``without``, satisfies the criterion."""
        population = self.group.coded(code)
        if population is None:
            return {}
        found = self.found[population.key] = _without(_both(within, self.raw[population.key]), *without)
        return found


def _proportion(group: Group, raw: Mapping[str, Items]) -> dict[str, Items]:
    """Exclusions come before the numerator, exceptions after it: who meets the numerator is no exception."""
    draft = _Draft(group, raw)
    denominator = draft.set(DENOMINATOR, draft.initial(DENOMINATOR))
    excluded = draft.set(DENOMINATOR_EXCLUSION, denominator)
    numerator = draft.set(NUMERATOR, denominator, excluded)
    draft.set(NUMERATOR_EXCLUSION, numerator)
    draft.set(DENOMINATOR_EXCEPTION, denominator, excluded, numerator)
    return draft.found


def _ratio(group: Group, raw: Mapping[str, Items]) -> dict[str, Items]:
    """Numerator and denominator are both drawn from the initial population, neither from the other."""
    draft = _Draft(group, raw)
    denominator = draft.set(DENOMINATOR, draft.initial(DENOMINATOR))
    draft.set(DENOMINATOR_EXCLUSION, denominator)
    numerator = draft.set(NUMERATOR, draft.initial(NUMERATOR))
    draft.set(NUMERATOR_EXCLUSION, numerator)
    return draft.found


def _continuous(group: Group, raw: Mapping[str, Items]) -> dict[str, Items]:
    draft = _Draft(group, raw)
    measured = draft.set(MEASURED, draft.initial(MEASURED))
    draft.set(MEASURED_EXCLUSION, measured)
    return draft.found


def _cohort(group: Group, raw: Mapping[str, Items]) -> dict[str, Items]:
    return _Draft(group, raw).found


_SCORINGS: Mapping[str, Callable[[Group, Mapping[str, Items]], dict[str, Items]]] = {
    "proportion": _proportion,
    "ratio": _ratio,
    "continuous-variable": _continuous,
    "cohort": _cohort,
}
EXCLUSIONS = {
    DENOMINATOR: DENOMINATOR_EXCLUSION,
    NUMERATOR: NUMERATOR_EXCLUSION,
    MEASURED: MEASURED_EXCLUSION,
}


# --- Observations and strata


def _observed(
    group: Group, observation: Population, members: Mapping[str, Items], values: Values
) -> dict[str, Number]:
    """The observation of each item that counts; null is none."""
    over = group.observed(observation)
    if over is None:
        return {}
    excluded = group.coded(EXCLUSIONS.get(over.code, ""))
    counted = _without(members[over.key], members[excluded.key] if excluded else None)
    function = values.is_function(observation.expression)
    found: dict[str, Number] = {}
    for key, item in counted.items():
        value = values.of(observation.expression, item) if function else values.value(observation.expression)
        if value is not None:
            found[key] = number(value, observation.expression)
    return found


def _strata(
    group: Group, expressions: list[str], items: Items, values: Values
) -> dict[str, tuple[Coded, ...]]:
    """The value of each expression for each item, an absent one as an empty text.

    A list of items of the basis is a criterion: each item is in it or not.
    """
    columns = [_stratum(group, name, items, values) for name in expressions]
    return {key: tuple(column(key, item) for column in columns) for key, item in items.items()}


def _stratum(group: Group, name: str, items: Items, values: Values) -> Callable[[str, Any], Coded]:
    if values.is_function(name):
        return lambda key, item: coded(values.of(name, item))
    value = values.value(name)
    if isinstance(value, list) and group.basis != BOOLEAN:
        chosen = {identity(item) for item in value if item is not None}
        return lambda key, item: coded(key in chosen)
    if isinstance(value, list):
        value = value[0] if value else None
    shown = coded(value)
    return lambda key, item: shown
