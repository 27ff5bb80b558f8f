"""FHIR XML (http://hl7.org/fhir/R4/xml.html) to and from the dicts of FHIR JSON.

The tables tell what an element is: its order, whether it repeats, its type. Document types and entities are
refused at their first byte, so no entity can grow. What is not FHIR is refused with its line and column. The
order of elements is not held against a reader's input (an official example breaks it); it is kept in writing.
"""

import re
from decimal import Decimal
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape

from shangyi.errors import Invalid, TooLarge, Unprocessable
from shangyi.fhir import definitions, json, narrative
from shangyi.fhir.definitions import Element

Resource = dict[str, Any]
FHIR = "http://hl7.org/fhir"
XHTML = narrative.NAMESPACE
SCHEMA_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
DEEPEST = 100
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,400})(\.\d{1,400})?([eE][+-]?\d{1,4})?")
_ATTRIBUTE = {'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def loads(data: bytes, largest: int | None = None) -> Resource:
    """The resource in FHIR XML as the dict that its JSON would be. Invalid with line and column, TooLarge."""
    if largest is not None and len(data) > largest:
        raise TooLarge("More than {largest} bytes", largest=largest)
    if len(data) > json.MOST_VALUES and data.count(b"<") > json.MOST_VALUES:
        raise TooLarge(
            "More than {most:,} values in one document; load such data in bulk", most=json.MOST_VALUES
        )
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or data[:4].count(0):
        raise Invalid("FHIR XML is UTF-8")
    return _Reader(data.removeprefix(b"\xef\xbb\xbf")).resource()


class _Frame:
    """An open element: what it is and what has been read of it."""

    __slots__ = ("element", "properties", "seen", "type", "value")

    def __init__(self, element: Element | None, type_name: str, value: Resource) -> None:
        self.element, self.type, self.value = element, type_name, value
        structure = definitions.structure("Element" if definitions.is_primitive(type_name) else type_name)
        self.properties = structure.properties
        self.seen: set[str] = set()


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.stack: list[_Frame] = []
        self.result: Resource | None = None
        self.div_depth = 0
        self.div_start = 0
        self.parser = parser = expat.ParserCreate("UTF-8", namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self.start, self.end
        parser.CharacterDataHandler = self.characters
        parser.StartDoctypeDeclHandler = self.refuse_doctype
        parser.XmlDeclHandler = self.declaration

    def resource(self) -> Resource:
        try:
            self.parser.Parse(self.data, True)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            raise Invalid(
                "Not well-formed XML: {reason} (line {line}, column {column})",
                reason=reason,
                line=error.lineno,
                column=error.offset + 1,
            ) from error
        if self.result is None:
            raise Invalid("There is no resource in this XML")
        return self.result

    def refuse(self, text: str, **args: object) -> Invalid:
        line, column = self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1
        return Invalid(text + " (line {line}, column {column})", None, **args, line=line, column=column)

    def refuse_doctype(self, *_: object) -> None:
        raise self.refuse("Document types and entities are not allowed in FHIR XML")

    def declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.upper() not in ("UTF-8", "UTF8", "US-ASCII"):
            raise self.refuse("FHIR XML is UTF-8, not {encoding}", encoding=encoding)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if self.div_depth:
            self.div_depth += 1
            return
        namespace, _, name = tag.rpartition(" ")
        attributes = {k: v for k, v in attributes.items() if not k.startswith(SCHEMA_INSTANCE + " ")}
        parent = self.stack[-1] if self.stack else None
        if parent is not None and namespace == XHTML and name == "div" and parent.type == "Narrative":
            self.div_depth, self.div_start = 1, self.parser.CurrentByteIndex
            self.place(parent, "div")
            return
        if namespace != FHIR:
            raise self.refuse("{name} is not in the namespace of FHIR", name=name)
        if len(self.stack) >= DEEPEST:
            raise self.refuse("Nested more than {depth} levels deep", depth=DEEPEST)
        if parent is None or parent.type == "Resource":
            self.open_resource(name, attributes)
        else:
            self.open_element(parent, name, attributes)

    def open_resource(self, name: str, attributes: dict[str, str]) -> None:
        if not definitions.is_resource_type(name):
            raise self.refuse("FHIR R4 has no resource type {name}", name=name)
        if attributes:
            raise self.refuse("{name} has no attribute {attribute}", name=name, attribute=min(attributes))
        if self.stack and self.stack[-1].value:
            raise self.refuse("Only one resource may stand here")
        value = self.stack[-1].value if self.stack else {}
        value["resourceType"] = name
        self.stack.append(_Frame(None, name, value))

    def open_element(self, parent: _Frame, name: str, attributes: dict[str, str]) -> None:
        element, type_name = self.place(parent, name)
        for attribute in attributes:
            if attribute not in _attributes(type_name):
                raise self.refuse("{name} has no attribute {attribute}", name=name, attribute=attribute)
        value: Resource = dict(attributes)
        self.stack.append(_Frame(element, type_name, value))

    def place(self, parent: _Frame, name: str) -> tuple[Element, str]:
        """The element that a tag is; refused where it does not belong or comes too often."""
        found = parent.properties.get(name)
        if found is None or _is_attribute(parent.type, name):
            raise self.refuse("{name} is not an element of {type}", name=name, type=parent.type)
        if name in parent.seen and not found[0].many:
            raise self.refuse("{name} is given more than once", name=name)
        parent.seen.add(name)
        return found

    def end(self, tag: str) -> None:
        if self.div_depth:
            self.div_depth -= 1
            if not self.div_depth:
                self.stack[-1].value["div"] = self.div()
            return
        name = tag.rpartition(" ")[2]
        frame = self.stack.pop()
        parent = self.stack[-1] if self.stack else None
        _drop_empty(frame.value)
        if frame.element is None:  # a resource
            if parent is None:
                self.result = frame.value
            return
        assert parent is not None
        if not frame.value:
            raise self.refuse("{name} has neither a value nor content", name=name)
        if definitions.is_primitive(frame.type):
            extra = frame.value
            text = extra.pop("value", None)
            value = None if text is None else _value(text, frame.type)
            _store(parent.value, name, frame.element.many, value, extra)
        elif frame.element.many:
            parent.value.setdefault(name, []).append(frame.value)
        else:
            parent.value[name] = frame.value

    def div(self) -> str:
        """The XHTML as it stands in the document."""
        index = self.parser.CurrentByteIndex
        end = self.data.find(b">", index) + 1
        div = self.data[self.div_start : end].decode("utf-8")
        if not div.startswith("<div") or "xmlns" not in div[: div.find(">")]:
            raise self.refuse("The div of a narrative must declare the namespace of XHTML itself")
        return div.replace("\r\n", "\n")

    def characters(self, text: str) -> None:
        if not self.div_depth and not text.isspace():
            raise self.refuse("Text outside of an attribute or narrative")


def _attributes(type_name: str) -> tuple[str, ...]:
    if definitions.is_primitive(type_name):
        return ("id", "value")
    if definitions.structure(type_name).kind == "resource":
        return ()
    return ("id", "url") if type_name == "Extension" else ("id",)


def _is_attribute(type_name: str, name: str) -> bool:
    """Whether id or url is an attribute: of every element that is not a resource; url of Extension only."""
    if name == "url":
        return type_name == "Extension"
    return name == "id" and definitions.structure(type_name).kind != "resource"


def _value(text: str, type_name: str) -> Any:
    """The JSON value of a ``value`` attribute; the text itself where it is none, for validation to name."""
    if type_name == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if type_name in ("integer", "positiveInt", "unsignedInt", "decimal") and _NUMBER.fullmatch(text):
        exact = text.lstrip("-").isdigit()
        return int(text) if exact else Decimal(text) if type_name == "decimal" else text
    return text


def _store(owner: Resource, name: str, many: bool, value: Any, extra: Resource) -> None:
    """Put a primitive into its object: value under its name, id and extensions under ``_name``."""
    if not many:
        if value is not None:
            owner[name] = value
        if extra:
            owner["_" + name] = extra
        return
    values = owner.setdefault(name, [])
    values.append(value)
    others = owner.get("_" + name)
    if extra and others is None:
        others = owner["_" + name] = [None] * (len(values) - 1)
    if others is not None:
        others.append(extra or None)


def _drop_empty(owner: Resource) -> None:
    """Repeating primitives without any value have only their ``_name`` in JSON."""
    for name in [n[1:] for n, v in owner.items() if n[0] == "_" and isinstance(v, list)]:
        if all(value is None for value in owner[name]):
            del owner[name]


def dumps(resource: Resource) -> bytes:
    """FHIR XML in UTF-8. Unprocessable where the dict is not a FHIR resource or XML cannot hold a character."""
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n']
    _write_resource(resource, parts, f' xmlns="{FHIR}"', 0)
    return "".join(parts).encode("utf-8")


def _write_resource(resource: Any, parts: list[str], namespace: str, depth: int) -> None:
    name = resource.get("resourceType") if isinstance(resource, dict) else None
    if not definitions.is_resource_type(name) or not isinstance(name, str):
        raise Unprocessable("A resource needs a resourceType of FHIR R4")
    parts.append(f"<{name}{namespace}>")
    _write_members(resource, name, parts, depth + 1, ("resourceType",))
    parts.append(f"</{name}>")


def _write_members(
    value: Resource, type_name: str, parts: list[str], depth: int, skip: tuple[str, ...]
) -> None:
    if depth > DEEPEST * 2:
        raise Unprocessable("Nested more than {depth} levels deep", depth=DEEPEST)
    properties = definitions.structure(type_name).properties
    names = {name.removeprefix("_") for name in value} - set(skip)
    unknown = names - set(properties)
    if unknown:
        raise Unprocessable("{name} is not an element of {type}", name=min(unknown), type=type_name)
    for name in [name for name in properties if name in names]:
        element, item_type = properties[name]
        items, extras = value.get(name), value.get("_" + name)
        if not element.many:
            items, extras = [items], [extras]
        items, extras = _list(items, name), _list(extras, name)
        for index in range(max(len(items), len(extras))):
            item = items[index] if index < len(items) else None
            extra = extras[index] if index < len(extras) else None
            _write_one(name, item, extra, item_type, parts, depth)


def _list(value: Any, name: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unprocessable("{name} must be an array", name=name)
    return value


def _write_one(name: str, item: Any, extra: Any, type_name: str, parts: list[str], depth: int) -> None:
    if type_name == "xhtml" and isinstance(item, str):
        parts.append(_narrative(item))
    elif definitions.is_primitive(type_name):
        content = extra if isinstance(extra, dict) else {}
        parts.append(f"<{name}{_attribute('id', content.get('id'))}{_attribute('value', item)}")
        _close(name, content, "Element", parts, depth, ("id",))
    elif not isinstance(item, dict):
        if item is not None:
            raise Unprocessable("{name} must be an object", name=name)
    elif definitions.structure(type_name).kind == "resource":
        parts.append(f"<{name}>")
        _write_resource(item, parts, "", depth + 1)
        parts.append(f"</{name}>")
    else:
        url = _attribute("url", item.get("url")) if type_name == "Extension" else ""
        parts.append(f"<{name}{_attribute('id', item.get('id'))}{url}")
        _close(name, item, type_name, parts, depth, ("id", "url") if type_name == "Extension" else ("id",))


def _close(
    name: str, content: Resource, type_name: str, parts: list[str], depth: int, skip: tuple[str, ...]
) -> None:
    if any(key not in skip for key in content):
        parts.append(">")
        _write_members(content, type_name, parts, depth + 1, skip)
        parts.append(f"</{name}>")
    else:
        parts.append("/>")


def _attribute(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, (str, int, Decimal)):
        text = str(value)
    else:
        raise Unprocessable("{name} must be a plain value", name=name)
    return f' {name}="{escape(_legal(text), _ATTRIBUTE)}"'


def _legal(text: str) -> str:
    if _FORBIDDEN.search(text):
        raise Unprocessable("A text holds a character that XML cannot hold")
    return text


def _narrative(div: str) -> str:
    """The div as XML: named characters resolved, the namespace stated, refused where it is not well-formed."""
    text = narrative.without_named_entities(_legal(div.strip()))
    if text.startswith("<div") and "xmlns" not in text[: text.find(">")]:
        text = f'<div xmlns="{XHTML}"{text[4:]}'
    parser = expat.ParserCreate(namespace_separator=" ")
    roots: list[str] = []
    parser.StartElementHandler = lambda name, _: roots.append(name) if not roots else None
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise Unprocessable("The narrative is not well-formed XML") from error
    if roots != [f"{XHTML} div"] or text.startswith(("<?", "<!")):
        raise Unprocessable("The narrative is not a div")
    return text
