"""Grouped results for those who may not see persons: each figure is of at least five residents, or there is none.

What is taken is one SELECT of aggregates over views of the library joined on ``patient_id``. The engine counts the
distinct residents behind each group, and behind each aggregate of it, in the same statement. Without HAVING a group of
fewer refuses the query; with HAVING groups of fewer are left out. What this does not protect from is said in
docs/analysis.md.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from shangyi.errors import Forbidden
from shangyi.lake import library
from shangyi.lake.statement import Tree, fault, offset, path, walk

FEWEST = 5
"""Distinct residents behind every figure."""
RESIDENT = "patient_id"
AGGREGATES = frozenset(
    "count count_star sum avg stddev stddev_samp stddev_pop variance var_samp var_pop".split()
)
"""None that gives a single value back: no min, max, median, mode, list, any_value."""
FUNCTIONS = frozenset(
    "+ - * / // % || ~~ !~~ ~~* !~~* substr substring left right lower upper length trim ltrim rtrim replace concat"
    " contains starts_with prefix suffix round floor ceil ceiling abs year month quarter week day dayofweek isodow date_trunc"
    " date_part date_diff greatest least nullif ifnull coalesce if concat_ws".split()
)
"""Functions of one row."""
_SURE = frozenset(
    "|| ~~ !~~ ~~* !~~* lower upper length trim ltrim rtrim concat contains starts_with prefix suffix year month quarter"
    " week day dayofweek isodow".split()
)
"""Those that cannot fail; others stand in TRY, because whether a query fails would tell of a single value."""
_TEXTS = frozenset("|| lower upper trim ltrim rtrim concat left right substr substring replace".split())
_SURE_BY_CONSTANTS = frozenset("left right substr substring replace".split())
_CLASSES = frozenset(
    "COLUMN_REF CONSTANT COMPARISON CONJUNCTION BETWEEN CASE CAST OPERATOR FUNCTION TYPE".split()
)
_OPERATORS = frozenset(
    "OPERATOR_NOT OPERATOR_IS_NULL OPERATOR_IS_NOT_NULL OPERATOR_COALESCE OPERATOR_NULLIF COMPARE_IN"
    " COMPARE_NOT_IN OPERATOR_CAST".split()
)
_OF_NOBODY = frozenset({"practitioner_id", "organization_id", "reporting_unit_id"})
_OF_ONE = frozenset({"id", "report_number", "value_text", "reason", "lot"})
"""Columns that are one person's; so is everything that ends with _id, but for institutions and staff."""


class Grouped(NamedTuple):
    """``tree``: with the counts of residents as last columns, ``counts`` of them."""

    tree: dict[str, Any]
    counts: int


def grouped(tree: Tree, text: str, columns: Mapping[str, Mapping[str, str]]) -> Grouped:
    """The query with its counts. Forbidden, with the reason and the place, where it is none of those described above.

    ``columns``: of each view, their names and types.
    """
    return _Query(tree, text, columns).counted()


def released(table: pa.Table, counts: int) -> pa.Table:
    """The result without its counts of residents. Forbidden where a figure is of fewer than it must be."""
    shown = table.num_columns - counts
    all_of_group, *of_columns = (table.column(shown + number) for number in range(counts))
    few = pc.less(all_of_group, FEWEST)
    for count in of_columns:  # none at all shows nothing of anybody
        few = pc.or_(few, pc.and_(pc.less(count, FEWEST), pc.greater(count, 0)))
    small = pc.sum(few).as_py() or 0
    if small:
        raise Forbidden(
            "{small} of {groups} groups have figures of fewer than {fewest} residents: group more coarsely, or add"
            " having count(distinct patient_id) >= {fewest} to leave such groups out",
            small=small,
            groups=table.num_rows,
            fewest=FEWEST,
        )
    return table.select(list(range(shown)))


def one_person(name: str) -> bool:
    """Whether a column tells one person from another by itself."""
    return name in _OF_ONE or (name.endswith("_id") and name not in _OF_NOBODY)


