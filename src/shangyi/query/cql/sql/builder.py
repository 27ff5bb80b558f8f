"""What every section of operators gets: the node, and what its operands are in SQL."""

from collections.abc import Callable
from dataclasses import dataclass

from shangyi.query.cql import tree
from shangyi.query.cql.sql.columns import Columns
from shangyi.query.cql.sql.values import Scalar, Value, bounds
from shangyi.query.cql.types import BOOLEAN, INTEGER, STRING, Type
from shangyi.query.sql.ir import Expr


@dataclass(frozen=True, slots=True)
class Call:
    """An operator and its operands. ``at``: what names stand for where it is."""

    node: tree.Operator
    operands: tuple[Value, ...]
    at: Columns

    @property
    def columns(self) -> tuple[Expr, ...]:
        """The operands, each one column."""
        return tuple(bounds(operand)[0] for operand in self.operands)

    @property
    def types(self) -> tuple[Type, ...]:
        """The types of the operands."""
        return tuple(operand.type for operand in self.operands)


Builder = Callable[[Call], Value | None]
"""None: for operands of these types there is no form."""


def truth(sql: Expr) -> Scalar:
    """A Boolean."""
    return Scalar(BOOLEAN, sql)


def integer(sql: Expr) -> Scalar:
    """An Integer."""
    return Scalar(INTEGER, sql)


def string(sql: Expr) -> Scalar:
    """A String."""
    return Scalar(STRING, sql)
