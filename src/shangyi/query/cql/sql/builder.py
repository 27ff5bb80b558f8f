"""What every section of operators gets: the node, and what its operands are in SQL."""

from collections.abc import Callable
from dataclasses import dataclass

from shangyi.query.cql import tree
from shangyi.query.cql.sql.columns import Columns
from shangyi.query.cql.sql.errors import NoForm
from shangyi.query.cql.sql.values import Listed, Scalar, Value
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
        """The operands, each one column; NoForm of one that has more."""
        return tuple(map(one, self.operands))

    @property
    def types(self) -> tuple[Type, ...]:
        """The types of the operands."""
        return tuple(operand.type for operand in self.operands)


def one(value: Value) -> Expr:
    """The one column of a value; NoForm of a number that dates leave open, and of what else has several."""
    if not isinstance(value, Scalar | Listed):
        raise NoForm("{type} has no form in SQL yet", type=str(value.type))
    return value.sql


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
