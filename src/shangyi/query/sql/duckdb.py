"""DuckDB 2: lists with ``lambda x: …``, counted from 1."""

from shangyi.query.sql import ir
from shangyi.query.sql.dialect import OPERATORS, Dialect, Template, renamed
from shangyi.query.sql.ir import Expr, SqlType

_UNIT = "1000000000000000000"


def _long_division(dividend: str, divisor: str, *, digits: bool) -> str:
    """The quotient of two decimals, which DuckDB would give as DOUBLE: whole, or with 18 digits after the point.

    Both as whole numbers of 10^-18; then twice nine digits out of the rest, which 128 bits hold for divisors below
    10^11. NULL beyond, and by zero.
    """

    def scaled(x: str) -> str:
        rest = f"CAST(({x} - trunc({x})) * CAST('{_UNIT}' AS DECIMAL(19,0)) AS HUGEINT)"
        return f"CAST(trunc({x}) AS HUGEINT) * {_UNIT}::HUGEINT + {rest}"

    pair = f"list_transform([{{'x': {dividend}, 'y': {divisor}}}], lambda p: {{'a': {scaled('p.x')}, 'b': {scaled('p.y')}}})"
    if not digits:
        return f"try(list_transform({pair}, lambda p: p.a // nullif(p.b, 0))[1])"
    first = "{'q': p.a // nullif(p.b, 0), 'r': (p.a % nullif(p.b, 0)) * 1000000000, 'b': p.b}"
    second = "{'q': p.q, 's': p.r // p.b, 'r': (p.r % p.b) * 1000000000, 'b': p.b}"
    total = (
        "CAST(p.q AS DECIMAL(38,18)) + CAST(p.s AS DECIMAL(10,0)) * CAST('0.000000001' AS DECIMAL(10,9))"
        " + CAST(p.r // p.b AS DECIMAL(10,0)) * CAST('0.000000000000000001' AS DECIMAL(19,18))"
    )
    steps = f"list_transform(list_transform({pair}, lambda p: {first}), lambda p: {second})"
    return f"try(CAST(list_transform({steps}, lambda p: {total})[1] AS DECIMAL(38,18)))"


def _product(a: str, b: str) -> str:
    """The product of two decimals; where their places together leave no room, of nine places of each."""
    exact = f"try(CAST({a} * {b} AS DECIMAL(38,18)))"
    return f"coalesce({exact}, try(CAST(CAST({a} AS DECIMAL(38,9)) * CAST({b} AS DECIMAL(38,9)) AS DECIMAL(38,18))))"


def _quotient_in_places(dialect: Dialect, args: tuple[Expr, ...]) -> str:
    """The quotient of two DECIMAL(28,8), rounded half away from zero to eight places; NULL by zero, and of what has
    more than 20 digits before the point. Both are whole numbers of 10^-8 of at most 28 digits, so that 2·10^8 times one
    of them is below 2^127.
    """
    a, b = (f"CAST({dialect.write(arg)} * 100000000::DECIMAL(9,0) AS HUGEINT)" for arg in args)
    rounded = "(abs(p.a) * 200000000 + abs(p.b)) // nullif(2 * abs(p.b), 0)"
    signed = f"CASE WHEN (p.a < 0) = (p.b < 0) THEN {rounded} ELSE -({rounded}) END"
    value = f"CAST(CAST({signed} AS DECIMAL(38,0)) * 0.00000001::DECIMAL(8,8) AS DECIMAL(28,8))"
    return f"try(list_transform([{{'a': {a}, 'b': {b}}}], lambda p: {value})[1])"


def _full_units(dialect: Dialect, args: tuple[Expr, ...]) -> str:
    return f"date_sub({', '.join(map(dialect.write, args))})"


