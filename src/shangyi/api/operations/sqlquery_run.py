"""$sqlquery-run of SQL on FHIR v2: the rows of the query in a SQLQuery Library, within what the caller may read.

The definition is http://sql-on-fhir.org/OperationDefinition/$sqlquery-run; docs/api.md says what is served of it.
"""

import re
from base64 import b64decode
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from shangyi.api.call import Call, Resource
from shangyi.api.operations import tabular
from shangyi.api.operations.asked_rows import library_view, local_id, source
from shangyi.api.operations.definition import Input, Operation, Parameter
from shangyi.api.reply import Reply
from shangyi.errors import Invalid, NotSupported, Unprocessable

TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "code": (str,),
    "date": (str,),
    "dateTime": (str,),
    "instant": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "decimal": (int, Decimal),
}
"""Types of a query's parameters: dates stand as text in the views."""
PLACES = re.compile(
    r"""[eE]'(?:[^'\\]|\\.|'')*'  # what is no place for a value: texts, names, comments, casts
    | '(?:[^']|'')*' | "(?:[^"]|"")*" | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$
    | --[^\n]* | /\*.*?\*/ | ::
    | :(?P<name>[A-Za-z_]\w*)""",
    re.VERBOSE | re.DOTALL,
)


def invoke(call: Call, given: Input) -> Reply:
    """The rows."""
    form = tabular.Form.asked(call, given)
    query = _query(call, given)
    _check_views(call, query)
    values = _values(query, given)
    text, used = placed(_text(query), values)
    with tabular.asking(call) as analyst:
        answer = analyst.sql(text, {name: values[name] for name in used} or None, limit=tabular.MOST_ROWS)
    return form.reply(call, tabular.whole(answer))


def _query(call: Call, given: Input) -> Resource:
    """The Library: that of the address, one that is stored, or one in the body."""
    kind, found = source(call, given, "query", call.place.get("id"))
    if kind == "reference":
        id_ = local_id(call, found, "Library")
        if id_ is None:
            raise NotSupported("queryReference names a Library of this server: Library/<id>")
        found = call.session.read("Library", id_).resource
    query: Resource = found
    codings = _items(_item(query.get("type")).get("coding"))
    if query.get("resourceType") != "Library" or "sql-query" not in [c.get("code") for c in codings]:
        raise Unprocessable("This is no Library of the type sql-query", expression="Library.type")
    return query


def _item(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: object) -> list[dict[str, Any]]:
    return [_item(item) for item in value] if isinstance(value, list) else []


def _text(query: Resource) -> str:
    """The SQL: that for DuckDB where there are several, else that for any dialect."""
    kinds = [
        str(content.get("contentType")).replace(" ", "").lower() for content in _items(query.get("content"))
    ]
    for kind in ("application/sql;dialect=duckdb", "application/sql"):
        if kind in kinds:
            number = kinds.index(kind)
            try:
                return b64decode(query["content"][number]["data"], validate=True).decode("utf-8")
            except (KeyError, TypeError, ValueError) as error:
                place = f"Library.content[{number}].data"
                raise Unprocessable("The SQL is not base64 of UTF-8", expression=place) from error
    raise NotSupported(
        "The query has no content of the type application/sql, or of DuckDB's dialect",
        expression="Library.content",
    )


def _check_views(call: Call, query: Resource) -> None:
    """What the query depends on are views of the library, under their own names. NotFound for others."""
    for number, artifact in enumerate(_items(query.get("relatedArtifact"))):
        if artifact.get("type") != "depends-on":
            continue
        name = library_view(call, str(artifact.get("resource")))
        if artifact.get("label", name) != name:
            raise NotSupported(
                "A view stands under its own name: {name}",
                expression=f"Library.relatedArtifact[{number}].label",
                name=name,
            )


def _values(query: Resource, given: Input) -> dict[str, Any]:
    """The value of each parameter that the query declares; Invalid where one is missing, unknown or of another type."""
    declared = {
        str(p.get("name")): str(p.get("type"))
        for p in _items(query.get("parameter"))
        if p.get("use", "in") == "in"
    }
    found: dict[str, Any] = {}
    for item in _items(given.get("parameters", [{}])[0].get("parameter")):
        name = str(item.get("name"))
        kind = declared.get(name)
        if kind is None or name in found:
            raise Invalid("The query takes no parameter {name}, or takes it once", name=name[:64])
        if kind not in TYPES:
            raise NotSupported("A parameter of a query is one of {types}", types=", ".join(TYPES))
        value = item.get(f"value{kind[0].upper()}{kind[1:]}")
        if not isinstance(value, TYPES[kind]) or isinstance(value, bool) != (kind == "boolean"):
            raise Invalid("The parameter {name} is no {type}", name=name[:64], type=kind)
        found[name] = value
    if missing := sorted(declared.keys() - found.keys()):
        raise Invalid("The query needs the parameter {name}", name=missing[0][:64])
    return found


def placed(text: str, values: Mapping[str, object]) -> tuple[str, set[str]]:
    """The text with DuckDB's ``$name`` for ``:name``, every character in its place, and the names that it uses.

    Values are bound by the engine, never written into the text.
    """
    used: set[str] = set()

    def place(found: re.Match[str]) -> str:
        name = found["name"]
        if name is None or name not in values:
            return found[0]
        used.add(name)
        return f"${name}"

    return PLACES.sub(place, text), used


OPERATION = Operation(
    name="sqlquery-run",
    definition="http://sql-on-fhir.org/OperationDefinition/$sqlquery-run",
    documentation=(
        "queryReference: Library/<id> of this server. relatedArtifact: views of the library under their own names. "
        f"_format: {', '.join(tabular.MEDIA_TYPES)}."
    ),
    handler=invoke,
    types=frozenset({"Library"}),
    levels=frozenset({"system", "type", "instance"}),
    parameters={
        **tabular.PARAMETERS,
        "queryReference": Parameter("Reference"),
        "queryResource": Parameter("Resource"),
        "parameters": Parameter("Resource"),
    },
    unsupported=frozenset({"source"}),
)
