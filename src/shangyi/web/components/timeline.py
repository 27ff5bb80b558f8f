"""Timeline: what happened, newest first, each entry leading to its record."""

from collections.abc import Sequence
from dataclasses import dataclass

from shangyi.web.components.tag import Tag


@dataclass(frozen=True, slots=True)
class Correction:
    """An entry was corrected: when, by whom, why; ``before`` leads to what stood there, ``of`` names the entry."""

    day: str
    who: str
    why: str
    before: str
    of: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """``date`` as shown; ``kind`` for the filter (visit, laboratory, medicine, immunisation, claim)."""

    date: str
    title: str
    detail: str = ""
    href: str = ""
    kind: str = ""
    tag: Tag | None = None
    corrections: Sequence[Correction] = ()
