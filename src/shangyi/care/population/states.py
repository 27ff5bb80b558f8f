"""The rules of ``standing`` as SQL over everybody: who is in which state on some days, and since when.

Each rule becomes a common table expression (patient, day, begins). ``standing.evaluate`` gives spans for one resident;
here only the days that are asked about count, which is what sets do well.
"""

from collections.abc import Sequence

from shangyi.care.population.sources import among, text, values
from shangyi.care.standing.rules import AtLeast, Codes, Latest, Limit, Missing, Rule

RUN = "date '1900-01-01'"


def name(number: int) -> str:
    """Of the expression of a rule."""
    return f"state_{number}"


def states(rules: Sequence[Rule]) -> dict[str, str]:
    """A query for each rule by ``name``, in an order in which each reads only those before it and the sources.

    They read ``resident`` (living), ``asked`` (day), and what ``sources`` gives.
    """
    numbers = {rule.id: number for number, rule in enumerate(rules)}
    columns = values(tuple(rules))
    return {name(numbers[rule.id]): _state(rule, numbers, columns) for rule in rules}


def _state(rule: Rule, numbers: dict[str, int], columns: dict[str, str]) -> str:
    begins, joins, where = ["s.begins", f"coalesce(r.born, {RUN})"], "", ["coalesce(r.born, s.day) <= s.day"]
    if rule.from_years is not None:
        since = _after("r.born", str(12 * rule.from_years))
        begins.append(since)
        where.append(f"{since} <= s.day")
    for other in rule.within:
        alias = f"w{numbers[other]}"
        joins += f" join {name(numbers[other])} {alias} using (patient, day)"
        begins.append(f"{alias}.begins")
    for other in rule.without:
        joins += f" anti join {name(numbers[other])} using (patient, day)"
    return (
        f"select patient, day, greatest({', '.join(begins)}) begins from ({_spans(rule, columns)}) s"
        f" join resident r using (patient){joins} where {' and '.join(where)}"
    )


def _spans(rule: Rule, columns: dict[str, str]) -> str:
    if rule.problem:
        return (
            "select patient, day, min(begins) begins from problem join asked on begins <= day and day < ends"
            f" where {_coded(rule.problem)} group by all"
        )
    if rule.order:
        return (
            "select patient, a.day, min(o.day) begins from ordered o"
            f" join asked a on o.day <= a.day and a.day < {_after('o.day', str(rule.order.months))}"
            f" where {_coded(rule.order)} group by all"
        )
    if rule.latest:
        return _latest(rule.latest, columns)
    if rule.at_least:
        return _at_least(rule.at_least)
    if rule.missing:
        return _missing(rule.missing)
    return f"select patient, day, {RUN} begins from resident cross join asked"


def _coded(codes: Codes) -> str:
    begins = " or ".join(f"starts_with(code, {text(prefix)})" for prefix in codes.prefixes)
    return f"system = {text(codes.system)} and ({begins})"


def _after(day: str, months: str) -> str:
    """So many months after a day, or that month's last."""
    return f"cast({day} + to_months({months}) as date)"


def _last(code: str, most: int) -> str:
    """The last readings up to each day that is asked about, newest first."""
    return (
        f"select l.*, a.day on_day from reading l join asked a on l.day <= a.day where l.key = {text(code)}"
        f" qualify row_number() over (partition by l.patient, a.day order by l.day desc) <= {most}"
    )


def _latest(latest: Latest, columns: dict[str, str]) -> str:
    cases = " ".join(
        f"when {_after('r.born', str(12 * limit.from_years))} <= l.day then {_met(limit, columns)}"
        for limit in reversed(latest.limits)
        if limit.from_years
    )
    base = next((_met(limit, columns) for limit in latest.limits if not limit.from_years), "false")
    met = f"case {cases} else {base} end" if cases else base
    return (
        f'select l.patient, l.on_day "day", max(l.day) begins from ({_last(latest.code, latest.in_a_row)}) l'
        " join resident r using (patient) group by all"
        f" having count(*) = {latest.in_a_row} and bool_and({met})"
        f" and l.on_day < {_after('max(l.day)', str(latest.months))}"
    )


def _met(limit: Limit, columns: dict[str, str]) -> str:
    if limit.below:
        parts = (f"coalesce({columns[code]} < {edge!r}, false)" for code, edge in limit.below.items())
        return f"({' and '.join(parts)})"
    parts = (f"coalesce({columns[code]} >= {edge!r}, false)" for code, edge in limit.at_least.items())
    most = (f"coalesce({columns[code]} <= {edge!r}, false)" for code, edge in limit.at_most.items())
    return f"({' or '.join((*parts, *most))})"


def _at_least(part: AtLeast) -> str:
    return (
        f'select patient, on_day "day", min(day) begins from ({_last(part.code, part.times)}) group by all'
        f" having count(*) = {part.times} and on_day < {_after('min(day)', str(part.months))}"
    )


def _missing(missing: Missing) -> str:
    """The days since the last event that no event covers."""
    events = (
        f"select patient, day from reading where key = {text(missing.code)}"
        if missing.code
        else f"select patient, day from visit where code = {text(missing.visit)}"
    )
    last = f'select e.patient, a.day, max(e.day) "at" from ({events}) e join asked a on e.day <= a.day group by all'
    covered_until = (
        "cast(date_trunc('year', e.at) + interval 1 year as date)"
        if missing.calendar_year
        else _after("e.at", str(missing.months))
    )
    since = f"coalesce({covered_until}, {RUN})"
    if missing.calendar_year:  # each year asks anew
        since = f"greatest({since}, cast(date_trunc('year', day) as date))"
    return (
        f"select patient, day, {since} begins from (from resident cross join asked) left join ({last}) e"
        f" using (patient, day) where e.at is null or {covered_until} <= day"
    )


def bits(rules: Sequence[Rule]) -> str:
    """All states of everybody as one table (patient, day, number, begins)."""
    return " union all ".join(
        f"select patient, day, {number} number, begins from {name(number)}" for number in range(len(rules))
    )


__all__ = ["among", "bits", "name", "states"]
