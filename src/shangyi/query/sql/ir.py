"""SQL expressions as a tree that no dialect has touched yet: names, literals, calls by a name of our own, lambdas.

Seven node classes are enough, because whatever differs between engines is a function: ``duckdb`` and ``spark`` each
hold a table from these names to a template. Lists count from 0 here, NULL stands for an empty value.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class SqlType:
    """``name``: a scalar type, LIST with ``of``, or STRUCT with ``fields``."""

    name: str
    of: "SqlType | None" = None
    fields: tuple[tuple[str, "SqlType"], ...] = ()


TEXT, BOOL, INT, LONG, DOUBLE = (SqlType(n) for n in ("VARCHAR", "BOOLEAN", "INTEGER", "BIGINT", "DOUBLE"))
SCALE = 18
NUMBER = SqlType(f"DECIMAL(38,{SCALE})")
"""Decimals: FHIR allows 18 digits, and all of them fit on either side of the point."""


def list_of(of: SqlType) -> SqlType:
    """LIST of a type."""
    return SqlType("LIST", of)


def struct_of(*fields: tuple[str, SqlType]) -> SqlType:
    """STRUCT of named fields."""
    return SqlType("STRUCT", None, fields)


class Expr:
    """Anything that has a value."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Name(Expr):
    """A lambda's variable, or a relation."""

    text: str


@dataclass(frozen=True, slots=True)
class Member(Expr):
    """A column of a relation, a field of a STRUCT."""

    base: Expr
    name: str


@dataclass(frozen=True, slots=True)
class Literal(Expr):
    """A value; ``type`` is needed for NULL only."""

    value: str | bool | int | Decimal | None
    type: SqlType = TEXT


@dataclass(frozen=True, slots=True)
class Call(Expr):
    """A function or operator, by our own name for it."""

    name: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Lambda(Expr):
    """``params``: the item, perhaps its index (or the running value, then the item)."""

    params: tuple[Name, ...]
    body: Expr


@dataclass(frozen=True, slots=True)
class Case(Expr):
    """The value behind the first condition that is true."""

    whens: tuple[tuple[Expr, Expr], ...]
    otherwise: Expr | None = None


@dataclass(frozen=True, slots=True)
class Cast(Expr):
    """To a type; ``safe``: NULL where it fails."""

    operand: Expr
    type: SqlType
    safe: bool = False


@dataclass(frozen=True, slots=True)
class Struct(Expr):
    """A STRUCT made of fields."""

    fields: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True, slots=True)
class Listed(Expr):
    """A LIST made of items; ``of`` is needed where there are none."""

    items: tuple[Expr, ...]
    of: SqlType | None = field(default=None, compare=False)


class Subquery(Expr):
    """A query in the place of a value, which writes itself; FHIRPath has none (docs/decisions/0009)."""

    __slots__ = ()

    def written(self, dialect: Any) -> str:
        """The query between parentheses, by ``dialect.Dialect``."""
        raise NotImplementedError


TRUE, FALSE = Literal(True), Literal(False)
UNKNOWN = Literal(None, BOOL)


def text(value: str) -> Literal:
    """A string."""
    return Literal(value)


def number(value: int) -> Literal:
    """A whole number."""
    return Literal(value)


def null(of: SqlType = TEXT) -> Literal:
    """A typed NULL."""
    return Literal(None, of)


def call(name: str, *args: Expr) -> Expr:
    """A function."""
    return Call(name, args)


def is_null(expr: Expr) -> Expr:
    """Whether there is no value."""
    return TRUE if is_nothing(expr) else Call("is_null", (expr,))


def is_there(expr: Expr) -> Expr:
    """Whether there is a value."""
    if isinstance(expr, Literal | Struct | Listed):
        return Literal(not is_nothing(expr))
    return Call("is_not_null", (expr,))


def is_nothing(expr: Expr) -> bool:
    """Whether this is a literal NULL."""
    return isinstance(expr, Literal) and expr.value is None


def both(*operands: Expr) -> Expr:
    """AND, constants folded."""
    kept = tuple(o for o in operands if o != TRUE)
    if any(o == FALSE for o in kept):
        return FALSE
    return TRUE if not kept else kept[0] if len(kept) == 1 else Call("and", kept)


def either(*operands: Expr) -> Expr:
    """OR, constants folded."""
    kept = tuple(o for o in operands if o != FALSE)
    if any(o == TRUE for o in kept):
        return TRUE
    return FALSE if not kept else kept[0] if len(kept) == 1 else Call("or", kept)


def negated(operand: Expr) -> Expr:
    """NOT, constants folded."""
    if operand in (TRUE, FALSE):
        return Literal(operand == FALSE)
    return Call("not", (operand,))


def when(condition: Expr, value: Expr, otherwise: Expr | None = None) -> Expr:
    """A CASE of one condition, constants folded."""
    if condition == TRUE:
        return value
    if condition == FALSE and otherwise is not None:
        return otherwise
    return Case(((condition, value),), otherwise)


def certain(condition: Expr) -> Expr:
    """The condition, false where it is unknown."""
    if isinstance(condition, Literal) or (isinstance(condition, Call) and condition.name in _CERTAIN):
        return FALSE if is_nothing(condition) else condition
    return Call("coalesce", (condition, FALSE))


_CERTAIN = frozenset({"is_null", "is_not_null"})


def cheap(expr: Expr) -> bool:
    """Whether to write it twice costs nothing: a column, a field, a literal."""
    while isinstance(expr, Member | Cast):
        expr = expr.base if isinstance(expr, Member) else expr.operand
    return isinstance(expr, Name | Literal)
