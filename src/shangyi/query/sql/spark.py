"""Spark 4: arrays with ``x -> …``, counted from 0 in ``get`` and in lambdas, from 1 in ``slice``."""

from shangyi.query.sql import ir
from shangyi.query.sql.dialect import OPERATORS, Dialect, Template, renamed
from shangyi.query.sql.ir import Expr, SqlType


def _quotient(a: str, b: str) -> str:
    """To 18 places where the divisor has eight at most and the dividend is below 10^12, else to six: the scale of a
    quotient goes by the digits of both operands' types.
    """
    narrow = f"{b} = TRY_CAST({b} AS DECIMAL(28,8)) AND abs({a}) < 1000000000000"
    exact = f"try_divide(TRY_CAST({a} AS DECIMAL(30,18)), TRY_CAST({b} AS DECIMAL(28,8)))"
    return f"CASE WHEN {narrow} THEN TRY_CAST({exact} AS DECIMAL(38,18)) ELSE TRY_CAST(try_divide({a}, {b}) AS DECIMAL(38,18)) END"


def _full_units(dialect: Dialect, args: tuple[Expr, ...]) -> str:
    unit, start, end = args
    assert isinstance(unit, ir.Literal)
    return f"timestampdiff({unit.value}, {dialect.write(start)}, {dialect.write(end)})"


_FUNCTIONS: dict[str, Template] = {
    **OPERATORS,
    **renamed(
        "list_filter=filter list_map=transform list_fold=aggregate list_join=concat list_length=array_size "
        "list_contains=array_contains array_to_string=array_join unnest=explode starts_with=startswith "
        "ends_with=endswith ceiling=ceil try_add try_sub=try_subtract decimal_multiply=try_multiply "
        "list_sorted=sort_array list_min=array_min list_max=array_max"
    ),
    "same": "({0} <=> {1})",
    "index": "{0}",
    "list_at": "get({0}, CAST({1} AS INT))",
    "list_last": "try_element_at({0}, -1)",
    "list_from": "slice({0}, {1} + 1, greatest(size({0}), 1))",
    "list_until": "slice({0}, 1, CAST({1} AS INT))",
    "list_position": "nullif(array_position({0}, {1}), 0)",
    "list_range": "CASE WHEN {0} < {1} THEN sequence({0}, {1} - 1) ELSE array() END",
    "error": "raise_error({0})",
    "try": "{0}",
    "position": "instr({0}, {1})",
    "matches": "regexp_like({0}, '(?' || {2} || ')' || {1})",
    "matches_full": "regexp_like({0}, '(?' || {2} || ')^(?:' || {1} || ')$')",
    "replace_matches": "regexp_replace({0}, '(?s' || {3} || ')' || {1}, {2})",
    "characters": "filter(split({0}, ''), c -> c <> '')",
    "split": r"split({0}, '\\Q' || {1} || '\\E')",
    "trim": r"regexp_replace({0}, '^\\s+|\\s+$', '')",
    "fold_spaces": r"trim(regexp_replace(lower({0}), '\\s+', ' '))",
    "quotient": "({0} DIV {1})",
    "truncate": "CASE WHEN {0} < 0 THEN ceil({0}) ELSE floor({0}) END",
    "decimal_divide": lambda d, args: _quotient(d.write(args[0]), d.write(args[1])),
    "decimal_quotient": "CAST(CASE WHEN {1} <> 0 THEN {0} DIV {1} END AS DECIMAL(38,0))",
    "list_sorted_down": "sort_array({0}, FALSE)",
    "places_divide": lambda d, args: f"round({_quotient(d.write(args[0]), d.write(args[1]))}, 8)",
    "full_units": _full_units,
    "epoch": "unix_micros(try_to_timestamp({0}))",
    "epoch_wall": "unix_micros(try_to_timestamp({0} || 'Z'))",
    "month_end": "date_format(last_day(TRY_CAST(({0}) || '-01' AS DATE)), 'yyyy-MM-dd')",
    "date_text": "date_format({0}, 'yyyy-MM-dd')",
    "stamp_text": r"date_format({0}, 'yyyy-MM-dd\'T\'HH:mm:ss')",
    "add_months": "(TRY_CAST({0} AS TIMESTAMP_NTZ) + make_ym_interval(0, CAST({1} AS INT)))",
    "add_seconds": "(TRY_CAST({0} AS TIMESTAMP_NTZ) + make_dt_interval(0, 0, 0, {1}))",
    "utc": "TRY_CAST({0} AS TIMESTAMP)",
    "zone_minutes": "timestampdiff(MINUTE, TRY_CAST({0} AS TIMESTAMP), TRY_CAST(substring({0}, 1, 19) AS TIMESTAMP))",
    "ends_with_zone": "rlike({0}, '(Z|[+-][0-9]{{2}}:[0-9]{{2}})$')",
    "add_milliseconds": "timestampadd(MILLISECOND, CAST({1} AS INT), TRY_CAST({0} AS TIMESTAMP))",
    "list_overlaps": "arrays_overlap({0}, {1})",
    "looked_up": "nullif(split_part(split_part(split_part({0}, ';' || {1} || '=', 2), ';', 1), '|', {2}), '')",
    "captured": "regexp_extract({0}, {1}, {2})",
    "log10": "log10({0})",
    "make_instant": "try_make_timestamp_ntz({0}, {1}, {2}, {3}, {4}, {5})",
    "component": "floor(date_part({0}, {1}))",
    "hex": "lower(hex(encode({0}, 'UTF-8')))",
    "base64": "base64(encode({0}, 'UTF-8'))",
    "unhex": "decode(unhex({0}), 'UTF-8')",
    "unbase64": "decode(unbase64({0}), 'UTF-8')",
    "json": "{0}",
    "json_text": "get_json_object({0}, {1})",
    "json_object": "get_json_object({0}, {1})",
    "json_texts": "from_json(get_json_object({0}, {1}), 'array<string>')",
    "json_objects": "from_json(get_json_object({0}, {1}), 'array<string>')",
}
_TYPES = {"VARCHAR": "STRING", "INTEGER": "INT"}


