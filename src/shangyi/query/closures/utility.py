"""http://hl7.org/fhirpath/N1/#utility-functions, tree navigation, reflection"""

from collections.abc import Callable
from decimal import Decimal

from shangyi.query import quantity, typed
from shangyi.query.closures import boundaries, values
from shangyi.query.closures.adapters import Builder, Compile, on_collections, on_items, on_value
from shangyi.query.closures.equality import as_quantity
from shangyi.query.closures.evaluation import Closure, Evaluation, Scope
from shangyi.query.closures.logic import negation
from shangyi.query.closures.values import Collection, Element, Item, Reflection, boolean, single_value, truth
from shangyi.query.model import FHIR
from shangyi.query.temporal import Date, DateTime, Temporal, Time


def _children(items: Collection, at: Evaluation) -> Collection:
    return [child for item in items if isinstance(item, Element) for child in values.children(item)]


def _descendants(items: Collection, at: Evaluation) -> Collection:
    return [below for item in items if isinstance(item, Element) for below in values.descendants(item)]


def _trace(call: typed.Call, compile_: Compile) -> Closure:
    """Into the sink that the caller gave; nothing is logged by itself, because records are personal."""
    source, name = compile_(call.source), compile_(call.arguments[0])
    projection = compile_(call.arguments[1]) if len(call.arguments) > 1 else None

    def run(scope: Scope) -> Collection:
        items = source(scope)
        sink = scope.at.trace
        if sink is not None:
            shown = items
            if projection is not None:
                shown = [x for i, item in enumerate(items) for x in projection(scope.item(item, i))]
            sink(str(single_value(name(scope)) or ""), shown)
        return items

    return run


def pathname(item: Element, short: bool) -> str:
    """Where an element stands: ``Patient.name[0].given[1]``; without indices where an element does not repeat."""
    if item.parent is None:
        return item.type
    index = item.index
    place = f"[{index or 0}]" if index is not None or not short else ""
    return f"{pathname(item.parent, short)}.{item.name}{place}"


def _pathname(items: Collection, short: Collection | None = None) -> Collection:
    brief = truth(short or []) is True
    return [pathname(item, brief) for item in items if isinstance(item, Element)]


def _type(items: Collection, at: Evaluation) -> Collection:
    found: Collection = []
    for item in items:
        type_ = values.type_of(item)
        if type_.namespace == "FHIR":
            line = (type_, *FHIR.ancestors(type_))
            if "." in type_.name:  # a backbone is known by what it specialises
                line = line[1:]
            found.append(Reflection("FHIR", line[0].name, str(line[1]) if len(line) > 1 else "System.Any"))
        else:
            found.append(Reflection("System", type_.name, "System.Any"))
    return found


def _part(position: int) -> Callable[[Temporal], int | None]:
    """A component of a date or time: the year is 0, the hour 3."""

    def part(value: Temporal) -> int | None:
        at = position - value.first
        return int(value.parts[at]) if 0 <= at < len(value.parts) else None

    return part


def _millisecond(value: Temporal) -> int | None:
    seconds = value.parts[-1]
    return int(seconds % 1 * 1000) if value.has_fraction and isinstance(seconds, Decimal) else None


def _offset(value: Temporal) -> Decimal | None:
    return None if value.offset is None else Decimal(value.offset) / 60


def _time(value: Temporal) -> Temporal | None:
    return Time(value.parts[3:]) if len(value.parts) > 3 else None


def _comparable(left: Item, right: Item) -> bool | None:
    one, other = as_quantity(left), as_quantity(right)
    return None if one is None or other is None else quantity.comparable(one, other)


def _today(now: DateTime) -> Date:
    return Date(now.parts[:3])


FUNCTIONS: dict[str, Builder] = {
    "children": on_items(_children),
    "descendants": on_items(_descendants),
    "trace": _trace,
    "pathname": on_collections(_pathname),
    "now": on_items(lambda items, at: [at.now]),
    "timeOfDay": on_items(lambda items, at: [Time(at.now.parts[3:])]),
    "today": on_items(lambda items, at: [_today(at.now)]),
    "lowBoundary": on_value(boundaries.low),
    "highBoundary": on_value(boundaries.high),
    "precision": on_value(boundaries.precision),
    "yearOf": on_value(_part(0)),
    "monthOf": on_value(_part(1)),
    "dayOf": on_value(_part(2)),
    "hourOf": on_value(_part(3)),
    "minuteOf": on_value(_part(4)),
    "secondOf": on_value(_part(5)),
    "millisecondOf": on_value(_millisecond),
    "timezoneOffsetOf": on_value(_offset),
    "dateOf": on_value(lambda value: Date(value.parts[:3])),
    "timeOf": on_value(_time),
    "comparable": on_value(_comparable),
    "not": on_items(lambda items, at: boolean(negation(truth(items)))),
    "type": on_items(_type),
}
