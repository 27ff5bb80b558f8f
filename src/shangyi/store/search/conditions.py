"""One search parameter of a query as a condition in SQL on a row ``s`` of ``search``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shangyi.errors import Invalid, NotSupported
from shangyi.fhir import definitions
from shangyi.store import keys
from shangyi.store.search import date, number, text
from shangyi.store.search.catalogue import CONTROL, Parameter, catalogue, main_date, primary_code
from shangyi.store.types import NUMBERS

PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
DEEPEST_CHAIN = 4


@dataclass(frozen=True, slots=True)
class Condition:
    """``sql`` with its ``values``. ``tokens``: one of these must be there, so that a plan may start from them.

    ``code``: the key that the ``code`` column has where this is the primary code, and the token of rows that
    have it as a further coding. ``dates``: a row that is no longer than ``date.LONG_US`` can only meet the
    condition with ``date`` between these two.
    """

    sql: str
    values: tuple[Any, ...] = ()
    tokens: tuple[int, ...] = ()
    code: tuple[int, int] | None = None
    dates: tuple[int, int] | None = None


def split(text_: str, separator: str = ",") -> list[str]:
    r"""The parts between separators; ``\,`` is a comma (http://hl7.org/fhir/R4/search.html#escaping)."""
    parts, current, escaped = [], "", False
    for character in text_:
        if escaped:
            current += character if character in ",|$\\" else "\\" + character
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == separator:
            parts.append(current)
            current = ""
        else:
            current += character
    return [*parts, current]


Resolve = Callable[[str, Condition], list[str]]
"""The references (``Type/id``) of the resources of a type that meet a condition: for chains."""


def condition(type: str, name: str, value: str, resolve: Resolve, depth: int = 0) -> Condition:
    """The condition of ``name=value`` on resources of ``type``. Raises Invalid, NotSupported."""
    if depth > DEEPEST_CHAIN:
        raise NotSupported("A chain may have at most {n} links", n=DEEPEST_CHAIN)
    if name.startswith("_has:"):
        return _has(type, name, value, resolve, depth)
    head, dot, rest = name.partition(".")
    code, _, modifier = head.partition(":")
    if code in ("_id", "_lastUpdated"):
        return _control(type, code, modifier, value)
    parameter = catalogue(type).get(code)
    if parameter is None:
        known = ", ".join(sorted([*catalogue(type), "_id", "_lastUpdated"]))
        raise Invalid(
            "{type} has no search parameter {name}. It has: {known}", type=type, name=code[:64], known=known
        )
    if dot:
        return _chain(type, parameter, modifier, rest, value, resolve, depth)
    if modifier == "missing":
        return _missing(type, parameter, value)
    if not value:
        raise Invalid("The parameter {name} has no value", name=name[:64])
    kinds = {"token": _token, "reference": _reference, "uri": _uri, "string": _string, "date": _date}
    return kinds.get(parameter.kind, _number)(type, parameter, modifier, value)


def any_token(wanted: Sequence[int]) -> Condition:
    """Rows that hold one of these tokens."""
    unique = tuple(dict.fromkeys(wanted))
    if len(unique) == 1:
        return Condition("s.tokens @> array[%s::bigint]", unique, unique)
    return Condition("s.tokens && %s::bigint[]", (list(unique),), unique)


def _control(type: str, code: str, modifier: str, value: str) -> Condition:
    if modifier:
        raise NotSupported("{name} takes no modifier here", name=code)
    if code == "_id":
        rids = [keys.rid(type, id) for id in split(value)]
        return Condition("s.rid = any(%s)", (rids,))
    parts = []
    values: list[Any] = []
    for one in split(value):
        prefix, low, high = _range(one)
        sql, given = _compare("s.updated", "s.updated", prefix, _instant(low), _instant(high))
        parts.append(sql)
        values += given
    return Condition(f"({' or '.join(parts)})", tuple(values))


def _instant(microseconds: int) -> datetime:
    return keys.instant(max(-(10**16), min(microseconds, 10**17))).astimezone(UTC)


def _token(type: str, parameter: Parameter, modifier: str, value: str) -> Condition:
    if modifier not in ("", "not"):
        raise NotSupported(
            "The modifier :{modifier} is not supported for {name}",
            modifier=modifier[:32],
            name=parameter.code,
        )
    plain = all(
        path.type in ("code", "string", "id", "uri", "boolean", "ContactPoint") for path in parameter.paths
    )
    wanted = []
    for one in split(value):
        _, bar, code = one.partition("|")
        if bar and not code:
            raise NotSupported("{name} needs a code after the system", name=parameter.code)
        spelled = code if bar and plain else one
        wanted.append(
            keys.token(
                type, parameter.code, "".join(spelled.split()) if parameter.code == "phone" else spelled
            )
        )
    found = any_token(wanted)
    if modifier == "not":
        return Condition(f"not ({found.sql})", found.values)
    if len(wanted) == 1 and parameter.code == primary_code(type) and "|" in value and not plain:
        further = keys.token(type, "code+", split(value)[0])
        return Condition(found.sql, found.values, found.tokens, (wanted[0], further))
    return found


def targets(parameter: Parameter) -> tuple[str, ...]:
    """The resource types that a reference parameter leads to."""
    narrowed = tuple({path.target for path in parameter.paths if path.target})
    return narrowed or parameter.targets or definitions.resource_types()


def _reference(type: str, parameter: Parameter, modifier: str, value: str) -> Condition:
    if modifier == "identifier":
        return any_token([keys.token(type, parameter.code, f"identifier:{v}") for v in split(value)])
    if modifier and not definitions.is_resource_type(modifier):
        raise NotSupported(
            "The modifier :{modifier} is not supported for {name}",
            modifier=modifier[:32],
            name=parameter.code,
        )
    wanted = []
    for one in split(value):
        if "/" in one or one.startswith("urn:"):
            wanted.append(keys.token(type, parameter.code, one))
        else:
            kinds = (modifier,) if modifier else targets(parameter)
            wanted += [keys.token(type, parameter.code, f"{kind}/{one}") for kind in kinds]
            wanted.append(keys.token(type, parameter.code, one))
    return any_token(wanted)


def _uri(type: str, parameter: Parameter, modifier: str, value: str) -> Condition:
    if modifier:
        raise NotSupported(
            "The modifier :{modifier} is not supported for {name}",
            modifier=modifier[:32],
            name=parameter.code,
        )
    return any_token([keys.token(type, parameter.code, one) for one in split(value)])


def _string(type: str, parameter: Parameter, modifier: str, value: str) -> Condition:
    number_ = keys.parameter(type, parameter.code)
    parts: list[str] = []
    values: list[Any] = [number_]
    for one in split(value):
        folded = text.fold(one)[: text.VALUE_LENGTH]
        if not folded:
            raise Invalid("The parameter {name} has no value", name=parameter.code)
        if modifier == "":
            parts.append("x.value >= %s and x.value < %s")
            values += [folded, folded + "\U0010ffff"]
        elif modifier == "exact":
            parts.append("x.value = %s")
            values.append(folded)
        elif modifier == "contains":
            parts.append("position(%s in x.value) > 0")
            values.append(folded)
        else:
            raise NotSupported(
                "The modifier :{modifier} is not supported for {name}",
                modifier=modifier[:32],
                name=parameter.code,
            )
    sql = f"s.rid in (select x.rid from search_string x where x.parameter = %s and ({' or '.join(parts)}))"
    return Condition(sql, tuple(values))


def _prefix(value: str) -> tuple[str, str]:
    return (value[:2], value[2:]) if value[:2] in PREFIXES else ("eq", value)


def _range(value: str) -> tuple[str, int, int]:
    prefix, rest = _prefix(value)
    low, high = date.bounds(rest.replace(" ", "+"))
    if prefix == "ap":
        low, high = date.around((low, high), keys.microseconds(datetime.now(UTC)))
    return prefix, low, high


def _compare(low: str, high: str, prefix: str, first: Any, last: Any) -> tuple[str, list[Any]]:
    """The range between the columns ``low`` and ``high`` against [first, last] under a prefix."""
    match prefix:
        case "eq":
            return f"({low} >= %s and {low} <= %s and {high} <= %s)", [first, last, last]
        case "ne":
            return f"not ({low} >= %s and {high} <= %s)", [first, last]
        case "gt":
            return f"{high} > %s", [last]
        case "lt":
            return f"{low} < %s", [first]
        case "ge":
            return f"({high} > %s or {low} >= %s)", [last, first]
        case "le":
            return f"({low} < %s or {high} <= %s)", [first, last]
        case "sa":
            return f"{low} > %s", [last]
        case "eb":
            return f"{high} < %s", [first]
    return f"({low} <= %s and {high} >= %s)", [last, first]


def _date(type: str, parameter: Parameter, modifier: str, value: str) -> Condition:
    if modifier:
        raise NotSupported(
            "The modifier :{modifier} is not supported for {name}",
            modifier=modifier[:32],
            name=parameter.code,
        )
    main = parameter.code == main_date(type)
    own, rows = [], []
    reach: list[tuple[int, int]] = []
    own_values: list[Any] = []
    row_values: list[Any] = [keys.parameter(type, parameter.code)]
    for one in split(value):
        prefix, low, high = _range(one)
        reach.append(date.starts(prefix, low, high))
        sql, given = _compare("s.date", "s.date_end", prefix, low, high)
        own.append(f"({sql} and s.date <> {keys.NO_DATE})")
        own_values += given
        sql, given = _compare("x.low", "x.high", prefix, low, high)
        rows.append(sql)
        row_values += given
    apart = f"s.rid in (select x.rid from search_date x where x.parameter = %s and ({' or '.join(rows)}))"
    if not main:
        return Condition(apart, tuple(row_values))
    if all(len(path.steps) == 1 for path in parameter.paths):
        dates = min(first for first, _ in reach), max(last for _, last in reach)
        return Condition(f"({' or '.join(own)})", tuple(own_values), dates=dates)
    return Condition(f"({' or '.join(own)} or {apart})", (*own_values, *row_values))


def _number(type: str, parameter: Parameter, modifier: str, value: str) -> Condition:
    if modifier:
        raise NotSupported(
            "The modifier :{modifier} is not supported for {name}",
            modifier=modifier[:32],
            name=parameter.code,
        )
    parts = []
    values: list[Any] = [_kept(type, parameter)]
    for one in split(value):
        size, *units = one.split("|")
        prefix, digits = _prefix(size)
        first, last = number.searched(prefix, digits)
        sql, given = _compare_numbers(prefix, first, last)
        if parameter.kind == "quantity" and len(units) > 1 and units[-1]:
            parts.append(f"(x.unit = %s and {sql})")
            values.append(keys.key(f"{units[0]}|{units[-1]}"))
        else:
            parts.append(f"({sql})")
        values += given
    sql = (
        f"s.rid in (select x.rid from search_number x where x.parameter = any(%s) and ({' or '.join(parts)}))"
    )
    return Condition(sql, tuple(values))


def _kept(type: str, parameter: Parameter) -> list[int]:
    """Under which parameters the values of this one stand."""
    return [keys.parameter(type, code) for code in number.COMBINED.get(parameter.code, (parameter.code,))]


def _compare_numbers(prefix: str, first: float, last: float) -> tuple[str, list[float]]:
    match prefix:
        case "eq":
            return "x.low >= %s and x.high < %s", [first, last]
        case "ne":
            return "not (x.low >= %s and x.high < %s)", [first, last]
        case "gt" | "sa":
            return ("x.high > %s" if prefix == "gt" else "x.low > %s"), [last]
        case "lt" | "eb":
            return ("x.low < %s" if prefix == "lt" else "x.high < %s"), [first]
        case "ge":
            return "x.high >= %s", [last]
        case "le":
            return "x.low <= %s", [first]
    return "x.low <= %s and x.high >= %s", [last, first]


def _missing(type: str, parameter: Parameter, value: str) -> Condition:
    if value not in ("true", "false"):
        raise Invalid(":missing is true or false")
    code = _kept(type, parameter)
    tables = {
        "date": "search_date",
        "string": "search_string",
        "number": "search_number",
        "quantity": "search_number",
    }
    table = tables.get(parameter.kind)
    if table is None:
        raise NotSupported(
            "The modifier :{modifier} is not supported for {name}", modifier="missing", name=parameter.code
        )
    there = f"s.rid in (select x.rid from {table} x where x.parameter = any(%s))"
    if parameter.code == main_date(type):
        there = f"(s.date <> {keys.NO_DATE} or {there})"
    return Condition(f"not {there}" if value == "true" else there, (code,))


def _chain(
    type: str, parameter: Parameter, modifier: str, rest: str, value: str, resolve: Resolve, depth: int
) -> Condition:
    """``subject:Patient.name=…``: what is referred to first, then those that refer to it."""
    if parameter.kind != "reference":
        raise Invalid("{name} is no reference and cannot be chained", name=parameter.code)
    code = rest.partition(".")[0].partition(":")[0]
    kinds = [k for k in ((modifier,) if modifier else targets(parameter)) if k in NUMBERS]
    everywhere = code in CONTROL or rest.startswith("_has:")
    kinds = [k for k in kinds if everywhere or code in catalogue(k)]
    if not kinds:
        raise Invalid(
            "Nothing that {name} refers to has the search parameter {code}",
            name=parameter.code,
            code=code[:64],
        )
    if kinds == ["Patient"] and parameter.code in ("patient", "subject"):
        inner = condition("Patient", rest, value, resolve, depth + 1)
        sql = f"s.patient in (select s.rid from search s where s.type = %s and {inner.sql})"
        return Condition(sql, (NUMBERS["Patient"], *inner.values))
    found = [
        reference
        for kind in kinds
        for reference in resolve(kind, condition(kind, rest, value, resolve, depth + 1))
    ]
    if not found:
        return Condition("false")
    return any_token([keys.token(type, parameter.code, reference) for reference in found])


def _has(type: str, name: str, value: str, resolve: Resolve, depth: int) -> Condition:
    """``_has:Observation:patient:code=…``: resources that others refer to."""
    _, _, rest = name.partition(":")
    kind, _, rest = rest.partition(":")
    code, _, further = rest.partition(":")
    parameter = catalogue(kind).get(code) if definitions.is_resource_type(kind) else None
    if parameter is None or parameter.kind != "reference" or not further:
        raise Invalid("{name} is not of the form _has:Type:reference:parameter", name=name[:80])
    if type != "Patient" or code not in ("patient", "subject", "beneficiary"):
        raise NotSupported("_has is supported for Patient, by patient, subject or beneficiary")
    inner = condition(kind, further, value, resolve, depth + 1)
    return Condition(
        f"s.rid in (select s.patient from search s where s.type = %s and {inner.sql})",
        (NUMBERS[kind], *inner.values),
    )