class _Query:
    def __init__(self, tree: Tree, text: str, columns: Mapping[str, Mapping[str, str]]) -> None:
        self.tree, self.text, self.columns = deepcopy(dict(tree)), text, columns
        self.node: dict[str, Any] = self.tree["statements"][0]["node"]
        self.aliases: dict[str, str] = {}
        """Alias → view, in the order they are named."""

    def refuse(self, node: Tree, sentence: str, /, **args: object) -> None:
        raise fault(Forbidden, self.text, offset(node), sentence, **args)

    def counted(self) -> Grouped:
        """Judge all of it, then add the counts."""
        node = self.node
        if node["type"] != "SELECT_NODE" or node["cte_map"].get("map"):
            self.refuse(
                node, "Your role sees grouped results only: one select, without with, union and the like"
            )
        for name in ("qualify", "sample"):
            if node.get(name):
                self.refuse(node, "Your role sees grouped results only: {name} is not for them", name=name)
        if len(node.get("group_sets") or ()) > 1:
            self.refuse(node, "Grouping sets, rollup and cube are not for grouped results: group by once")
        self.source(node["from_table"])
        resident = self.resident()
        self.modifiers()
        for item in node["select_list"]:
            self.outside(item)
        for item in node.get("group_expressions") or ():
            self.expression(item, aggregates=False)
        if node.get("where_clause"):
            self.expression(node["where_clause"], aggregates=False)
        if node.get("having"):
            self.outside(node["having"])
        if not any(self.aggregate(n) for n in walk(node["select_list"])) and not node.get(
            "group_expressions"
        ):
            self.refuse(
                node["select_list"][0],
                "Your role sees grouped results only: count, sum or average, by groups of at least {fewest} residents",
                fewest=FEWEST,
            )
        return self.with_counts(resident)

    # What it reads

    def source(self, table: Tree) -> None:
        """Views of the library, joined on patient_id."""
        if table["type"] == "BASE_TABLE":
            name = path(table)[-1]
            alias = (table.get("alias") or name).lower()
            if table.get("column_name_alias") or table.get("sample") or alias in self.aliases:
                self.refuse(table, "A view stands here by its name, or by one other name")
            self.aliases[alias] = name
            return
        if table["type"] != "JOIN":
            self.refuse(
                table, "Your role sees grouped results only: from views of the library, without sub-queries"
            )
        self.source(table["left"])
        before = dict(self.aliases)
        self.source(table["right"])
        right = (
            next(alias for alias in self.aliases if alias not in before)
            if table["right"]["type"] == "BASE_TABLE"
            else ""
        )
        if table["ref_type"] != "REGULAR" or table["join_type"] not in ("INNER", "LEFT") or not right:
            self.refuse(table, "Join views one after another with join or left join … using (patient_id)")
        if self.aliases[right] in library.PLACES:
            self.to_a_place(table)
        elif not self.on_resident(table, right):
            self.refuse(table, "Views are joined on patient_id: join … using (patient_id)")

    def to_a_place(self, table: Tree) -> None:
        """Divisions and institutions hold no residents: any condition that reads no one's own column."""
        if any(one_person(str(name).lower()) for name in table.get("using_columns") or ()):
            self.refuse(table, "Divisions and institutions are joined by their own columns")
        if table.get("condition"):
            self.expression(table["condition"], aggregates=False)

    def on_resident(self, table: Tree, right: str) -> bool:
        """Whether the join is on patient_id, and on nothing else."""
        if table.get("using_columns"):
            return [str(name).lower() for name in table["using_columns"]] == [RESIDENT]
        condition = table.get("condition") or {}
        if condition.get("type") != "COMPARE_EQUAL":
            return False
        sides = [condition["left"], condition["right"]]
        if any(side["class"] != "COLUMN_REF" or len(side["column_names"]) != 2 for side in sides):
            return False
        names = [[part.lower() for part in side["column_names"]] for side in sides]
        return (
            all(name[1] == RESIDENT for name in names)
            and right in (names[0][0], names[1][0])
            and names[0] != names[1]
        )

    def resident(self) -> list[str]:
        """The column that says who: of the first view."""
        alias, view = next(iter(self.aliases.items()))
        if RESIDENT not in self.columns[view]:
            self.refuse(
                self.node["from_table"],
                "The first view after from is one of residents: {name} is not",
                name=view,
            )
        return [alias, RESIDENT]

    def modifiers(self) -> None:
        """Order and a fixed number of rows."""
        for modifier in self.node.get("modifiers") or ():
            if modifier["type"] == "ORDER_MODIFIER":
                for order in modifier["orders"]:
                    self.outside(order["expression"])
            elif modifier["type"] == "LIMIT_MODIFIER":
                for name in ("limit", "offset"):
                    if (modifier.get(name) or {"class": "CONSTANT"})["class"] != "CONSTANT":
                        self.refuse(modifier[name], "limit and offset are plain numbers here")
            else:
                self.refuse(
                    self.node, "Your role sees grouped results only: distinct is not for them, group by is"
                )

    # Expressions

    def aggregate(self, node: Tree) -> bool:
        return node.get("class") == "FUNCTION" and str(node["function_name"]).lower() in AGGREGATES

    def outside(self, node: Tree) -> None:
        """An expression over groups."""
        self.expression(node, aggregates=True)

    def expression(self, node: Any, aggregates: bool) -> None:
        """Whether all of it may stand here; casts give null where they cannot be made, arithmetic likewise."""
        for inner in _expressions(node):
            kind = inner["class"]
            if kind not in _CLASSES:
                self.refuse(inner, "{kind} is not for grouped results", kind=_name(inner))
            if kind == "OPERATOR" and inner["type"] not in _OPERATORS:
                self.refuse(inner, "{kind} is not for grouped results", kind=_name(inner))
            if kind == "COLUMN_REF":
                self.column(inner)
            elif kind == "FUNCTION":
                self.function(inner, aggregates)
        self.try_all(node)

    def try_all(self, node: Any) -> None:
        """Make what could fail on a value give null: an error would tell of that value."""
        if isinstance(node, list):
            for inner in node:
                self.try_all(inner)
        elif isinstance(node, dict):
            for inner in node.values():
                self.try_all(inner)
            if node.get("class") == "CAST":
                node["try_cast"] = True
            elif self.may_fail(node) and not any(self.aggregate(inner) for inner in walk(node)):
                tried = {**node, "alias": ""}
                alias, where = node.get("alias", ""), node["query_location"]
                node.clear()
                node |= {"class": "OPERATOR", "type": "OPERATOR_TRY", "alias": alias, "query_location": where}
                node["children"] = [tried]

    def may_fail(self, node: Tree) -> bool:
        """Whether this can fail on some value: a function that can, or a comparison that has to cast a column."""
        match node.get("class"):
            case "FUNCTION":
                name = str(node["function_name"]).lower()
                constant = all(a["expression"]["class"] == "CONSTANT" for a in node["arguments"][1:])
                return name not in _SURE and not (name in _SURE_BY_CONSTANTS and constant)
            case "COMPARISON":
                sides = [node["left"], node["right"]]
            case "BETWEEN":
                sides = [node["input"], node["lower"], node["upper"]]
            case "OPERATOR" if node["type"] in ("COMPARE_IN", "COMPARE_NOT_IN", "OPERATOR_COALESCE"):
                sides = node["children"]
            case _:
                return False
        kinds = {self.kind(side) for side in sides}
        return len(kinds) > 1 or None in kinds

    def kind(self, node: Tree) -> str | None:
        """``text`` or ``number`` of a column or a constant; None where it is not known."""
        if node["class"] == "CONSTANT":
            return {"STRING": "text", "INTEGER": "number", "NUMERIC": "number"}.get(node["literal"]["kind"])
        if node["class"] == "FUNCTION":
            name = str(node["function_name"]).lower()
            return "number" if name in AGGREGATES else "text" if name in _TEXTS else None
        if node["class"] != "COLUMN_REF":
            return None
        name = str(node["column_names"][-1]).lower()
        types = {self.columns[view][name] for view in self.aliases.values() if name in self.columns[view]}
        found = {"VARCHAR": "text", "INTEGER": "number", "DOUBLE": "number"}
        return found.get(types.pop()) if len(types) == 1 else None

    def column(self, node: Tree) -> None:
        name = str(node["column_names"][-1]).lower()
        if len(node["column_names"]) > 2 or one_person(name):
            self.refuse(
                node,
                "{name} tells one person from another: it is only for joins and count(distinct patient_id)",
                name=name,
            )
        if name in self.aliases:
            self.refuse(node, "A whole row is not for grouped results")

    def function(self, node: Tree, aggregates: bool) -> None:
        name = str(node["function_name"]).lower()
        if len(node["qualified_name"]["path"]) > 1 or (name not in FUNCTIONS and name not in AGGREGATES):
            self.refuse(
                node, "{name} is not for grouped results: it could show one person's value", name=name
            )
        if name in AGGREGATES:
            if not aggregates:
                self.refuse(node, "{name} cannot stand here", name=name)
            self.of_a_column(node)

    def of_a_column(self, node: Tree) -> None:
        """An aggregate is of a column as it stands: a condition within could single one person out."""
        name = str(node["function_name"]).lower()
        if node.get("filter") or node["order_bys"].get("orders"):
            self.refuse(
                node,
                "filter and order by within {name} could show one person's value: use where or group by",
                name=name,
            )
        arguments = [argument["expression"] for argument in node.get("arguments") or ()]
        if any(argument["class"] != "COLUMN_REF" for argument in arguments) or len(arguments) > 1:
            self.refuse(
                node,
                "{name} is of a column as it stands here: put conditions into where or group by",
                name=name,
            )
        if node["distinct"] and name != "count":
            self.refuse(node, "distinct is for count only")

    # The counts

    def with_counts(self, resident: list[str]) -> Grouped:
        """The counts of residents: of each group, and of those who have a value in each column that is aggregated."""
        kept = {
            tuple(part.lower() for part in argument["expression"]["column_names"]): argument["expression"]
            for part_of in (self.node["select_list"], self.node.get("having"), self.node.get("modifiers"))
            for node in walk(part_of)
            if self.aggregate(node)
            for argument in node.get("arguments") or ()
            if not _counts_residents(node)
        }
        counts = [_residents(resident, None), *(_residents(resident, column) for column in kept.values())]
        for number, count in enumerate(counts):
            self.node["select_list"].append({**count, "alias": f"_residents_{number}"})
        if self.node.get("having"):
            enough = [_at_least(count, alone=number == 0) for number, count in enumerate(counts)]
            self.node["having"] = _conjunction("CONJUNCTION_AND", [self.node["having"], *enough])
        return Grouped(self.tree, len(counts))


