"""Programs built node by node: what each node gives, for one resident's resources."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from shangyi.errors import NotFound
from shangyi.query.cql import types
from shangyi.query.cql.closures import Engine, Evaluation, Fault, Limits, Resources
from shangyi.query.cql.library import (
    CodeSystemDef,
    ExpressionDef,
    FunctionDef,
    Identifier,
    Include,
    Library,
    OperandDef,
    ParameterDef,
    Program,
    ValueSetDef,
)
from shangyi.query.cql.translate import translate
from shangyi.query.cql.tree import (
    AggregateClause,
    AliasRef,
    As,
    CodeSystemRef,
    Current,
    ExpressionRef,
    Filter,
    FunctionRef,
    Let,
    List,
    Literal,
    Node,
    Null,
    OperandRef,
    Operator,
    ParameterRef,
    Place,
    Property,
    Query,
    QueryLetRef,
    Relationship,
    Repeat,
    Retrieve,
    Return,
    SortItem,
    Source,
    ValueSetRef,
)
from shangyi.query.cql.types import INTEGER, ListOf
from shangyi.query.cql.values import Code, CodeSystem, DateTime, Quantity, Tuple, ValueSet
from shangyi.query.errors import EvaluationError
from shangyi.query.types import ItemType

NOW = DateTime((2026, 11, 24, 12, 0, Decimal("0.000")), 480)
HERE = Place("Test|1", 7, 3, 7, 20)
PRESSURE, GLUCOSE = ("http://loinc.org", "85354-9"), ("http://loinc.org", "2339-0")


class Codes:
    """A terminology of one value set."""

    def expand(self, valueset: ValueSet) -> Sequence[Code]:
        if valueset.id != "urn:pressures":
            raise NotFound("There is no value set {id}", id=valueset.id)
        return [Code(PRESSURE[1], PRESSURE[0])]

    def in_valueset(self, code: Code, valueset: ValueSet) -> bool:
        return any((c.code, c.system) == (code.code, code.system) for c in self.expand(valueset))

    def in_codesystem(self, code: Code, codesystem: CodeSystem) -> bool:
        return code.system == codesystem.id

    def subsumes(self, general: Code, special: Code) -> bool:
        return general == special


def observation(id_: str, code: tuple[str, str], value: str, day: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"coding": [{"system": code[0], "code": code[1]}]},
        "effectiveDateTime": day,
        "valueQuantity": {"value": Decimal(value), "unit": "mm[Hg]", "code": "mm[Hg]"},
    }


RECORD = [
    {"resourceType": "Patient", "id": "p", "birthDate": "1960-05-01", "gender": "male"},
    observation("a", PRESSURE, "150", "2026-03-01T08:00:00+08:00"),
    observation("b", PRESSURE, "128", "2026-01-05"),
    observation("c", GLUCOSE, "6", "2026-02-01"),
]


def integer(value: int) -> Literal:
    return Literal(value, type=INTEGER)


def integers(*values: int | None) -> List:
    return List(tuple(Null() if v is None else integer(v) for v in values), type=ListOf(INTEGER))


def add(left: Node, right: Node) -> Operator:
    return Operator("Add", (left, right), type=INTEGER)


def program(
    *definitions: ExpressionDef | FunctionDef, others: Sequence[Library] = (), **more: Any
) -> Program:
    main = Library(
        Identifier("Test", "1"),
        expressions=tuple(d for d in definitions if isinstance(d, ExpressionDef)),
        functions=tuple(d for d in definitions if isinstance(d, FunctionDef)),
        includes=tuple(Include(name="C", library=library.identifier) for library in others),
        **more,
    )
    return Program(main, {library.identifier: library for library in (main, *others)})


def define(name: str, expression: Node) -> ExpressionDef:
    return ExpressionDef(name=name, context="Patient", expression=expression, type=expression.type)


def run(found: Program, name: str = "X", limits: Limits | None = None, **parameters: Any) -> Any:
    return Engine(found).value(name, Evaluation(Resources(RECORD), Codes(), parameters, NOW, limits))


def value(node: Node, **more: Any) -> Any:
    return run(program(define("X", node), **more))


def over(source: Node, **clauses: Any) -> Query:
    return Query((Source("A", source),), type=ListOf(INTEGER), **clauses)


A = AliasRef("A", type=INTEGER)


def test_a_query_filters_returns_and_sorts() -> None:
    node = over(
        integers(3, 1, None, 2, 3),
        lets=(Let("double", add(A, A)),),
        where=Operator("Greater", (A, integer(1))),
        returns=Return(QueryLetRef("double"), distinct=True),
        sort=(SortItem(None, descending=True),),
    )
    assert value(node) == [6, 4]


def test_return_all_keeps_what_is_there_twice() -> None:
    assert value(over(integers(1, 1), returns=Return(A, distinct=False))) == [1, 1]
    assert value(over(integers(1, 1), returns=Return(A, distinct=True))) == [1]
    assert value(over(integers(1, 1))) == [1, 1]


def test_sources_are_multiplied_into_tuples() -> None:
    node = Query((Source("A", integers(1, 2)), Source("B", integers(3, 3))))
    assert value(node) == [Tuple({"A": 1, "B": 3}), Tuple({"A": 2, "B": 3})]


def test_single_sources_give_a_single_value() -> None:
    assert value(Query((Source("A", integer(4)),), returns=Return(add(A, A), distinct=True))) == 8
    assert value(Query((Source("A", Null(type=INTEGER)),))) is None


@pytest.mark.parametrize(("negated", "left"), [(False, [2, 3]), (True, [1])])
def test_relationships(negated: bool, left: list[int]) -> None:
    """With and without, and a condition that is null counts as not true."""
    condition = Operator("Equal", (A, AliasRef("B")))
    relation = Relationship("B", integers(2, None, 3), condition, negated)
    assert value(over(integers(1, 2, 3), relationships=(relation,))) == left


def test_aggregate_clause() -> None:
    total = QueryLetRef("T")
    step = Operator("Multiply", (total, A))
    for distinct, expected in ((False, 72), (True, 24)):
        clause = AggregateClause("T", step, integer(1), distinct)
        assert value(over(integers(1, 2, 3, 3, 4), aggregate=clause)) == expected


def test_filter_and_repeat() -> None:
    this = Current()
    assert value(Filter(integers(1, 2, 3), Operator("Less", (this, integer(3))))) == [1, 2]
    halved = Operator("TruncatedDivide", (this, integer(2)))
    assert value(Repeat(integers(9), halved)) == [4, 2, 1, 0]


def retrieve(codes: Node | None = None) -> Retrieve:
    observations = ItemType("FHIR", "Observation")
    return Retrieve(
        observations,
        None,
        "code" if codes else None,
        "in" if codes else None,
        codes,
        type=ListOf(observations),
    )


def ids(elements: list[Any]) -> list[str]:
    return [element.value["id"] for element in elements]


PRESSURES = ValueSetDef(name="Pressures", id="urn:pressures")
UNKNOWN = ValueSetDef(name="Unknown", id="urn:unknown")


def test_retrieves_by_type_value_set_and_code() -> None:
    assert ids(value(retrieve())) == ["a", "b", "c"]
    by_set = retrieve(ValueSetRef("", "Pressures"))
    assert ids(value(by_set, value_sets=(PRESSURES,))) == ["a", "b"]


def test_a_value_set_that_cannot_be_resolved_is_a_fault_with_its_place() -> None:
    node = Retrieve(
        ItemType("FHIR", "Observation"), None, "code", "in", ValueSetRef("", "Unknown"), place=HERE
    )
    with pytest.raises(EvaluationError, match="urn:unknown") as caught:
        value(node, value_sets=(UNKNOWN,))
    assert (caught.value.library, caught.value.line, caught.value.column) == ("Test|1", 7, 3)


def test_elements_of_fhir_and_their_conversions() -> None:
    quantity = ItemType("FHIR", "Quantity")
    number = FunctionRef(
        "FHIRHelpers", "ToQuantity", (As(Property(A, "value"), quantity),), (quantity,), type=types.QUANTITY
    )
    node = Query((Source("A", retrieve()),), returns=Return(number, distinct=False))
    assert value(node)[0] == Quantity(Decimal(150), "mm[Hg]")
    when = Query((Source("A", retrieve()),), returns=Return(Property(A, "effective.value"), distinct=False))
    assert value(when)[1] == DateTime((2026, 1, 5), 480)
    status = Query((Source("A", retrieve()),), returns=Return(Property(A, "status.value"), distinct=True))
    assert value(status) == ["final"]
    codings = Query((Source("A", retrieve()),), returns=Return(Property(A, "code.coding"), distinct=False))
    assert len(value(codings)[0]) == 1


def test_functions_have_frames_of_their_own() -> None:
    n = OperandRef("n", type=INTEGER)
    call = FunctionRef("", "twice", (add(n, integer(1)),), (INTEGER,), type=INTEGER)
    twice = FunctionDef(
        name="twice", context="Patient", operands=(OperandDef("n", INTEGER),), expression=add(n, n)
    )
    outer = FunctionDef(
        name="outer", context="Patient", operands=(OperandDef("n", INTEGER),), expression=add(call, n)
    )
    start = define("X", FunctionRef("", "outer", (integer(3),), (INTEGER,)))
    assert run(program(start, outer, twice)) == 11


def test_includes_and_parameters() -> None:
    common = Library(
        Identifier("Common", "2"),
        parameters=(ParameterDef(name="P", type=INTEGER, default=integer(5)),),
        expressions=(define("Y", add(ParameterRef("", "P"), integer(1))),),
    )
    found = program(define("X", ExpressionRef("C", "Y")), others=(common,))
    assert run(found) == 6
    assert run(found, P=7) == 8
    assert run(found, **{"Common.P": 1, "P": 7}) == 2
    with pytest.raises(EvaluationError, match=r"P needs System\.Integer"):
        run(found, P="seven")


def test_a_definition_is_computed_once_and_its_fault_is_kept() -> None:
    bad = Operator("SingletonFrom", (integers(1, 2),), place=HERE)
    found = program(define("Bad", bad), define("X", ExpressionRef("", "Bad")), define("Good", integer(1)))
    results = dict(Engine(found).run(Evaluation(Resources(RECORD), Codes(), now=NOW)))
    assert results["Good"] == 1
    assert isinstance(results["X"], Fault)
    assert results["X"].error is results["Bad"].error
    assert "Test|1, line 7, column 3" in str(results["X"])


def test_runaways_are_stopped() -> None:
    many = integers(*range(100))
    product = Query(tuple(Source(name, many) for name in "ABCD"))
    with pytest.raises(EvaluationError, match="Stopped after 1000 steps"):
        run(program(define("X", product)), limits=Limits(steps=1000))
    forever = FunctionDef(
        name="f",
        context="Patient",
        operands=(OperandDef("n", INTEGER),),
        expression=FunctionRef("", "f", (OperandRef("n"),), (INTEGER,)),
    )
    with pytest.raises(EvaluationError, match="Stopped after 100 calls"):
        run(program(define("X", FunctionRef("", "f", (integer(1),), (INTEGER,))), forever))


def test_messages_are_kept_and_errors_stop() -> None:
    def message(severity: str) -> Operator:
        texts = ("100", severity, "Beware")
        strings = tuple(Literal(text, type=types.STRING) for text in texts)
        return Operator("Message", (integer(1), Literal(True, type=types.BOOLEAN), *strings), place=HERE)

    found = program(define("X", message("Warning")), define("Y", message("Error")))
    at = Evaluation(Resources(RECORD), Codes(), now=NOW)
    assert Engine(found).value("X", at) == 1
    assert [(m.severity, m.code, m.text) for m in at.messages] == [("Warning", "100", "Beware")]
    with pytest.raises(EvaluationError, match="Beware"):
        Engine(found).value("Y", at)


def test_nulls_choose_their_operator_by_type() -> None:
    nothing = Null(type=ListOf(INTEGER))
    assert value(Operator("Length", (nothing,))) == 0
    assert value(Operator("Length", (Null(type=types.STRING),))) is None
    assert value(Operator("Union", (nothing, nothing))) == []


def test_terminology_operators() -> None:
    code = List((), type=ListOf(types.CODE))
    systems = (CodeSystemDef(name="LOINC", id=PRESSURE[0]),)
    expanded = Operator("ExpandValueSet", (ValueSetRef("", "Pressures"),))
    assert value(expanded, value_sets=(PRESSURES,)) == [Code(PRESSURE[1], PRESSURE[0])]
    inside = Operator("AnyInValueSet", (expanded, ValueSetRef("", "Pressures")))
    assert value(inside, value_sets=(PRESSURES,)) is True
    assert (
        value(Operator("AnyInValueSet", (code, ValueSetRef("", "Pressures"))), value_sets=(PRESSURES,))
        is False
    )
    known = Operator("AnyInCodeSystem", (expanded, CodeSystemRef("", "LOINC")))
    assert value(known, value_sets=(PRESSURES,), code_systems=systems) is True


def test_a_retrieve_that_no_code_can_be_told_for_is_a_fault_for_whoever_asks() -> None:
    """Published eCQM libraries hold one that nothing uses; the official translator takes it with a warning."""
    program = translate(
        "library T using FHIR version '4.0.1' context Patient"
        " define function made(resource FHIR.Resource): [Provenance: target in resource.id]"
        " define Asked: made(Patient) define Other: 1"
    )
    at = Evaluation(Resources([{"resourceType": "Patient", "id": "1"}]), Codes(), now=NOW)
    found = dict(Engine(program).run(at))
    assert found["Other"] == 1
    fault = found["Asked"]
    assert isinstance(fault, Fault)
    assert "FHIR.id is no code of target" in str(fault)
