"""Timeline: what happened, newest first, each entry leading to its record."""

from dataclasses import dataclass

from shangyi.web.components.tag import Tag


@dataclass(frozen=True, slots=True)
class Event:
    """``date`` as shown; ``kind`` for the filter (visit, laboratory, medicine, immunisation, claim)."""

    date: str
    title: str
    detail: str = ""
    href: str = ""
    kind: str = ""
    tag: Tag | None = None