def _expressions(node: Any) -> Iterator[Tree]:
    """Every expression within, but not the column of ``count(distinct patient_id)``."""
    if isinstance(node, list):
        for inner in node:
            yield from _expressions(inner)
    elif isinstance(node, Mapping):
        if "class" in node:
            yield node
        if _counts_residents(node):
            return
        for inner in node.values():
            yield from _expressions(inner)


def _counts_residents(node: Tree) -> bool:
    if (
        node.get("class") != "FUNCTION"
        or str(node["function_name"]).lower() != "count"
        or not node["distinct"]
    ):
        return False
    arguments = [argument["expression"] for argument in node.get("arguments") or ()]
    return (
        len(arguments) == 1
        and arguments[0]["class"] == "COLUMN_REF"
        and len(arguments[0]["column_names"]) <= 2
        and str(arguments[0]["column_names"][-1]).lower() == RESIDENT
    )


def _function(
    name: str, arguments: list[Tree], distinct: bool = False, only: Tree | None = None
) -> dict[str, Any]:
    return {
        "class": "FUNCTION",
        "type": "FUNCTION",
        "alias": "",
        "function_name": name,
        "schema": "",
        "filter": only,
        "order_bys": {"type": "ORDER_MODIFIER", "orders": []},
        "distinct": distinct,
        "is_operator": False,
        "export_state": False,
        "catalog": "",
        "arguments": [{"name": "", "expression": argument} for argument in arguments],
        "qualified_name": {"path": [name]},
        "is_legacy_function_call": False,
    }


