"""A Measure made ready for residents: read, its library typed, its codes at hand; decided and audited as knowledge is."""

from datetime import datetime
from typing import Any

from shangyi.access import Session
from shangyi.care.measures.bedside import Bedside
from shangyi.care.measures.content import Content, with_packages
from shangyi.care.measures.definition import read
from shangyi.care.measures.period import Period
from shangyi.care.measures.running import key_of
from shangyi.care.standing.facts import ZONE
from shangyi.query.cql.values import DateTime
from shangyi.terminology.service import Terminology


def prepared(
    session: Session, content: Content, resource: dict[str, Any], period: Period, operation: str
) -> tuple[Bedside, str]:
    """The measure, and the key of its kept results."""
    definition = read(resource)
    program = content.program(definition.library)

    def work(known: Terminology) -> tuple[Bedside, str]:
        now = DateTime.of(datetime.now(ZONE))
        measure = Bedside(definition, program, with_packages(known), period, now)
        return measure, key_of(measure, known.stamp() if known.stamp else 0)

    return session.consult("Measure", operation, work)
