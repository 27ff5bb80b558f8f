"""A coding asked for in ``where`` is also asked of the flat column ``codes``, which is cheap to scan.

``code.coding.exists(system = 's' and code = 'c')`` implies that ``codes`` holds ``s|c``; the criterion itself is
still tested, on the few rows that are left. Several such criteria with ``or`` between them are asked likewise.
"""

from collections.abc import Iterator, Mapping

from shangyi.fhir import definitions
from shangyi.query import typed
from shangyi.query.columns import Table
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr
from shangyi.query.sql.joins import ROW

ELEMENT = "code"


def applies(resource_type: str) -> bool:
    """Whether ``codes`` holds every coding of the element ``code`` of this type."""
    element = definitions.structure(resource_type).by_name.get(ELEMENT)
    parameter = definitions.search_parameters(resource_type).get(ELEMENT)
    if element is None or element.types != ("CodeableConcept",) or parameter is None:
        return False
    return f"{resource_type}.{ELEMENT}" in (parameter.expression_for(resource_type) or "").split(" | ")


def implied(node: typed.Node, table: Table, constants: Mapping[str, object]) -> list[Expr]:
    """Conditions on flat columns that a criterion implies. ``constants``: what ``%name`` stands for."""
    if not applies(table.resource_type):
        return []
    found: list[Expr] = []
    for part in _conjuncts(node):
        ways = [list(_codings(way, constants)) for way in _operands(part, "or")]
        if all(ways):
            found.append(ir.either(*(_held(*way[0]) for way in ways)))
    return found


def _held(system: str, code: str) -> Expr:
    return ir.call("list_contains", ir.Member(ROW, "codes"), ir.text(f"{system}|{code}"))


def _conjuncts(node: typed.Node) -> Iterator[typed.Node]:
    yield from _operands(node, "and")


def _operands(node: typed.Node, operator: str) -> Iterator[typed.Node]:
    if isinstance(node, typed.Operation) and node.operator == operator:
        yield from _operands(node.left, operator)
        yield from _operands(node.right, operator)
    else:
        yield node


def _codings(node: typed.Node, constants: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    if not isinstance(node, typed.Call) or node.function != "exists":
        return
    source: typed.Node = node.source
    tests = node.arguments
    if not tests and isinstance(source, typed.Call) and source.function == "where":
        tests = source.arguments
        source = source.source
    if not tests or not _is_coding(source):
        return
    asked: dict[str, str] = {}
    for part in _conjuncts(tests[0]):
        match part:
            case typed.Operation(
                operator="=", left=typed.Field(source=typed.Local(name="this"), name=name), right=right
            ):
                value = _known(right, constants)
                if isinstance(value, str):
                    asked[name] = value
    if "system" in asked and "code" in asked:
        yield asked["system"], asked["code"]


def _known(node: typed.Node, constants: Mapping[str, object]) -> object:
    """The value of a literal or of a constant of the view."""
    if isinstance(node, typed.Constant):
        return node.value
    return constants.get(node.name) if isinstance(node, typed.External) else None


def _is_coding(node: typed.Node) -> bool:
    match node:
        case typed.Field(name="coding", source=typed.Field(name=name, source=typed.Local(name="this"))) if (
            name == ELEMENT
        ):
            return True
    return False
