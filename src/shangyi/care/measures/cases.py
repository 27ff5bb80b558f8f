"""Test patients of knowledge packages, evaluated at the bedside (``knowledge.testing`` compares)."""

from datetime import datetime, timedelta, timezone

from shangyi.care.measures.bedside import Bedside
from shangyi.care.measures.definition import Resource, read
from shangyi.care.measures.period import Period
from shangyi.care.measures.report import INDIVIDUAL, report
from shangyi.care.measures.tally import tally
from shangyi.errors import Unprocessable
from shangyi.knowledge import Package
from shangyi.knowledge.cases import Case
from shangyi.query.cql.values import DateTime
from shangyi.terminology.definitions import Chain
from shangyi.terminology.r4 import SPECIFICATION
from shangyi.terminology.service import Terminology

CHINA = timezone(timedelta(hours=8))
"""Days of a period begin and end where the packages' guidelines are for (Asia/Shanghai has no summer time)."""


def evaluate(package: Package, measure: Resource, case: Case, days: tuple[str, str]) -> Resource:
    """The individual MeasureReport of a case. Unprocessable where the case has not one Patient."""
    patients = [resource for resource in case.resources if resource.get("resourceType") == "Patient"]
    if len(patients) != 1:
        raise Unprocessable("The case has {count} Patients; one is needed", count=len(patients))
    definition, period = read(measure), Period.parse(*days)
    now = datetime.now(CHINA)
    bedside = Bedside(
        definition,
        package.program_of(measure),
        Terminology(Chain(package.definitions, SPECIFICATION)),
        period,
        DateTime.of(now),
    )
    subject = f"Patient/{patients[0].get('id', '')}"
    counted = tally(definition, [bedside.result(subject, case.resources)])
    return report(counted, INDIVIDUAL, period.days, now, subject)
