"""A ViewDefinition as a tree (https://sql-on-fhir.org/ig/latest/StructureDefinition-ViewDefinition.html)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from shangyi.fhir import definitions
from shangyi.query import temporal, tree
from shangyi.query.model import system_of
from shangyi.query.parser import parse as parse_expression
from shangyi.query.types import ItemType
from shangyi.query.views.errors import Faults

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_ANYWHERE = frozenset({"id", "extension", "modifierExtension"})
_METADATA = frozenset(
    "resourceType meta implicitRules language text contained url identifier name title version status experimental"
    " publisher contact date description useContext jurisdiction copyright copyrightLabel purpose fhirVersion"
    " profile versionAlgorithmString versionAlgorithmCoding".split()
)
_SELECT = frozenset({"column", "select", "forEach", "forEachOrNull", "repeat", "unionAll"})
_COLUMN = frozenset({"name", "path", "type", "collection", "description", "tag"})
_CONSTANTS = frozenset(
    "base64Binary boolean canonical code date dateTime decimal id instant integer integer64 oid string positiveInt"
    " time unsignedInt uri url uuid".split()
)


@dataclass(frozen=True, slots=True)
class Path:
    """An expression, and where it stands in the view."""

    text: str
    place: str


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """``collection``: None where the view does not say. ``type``: as declared, "" where it is not."""

    name: str
    path: Path
    type: str = ""
    collection: bool | None = None


@dataclass(frozen=True, slots=True)
class Select:
    """``rows``: none, ``forEach``, ``forEachOrNull`` or ``repeat``, by ``paths``."""

    place: str
    columns: tuple[ViewColumn, ...] = ()
    rows: str = ""
    paths: tuple[Path, ...] = ()
    selects: tuple["Select", ...] = ()
    unions: tuple["Select", ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that it gives, in order."""
        inner = [name for select in self.selects for name in select.names]
        united = self.unions[0].names if self.unions else ()
        return (*(column.name for column in self.columns), *inner, *united)

    def expressions(self) -> Iterator[Path]:
        """Every path, those within it too."""
        yield from (column.path for column in self.columns)
        yield from self.paths
        for inner in (*self.selects, *self.unions):
            yield from inner.expressions()


@dataclass(frozen=True, slots=True)
class View:
    """``constants``: System values by name."""

    resource: str
    name: str
    selects: tuple[Select, ...]
    where: tuple[Path, ...] = ()
    constants: Mapping[str, object] = field(default_factory=dict)

    @property
    def timeless(self) -> bool:
        """Whether it gives the same of a resource tomorrow: it asks neither for the day nor for the time."""
        paths = [*self.where, *(path for select in self.selects for path in select.expressions())]
        return not any(_asks_time(parse_expression(path.text)) for path in paths)


def _asks_time(node: tree.Node) -> bool:
    if isinstance(node, tree.Call) and node.name in ("now", "today", "timeOfDay"):
        return True
    return any(_asks_time(child) for child in tree.children(node))


def parse(resource: object) -> View:
    """The view that a resource (plain JSON) defines; ViewError with every structural fault."""
    faults = Faults()
    if not isinstance(resource, Mapping):
        faults.add("ViewDefinition", "A ViewDefinition is an object", code="structure")
        faults.check()
    reader = _Reader(faults)
    view = reader.view(resource)  # type: ignore[arg-type]
    faults.check()
    return view


