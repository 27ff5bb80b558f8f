"""A measure run over everybody, its MeasureReport kept in the record with the Provenance of how it was made."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shangyi.access import Session
from shangyi.care.measures.bedside import Bedside
from shangyi.care.measures.period import Period
from shangyi.care.measures.places import CUTS, divided, division, placed
from shangyi.care.measures.report import SUBJECT_LIST, report
from shangyi.care.measures.running import Told, catch_up, results
from shangyi.care.measures.tally import Tally
from shangyi.errors import Invalid
from shangyi.store.repository import Repository

Resource = dict[str, Any]
Names = Callable[[Iterable[int]], Mapping[int, str]]
"""The names of divisions by their 12-digit codes."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a run came to. ``evaluated``: residents whose record had changed since the last run."""

    report: Resource
    evaluated: int
    residents: int


def run(
    session: Session,
    measure: Bedside,
    key: str,
    period: Period,
    kind: str,
    made: datetime,
    by: str | None = None,
    names: Names = lambda codes: {},
    told: Told | None = None,
) -> Run:
    """Evaluate who changed, count everybody. ``by``: divide by county, town or village as well."""
    if by is not None and by not in CUTS:
        raise Invalid("Divide by one of {known}, not {name}", known=", ".join(CUTS), name=by[:40])
    definition = divided(measure.definition, by) if by else measure.definition

    def work(records: Repository) -> Run:
        evaluated = catch_up(records, measure, key, told)
        counted = Tally(definition, lists=kind == SUBJECT_LIST)
        with records.transaction_connection() as connection:
            kept = list(results(connection, key))
            known = names({division(one.area, by) for one in kept if one.area}) if by else {}
            for one in kept:
                counted.add(placed(one, by, known) if by else one.result)
        return Run(report(counted, kind, period.days, made), evaluated, len(kept))

    return session.follow(f"{definition.canonical}/$evaluate-measure", work)


def keep(session: Session, made: Resource, library: str) -> str:
    """The report, kept with its Provenance in one transaction; its reference."""
    place = "urn:uuid:7d4f1f6e-6d65-4a73-9c00-000000000001"
    provenance = {
        "resourceType": "Provenance",
        "target": [{"reference": place}],
        "recorded": made["date"],
        "activity": {"text": "evaluate-measure"},
        "agent": [{"who": {"display": "Shangyi"}}],
        "entity": [{"role": "source", "what": _named(canonical)} for canonical in (made["measure"], library)],
    }
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": place, "resource": made, "request": {"method": "POST", "url": "MeasureReport"}},
            {"resource": provenance, "request": {"method": "POST", "url": "Provenance"}},
        ],
    }
    answer = session.transaction(bundle)
    location = str(answer["entry"][0]["response"]["location"])
    return location.partition("/_history")[0]


def _named(canonical: str) -> Resource:
    return {"identifier": {"system": "urn:ietf:rfc:3986", "value": canonical}, "display": canonical}
