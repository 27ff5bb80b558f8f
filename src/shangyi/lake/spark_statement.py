"""A query of somebody's as Spark's own parser reads it: whether it only reads, and which relations it names where.

Every object of the parsed plan is looked at, fields and lists and plans within expressions. What is not known to be
harmless is refused: a plan that is no query (commands, ``TRANSFORM``, scripts), names that are made while it runs,
functions that reach beyond the data (``reflect`` calls any method of the JVM).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from shangyi.errors import Forbidden, Invalid, Issue, ShangyiError

MOST_CHARACTERS = 65_536
"""Of a text: each of its parts is asked of another process."""
_CATALYST = "org.apache.spark.sql.catalyst."
_PLANS = frozenset(
    "Aggregate AsOfJoin CTERelationDef Deduplicate Distinct Except Filter Generate GlobalLimit HintInfo Intersect Join"
    " JoinHint LateralJoin LocalLimit LocalRelation Offset OneRowRelation Pivot Project Range Sample Sort"
    " SubqueryAlias Tail Union UnresolvedHint UnresolvedWith Unpivot Window WithWindowDefinition".split()
)
_UNRESOLVED = frozenset(
    "GetViewColumnByNameAndOrdinal MultiAlias NamedParameter PosParameter UnresolvedAlias UnresolvedAttribute"
    " UnresolvedExtractValue UnresolvedFunction UnresolvedGenerator UnresolvedHaving UnresolvedInlineTable"
    " UnresolvedNamedLambdaVariable UnresolvedOrdinal UnresolvedOrderByAll$ UnresolvedGroupByAll$ UnresolvedRegex"
    " UnresolvedRelation UnresolvedStar UnresolvedStarExcept UnresolvedStarWithColumns"
    " UnresolvedSubqueryColumnAliases UnresolvedTVFAliases UnresolvedTableValuedFunction UnresolvedWindowExpression"
    " UnresolvedInlineTableWithExpressions UnresolvedTranspose".split()
)
_VALUES = re.compile(
    r"java\.(?:lang|util|math|time)\.|scala\.(?:None\$|Enumeration|math\.|runtime\.)|org\.apache\.spark\.unsafe\.types\."
    r"|org\.apache\.spark\.sql\.(?:types|util)\.|org\.apache\.spark\.sql\.catalyst\.(?:trees|util)\."
)
_ROWS = frozenset(
    "range explode explode_outer posexplode posexplode_outer inline inline_outer stack json_tuple".split()
)
"""Functions that give rows and read nothing."""
_REFUSED = frozenset(
    "reflect java_method try_reflect input_file_name input_file_block_start input_file_block_length current_user user"
    " session_user current_catalog current_database current_schema version from_avro to_avro schema_of_avro"
    " from_protobuf to_protobuf".split()
)
"""Functions that have to do with the engine or with files, not with data."""
_PLACES = re.compile(
    r"""'(?:[^'\\]|\\.)*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | --[^\n]* | /\*.*?\*/
    | \$(?P<name>[A-Za-z_]\w*)""",
    re.VERBOSE | re.DOTALL,
)


class Relation(NamedTuple):
    """A name after ``from``: its parts in lower case, and where it stands, in characters. ``alias``: it has another."""

    name: tuple[str, ...]
    start: int
    end: int
    alias: bool


class Query:
    """A query that only reads. Invalid where the text is none, Forbidden where it does more."""

    def __init__(self, parser: Any, text: str) -> None:
        if len(text) > MOST_CHARACTERS:
            raise Invalid("A query has at most {most} characters", most=MOST_CHARACTERS)
        self.text = text
        self.relations: list[Relation] = []
        self.named: set[str] = set()
        """Names that ``with`` gives, in lower case."""
        self._walk(parser.parsePlan(text), alias=False)

    def _walk(self, value: Any, alias: bool) -> None:
        if value is None or isinstance(value, str | int | float | Decimal | bytes | bytearray):
            return
        kind = str(value.getClass().getName())
        if kind.startswith("scala.collection."):
            each = value.iterator()
            while each.hasNext():
                self._walk(each.next(), alias=False)
        elif kind == "scala.Some":
            self._walk(value.get(), alias=False)
        elif kind.startswith("scala.Tuple"):
            for item in _fields(value):
                self._walk(item, alias=False)
        elif kind.startswith(_CATALYST) and not _VALUES.match(kind):
            self._node(kind.removeprefix(_CATALYST), value, alias)
        elif not _VALUES.match(kind) and not kind.endswith("[]"):
            raise Forbidden("Only one query that reads is run here: select … or with … select …")

    def _node(self, kind: str, node: Any, alias: bool) -> None:
        package, _, name = kind.rpartition(".")
        if (package == "plans.logical" and name not in _PLANS) or (
            package == "analysis" and name not in _UNRESOLVED
        ):
            raise Forbidden("Only one query that reads is run here: select … or with … select …")
        if name == "UnresolvedRelation":
            self._relation(node, alias)
        elif name == "UnresolvedFunction":
            self._function([str(part) for part in _items(node.nameParts())], node, _REFUSED.__contains__)
        elif name == "UnresolvedTableValuedFunction":
            self._function([str(part) for part in _items(node.name())], node, lambda name: name not in _ROWS)
        elif name == "UnresolvedWith":
            self.named |= {str(relation._1()).lower() for relation in _items(node.cteRelations())}
        if not name.endswith("$"):  # an object without fields
            for item in _fields(node):
                self._walk(item, alias=name == "SubqueryAlias")

    def _relation(self, node: Any, alias: bool) -> None:
        origin = node.origin()
        parts = tuple(str(part).lower() for part in _items(node.multipartIdentifier()))
        self.relations.append(
            Relation(parts, int(origin.startIndex().get()), int(origin.stopIndex().get()) + 1, alias)
        )

    def _function(self, parts: Sequence[str], node: Any, refused: Callable[[str], bool]) -> None:
        name = parts[-1].lower()
        if len(parts) > 1 or refused(name):
            origin = node.origin()
            raise located(
                Forbidden,
                "{name} is refused: a query reads the views and tables of the lake, no files and no settings",
                int(origin.line().get()),
                int(origin.startPosition().get()) + 1,
                name=".".join(parts),
            )


def _fields(product: Any) -> Iterator[Any]:
    return (product.productElement(number) for number in range(product.productArity()))


def _items(sequence: Any) -> Iterator[Any]:
    each = sequence.iterator()
    while each.hasNext():
        yield each.next()


def located(
    kind: type[ShangyiError], sentence: str, line: int, column: int, /, **args: object
) -> ShangyiError:
    """An error that says where in the text, from 1."""
    args |= {"line": line, "column": column}
    return kind([Issue("error", kind.code, sentence + " (line {line}, column {column})", args)])


def place(text: str, at: int) -> tuple[int, int]:
    """Line and column, from 1, of a character."""
    before = text[:at]
    return before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1


class Rewritten:
    """A text with names replaced, and places in it as places of the text that was written."""

    def __init__(self, text: str, replaced: Sequence[tuple[int, int, str]]) -> None:
        self.original, self.text = text, ""
        self._moved: list[tuple[int, int, int, int]] = []
        at = 0
        for start, end, name in sorted(replaced):
            self.text += text[at:start]
            self._moved.append((len(self.text), len(self.text) + len(name), start, end))
            self.text += name
            at = end
        self.text += text[at:]

    def place(self, line: int, column: int) -> tuple[int, int]:
        """Line and column, from 1, in the text as it was written."""
        before = self.text.split("\n")[: line - 1]
        at = sum(len(part) + 1 for part in before) + column - 1
        shift = 0
        for start, end, old_start, old_end in self._moved:
            if start <= at < end:
                return place(self.original, old_start)
            if at >= end:
                shift = old_end - end
        return place(self.original, at + shift)


def marked(text: str) -> str:
    """``:name`` for ``$name``, which is what Spark calls a parameter, each character in its place."""
    return _PLACES.sub(lambda found: f":{found['name']}" if found["name"] else found[0], text)
