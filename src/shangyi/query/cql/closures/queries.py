"""Queries: rows of all sources, related, filtered, returned or aggregated, sorted
(https://cql.hl7.org/02-authorsguide.html#queries)."""

from collections.abc import Callable, Iterator
from functools import cmp_to_key
from typing import TYPE_CHECKING, Any

from shangyi.query.cql import tree
from shangyi.query.cql.closures.evaluation import Closure, Frame
from shangyi.query.cql.closures.faults import placed
from shangyi.query.cql.closures.references import Pending
from shangyi.query.cql.closures.scope import Names
from shangyi.query.cql.operators.equality import Members
from shangyi.query.cql.operators.lists import sort_order
from shangyi.query.cql.types import ListOf
from shangyi.query.cql.values import Tuple

if TYPE_CHECKING:
    from shangyi.query.cql.closures.compiler import Compiler

Rows = Callable[[Frame], Iterator[None]]
"""Puts one row after another into the frame."""


def query(compiler: "Compiler", node: tree.Query, names: Names) -> Closure:
    """The closure of a query."""
    rows, inner = _rows(compiler, node, names)
    if node.aggregate is not None:
        return placed(_aggregated(compiler, node.aggregate, rows, inner, node), node.place)
    give, distinct = _result(compiler, node, inner)
    arrange = _sorting(compiler, node, names)
    plural = any(isinstance(source.expression.type, ListOf) for source in node.sources)

    def run(frame: Frame) -> Any:
        found = [give(frame) for _ in rows(frame)]
        if not plural:
            return found[0] if found else None
        if distinct:
            found = Members(found).items
        return found if arrange is None else arrange(frame, found)

    return placed(run, node.place)


def _result(compiler: "Compiler", node: tree.Query, names: Names) -> tuple[Closure, bool]:
    if node.returns is not None:
        return compiler.node(node.returns.expression, names), node.returns.distinct
    slots = [(source.alias, names.aliases[source.alias]) for source in node.sources]
    if len(slots) == 1:
        ((_, slot),) = slots
        return (lambda frame: frame[slot]), False
    return (lambda frame: Tuple({alias: frame[slot] for alias, slot in slots})), True


def _rows(compiler: "Compiler", node: tree.Query, names: Names) -> tuple[Rows, Names]:
    rows: Rows = _one_row
    inner = names
    for source in node.sources:
        expression = compiler.node(source.expression, names)
        inner = inner.with_alias(source.alias)
        plural = isinstance(source.expression.type, ListOf)
        rows = _each(rows, expression, inner.aliases[source.alias], plural)
    for let in node.lets:
        closure = compiler.node(let.expression, inner)
        inner = inner.with_let(let.name)
        rows = _with_let(rows, closure, inner.lets[let.name])
    for relationship in node.relationships:
        rows = _related(rows, *_relation(compiler, relationship, node, inner))
    if node.where is not None:
        rows = _where(rows, compiler.node(node.where, inner))
    return rows, inner


def _one_row(frame: Frame) -> Iterator[None]:
    yield None


def _each(rows: Rows, expression: Closure, slot: int, plural: bool) -> Rows:
    """Each row with each item of a source, which is evaluated once."""

    def run(frame: Frame) -> Iterator[None]:
        value = expression(frame)
        items = (value or ()) if plural else () if value is None else (value,)
        spend = frame[0].spend
        for _ in rows(frame):
            spend(len(items))
            for frame[slot] in items:
                yield None

    return run


def _with_let(rows: Rows, closure: Closure, slot: int) -> Rows:
    pending = Pending(closure)

    def run(frame: Frame) -> Iterator[None]:
        for _ in rows(frame):
            frame[slot] = pending
            yield None

    return run


def _where(rows: Rows, condition: Closure) -> Rows:
    def run(frame: Frame) -> Iterator[None]:
        for _ in rows(frame):
            if condition(frame):
                yield None

    return run


def _relation(
    compiler: "Compiler", node: tree.Relationship, outer: tree.Query, names: Names
) -> tuple[Closure, Closure, int, bool, bool]:
    """Source, condition, slot, whether ``without``, whether the source is the same for every row."""
    source = compiler.node(node.expression, names)
    if not isinstance(node.expression.type, ListOf):
        single = source
        source = lambda frame: [value for value in (single(frame),) if value is not None]  # noqa: E731
    inner = names.with_alias(node.alias)
    condition = compiler.node(node.condition, inner)
    own = {s.alias for s in outer.sources} | {let.name for let in outer.lets}
    same = not any(
        isinstance(part, tree.AliasRef | tree.QueryLetRef) and part.name in own
        for part in tree.walk(node.expression)
    )
    return source, condition, inner.aliases[node.alias], node.negated, same


def _related(rows: Rows, source: Closure, condition: Closure, slot: int, negated: bool, same: bool) -> Rows:
    def run(frame: Frame) -> Iterator[None]:
        fixed = source(frame) or () if same else None
        spend = frame[0].spend
        for _ in rows(frame):
            items = (source(frame) or ()) if fixed is None else fixed
            spend(len(items))
            if _any(frame, items, slot, condition) is not negated:
                yield None

    return run


def _any(frame: Frame, items: Any, slot: int, condition: Closure) -> bool:
    return any(condition(frame) is True for frame[slot] in items)


def _aggregated(
    compiler: "Compiler", node: tree.AggregateClause, rows: Rows, names: Names, outer: tree.Query
) -> Closure:
    starting = compiler.node(node.starting, names)
    inner = names.with_let(node.name)
    slot = inner.lets[node.name]
    step = compiler.node(node.expression, inner)
    aliases = [inner.aliases[source.alias] for source in outer.sources]

    def run(frame: Frame) -> Any:
        seen = Members() if node.distinct else None
        value = starting(frame)
        for _ in rows(frame):
            if seen is not None and not seen.add([frame[alias] for alias in aliases]):
                continue
            frame[slot] = value
            value = step(frame)
        return value

    return run


def _sorting(
    compiler: "Compiler", node: tree.Query, names: Names
) -> Callable[[Frame, list[Any]], list[Any]] | None:
    if not node.sort:
        return None
    inner = names.with_item("$this")
    slot = inner.items["$this"][0]
    keys = [
        (None if item.expression is None else compiler.node(item.expression, inner), item.descending)
        for item in node.sort
    ]

    def key_of(frame: Frame, item: Any) -> list[Any]:
        frame[slot] = item
        return [item if expression is None else expression(frame) for expression, _ in keys]

    def compare(left: tuple[list[Any], Any], right: tuple[list[Any], Any]) -> int:
        for (_, descending), a, b in zip(keys, left[0], right[0], strict=True):
            found = sort_order(a, b)
            if found:
                return -found if descending else found
        return 0

    def arrange(frame: Frame, items: list[Any]) -> list[Any]:
        keyed = [(key_of(frame, item), item) for item in items]
        return [item for _, item in sorted(keyed, key=cmp_to_key(compare))]

    return arrange
