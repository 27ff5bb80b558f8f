"""Rows of a view: layers over the scan, each with one list unnested, and the columns over the last.

A list is unnested in the SELECT of a layer (``SELECT r.*, unnest(…) AS e1 FROM (…) r``), never by a lateral join:
DuckDB plans a lateral join over an expression, or with ordinality, as a hash join of the table with itself (40 to 60
times slower), and Spark refuses some.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shangyi.query.sql import ir
from shangyi.query.sql.dialect import Dialect
from shangyi.query.sql.ir import Expr

ROW = ir.Name("r")


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


def statement(
    branches: Sequence[Branch], source: str, where: Expr, dialect: Dialect, beside: Sequence[str] = ()
) -> str:
    """One SQL statement; ``source``: what to scan, as the dialect writes it; ``beside``: its columns that are passed on."""
    kept = tuple(Output(name, ir.Member(ROW, name)) for name in beside)
    return "\nUNION ALL\n".join(
        _select(branch + Branch((), kept), source, where, dialect) for branch in branches
    )


def _select(branch: Branch, source: str, where: Expr, dialect: Dialect) -> str:
    row = dialect.identifier(ROW.text)
    scanned = f"FROM {source} AS {row}"
    if where != ir.TRUE:
        scanned += f"\nWHERE {dialect.write(where)}"
    for layer in branch.layers:
        item = f"{dialect.write(ir.call('unnest', layer.items))} AS {dialect.identifier(layer.name)}"
        scanned = f"FROM (SELECT {row}.*, {item}\n{scanned}) AS {row}"
    columns = ",\n  ".join(
        f"{dialect.write(output.sql)} AS {dialect.identifier(output.name)}" for output in branch.outputs
    )
    return f"SELECT\n  {columns}\n{scanned}"
