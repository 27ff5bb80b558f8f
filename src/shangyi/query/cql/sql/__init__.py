"""Typed CQL as SQL: the back end that answers about a population (docs/decisions/0012).

In: nodes of ``query.cql.tree``, and what their references stand for as columns. Out: expressions of ``query.sql.ir``,
which a dialect writes. Nothing is folded: a literal is a constant of the statement, an operand a column.
"""

from shangyi.query.cql.sql.columns import Columns
from shangyi.query.cql.sql.compiler import compile_node
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.values import Choice, Interval, Listed, Quantity, Range, Scalar, Structure, Value

__all__ = [
    "Choice",
    "Columns",
    "Interval",
    "Listed",
    "NoForm",
    "Quantity",
    "Range",
    "Scalar",
    "Structure",
    "Value",
    "compile_node",
]
