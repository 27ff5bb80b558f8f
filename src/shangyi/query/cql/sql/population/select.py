"""SELECT statements while they are being built: every column has a name of its own in the whole statement.

A select grows as the walk over the tree goes on: sources are joined, conditions added, costly expressions bound to a
column so that each is written once, and a column is put out only when somebody outside asks for it (``expose``), down
to the scan of the table. Names are unique, so an inner select refers to the columns of an outer one by name alone:
that is a correlation, which the engine unnests.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

from shangyi.query.sql import ir
from shangyi.query.sql.dialect import Dialect
from shangyi.query.sql.ir import Expr

NOTHING = ir.Literal(None, ir.SqlType('"NULL"'))
"""A NULL that takes the type of what it stands beside."""


@dataclass(frozen=True)
class Table:
    """A table of the lake; its columns have their own names."""

    name: str


@dataclass(frozen=True)
class Items:
    """The items of a LIST of an outer select, one row each, as ``column``."""

    listed: Expr
    column: str


@dataclass(eq=False)
class Shared:
    """A definition: a CTE, which several selects may read; each gives the columns names of its own."""

    name: str
    select: "Select"
    columns: dict[Expr, str] = field(default_factory=dict)


@dataclass(eq=False)
class Branches:
    """The rows of several selects, one below the other; a column is an expression of each."""

    selects: "tuple[Select, ...]"
    columns: dict[tuple[Expr, ...], str] = field(default_factory=dict)


@dataclass(frozen=True)
class OneRow:
    """A single row without columns."""


Base = Table | Items | Shared | Branches | OneRow


@dataclass(frozen=True, eq=False)
class Join:
    """A select beside the rows so far; ``kind``: JOIN, LEFT JOIN, LEFT JOIN LATERAL, CROSS JOIN LATERAL."""

    kind: str
    select: "Select"
    on: Expr | None


@dataclass(frozen=True, eq=False)
class Bound:
    """A column calculated from those so far."""

    name: str
    sql: Expr


@dataclass(frozen=True, eq=False)
class Where:
    """Only the rows for which this is true."""

    condition: Expr


Order = tuple[Expr, Literal["ASC NULLS FIRST", "DESC NULLS LAST"]]


@dataclass(eq=False)
class Names:
    """Gives each column its name."""

    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def fresh(self, prefix: str = "c") -> str:
        """A name that nothing else in the statement has."""
        return f"{prefix}{next(self.numbers)}"


@dataclass(eq=False)
class Select:
    """One SELECT. ``patient``: the column that tells whose a row is; None where it is the outer select's.

    ``parent``: the select whose columns may be used in this one.
    """

    names: Names
    base: Base
    parent: "Select | None" = None
    patient: Expr | None = None
    steps: list[Join | Bound | Where] = field(default_factory=list)
    outputs: dict[Expr, str] = field(default_factory=dict)
    distinct: bool = False
    order: tuple[Order, ...] = ()
    limit: int | None = None
    bound: dict[Expr, Expr] = field(default_factory=dict)
    joined: dict[object, "Select"] = field(default_factory=dict)

    @property
    def owner(self) -> "Select":
        """The nearest select, outwards, whose rows are by patient."""
        found: Select | None = self
        while found is not None and found.patient is None:
            found = found.parent
        return self if found is None else found

    def take(self, *inner: Expr) -> ir.Name:
        """A column of this select for an expression over the columns of its base: of a union, one for each branch."""
        match self.base:
            case Shared(select=select, columns=columns):
                (only,) = inner
                if only not in columns:
                    select.expose(only)
                    columns[only] = self.names.fresh()
                return ir.Name(columns[only])
            case Branches(selects=selects, columns=by_branch):
                if len(selects) == 1:
                    return selects[0].expose(inner[0])
                if inner not in by_branch:
                    by_branch[inner] = self.names.fresh()
                return ir.Name(by_branch[inner])
        raise AssertionError(self.base)

    def expose(self, sql: Expr) -> ir.Name:
        """The column under which an expression over this select's own columns is seen from outside."""
        name = self.outputs.get(sql)
        if name is None:
            name = self.outputs[sql] = self.names.fresh()
        return ir.Name(name)

    def bind(self, sql: Expr) -> Expr:
        """A column of this select for an expression, so that it is written once."""
        if ir.cheap(sql):
            return sql
        found = self.bound.get(sql)
        if found is None:
            name = self.names.fresh()
            found = self.bound[sql] = ir.Name(name)
            self.steps.append(Bound(name, sql))
        return found

    def where(self, condition: Expr) -> None:
        """Keep the rows for which a condition is true."""
        if condition != ir.TRUE:
            self.steps.append(Where(condition))

    def join(self, kind: str, select: "Select", on: Expr | None = None) -> None:
        """Put the rows of a select beside those so far."""
        self.steps.append(Join(kind, select, on))

    def over(self) -> "Select":
        """A select that reads this one."""
        made = Select(self.names, Branches((self,)), self.parent)
        made.patient = None if self.patient is None else made.take(self.patient)
        return made

    # Writing

    def written(self, dialect: Dialect, columns: Sequence[tuple[Expr, str]] | None = None) -> str:
        """As text. ``columns``: what is selected, else what was exposed."""
        text = _Text(dialect, self._base(dialect))
        for step in self.steps:
            text.take(step)
        return text.select(list(self.outputs.items()) if columns is None else columns, self)

    def _base(self, dialect: Dialect) -> str:
        quoted = dialect.identifier
        match self.base:
            case Table(name=name):
                return quoted(name)
            case Items(listed=listed, column=column):
                return f"(SELECT unnest({dialect.write(listed)}) AS {quoted(column)})"
            case Shared(name=name, select=select, columns=columns):
                renamed = [
                    f"{quoted(select.outputs[inner])} AS {quoted(own)}" for inner, own in columns.items()
                ]
                return f"(SELECT {', '.join(renamed) or 'TRUE AS one'} FROM {quoted(name)})"
            case Branches(selects=(only,)):
                return f"({only.written(dialect)})"
            case Branches(selects=selects, columns=by_branch):
                written = [
                    branch.written(dialect, [(inner[place], own) for inner, own in by_branch.items()])
                    for place, branch in enumerate(selects)
                ]
                return f"({' UNION ALL '.join(written)})"
        return ""


