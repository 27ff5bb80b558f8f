"""What the names of a node stand for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from shangyi.query.cql.sql.values import Value
from shangyi.query.sql import ir
from shangyi.query.sql.dialect import Dialect
from shangyi.query.sql.ir import Expr
from shangyi.query.temporal import DateTime


class Variable(ir.Name):
    """The variable of a lambda: a value in one column."""

    __slots__ = ()


class Levels:
    """Columns that are calculated before others of the same rows: what is used several times is written once.

    ``row``: the relation that all columns are of. A column of a level is over the columns of those below.
    """

    def __init__(self, row: str) -> None:
        self.row = row
        self.levels: list[dict[Expr, str]] = []
        self._level: dict[str, int] = {}

    def add(self, sql: Expr) -> Expr | None:
        """The column of an expression; None of one over the variable of a lambda, which is no column."""
        names = list(_names(sql))
        if any(isinstance(name, Variable) for name in names):
            return None
        level = max((self._level.get(m.name, -1) for m in _members(sql)), default=-1) + 1
        if level == len(self.levels):
            self.levels.append({})
        own = self.levels[level]
        if sql not in own:
            own[sql] = f"b{len(self._level) + 1}"
            self._level[own[sql]] = level
        return ir.Member(ir.Name(self.row), own[sql])

    def relation(self, dialect: Dialect, source: str) -> str:
        """What to select from: ``source``, a relation named ``row``, with the columns of all levels."""
        row = dialect.identifier(self.row)
        for level in self.levels:
            columns = ", ".join(
                f"{dialect.write(sql)} AS {dialect.identifier(n)}" for sql, n in level.items()
            )
            source = f"(SELECT {row}.*, {columns} FROM {source}) {row}"
        return source


def _parts(sql: Expr) -> Iterator[Expr]:
    waiting = [sql]
    while waiting:
        found = waiting.pop()
        yield found
        match found:
            case ir.Member():
                waiting.append(found.base)
            case ir.Call():
                waiting.extend(found.args)
            case ir.Lambda():
                waiting.append(found.body)
            case ir.Case():
                waiting.extend(part for pair in found.whens for part in pair)
                waiting.extend(() if found.otherwise is None else (found.otherwise,))
            case ir.Cast():
                waiting.append(found.operand)
            case ir.Struct():
                waiting.extend(value for _, value in found.fields)
            case ir.Listed():
                waiting.extend(found.items)


def _members(sql: Expr) -> Iterator[ir.Member]:
    return (part for part in _parts(sql) if isinstance(part, ir.Member) and isinstance(part.base, ir.Name))


def _names(sql: Expr) -> Iterator[ir.Name]:
    """Those that are free in it."""
    inner: set[str] = set()
    found = []
    for part in _parts(sql):
        if isinstance(part, ir.Lambda):
            inner.update(p.text for p in part.params)
        elif isinstance(part, ir.Name):
            found.append(part)
    return (name for name in found if name.text not in inner)


@dataclass(frozen=True, slots=True)
class Columns:
    """What references stand for, by name: operands of a function, aliases and lets of queries, items of loops.

    ``offset``: of the evaluation, in minutes from UTC; ``now``: its instant.
    ``levels``: where the statement calculates columns before others; without it they are bound by lambdas.
    """

    operands: Mapping[str, Value] = field(default_factory=dict)
    offset: int = 0
    now: DateTime | None = None
    aliases: Mapping[str, Value] = field(default_factory=dict)
    lets: Mapping[str, Value] = field(default_factory=dict)
    items: Mapping[str, Value] = field(default_factory=dict)
    levels: Levels | None = None
    numbers: "count[int]" = field(default_factory=lambda: count(1), repr=False, compare=False)

    def fresh(self) -> Variable:
        """A variable that no other lambda has."""
        return Variable(f"x{next(self.numbers)}")

    def alias(self, name: str, value: Value) -> "Columns":
        """Within a query: one more source."""
        return replace(self, aliases={**self.aliases, name: value})

    def let(self, name: str, value: Value) -> "Columns":
        """Within a query: one more ``let``, or the value so far of an aggregate."""
        return replace(self, lets={**self.lets, name: value})

    def item(self, scope: str, value: Value) -> "Columns":
        """Within a loop: ``$this``, ``$index``, ``$total``, under these names behind that of the loop's scope."""
        return replace(self, items={**self.items, scope: value})
