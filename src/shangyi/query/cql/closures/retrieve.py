"""Retrieves: a resident's resources of a type, with these codes, in this time."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shangyi.query.closures.values import Element
from shangyi.query.cql import tree
from shangyi.query.cql.closures.evaluation import Closure, Evaluation, Frame
from shangyi.query.cql.closures.faults import placed
from shangyi.query.cql.closures.fhir import get, primitive
from shangyi.query.cql.closures.fhirhelpers import to_code, to_concept, to_interval
from shangyi.query.cql.closures.scope import Names
from shangyi.query.cql.operators.overloads import included_in
from shangyi.query.cql.operators.terminology import codes_of, in_valueset
from shangyi.query.cql.profiles import of_profile
from shangyi.query.cql.values import Code, CodeSystem, ValueSet

if TYPE_CHECKING:
    from shangyi.query.cql.closures.compiler import Compiler

Test = Callable[[Element], bool]


def retrieve(compiler: "Compiler", node: tree.Retrieve, names: Names) -> Closure:
    """The closure of a retrieve. Its order is that of the data."""
    name = node.data_type.name
    codes = None if node.codes is None else compiler.node(node.codes, names)
    dates = None if node.date_range is None else compiler.node(node.date_range, names)
    wanted = None if node.id is None else compiler.node(node.id, names)
    profile = of_profile(node.template, name)

    def run(frame: Frame) -> list[Element]:
        at: Evaluation = frame[0]
        found = at.data.of_type(name)
        at.spend(len(found))
        tests: list[Test] = [] if profile is None else [lambda element: profile(element.value)]
        if codes is not None and node.code_property is not None:
            tests.append(_coded(at, node.code_property, codes(frame)))
        if dates is not None and node.date_property is not None:
            tests.append(_dated(at, node.date_property, dates(frame)))
        if wanted is not None:
            tests.append(_identified(at, node.id_property or "id", wanted(frame)))
        return [element for element in found if all(test(element) for test in tests)]

    return placed(run, node.place)


def _path(element: Element, path: str, offset: int) -> Any:
    value: Any = element
    for name in path.split("."):
        value = get(value, name, offset)
    return value


def _coded(at: Evaluation, path: str, codes: Any) -> Test:
    if codes is None:
        return lambda element: False
    belongs = _membership(at, codes)
    known: dict[tuple[Any, Any], bool] = {}

    def test(element: Element) -> bool:
        for code in element_codes(_path(element, path, at.offset), at.offset):
            key = (code.code, code.system)
            found = known.get(key)
            if found is None:
                found = known[key] = belongs(code)
            if found:
                return True
        return False

    return test


def _membership(at: Evaluation, codes: Any) -> Callable[[Code], bool]:
    if isinstance(codes, ValueSet):
        return lambda code: in_valueset(at.terminology, code, codes) is True
    if isinstance(codes, CodeSystem):
        return lambda code: at.terminology.in_codesystem(code, codes)
    wanted = {(code.code, code.system) for code in codes_of(codes)}
    return lambda code: (code.code, code.system) in wanted


def element_codes(value: Any, offset: int) -> list[Code]:
    """The codes of a CodeableConcept, Coding, code, or list of them."""
    if isinstance(value, list):
        return [code for item in value for code in element_codes(item, offset)]
    if not isinstance(value, Element):
        return codes_of(value)
    if value.type == "CodeableConcept":
        return codes_of(to_concept(value, offset))
    if value.type == "Coding":
        return codes_of(to_code(value, offset))
    return codes_of(primitive(value, offset)) if not isinstance(value.value, dict) else []


def _dated(at: Evaluation, path: str, interval: Any) -> Test:
    def test(element: Element) -> bool:
        value = _path(element, path, at.offset)
        if isinstance(value, Element):
            value = (
                to_interval(value, at.offset)
                if isinstance(value.value, dict)
                else primitive(value, at.offset)
            )
        return value is not None and included_in(value, interval) is True

    return test


def _identified(at: Evaluation, path: str, wanted: Any) -> Test:
    ids = set(wanted) if isinstance(wanted, list) else {wanted}

    def test(element: Element) -> bool:
        value = _path(element, path, at.offset)
        return (primitive(value, at.offset) if isinstance(value, Element) else value) in ids

    return test
