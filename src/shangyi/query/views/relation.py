"""Rows of a view: layers over the scan, each with one list unnested, and the columns over the last.

A list is unnested in the SELECT of a layer (``SELECT r.*, unnest(…) AS e1 FROM (…) r``), never by a lateral join:
DuckDB plans a lateral join over an expression, or with ordinality, as a hash join of the table with itself (40 to 60
times slower), and Spark refuses some.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shangyi.query.sql import ir, joins
from shangyi.query.sql.dialect import Dialect
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.joins import ROW, Join


@dataclass(frozen=True, slots=True)
class Layer:
    """A list that becomes rows, each with its item as the column ``name``."""

    name: str
    items: Expr


@dataclass(frozen=True, slots=True)
class Output:
    """A column of the result."""

    name: str
    sql: Expr


@dataclass(frozen=True, slots=True)
class Branch:
    """Layers and columns; a view with unions has several branches."""

    layers: tuple[Layer, ...] = ()
    outputs: tuple[Output, ...] = ()

    def __add__(self, other: "Branch") -> "Branch":
        """Every row of this with every row of the other."""
        return Branch(self.layers + other.layers, self.outputs + other.outputs)


def product(left: Sequence[Branch], right: Sequence[Branch]) -> list[Branch]:
    """Every row of one with every row of the other."""
    return [one + other for one in left for other in right]


@dataclass(frozen=True, slots=True)
class Writing:
    """``source``: what to scan; ``others``: what to join, by type; all as the dialect writes it. ``joins``: those that
    ``resolve()`` made, of which each level has the ones that it uses.
    """

    dialect: Dialect
    source: str
    joins: Sequence[Join] = ()
    others: Mapping[str, str] = field(default_factory=dict)

    def joined(self, *expressions: Expr) -> str:
        """What stands behind FROM for these expressions."""
        return joins.written(joins.used(self.joins, expressions), self.others, self.dialect)


def statement(branches: Sequence[Branch], where: Expr, writing: Writing, beside: Sequence[str] = ()) -> str:
    """One SQL statement. ``beside``: columns of the source that are passed on."""
    kept = tuple(Output(name, ir.Member(ROW, name)) for name in beside)
    return "\nUNION ALL\n".join(_select(branch + Branch((), kept), where, writing) for branch in branches)


def _select(branch: Branch, where: Expr, writing: Writing) -> str:
    dialect = writing.dialect
    row = dialect.identifier(ROW.text)
    scanned, held = f"FROM {writing.source} AS {row}", where
    criterion = "" if where == ir.TRUE else f"\nWHERE {dialect.write(where)}"
    for layer in branch.layers:
        item = f"{dialect.write(ir.call('unnest', layer.items))} AS {dialect.identifier(layer.name)}"
        below = f"{scanned}{writing.joined(layer.items, held)}{criterion}"
        scanned, held, criterion = f"FROM (SELECT {row}.*, {item}\n{below}) AS {row}", ir.TRUE, ""
    columns = ",\n  ".join(
        f"{dialect.write(output.sql)} AS {dialect.identifier(output.name)}" for output in branch.outputs
    )
    level = writing.joined(held, *(output.sql for output in branch.outputs))
    return f"SELECT\n  {columns}\n{scanned}{level}{criterion}"
