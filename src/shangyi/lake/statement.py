"""A query of somebody's as the engine's own parser reads it: what it asks for, and where in the text.

DuckDB gives the tree of a SELECT as JSON (``json_serialize_sql``). Judging by the parser that will run the query leaves
no second reading of the text that could differ.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

import duckdb

from shangyi.errors import Forbidden, Invalid, Issue, ShangyiError

Tree = Mapping[str, Any]
_FROM = frozenset({"BASE_TABLE", "JOIN", "SUBQUERY", "EMPTY", "EXPRESSION_LIST", "TABLE_FUNCTION"})
_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
_ROWS = frozenset({"unnest", "range", "generate_series"})
"""Functions that give rows and read nothing."""
_REFUSED = frozenset(
    "current_setting getvariable setvariable write_log nextval setval setseed sleep_ms pg_sleep"
    " pg_get_viewdef".split()
)
"""Functions that have to do with the engine, not with data."""


def place(text: str, offset: int) -> tuple[int, int] | None:
    """Line and column, from 1, of a byte of the text; None where the engine does not say."""
    data = text.encode()
    if not 0 <= offset <= len(data):
        return None
    before = data[:offset].decode(errors="replace")
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def fault(kind: type[ShangyiError], text: str, offset: int, sentence: str, /, **args: object) -> ShangyiError:
    """An error that says where in the text."""
    found = place(text, offset)
    if found is None:
        return kind([Issue("error", kind.code, sentence, args)])
    args |= {"line": found[0], "column": found[1]}
    return kind([Issue("error", kind.code, sentence + " (line {line}, column {column})", args)])


def parse(connection: duckdb.DuckDBPyConnection, text: str) -> dict[str, Any]:
    """The one query in a text, as the engine reads it. Invalid, with its place, where it is none."""
    [(found,)] = connection.execute("select json_serialize_sql(?::varchar)", [text]).fetchall()
    tree: dict[str, Any] = json.loads(found)
    if tree["error"]:
        if tree.get("error_type") == "not implemented":
            raise Invalid("Only one query that reads is run here: select … or with … select …")
        offset = int(tree["position"]) if str(tree.get("position", "")).isdigit() else -1
        raise fault(Invalid, text, offset, "This is not SQL: {reason}", reason=tree["error_message"])
    if len(tree["statements"]) != 1:
        raise Invalid("Only one query that reads is run here: select … or with … select …")
    return tree


def write(connection: duckdb.DuckDBPyConnection, tree: Tree) -> str:
    """The text of a tree."""
    [(text,)] = connection.execute("select json_deserialize_sql(?::json)", [json.dumps(tree)]).fetchall()
    return str(text)


_SHOWN = re.compile(r"\n+LINE (\d+): (.*)\n( *)\^")
_NAMED = re.compile(r'Referenced (?:column|table) "([^"]+)"')


def explained(error: duckdb.Error, text: str, tree: Tree) -> Invalid:
    """What the engine says of a query, with its place in the text."""
    said = str(error).strip()
    reason = said.partition("\n")[0].partition(" Error: ")[2] or said.partition("\n")[0]
    sentence = "The query cannot be run: {reason}"
    if shown := _SHOWN.search(said):
        line, column = int(shown[1]), len(shown[3]) - len(f"LINE {shown[1]}: ") + 1
        if shown[2].startswith("..."):  # a long line is shown in part
            lines = text.splitlines()
            whole = lines[line - 1] if line <= len(lines) else ""
            column += whole.find(shown[2].strip(".")) - 3
        args = {"reason": reason, "line": line, "column": column}
        return Invalid([Issue("error", Invalid.code, sentence + " (line {line}, column {column})", args)])
    named = _NAMED.search(said)
    for node in walk(tree) if named else ():
        if named and node.get("class") == "COLUMN_REF" and named[1] in node["column_names"]:
            return cast(Invalid, fault(Invalid, text, offset(node), sentence, reason=reason))
    return Invalid(sentence, reason=reason)


def offset(node: Tree) -> int:
    """Where in the text a node begins, in bytes; beyond it where the engine does not say."""
    return int(node.get("query_location", -1))


def walk(tree: Any) -> Iterator[Tree]:
    """Every object within, from the outside in."""
    if isinstance(tree, Mapping):
        yield tree
        for inner in tree.values():
            yield from walk(inner)
    elif isinstance(tree, list):
        for inner in tree:
            yield from walk(inner)


def path(table: Tree) -> tuple[str, ...]:
    """The parts of a table's name, in lower case: names of SQL have no case."""
    return tuple(part.lower() for part in table["qualified_name"]["path"])


def check(tree: Tree, text: str, tables: frozenset[tuple[str, ...]]) -> None:
    """Whether the query reads these tables only and does nothing else. Forbidden, with the place of what is not so."""
    _check(tree["statements"][0]["node"], text, tables, frozenset())


def _check(tree: Any, text: str, tables: frozenset[tuple[str, ...]], named: frozenset[str]) -> None:
    if isinstance(tree, list):
        for inner in tree:
            _check(inner, text, tables, named)
    if not isinstance(tree, Mapping):
        return
    kind = str(tree.get("type", ""))
    if kind.endswith("_NODE") and kind not in _NODES:
        raise Forbidden("Only one query that reads is run here: select … or with … select …")
    if "cte_map" in tree:
        named |= {entry["key"].lower() for entry in tree["cte_map"].get("map", ())}
    if kind == "RECURSIVE_CTE_NODE":
        named |= {str(tree["cte_name"]).lower()}
    if kind in ("BASE_TABLE", "TABLE_FUNCTION"):
        _source(tree, text, tables, named)
    for side in ("from_table", *(("left", "right") if kind == "JOIN" else ())):
        if isinstance(tree.get(side), Mapping) and tree[side]["type"] not in _FROM:
            raise fault(Forbidden, text, offset(tree[side]), "Only views and tables stand after from")
    if tree.get("class") == "FUNCTION" and str(tree["function_name"]).lower() in _REFUSED:
        raise fault(
            Forbidden, text, offset(tree), "{name} is not for queries here", name=tree["function_name"]
        )
    for inner in tree.values():
        _check(inner, text, tables, named)


def _source(source: Tree, text: str, tables: frozenset[tuple[str, ...]], named: frozenset[str]) -> None:
    if source["type"] == "TABLE_FUNCTION":
        name = str(source["function"]["function_name"]).lower()
        if name not in _ROWS or len(source["function"]["qualified_name"]["path"]) > 1:
            raise fault(
                Forbidden,
                text,
                offset(source),
                "{name} is refused: a query reads the views and tables of the lake, no files and no settings",
                name=name,
            )
        return
    parts = path(source)
    if parts not in tables and not (len(parts) == 1 and parts[0] in named):
        raise fault(
            Forbidden,
            text,
            offset(source),
            "There is no view or table {name} that you may read",
            name=".".join(source["qualified_name"]["path"]),
        )