class _Text:
    """The FROM and WHERE so far; what was bound needs a layer of its own before it is used."""

    def __init__(self, dialect: Dialect, base: str) -> None:
        self.dialect, self.source = dialect, base
        self.bound: list[Bound] = []
        self.conditions: list[str] = []

    def take(self, step: Join | Bound | Where) -> None:
        if isinstance(step, Bound):
            waiting = {bound.name for bound in self.bound}
            if self.conditions or _mentions(step.sql, waiting):
                self.layer()
            self.bound.append(step)
        elif isinstance(step, Where):
            if self.bound:
                self.layer()
            self.conditions.append(self.dialect.write(step.condition))
        else:
            if self.bound or self.conditions:
                self.layer()
            self.join(step)

    def join(self, step: Join) -> None:
        on = "" if step.on is None else f" ON {self.dialect.write(step.on)}"
        written = f"({step.select.written(self.dialect)}) AS {step.select.names.fresh('q')}"
        self.source = f"{self.source} {step.kind} {written}{on}" if self.source else written

    def layer(self) -> None:
        """What there is so far as a source."""
        bound = "".join(
            f", {self.dialect.write(b.sql)} AS {self.dialect.identifier(b.name)}" for b in self.bound
        )
        star = "*" if self.source else "TRUE AS one"
        self.source = f"(SELECT {star}{bound}{self._rest()})"
        self.bound, self.conditions = [], []

    def _rest(self) -> str:
        source = f" FROM {self.source}" if self.source else ""
        return source + (f" WHERE {' AND '.join(self.conditions)}" if self.conditions else "")

    def select(self, columns: Sequence[tuple[Expr, str]], of: Select) -> str:
        if self.bound:
            self.layer()
        written = ", ".join(self._column(sql, name) for sql, name in columns) or "TRUE AS one"
        order = ", ".join(f"{self.dialect.write(key)} {direction}" for key, direction in of.order)
        return (
            f"SELECT {'DISTINCT ' if of.distinct else ''}{written}{self._rest()}"
            + (f" ORDER BY {order}" if order else "")
            + (f" LIMIT {of.limit}" if of.limit is not None else "")
        )

    def _column(self, sql: Expr, name: str) -> str:
        text, own = self.dialect.write(sql), self.dialect.identifier(name)
        return text if text == own else f"{text} AS {own}"


def _mentions(sql: Expr, names: set[str]) -> bool:
    return bool(names) and any(
        isinstance(part, ir.Subquery) or (isinstance(part, ir.Name) and part.text in names)
        for part in _parts(sql)
    )


def _parts(sql: object) -> Iterator[object]:
    """An expression and all within it, but for what is within subqueries."""
    waiting = [sql]
    while waiting:
        found = waiting.pop()
        yield found
        match found:
            case ir.Member():
                waiting.append(found.base)
            case ir.Call():
                waiting += found.args
            case ir.Lambda():
                waiting.append(found.body)
            case ir.Case():
                waiting += [part for pair in found.whens for part in pair]
                waiting.append(found.otherwise)
            case ir.Cast():
                waiting.append(found.operand)
            case ir.Struct():
                waiting += [value for _, value in found.fields]
            case ir.Listed():
                waiting += found.items


@dataclass(frozen=True, eq=False)
class Exists(ir.Subquery):
    """Whether a select has a row."""

    select: Select

    def written(self, dialect: Dialect) -> str:
        """``EXISTS (…)``."""
        return f"EXISTS ({self.select.written(dialect, [(ir.number(1), 'one')])})"


@dataclass(frozen=True, eq=False)
class Aggregated(ir.Subquery):
    """One value of all rows of a select: ``write`` gives the aggregate of the columns of ``values``."""

    select: Select
    values: tuple[ir.Name, ...]
    write: Callable[..., str]

    def written(self, dialect: Dialect) -> str:
        """``(SELECT count(…) FROM …)``."""
        names = (dialect.write(value) for value in self.values)
        return f"(SELECT {self.write(*names)} FROM ({self.select.written(dialect)}))"
