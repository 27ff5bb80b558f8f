"""Rates and open gaps in words: titles and sources of the packages, shares, where each number leads."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from shangyi.care.indicators.figures import Share
from shangyi.care.indicators.people import Open
from shangyi.care.indicators.rates import Rate, rate
from shangyi.web import formats
from shangyi.web.components.tag import Tag
from shangyi.web.due import TONES
from shangyi.web.overview import change
from shangyi.web.resident.reading import translation

NONE = Share(0, 0)


@dataclass(frozen=True, slots=True)
class GapLine:
    """An open gap of a resident: tag, why, what next, the record that it rests on, how it was counted."""

    tag: Tag
    why: str
    next: str
    record: str
    source: str


def title(rate: Rate, language: str) -> str:
    """The name of a rate."""
    code = rate.group.code or {}
    found = translation(code.get("_text"), "zh") if language == "zh-CN" else ""
    return found or str(code.get("text", rate.group.id))


def of_measure(measure: dict[str, Any], name: str, language: str) -> str:
    """``title``, ``description`` or ``guidance`` of a Measure, or of its group, in a language."""
    found = translation(measure.get(f"_{name}"), "zh") if language == "zh-CN" else ""
    return found or str(measure.get(name, ""))


def counted(rate: Rate, language: str) -> str:
    """How it is counted, as its Measure says."""
    groups = {str(group.get("id")): group for group in rate.measure["group"]}
    return of_measure(groups[str(rate.group.id)], "description", language)


def sources(rate: Rate) -> list[str]:
    """The documents that its Measure cites."""
    return [
        str(artifact["citation"])
        for artifact in rate.measure.get("relatedArtifact", ())
        if "citation" in artifact
    ]


def trend(now: Share, before: Share, text: Callable[..., str]) -> Tag | None:
    """The change since the last quarter's end; nothing where it is none."""
    points = change((now.met, now.whole), (before.met, before.whole))
    if points is None or abs(points) < 0.05:
        return None
    arrow = "↑" if points > 0 else "↓"
    words = text("{arrow} {points} since the quarter's end", arrow=arrow, points=f"{abs(points):.1f}")
    return Tag(words, "good" if points > 0 else "grade-2")


def gap_lines(found: Sequence[Open], text: Callable[..., str], language: str) -> list[GapLine]:
    """The open gaps of a resident, the most urgent first."""
    lines = []
    for item in found:
        known = rate(item.measure, item.part)
        if known is None or known.gap is None:
            continue
        gap, facts = known.gap, dict(item.facts)
        record, _, measured = facts.get("record", "").partition(" ")
        facts.setdefault("value", measured)
        missing = bool(gap.never) and bool(gap.since) and not item.facts.get(gap.since)
        template = gap.never if missing and gap.never else gap.why
        names = (
            dict.fromkeys(gap.facts, "–")
            | {"value": "–"}
            | {k: v.partition(" ")[2] or v for k, v in facts.items()}
        )
        lines.append(
            GapLine(
                tag=Tag(gap.tag.of(language), TONES[item.grade]),
                why=template.of(language).format(**names),
                next=gap.next.of(language),
                record=f"/records/{record}" if record else "",
                source=title(known, language),
            )
        )
    return lines


def today() -> dt.date:
    """Where the county lies."""
    return dt.datetime.now(formats.ZONE).date()
