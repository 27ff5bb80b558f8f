"""How a person stands, in words: the tag, the why with its facts, what the guideline says next, since when."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shangyi.care.standing.people import Due
from shangyi.care.standing.rules import rule
from shangyi.web import formats
from shangyi.web.components.tag import Tag, Tone

TONES: dict[int, Tone] = {1: "grade-1", 2: "grade-2", 3: "grade-3", 4: "grade-4"}
KINDS = {
    "": "All",
    "urgent": "Urgent",
    "chronic": "Chronic illness",
    "due": "Due",
    "screening": "To be confirmed",
}
"""Kinds of what is asked for, as the segments of the list; '' all."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why a resident is on the list. ``record``: where the fact that it rests on is shown."""

    tag: Tag
    why: str
    date: str
    next: str
    source: str
    record: str
    waiting: str
    grade: int
    brief: str
    target: str
    since: str


def reason(due: Due, today: dt.date, text: Any, language: str) -> Reason | None:
    """The words of a state that asks for something; None for one that does not."""
    found = rule(due.state)
    if found is None or found.attention is None:
        return None
    attention, facts = found.attention, due.facts
    template = attention.why
    if not facts and attention.never:
        template = attention.never
    elif facts.get("count") == 1 and attention.once:
        template = attention.once
    value = f"{facts['value']}{formats.THIN_SPACE}{facts['unit']}" if "value" in facts else ""
    shown = formats.day(facts.get("date"), language, today)
    why = template.of(language).format(
        value=value,
        reading=facts.get("value", ""),
        count=facts.get("count", ""),
        limit=facts.get("limit", ""),
        date=shown,
    )
    return Reason(
        tag=Tag(attention.tag.of(language), TONES[attention.grade]),
        why=why,
        date=shown if value else "",
        next=attention.next.of(language),
        source=found.source.of(language),
        record=f"/records/{facts['reference']}" if facts.get("reference") else "",
        waiting=waiting((today - due.begins).days, text) if attention.kind != "due" or value else "",
        grade=attention.grade,
        brief=attention.brief.of(language),
        target=text("target {limit}", limit=limits(facts)) if limits(facts) else "",
        since=formats.date(facts.get("since"), language) if facts.get("count", 1) > 1 else "",
    )


def reasons(due: Sequence[Due], today: dt.date, text: Any, language: str) -> list[Reason]:
    """All of them, the most urgent first; one tag once."""
    found = (reason(item, today, text, language) for item in due)
    return [item for item in found if item is not None]


def limits(facts: dict[str, Any]) -> str:
    """What the values should be below, where the rule is about a target."""
    return f"<{facts['limit']}" if facts.get("limit") else ""


def waiting(days: int, text: Any) -> str:
    """Since when, in the largest unit that fits."""
    return str(text("{n} days", n=days) if days != 1 else text("1 day"))
