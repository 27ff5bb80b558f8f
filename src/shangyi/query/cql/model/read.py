"""Models from ModelInfo XML, and the built-in ones from the tables that ``scripts/generate_modelinfo.py`` made."""

import json
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from shangyi.errors import Invalid
from shangyi.query.cql.model.info import ClassInfo, Conversion, Element, Model
from shangyi.query.cql.types import IntervalOf, ListOf, Type, choice, tuple_of
from shangyi.query.types import ItemType

TABLES = Path(__file__).parents[1] / "tables"
_KIND = "{http://www.w3.org/2001/XMLSchema-instance}type"


@cache
def built_in(name: str) -> Model:
    """``System`` or ``FHIR``."""
    table = json.loads((TABLES / f"{name.lower()}.json").read_text(encoding="utf-8"))
    return from_table(table)


def load(file: Path) -> Model:
    """The model of a ModelInfo file; Invalid where it is none. Read once for each state of the file."""
    stat = file.stat()
    return _load(file, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=16)
def _load(file: Path, _changed: int, _size: int) -> Model:
    try:
        return from_table(to_table(ElementTree.parse(file).getroot()))
    except (ElementTree.ParseError, KeyError, ValueError) as error:
        raise Invalid("{file} is no ModelInfo: {error}", file=str(file), error=str(error)) from None


def to_table(root: ElementTree.Element) -> dict[str, Any]:
    """ModelInfo XML as the table that is kept: types in the notation of CQL, texts for people left out."""
    _unqualified(root)
    types: dict[str, Any] = {}
    for info in root.findall("typeInfo"):
        qualified = info.attrib["name"]
        namespace = info.get("namespace", "") or qualified.partition(".")[0]
        name = qualified if info.get("namespace") else qualified.partition(".")[2]
        base = info.get("baseType") or _specified(info.find("baseTypeSpecifier"), namespace)
        elements = {
            e.attrib["name"]: [_type_of(e, namespace), e.get("target", "")]
            for e in info.findall("element")
            if e.get("prohibited") != "true"
        }
        types[name] = [
            namespace,
            base,
            elements,
            info.get("identifier", ""),
            info.get("label", ""),
            info.get("retrievable") == "true",
            info.get("primaryCodePath", ""),
            info.get("target", ""),
        ]
    return {
        "name": root.attrib["name"],
        "version": root.get("version", ""),
        "url": root.attrib["url"],
        "target_url": root.get("targetUrl", ""),
        "patient": root.get("patientClassName", "").rpartition(".")[2],
        "birth_date": root.get("patientBirthDatePropertyName", ""),
        "types": types,
        "conversions": [
            [c.attrib["functionName"], c.attrib["fromType"], c.attrib["toType"]]
            for c in root.findall("conversionInfo")
        ],
    }


def from_table(table: dict[str, Any]) -> Model:
    """The model of a table."""
    classes = {}
    for name, row in table["types"].items():
        namespace, base, elements, identifier, label, retrievable, code_path, target = row
        classes[name] = ClassInfo(
            ItemType(namespace, name),
            parse_type(base) if base else None,
            {key: Element(parse_type(type_), aim) for key, (type_, aim) in elements.items()},
            identifier,
            label,
            retrievable,
            code_path,
            target,
        )
    conversions = tuple(Conversion(f, parse_type(a), parse_type(b)) for f, a, b in table["conversions"])
    return Model(
        table["name"],
        table["version"],
        table["url"],
        table["target_url"] or table["url"],
        table["patient"],
        table["birth_date"],
        classes,
        conversions,
    )


def _unqualified(root: ElementTree.Element) -> None:
    for node in root.iter():
        node.tag = node.tag.rpartition("}")[2]
        node.attrib = {k if k == _KIND else k.rpartition("}")[2]: v for k, v in node.attrib.items()}


def _type_of(element: ElementTree.Element, namespace: str) -> str:
    written = element.get("elementType") or element.get("type")
    if written:
        return _qualified(written, namespace)
    specified = element.find("elementTypeSpecifier")
    return _specified(specified if specified is not None else element.find("typeSpecifier"), namespace)


def _qualified(name: str, namespace: str) -> str:
    return name if "." in name or "<" in name else f"{namespace}.{name}"


def _specified(node: ElementTree.Element | None, namespace: str) -> str:
    """A type specifier in the notation of CQL."""
    if node is None:
        return ""
    match node.get(_KIND, "NamedTypeSpecifier").rpartition(":")[2]:
        case "ListTypeSpecifier":
            inner = node.get("elementType")
            return f"List<{(inner and _qualified(inner, namespace)) or _inner(node, 'elementTypeSpecifier', namespace)}>"
        case "IntervalTypeSpecifier":
            inner = node.get("pointType")
            return f"Interval<{(inner and _qualified(inner, namespace)) or _inner(node, 'pointTypeSpecifier', namespace)}>"
        case "ChoiceTypeSpecifier":
            options = [*node.findall("choice"), *node.findall("type"), *node.findall("typeSpecifier")]
            return f"Choice<{', '.join(_specified(option, namespace) for option in options)}>"
        case "TupleTypeSpecifier":
            parts = (f"{e.attrib['name']} {_type_of(e, namespace)}" for e in node.findall("element"))
            return f"Tuple{{{', '.join(parts)}}}"
    return f"{node.get('namespace') or node.get('modelName') or namespace}.{node.attrib['name']}"


def _inner(node: ElementTree.Element, name: str, namespace: str) -> str:
    return _specified(node.find(name), namespace)


@lru_cache(maxsize=8192)
def parse_type(text: str) -> Type:
    """A type as ``str`` writes it; names may have any characters but ``<>{},`` (``FHIR.List.Entry``)."""
    kind, opening, rest = text.partition("<")
    if opening and kind in _GENERIC:
        return _GENERIC[kind]([parse_type(part.strip()) for part in _split(rest[:-1])])
    if text.startswith("Tuple{"):
        return tuple_of(
            {
                name: parse_type(type_)
                for name, _, type_ in (p.strip().partition(" ") for p in _split(text[6:-1]))
            }
        )
    namespace, _, name = text.partition(".")
    return ItemType(namespace, name)


_GENERIC: dict[str, Callable[[list[Type]], Type]] = {
    "List": lambda types: ListOf(types[0]),
    "Interval": lambda types: IntervalOf(types[0]),
    "Choice": choice,
}


def _split(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        depth += (character in "<{") - (character in ">}")
        if character == "," and not depth:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]