class Spark(Dialect):
    """The cluster's engine."""

    name = "spark"
    templates = _FUNCTIONS

    def text(self, value: str) -> str:
        """Backslashes escape."""
        escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\0", "\\0")
        return f"'{escaped}'"

    def identifier(self, name: str) -> str:
        """In backticks."""
        return "`" + name.replace("`", "``") + "`"

    def cast(self, expr: ir.Cast) -> str:
        """JSON by ``from_json``."""
        if isinstance(expr.operand, ir.Call) and expr.operand.name == "json":
            return f"from_json({self.write(expr.operand)}, {self.text(self.type(expr.type))})"
        return super().cast(expr)

    def member(self, expr: ir.Member) -> str:
        """A point for columns and fields."""
        base = self.write(expr.base)
        return f"{base if isinstance(expr.base, ir.Name | ir.Member) else f'({base})'}.{self.identifier(expr.name)}"

    def function(self, expr: ir.Lambda) -> str:
        """``(x, i) -> …``."""
        names = ", ".join(self.identifier(p.text) for p in expr.params)
        return f"{names if len(expr.params) == 1 else f'({names})'} -> {self.write(expr.body)}"

    def struct(self, expr: ir.Struct) -> str:
        """``named_struct('a', 1)``."""
        return (
            "named_struct("
            + ", ".join(f"{self.text(name)}, {self.write(value)}" for name, value in expr.fields)
            + ")"
        )

    def listed(self, expr: ir.Listed) -> str:
        """``array(1, 2)``."""
        written = f"array({', '.join(map(self.write, expr.items))})"
        if expr.items or expr.of is None:
            return written
        return f"CAST(array() AS ARRAY<{self.type(expr.of)}>)"

    def type(self, type_: SqlType) -> str:
        """``ARRAY<…>``, ``STRUCT<…>``."""
        if type_.of is not None:
            return f"ARRAY<{self.type(type_.of)}>"
        if type_.name == "STRUCT":
            return f"STRUCT<{', '.join(f'{self.identifier(n)}: {self.type(t)}' for n, t in type_.fields)}>"
        return _TYPES.get(type_.name, type_.name)
