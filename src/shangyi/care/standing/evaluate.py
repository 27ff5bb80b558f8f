"""One resident against all rules: the spans of days on which each holds, with the facts that it rests on.

The same function answers for the resident whose page is open and for the tables that lists and figures read.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from shangyi.care.standing import facts as record
from shangyi.care.standing.facts import Facts, Reading
from shangyi.care.standing.rules import Codes, Latest, Limit, Missing, Rule, rules
from shangyi.care.standing.spans import FOREVER, Span, complement, intersection, months_after, union

PROBLEM, ILLNESS = "problem:", "illness:"
KEPT_MONTHS = 15
"""How far back spans are kept: a year, and the quarter before it to compare with."""


class State(NamedTuple):
    """``state`` holds from ``begins`` to the day before ``ends``."""

    state: str
    begins: dt.date
    ends: dt.date
    grade: int
    facts: dict[str, Any]


Held = list[tuple[Span, dict[str, Any]]]


def evaluate(facts: Facts, today: dt.date, wanted: Sequence[Rule] | None = None) -> list[State]:
    """All states of a resident that end after ``KEPT_MONTHS`` before today, those begun in the future left out."""
    oldest, life = months_after(today, -KEPT_MONTHS), _life(facts)
    holding: dict[str, list[Span]] = {}
    states: list[State] = []
    for rule in rules() if wanted is None else wanted:
        allowed = _allowed(rule, facts, holding, life)
        kept = [
            (cut, why) for span, why in _spans(rule, facts, allowed) for cut in intersection([span], allowed)
        ]
        holding[rule.id] = union(span for span, _ in kept)
        grade = rule.attention.grade if rule.attention else 0
        states += [State(rule.id, *span, grade, why) for span, why in kept]
    states += _diagnoses(facts, life)
    return [s for s in states if s.ends > oldest and s.begins <= today]


def _life(facts: Facts) -> list[Span]:
    return [(facts.born or dt.date(1900, 1, 1), facts.died or FOREVER)]


def _allowed(rule: Rule, facts: Facts, holding: dict[str, list[Span]], life: list[Span]) -> list[Span]:
    allowed = life
    if rule.from_years is not None:
        since = months_after(facts.born, 12 * rule.from_years) if facts.born else FOREVER
        allowed = intersection(allowed, [(since, FOREVER)])
    for name in rule.within:
        allowed = intersection(allowed, holding[name])
    for name in rule.without:
        allowed = intersection(allowed, complement(holding[name]))
    return allowed


def _spans(rule: Rule, facts: Facts, allowed: list[Span]) -> Held:
    if rule.problem:
        return _problems(rule.problem, facts)
    if rule.order:
        return _orders(rule.order, facts)
    if rule.latest:
        return list(_latest(rule.latest, facts))
    if rule.at_least:
        part = rule.at_least
        days = sorted({reading.day for reading in facts.readings.get(part.code, ())})
        spans = [
            (days[i], months_after(days[i + 1 - part.times], part.months))
            for i in range(part.times - 1, len(days))
        ]
        return [(span, {}) for span in union(spans)]
    if rule.missing:
        return _missing(rule.missing, facts)
    return [(span, {}) for span in allowed]


def _problems(codes: Codes, facts: Facts) -> Held:
    found = [
        (p.begins, p.ends or FOREVER)
        for p in facts.problems
        if p.coding.system == codes.system and p.coding.code.startswith(codes.prefixes)
    ]
    return [(span, {}) for span in union(found)]


def _orders(codes: Codes, facts: Facts) -> Held:
    found = [
        (on, months_after(on, codes.months))
        for coding, on in facts.orders
        if coding.system == codes.system and coding.code.startswith(codes.prefixes)
    ]
    return [(span, {}) for span in union(found)]


def _limit(latest: Latest, facts: Facts, on: dt.date) -> Limit:
    """The limit for the age on that day: the last whose age is reached."""
    reached = [
        limit
        for limit in latest.limits
        if not limit.from_years or (facts.born and months_after(facts.born, 12 * limit.from_years) <= on)
    ]
    return reached[-1]


def _latest(latest: Latest, facts: Facts) -> Iterator[tuple[Span, dict[str, Any]]]:
    """A span for each reading that meets its limit, until the next reading; ``count``: so many in a row."""
    by_day: dict[dt.date, Reading] = {reading.day: reading for reading in facts.readings.get(latest.code, ())}
    readings = [by_day[on] for on in sorted(by_day)]
    count, since = 0, dt.date.min
    following = [*(reading.day for reading in readings[1:]), FOREVER]
    for reading, next_day in zip(readings, following, strict=False):
        limit = _limit(latest, facts, reading.day)
        if not limit.met(reading.values):
            count = 0
            continue
        count, since = count + 1, since if count else reading.day
        if count >= latest.in_a_row:
            ends = min(next_day, months_after(reading.day, latest.months))
            yield (reading.day, ends), _reading_facts(reading, limit, count, since)


def _reading_facts(reading: Reading, limit: Limit, count: int, since: dt.date) -> dict[str, Any]:
    edges = limit.below or limit.at_least
    return {
        "value": reading.text,
        "unit": reading.unit,
        "date": reading.day.isoformat(),
        "reference": reading.reference,
        "count": count,
        "since": since.isoformat(),
        "limit": "/".join(f"{edge:g}" for edge in edges.values()),
    }


def _missing(missing: Missing, facts: Facts) -> Held:
    """The days without: after the last one has run out, and before the first."""
    if missing.code:
        events = [(r.day, r.reference) for r in facts.readings.get(missing.code, ())]
    else:
        events = [(on, reference) for codes, on, reference in facts.visits if missing.visit in codes]
    if missing.calendar_year:
        covered = [(on, dt.date(on.year + 1, 1, 1)) for on, _ in events]
    else:
        covered = [(on, months_after(on, missing.months)) for on, _ in events]
    found: Held = []
    for span in complement(covered):
        pieces = _years(span) if missing.calendar_year else [span]
        for piece in pieces:
            last = max((event for event in events if event[0] < piece[0]), default=None)
            why = {"date": last[0].isoformat(), "reference": last[1]} if last else {}
            found.append((piece, why))
    return found


def _years(span: Span) -> list[Span]:
    """Cut at each New Year, so that each year asks anew; only years that lists and figures can look at."""
    first, last = max(span[0].year, 2000), min(span[1].year, dt.date.today().year + 1)
    edges = sorted(
        {
            span[0],
            *(dt.date(y, 1, 1) for y in range(first, last + 1) if span[0] < dt.date(y, 1, 1) < span[1]),
            span[1],
        }
    )
    return list(pairwise(edges))


def _diagnoses(facts: Facts, life: list[Span]) -> Iterator[State]:
    """A state for each diagnosis: on the problem list while it lasts, made at a visit for a year."""
    listed: dict[str, list[Span]] = {}
    made: dict[str, list[Span]] = {}
    codings: dict[str, record.Coding] = {}
    for problem in facts.problems:
        code = problem.coding.code
        if not code:
            continue
        codings.setdefault(code, problem.coding)
        if problem.listed:
            listed.setdefault(code, []).append((problem.begins, problem.ends or FOREVER))
        else:
            made.setdefault(code, []).append((problem.begins, months_after(problem.begins, 12)))
    for kind, groups in ((PROBLEM, listed), (ILLNESS, made)):
        for code, spans in groups.items():
            coding = codings[code]
            why = {"system": coding.system, "code": code, "display": coding.display}
            for span in intersection(spans, life):
                yield State(f"{kind}{code}", *span, 0, why)
