"""Spark 4: arrays with ``x -> …``, counted from 0 in ``get`` and in lambdas, from 1 in ``slice``."""

from shangyi.query.sql import ir
from shangyi.query.sql.dialect import OPERATORS, Dialect, Template, function
from shangyi.query.sql.ir import SqlType

_FUNCTIONS: dict[str, Template] = {
    **OPERATORS,
    "same": "({0} <=> {1})",
    "index": "{0}",
    "list_filter": function("filter"),
    "list_map": function("transform"),
    "list_fold": function("aggregate"),
    "list_flat": function("flatten"),
    "list_join": function("concat"),
    "list_length": function("array_size"),
    "list_at": "get({0}, CAST({1} AS INT))",
    "list_last": "try_element_at({0}, -1)",
    "list_from": "slice({0}, {1} + 1, greatest(size({0}), 1))",
    "list_until": "slice({0}, 1, CAST({1} AS INT))",
    "list_contains": function("array_contains"),
    "list_position": "nullif(array_position({0}, {1}), 0)",
    "list_range": "CASE WHEN {0} < {1} THEN sequence({0}, {1} - 1) ELSE array() END",
    "array_to_string": function("array_join"),
    "unnest": function("explode"),
    "error": "raise_error({0})",
    "try": "{0}",
    "starts_with": function("startswith"),
    "ends_with": function("endswith"),
    "position": "instr({0}, {1})",
    "substring": function("substring"),
    "matches": "regexp_like({0}, '(?' || {2} || ')' || {1})",
    "matches_full": "regexp_like({0}, '(?' || {2} || ')^(?:' || {1} || ')$')",
    "replace_matches": "regexp_replace({0}, '(?s' || {3} || ')' || {1}, {2})",
    "characters": "filter(split({0}, ''), c -> c <> '')",
    "split": r"split({0}, '\\Q' || {1} || '\\E')",
    "trim": r"regexp_replace({0}, '^\\s+|\\s+$', '')",
    "reverse": function("reverse"),
    "fold_spaces": r"trim(regexp_replace(lower({0}), '\\s+', ' '))",
    "quotient": "({0} DIV {1})",
    "floor": function("floor"),
    "ceiling": function("ceil"),
    "truncate": "CASE WHEN {0} < 0 THEN ceil({0}) ELSE floor({0}) END",
    "round": function("round"),
    "try_add": function("try_add"),
    "try_sub": function("try_subtract"),
    "try_mul": function("try_multiply"),
    "decimal_divide": function("try_divide"),
    "decimal_quotient": "CAST(CASE WHEN {1} <> 0 THEN {0} DIV {1} END AS DECIMAL(38,0))",
    "list_min": function("array_min"),
    "list_max": function("array_max"),
    "epoch": "unix_micros(try_to_timestamp({0}))",
    "epoch_wall": "unix_micros(try_to_timestamp({0} || 'Z'))",
    "month_end": "date_format(last_day(TRY_CAST(({0}) || '-01' AS DATE)), 'yyyy-MM-dd')",
    "date_text": "date_format({0}, 'yyyy-MM-dd')",
    "stamp_text": "date_format({0}, \"yyyy-MM-dd'T'HH:mm:ss\")",
    "add_months": "(TRY_CAST({0} AS TIMESTAMP_NTZ) + make_ym_interval(0, CAST({1} AS INT)))",
    "add_seconds": "(TRY_CAST({0} AS TIMESTAMP_NTZ) + make_dt_interval(0, 0, 0, {1}))",
    "hex": "lower(hex(encode({0}, 'UTF-8')))",
    "base64": "base64(encode({0}, 'UTF-8'))",
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