def _residents(resident: list[str], column: Tree | None) -> dict[str, Any]:
    """``count(distinct patient_id) filter (where column is not null)``."""
    who = {"class": "COLUMN_REF", "type": "COLUMN_REF", "alias": "", "column_names": resident}
    only = (
        None
        if column is None
        else {
            "class": "OPERATOR",
            "type": "OPERATOR_IS_NOT_NULL",
            "alias": "",
            "children": [{**column, "alias": ""}],
        }
    )
    return _function("count", [who], distinct=True, only=only)


def _number(value: int) -> dict[str, Any]:
    return {
        "class": "CONSTANT",
        "type": "VALUE_CONSTANT",
        "alias": "",
        "literal": {"kind": "INTEGER", "text": str(value)},
    }


def _compare(kind: str, left: Tree, value: int) -> dict[str, Any]:
    return {"class": "COMPARISON", "type": kind, "alias": "", "left": left, "right": _number(value)}


def _conjunction(kind: str, children: list[Any]) -> dict[str, Any]:
    return {"class": "CONJUNCTION", "type": kind, "alias": "", "children": children}


def _at_least(count: Tree, alone: bool) -> dict[str, Any]:
    """Enough residents; of a column also none at all, which shows nothing."""
    enough = _compare("COMPARE_GREATERTHANOREQUALTO", count, FEWEST)
    return enough if alone else _conjunction("CONJUNCTION_OR", [enough, _compare("COMPARE_EQUAL", count, 0)])


def _name(node: Tree) -> str:
    return str(node["class"]).lower().replace("_", " ")