class _Reader:
    def __init__(self, faults: Faults) -> None:
        self.faults = faults

    def view(self, plain: Mapping[str, Any]) -> View:
        place = "ViewDefinition"
        self.known(plain, place, _METADATA | {"resource", "constant", "select", "where"})
        if plain.get("resourceType", place) != place:
            self.faults.add(place, "This is a {type}, not a ViewDefinition", type=plain["resourceType"])
        type_ = plain.get("resource")
        if not isinstance(type_, str) or not definitions.is_resource_type(type_):
            self.faults.add(
                f"{place}.resource", "A view names the type of resource that it is of", code="required"
            )
        selects = tuple(self.select(s, p) for s, p in self.objects(plain, "select", place))
        if not selects:
            self.faults.add(f"{place}.select", "A view selects something", code="required")
        self.unique([(name, s.place) for s in selects for name in s.names])
        where = [self.path(w, "path", p) for w, p in self.objects(plain, "where", place)]
        constants = [self.constant(c, p) for c, p in self.objects(plain, "constant", place)]
        return View(
            str(type_),
            str(plain.get("name") or ""),
            selects,
            tuple(path for path in where if path),
            {name: value for name, value in constants if name},
        )

    def known(self, plain: Mapping[str, Any], place: str, names: frozenset[str]) -> None:
        for key in plain:
            if key not in names and key not in _ANYWHERE and key.lstrip("_") not in names | {"fhir_comments"}:
                self.faults.add(
                    f"{place}.{key}",
                    "A ViewDefinition has no element {name} here",
                    code="structure",
                    name=key,
                )

    def objects(self, plain: Mapping[str, Any], key: str, place: str) -> list[tuple[Mapping[str, Any], str]]:
        value = plain.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, Mapping) for v in value):
            self.faults.add(f"{place}.{key}", "{name} is a list of objects", code="structure", name=key)
            return []
        return [(v, f"{place}.{key}[{i}]") for i, v in enumerate(value)]

    def select(self, plain: Mapping[str, Any], place: str) -> Select:
        self.known(plain, place, _SELECT)
        columns = [self.column(c, p) for c, p in self.objects(plain, "column", place)]
        rows = [key for key in ("forEach", "forEachOrNull", "repeat") if key in plain]
        if len(rows) > 1:
            self.faults.add(
                place, "Only one of forEach, forEachOrNull and repeat goes together with a select"
            )
        unions = tuple(self.select(s, p) for s, p in self.objects(plain, "unionAll", place))
        for other in unions[1:]:
            if other.names != unions[0].names:
                self.faults.add(
                    other.place, "The branches of unionAll have the same columns in the same order"
                )
        found = Select(
            place,
            tuple(c for c in columns if c),
            rows[0] if rows else "",
            self.paths(plain, rows[0], place) if rows else (),
            tuple(self.select(s, p) for s, p in self.objects(plain, "select", place)),
            unions,
        )
        if not found.columns and not found.selects and not found.unions:
            self.faults.add(place, "A select has columns, or selects or unions within it", code="required")
        return found

    def paths(self, plain: Mapping[str, Any], key: str, place: str) -> tuple[Path, ...]:
        if key != "repeat":
            found = self.path(plain, key, place)
            return (found,) if found else ()
        value = plain[key]
        if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
            self.faults.add(f"{place}.repeat", "repeat is a list of FHIRPath expressions", code="structure")
            return ()
        return tuple(Path(v, f"{place}.repeat[{i}]") for i, v in enumerate(value))

    def path(self, plain: Mapping[str, Any], key: str, place: str) -> Path | None:
        value = plain.get(key)
        if not isinstance(value, str) or not value.strip():
            self.faults.add(f"{place}.{key}", "{name} is a FHIRPath expression", code="structure", name=key)
            return None
        return Path(value, f"{place}.{key}")

    def column(self, plain: Mapping[str, Any], place: str) -> ViewColumn | None:
        self.known(plain, place, _COLUMN)
        name, path = plain.get("name"), self.path(plain, "path", place)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            self.faults.add(f"{place}.name", "A column has a name of letters, digits and _", code="required")
            return None
        collection, type_ = plain.get("collection"), plain.get("type", "")
        if collection is not None and not isinstance(collection, bool):
            self.faults.add(f"{place}.collection", "collection is true or false", code="structure")
        if not isinstance(type_, str):
            self.faults.add(f"{place}.type", "type is the name of a type", code="structure")
        return ViewColumn(name, path, str(type_), collection) if path else None

    def constant(self, plain: Mapping[str, Any], place: str) -> tuple[str, object]:
        self.known(plain, place, frozenset({"name"} | {f"value{t[0].upper()}{t[1:]}" for t in _CONSTANTS}))
        name = plain.get("name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            self.faults.add(
                f"{place}.name", "A constant has a name of letters, digits and _", code="required"
            )
            return "", None
        given = [key for key in plain if key.startswith("value")]
        if len(given) != 1:
            self.faults.add(f"{place}.value", "A constant has one value", code="required")
            return "", None
        type_ = given[0][5:6].lower() + given[0][6:]
        value = _value(type_, plain[given[0]])
        if value is None:
            self.faults.add(f"{place}.{given[0]}", "This is no {type}", code="value", type=type_)
            return "", None
        return name, value

    def unique(self, names: list[tuple[str, str]]) -> None:
        seen: set[str] = set()
        for name, place in names:
            if name.lower() in seen:
                self.faults.add(place, "There are two columns {name}", code="duplicate", name=name)
            seen.add(name.lower())


def _value(type_: str, value: Any) -> object:
    """A System value of a JSON value, None where it is none of that type."""
    kind = ItemType("System", "Integer") if type_ == "integer64" else system_of(type_)
    assert kind is not None
    if isinstance(value, bool):
        return value if kind.name == "Boolean" else None
    if kind.name == "Integer":
        return value if isinstance(value, int) and -(2**31) <= value < 2**31 else None
    if kind.name == "Decimal":
        return Decimal(str(value)) if isinstance(value, int | float | Decimal) else None
    if not isinstance(value, str) or not value:
        return None
    return (
        value
        if kind.name == "String"
        else temporal.parse(kind.name, value)
        if kind.name != "Boolean"
        else None
    )
