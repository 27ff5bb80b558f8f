"""http://hl7.org/fhir/R4/fhirpath.html#functions"""

from typing import Any

from shangyi.fhir import definitions, narrative, validation
from shangyi.fhir.definitions import is_resource_type
from shangyi.query import typed
from shangyi.query.closures.adapters import Builder, Compile, on_collections, on_items
from shangyi.query.closures.evaluation import Closure, Evaluation, Scope
from shangyi.query.closures.references import reference_key, resolve
from shangyi.query.closures.values import (
    Collection,
    Element,
    boolean,
    named,
    single,
    single_value,
    system,
    type_of,
)
from shangyi.query.errors import EvaluationError

_STRUCTURES = "http://hl7.org/fhir/StructureDefinition/"


def _extension(items: Collection, url: Collection) -> Collection:
    wanted = single_value(url)
    return [
        extension
        for item in items
        if isinstance(item, Element)
        for extension in named(item, "extension")
        if extension.members.get("url") == wanted
    ]


def _has_value(items: Collection, at: Evaluation) -> Collection:
    if len(items) != 1:
        return [False]
    item = items[0]
    return [not isinstance(item, Element) or (type(item.value) is not dict and item.value is not None)]


def _get_value(items: Collection, at: Evaluation) -> Collection:
    item = single(items)
    if not isinstance(item, Element) or type(item.value) is dict:
        return []
    value = system(item)
    return [] if value is None else [value]


def _resolve(items: Collection, at: Evaluation) -> Collection:
    found = [resolve(item, at) for item in items]
    return [item for item in found if item is not None]


def _resource_key(items: Collection, at: Evaluation) -> Collection:
    item = single(items)
    if item is None:
        return []
    if not isinstance(item, Element) or not is_resource_type(item.type):
        raise EvaluationError("Only a resource has a key, not {type}", type=str(type_of(item)))
    return [f"{item.type}/{item.value['id']}"] if "id" in item.value else []


def _reference_key(items: Collection, wanted: Collection | None = None) -> Collection:
    name = single_value(wanted or [])
    found = [
        reference_key(item.members.get("reference"), name)
        for item in items
        if isinstance(item, Element) and item.type == "Reference"
    ]
    return [key for key in found if key is not None]


def _html_checks(items: Collection, at: Evaluation) -> Collection:
    texts = [system(item) for item in items]
    return [all(isinstance(text, str) and narrative.problem(text) is None for text in texts)]


def _conforms_to(items: Collection, profile: Collection) -> Collection:
    """The base specification's own definitions are known; a profile's are not yet."""
    item, url = single(items), single_value(profile)
    if item is None or url is None:
        return []
    name = str(url).removeprefix(_STRUCTURES)
    if name not in definitions.type_names():
        raise EvaluationError("The profile {profile} is not known", profile=url)
    if not isinstance(item, Element) or not definitions.is_subtype(item.type, name):
        return [False]
    if not is_resource_type(item.type):
        return [True]
    return [not any(issue.severity == "error" for issue in validation.validate(item.value))]


def _member_of(call: typed.Call, compile_: Compile) -> Closure:
    source, argument = compile_(call.source), compile_(call.arguments[0])

    def run(scope: Scope) -> Collection:
        item, url = single(source(scope)), single_value(argument(scope))
        if item is None or url is None:
            return []
        value = item.value if isinstance(item, Element) else item
        if scope.at.member_of is not None:
            return boolean(scope.at.member_of(value, url))
        codes = definitions.codes(url)
        if codes is None:
            raise EvaluationError("The value set {url} is not known", url=url)
        return [any(code in codes.get(system_, ()) for system_, code in _codings(value, codes))]

    return run


def _codings(value: Any, codes: Any) -> list[tuple[str, Any]]:
    if isinstance(value, str):
        return [(system_, value) for system_ in codes]
    if not isinstance(value, dict):
        return []
    codings = value.get("coding", []) if "coding" in value else [value]
    return [(c.get("system") or "", c.get("code")) for c in codings if isinstance(c, dict)]


def _without(what: str) -> Any:
    def refuse(*collections: Collection) -> Collection:
        raise EvaluationError("{name}() needs what is not here yet: profiles or code systems", name=what)

    return refuse


def _check_modifiers(items: Collection, *known: Collection) -> Collection:
    urls = {single_value(url) for url in known}
    for item in items:
        for extension in named(item, "modifierExtension") if isinstance(item, Element) else []:
            if extension.members.get("url") not in urls:
                raise EvaluationError(
                    "An unknown modifier extension: {url}", url=extension.members.get("url")
                )
    return items


def _element_definition(items: Collection, at: Evaluation) -> Collection:
    """What the base specification says of each element, as far as the tables hold it."""
    found: Collection = []
    for item in items:
        if not isinstance(item, Element) or item.parent is None:
            continue
        element = definitions.structure(item.parent.type).by_name.get(item.name)
        if element is None:
            continue
        path = f"{item.parent.type}.{element.name}{'[x]' if element.choice else ''}"
        definition: dict[str, Any] = {
            "id": path,
            "path": path,
            "min": element.min,
            "max": str(element.max) if element.max else "*",
            "type": [{"code": name if "." not in name else "BackboneElement"} for name in element.types],
        }
        if element.binding:
            definition["binding"] = {"strength": element.binding[0], "valueSet": element.binding[1]}
        found.append(Element(definition, "ElementDefinition"))
    return found


FUNCTIONS: dict[str, Builder] = {
    "extension": on_collections(_extension),
    "hasValue": on_items(_has_value),
    "getValue": on_items(_get_value),
    "resolve": on_items(_resolve),
    "getResourceKey": on_items(_resource_key),
    "getReferenceKey": on_collections(_reference_key),
    "elementDefinition": on_items(_element_definition),
    "slice": on_collections(_without("slice")),
    "checkModifiers": on_collections(_check_modifiers),
    "conformsTo": on_collections(_conforms_to),
    "memberOf": _member_of,
    "subsumes": on_collections(_without("subsumes")),
    "subsumedBy": on_collections(_without("subsumedBy")),
    "htmlChecks": on_items(_html_checks),
}