_FUNCTIONS: dict[str, Template] = {
    **OPERATORS,
    **renamed(
        "list_filter list_map=list_transform list_join=list_concat list_length=len list_contains list_position "
        "list_range=range array_to_string unnest error try starts_with ends_with split=string_split "
        "ceiling=ceil truncate=trunc list_sorted=list_sort list_sorted_down=list_reverse_sort list_min "
        "list_max"
    ),
    "index": "({0} - 1)",
    "list_fold": "list_reduce({0}, {2}, {1})",
    "list_at": "({0})[{1} + 1]",
    "list_last": "({0})[-1]",
    "list_from": "({0})[{1} + 1:]",
    "list_until": "({0})[1:{1}]",
    "position": "strpos({0}, {1})",
    "matches": "regexp_matches({0}, {1}, {2})",
    "matches_full": "regexp_full_match({0}, {1}, {2})",
    "replace_matches": "regexp_replace({0}, {1}, {2}, 'g' || {3})",
    "characters": "list_filter(string_split({0}, ''), lambda c: c <> '')",
    "trim": r"regexp_replace({0}, '^\s+|\s+$', '', 'g')",
    "fold_spaces": r"trim(regexp_replace(lower({0}), '\s+', ' ', 'g'))",
    "quotient": "divide({0}, {1})",
    "try_add": "try({0} + {1})",
    "try_sub": "try({0} - {1})",
    "decimal_multiply": lambda d, args: _product(d.write(args[0]), d.write(args[1])),
    "decimal_divide": lambda d, args: _long_division(d.write(args[0]), d.write(args[1]), digits=True),
    "decimal_quotient": lambda d, args: _long_division(d.write(args[0]), d.write(args[1]), digits=False),
    "places_divide": _quotient_in_places,
    "full_units": _full_units,
    "epoch": "epoch_us(TRY_CAST({0} AS TIMESTAMPTZ))",
    "epoch_wall": "epoch_us(TRY_CAST({0} AS TIMESTAMP))",
    "month_end": "strftime(last_day(TRY_CAST(({0}) || '-01' AS DATE)), '%Y-%m-%d')",
    "date_text": "strftime({0}, '%Y-%m-%d')",
    "stamp_text": "strftime({0}, '%Y-%m-%dT%H:%M:%S')",
    "add_months": "(TRY_CAST({0} AS TIMESTAMP) + to_months(CAST({1} AS INTEGER)))",
    "add_seconds": "(TRY_CAST({0} AS TIMESTAMP) + to_seconds(CAST({1} AS BIGINT)))",
    "list_overlaps": "list_has_any({0}, {1})",
    "utc": "CAST(TRY_CAST({0} AS TIMESTAMPTZ) AS TIMESTAMP)",
    "zone_minutes": "date_sub('minute', CAST(TRY_CAST({0} AS TIMESTAMPTZ) AS TIMESTAMP), TRY_CAST({0} AS TIMESTAMP))",
    "ends_with_zone": "regexp_matches({0}, '(Z|[+-]\\d\\d:\\d\\d)$')",
    "add_milliseconds": "(TRY_CAST({0} AS TIMESTAMP) + to_milliseconds(CAST({1} AS BIGINT)))",
    "looked_up": "nullif(split_part(split_part(split_part({0}, ';' || {1} || '=', 2), ';', 1), '|', {2}), '')",
    "captured": "regexp_extract({0}, {1}, {2})",
    "log10": "log10({0})",
    "make_instant": "try(make_timestamp({0}, {1}, {2}, {3}, {4}, CAST({5} AS DOUBLE)))",
    "component": "date_part({0}, {1})",
    "hex": "lower(hex(encode({0})))",
    "base64": "to_base64(encode({0}))",
    "unhex": "decode(unhex({0}))",
    "unbase64": "decode(from_base64({0}))",
    "json": "CAST({0} AS JSON)",
    "json_text": "json_extract_string({0}, {1})",
    "json_object": "CAST(json_extract({0}, {1}) AS VARCHAR)",
    "json_texts": "json_extract_string({0}, {1} || '[*]')",
    "json_objects": "CAST(json_extract({0}, {1} || '[*]') AS VARCHAR[])",
}


class DuckDB(Dialect):
    """The embedded engine."""

    name = "duckdb"
    templates = _FUNCTIONS

    def text(self, value: str) -> str:
        """Quotes are doubled; NUL has no place in a literal."""
        return " || chr(0) || ".join("'" + part.replace("'", "''") + "'" for part in value.split("\0"))

    def identifier(self, name: str) -> str:
        """In double quotes."""
        return '"' + name.replace('"', '""') + '"'

    def member(self, expr: ir.Member) -> str:
        """A column by a point, a field by a function, since a point behind an expression is ambiguous."""
        if isinstance(expr.base, ir.Name):
            return f"{self.identifier(expr.base.text)}.{self.identifier(expr.name)}"
        return f"struct_extract({self.write(expr.base)}, {self.text(expr.name)})"

    def function(self, expr: ir.Lambda) -> str:
        """``lambda x, i: …``."""
        return f"lambda {', '.join(self.identifier(p.text) for p in expr.params)}: {self.write(expr.body)}"

    def struct(self, expr: ir.Struct) -> str:
        """``{'a': 1}``."""
        return "{" + ", ".join(f"{self.text(name)}: {self.write(value)}" for name, value in expr.fields) + "}"

    def listed(self, expr: ir.Listed) -> str:
        """``[1, 2]``."""
        written = f"[{', '.join(map(self.write, expr.items))}]"
        if expr.items or expr.of is None:
            return written
        return f"CAST([] AS {self.type(expr.of)}[])"

    def type(self, type_: SqlType) -> str:
        """Lists are written behind, structs with their fields."""
        if type_.of is not None:
            return f"{self.type(type_.of)}[]"
        if type_.name == "STRUCT":
            return f"STRUCT({', '.join(f'{self.identifier(n)} {self.type(t)}' for n, t in type_.fields)})"
        return type_.name
