"""Validation against the base specification: structure, cardinality, formats, required codes, reference targets.

Everything that is wrong is found, each an ``Issue`` with the FHIRPath of the element. Invariants are FHIRPath and
come in through ``rules`` (``shangyi.query.invariants``), because the compiler stands below this package.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from shangyi.errors import Issue
from shangyi.fhir import definitions, fast, narrative
from shangyi.fhir.definitions import Element, Structure
from shangyi.fhir.primitives import CHECKS
from shangyi.fhir.rules import Rule, RuleProvider, holds, rules_at, rules_of

Resource = dict[str, Any]
__all__ = ["Rule", "RuleProvider", "validate"]
MOST_ISSUES = 200
DEEPEST = 100


def validate(resource: Any, rules: RuleProvider | None = None, most: int = MOST_ISSUES) -> list[Issue]:
    """All problems of a resource (a dict as parsed), in the order of its elements, at most ``most``."""
    if fast.sound(resource) and (rules is None or holds(resource, rules, fast.extended())):
        return []
    walk = _Walk(rules, most)
    try:
        walk.resource(resource, None, None, 0)
    except _Enough:
        pass
    return walk.issues


class _Enough(Exception):
    pass


class _Walk:
    def __init__(self, rules: RuleProvider | None, most: int) -> None:
        self.rules, self.most = rules, most
        self.issues: list[Issue] = []
        self.root: Resource = {}
        self.current: Resource = {}
        self.contained: frozenset[str] = frozenset()

    def add(self, code: str, path: str, text: str, severity: str = "error", **args: object) -> None:
        self.issues.append(Issue(severity, code, text, args, path))
        if len(self.issues) >= self.most:
            raise _Enough

    def resource(self, value: Any, path: str | None, holder: Resource | None, depth: int) -> None:
        """A resource: the root, contained, or the value of an element such as Bundle.entry.resource."""
        where = path or "Resource"
        if not isinstance(value, dict):
            return self.add("structure", where, "A resource must be an object")
        name = value.get("resourceType")
        if not isinstance(name, str) or not definitions.is_resource_type(name):
            return self.add(
                "structure",
                where,
                "resourceType must name a resource type of FHIR R4, not {name}",
                name=repr(name),
            )
        outer = (self.current, self.root, self.contained)
        self.current = value
        if holder is None:
            self.root = value
            found = value.get("contained")
            ids = [c.get("id") for c in found if isinstance(c, dict)] if isinstance(found, list) else []
            self.contained = frozenset(i for i in ids if isinstance(i, str))
        self.object(value, definitions.structure(name), path or name, depth, skip="resourceType")
        if holder is not None and "contained" in value:
            self.add(
                "invariant", f"{where}.contained", "A contained resource must not contain another (dom-2)"
            )
        self.current, self.root, self.contained = outer

    def object(self, value: Any, structure: Structure, path: str, depth: int, skip: str = "") -> None:
        """A complex value: its members, then cardinality, then invariants."""
        if not isinstance(value, dict):
            return self.add("structure", path, "Must be an object")
        if depth > DEEPEST:
            return self.add("too-long", path, "Nested more than {depth} levels deep", depth=DEEPEST)
        before = len(self.issues)
        properties = structure.properties
        filled: dict[str, int] = {}
        for name, item in value.items():
            if name == skip:
                continue
            plain = name.removeprefix("_")
            found = properties.get(plain)
            if found is None or (plain != name and not definitions.is_primitive(found[1])):
                self.add(
                    "structure", path, "{name} is not an element of {type}", name=name, type=structure.name
                )
                continue
            element, type_name = found
            here = f"{path}.{element.name}"
            if plain != name:
                filled.setdefault(element.name, 0)
                if plain not in value:
                    filled[element.name] += 1
                self.siblings(item, value.get(plain), element, here, depth)
                continue
            filled[element.name] = filled.get(element.name, 0) + 1
            rule_path = f"{structure.name}.{element.name}"
            self.member(item, value.get("_" + name), element, type_name, here, depth, rule_path)
        if not value:
            self.add("invariant", path, "An element must have a value or children (ele-1)")
        for element in structure.elements:
            count = filled.get(element.name, 0)
            if element.min and not count:
                self.add("required", f"{path}.{element.name}", "{name} is required", name=element.name)
            elif count > 1:
                self.add(
                    "structure",
                    f"{path}.{element.name}",
                    "Only one type of {name}[x] may be given",
                    name=element.name,
                )
        if self.rules is not None and len(self.issues) == before:
            self.invariants(value, rules_of(structure.name, self.rules), path)

    def invariants(self, value: Any, rules: tuple[Rule, ...], path: str) -> None:
        """Test rules on a value whose structure is sound."""
        for rule in rules:
            if not rule.test(value, self.current, self.root):
                self.add("invariant", path, rule.human + " ({key})", rule.severity, key=rule.key)

    def member(
        self,
        item: Any,
        sibling: Any,
        element: Element,
        type_name: str,
        path: str,
        depth: int,
        rule_path: str,
    ) -> None:
        """The value of one element: an array where the element repeats."""
        if not element.many:
            if isinstance(item, list):
                return self.add("structure", path, "{name} must not be an array", name=element.name)
            return self.ruled(item, element, type_name, path, depth, rule_path)
        if not isinstance(item, list):
            return self.add("structure", path, "{name} must be an array", name=element.name)
        if not item:
            return self.add("structure", path, "An array must not be empty")
        if element.max and len(item) > element.max:
            self.add("structure", path, "At most {max} of {name}", max=element.max, name=element.name)
        for index, one in enumerate(item):
            here = f"{path}[{index}]"
            if (
                one is None
                and isinstance(sibling, list)
                and index < len(sibling)
                and sibling[index] is not None
            ):
                continue
            self.ruled(one, element, type_name, here, depth, rule_path)

    def ruled(
        self, item: Any, element: Element, type_name: str, path: str, depth: int, rule_path: str
    ) -> None:
        """One value, then the rules stated for its element (``Organization.telecom``)."""
        before = len(self.issues)
        self.value(item, element, type_name, path, depth)
        if self.rules is not None and len(self.issues) == before:
            self.invariants(item, rules_at(rule_path, type_name, self.rules), path)

    def siblings(self, item: Any, values: Any, element: Element, path: str, depth: int) -> None:
        """Ids and extensions of primitives: ``_birthDate``, ``_given``, aligned with the values."""
        extra = definitions.structure("Element")
        if not element.many:
            return self.object(item, extra, path, depth + 1)
        if not isinstance(item, list) or not item:
            return self.add("structure", path, "{name} must be an array", name=f"_{element.name}")
        if isinstance(values, list) and len(values) != len(item):
            self.add("structure", path, "{name} and _{name} must have the same length", name=element.name)
        for index, one in enumerate(item):
            if one is not None:
                self.object(one, extra, f"{path}[{index}]", depth + 1)

    def value(self, item: Any, element: Element, type_name: str, path: str, depth: int) -> None:
        """One value of a known type."""
        check = CHECKS.get(type_name)
        if check is not None:
            return self.primitive(item, check, element, type_name, path)
        structure = definitions.structure(type_name)
        if structure.kind == "resource":
            held = self.current if path.endswith("]") and ".contained[" in path else None
            return self.resource(item, path, held, depth + 1)
        self.object(item, structure, path, depth + 1)
        if isinstance(item, dict):
            if type_name == "Reference":
                self.reference(item, element, path)
            elif element.binding and element.binding[0] == "required":
                self.coded(item, element, type_name, path)

    def primitive(
        self, item: Any, check: Callable[[Any], bool], element: Element, type_name: str, path: str
    ) -> None:
        if not check(item):
            if item is None or item == "":
                return self.add("structure", path, "An element must have a value or children (ele-1)")
            return self.add("value", path, "{value} is not a {type}", value=_shown(item), type=type_name)
        if type_name == "xhtml":
            if wrong := narrative.problem(item):
                self.add(
                    "invariant",
                    path,
                    "The narrative is not the basic XHTML that FHIR allows: {reason} (txt-1)",
                    reason=wrong,
                )
        elif element.binding and (value_set := element.required_value_set):
            self.code(item, value_set, path)

    def code(self, item: str, value_set: str, path: str) -> None:
        codes = definitions.codes(value_set)
        if codes is not None and not any(item in listed for listed in codes.values()):
            self.add(
                "code-invalid",
                path,
                "{value} is not a code of {value_set}",
                value=_shown(item),
                value_set=value_set,
            )

    def coded(self, item: Resource, element: Element, type_name: str, path: str) -> None:
        """A CodeableConcept or Coding under a required binding: one coding must be of the value set."""
        codings = item.get("coding") if type_name == "CodeableConcept" else [item]
        value_set = element.required_value_set or ""
        codes = definitions.codes(value_set)
        if codes is None or type_name not in ("CodeableConcept", "Coding") or not isinstance(codings, list):
            return
        for coding in codings:
            if isinstance(coding, dict) and coding.get("code") in codes.get(coding.get("system") or "", ()):
                return
        if codings or "text" not in item:
            self.add(
                "code-invalid", path, "No coding is of {value_set}, which is required", value_set=value_set
            )

    def reference(self, item: Resource, element: Element, path: str) -> None:
        """A reference: its target type, and a contained resource that it names."""
        target = item.get("reference")
        if isinstance(target, str):
            if target.startswith("#"):
                if len(target) > 1 and target[1:] not in self.contained:
                    self.add(
                        "invariant",
                        f"{path}.reference",
                        "{reference} is not contained in the resource (ref-1)",
                        reference=_shown(target),
                    )
                return
            stated: object = _type_in(target)
        else:
            stated = item.get("type")
        if (
            element.targets
            and isinstance(stated, str)
            and definitions.is_resource_type(stated)
            and stated not in element.targets
        ):
            self.add(
                "value",
                path,
                "A reference to {type} is not allowed here; allowed: {allowed}",
                type=stated,
                allowed=", ".join(element.targets),
            )


def _type_in(reference: str) -> str | None:
    """The resource type that a literal reference names, None for ``urn:uuid:`` and foreign URLs."""
    if reference.startswith("urn:"):
        return None
    parts = reference.split("?", 1)[0].split("/_history/", 1)[0].split("/")
    if "?" in reference:
        return parts[-1]
    return parts[-2] if len(parts) >= 2 else None


def _shown(value: object) -> str:
    """A value in a sentence, cut to 60 characters; never a whole document."""
    if isinstance(value, str):
        text = f"“{value[:60]}”"
    else:
        text = str(value) if isinstance(value, int | Decimal) else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
