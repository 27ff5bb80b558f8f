"""What every dialect has in common: a tree becomes text by a table of templates."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr, SqlType

Template = str | Callable[["Dialect", tuple[Expr, ...]], str]


class Dialect:
    """A way to write SQL: ``templates`` (``{0}`` is the first argument) and the few forms that are no functions."""

    name: str = ""
    templates: Mapping[str, Template] = {}
    types: Mapping[str, str] = {}

    def write(self, expr: Expr) -> str:
        """The expression as text, safe to stand inside any other."""
        match expr:
            case ir.Name():
                return self.identifier(expr.text)
            case ir.Literal():
                return self.literal(expr)
            case ir.Member():
                return self.member(expr)
            case ir.Call():
                return self.call(expr)
            case ir.Lambda():
                return self.function(expr)
            case ir.Case():
                whens = " ".join(f"WHEN {self.write(c)} THEN {self.write(v)}" for c, v in expr.whens)
                end = "" if expr.otherwise is None else f" ELSE {self.write(expr.otherwise)}"
                return f"CASE {whens}{end} END"
            case ir.Cast():
                return self.cast(expr)
            case ir.Struct():
                return self.struct(expr)
            case ir.Listed():
                return self.listed(expr)
            case ir.Subquery():
                return expr.written(self)
        raise TypeError(type(expr).__name__)

    def call(self, expr: ir.Call) -> str:
        """A function by its template; and, or and their like between parentheses."""
        template = self.templates[expr.name]
        if callable(template):
            return template(self, expr.args)
        return template.format(*map(self.write, expr.args))

    def cast(self, expr: ir.Cast) -> str:
        """To a type; JSON to columns by their names."""
        return f"{'TRY_CAST' if expr.safe else 'CAST'}({self.write(expr.operand)} AS {self.type(expr.type)})"

    def literal(self, expr: ir.Literal) -> str:
        """A constant."""
        value = expr.value
        if value is None:
            return f"CAST(NULL AS {self.type(expr.type)})"
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Decimal):
            return f"CAST('{value:f}' AS {self.type(ir.NUMBER)})"
        return str(value) if value >= 0 else f"({value})"

    def text(self, value: str) -> str:
        """A string in quotes."""
        raise NotImplementedError

    def identifier(self, name: str) -> str:
        """A name in quotes."""
        raise NotImplementedError

    def member(self, expr: ir.Member) -> str:
        """A column or field."""
        raise NotImplementedError

    def function(self, expr: ir.Lambda) -> str:
        """A lambda."""
        raise NotImplementedError

    def struct(self, expr: ir.Struct) -> str:
        """A STRUCT of fields."""
        raise NotImplementedError

    def listed(self, expr: ir.Listed) -> str:
        """A LIST of items."""
        raise NotImplementedError

    def type(self, type_: SqlType) -> str:
        """A type's name."""
        raise NotImplementedError


def infix(symbol: str) -> Template:
    """An operator between operands."""
    return lambda dialect, args: "(" + f" {symbol} ".join(map(dialect.write, args)) + ")"


def function(name: str) -> Template:
    """A function of that name."""
    return lambda dialect, args: f"{name}({', '.join(map(dialect.write, args))})"


def renamed(names: str) -> dict[str, Template]:
    """Functions that an engine has under another name: ``ours=theirs`` for each, ``ours`` alone where both agree."""
    pairs = (name.split("=") for name in names.split())
    return {pair[0]: function(pair[-1]) for pair in pairs}


_SAME = (
    "abs coalesce date_trunc exp flatten floor greatest least left length ln lower nullif power replace reverse round sqrt substring upper"
).split()
OPERATORS: dict[str, Template] = {
    **{name: function(name) for name in _SAME},
    "and": infix("AND"),
    "or": infix("OR"),
    "not": "(NOT {0})",
    "is_null": "({0} IS NULL)",
    "is_not_null": "({0} IS NOT NULL)",
    "eq": infix("="),
    "ne": infix("<>"),
    "lt": infix("<"),
    "le": infix("<="),
    "gt": infix(">"),
    "ge": infix(">="),
    "add": infix("+"),
    "sub": infix("-"),
    "mul": infix("*"),
    "div": infix("/"),
    "mod": infix("%"),
    "negative": "(- {0})",
    "same": "({0} IS NOT DISTINCT FROM {1})",
    "in": lambda d, args: f"({d.write(args[0])} IN ({', '.join(map(d.write, args[1:]))}))",
    "concat": infix("||"),
}
"""What is written the same everywhere; each dialect has a template for every other name (a test compares them)."""
