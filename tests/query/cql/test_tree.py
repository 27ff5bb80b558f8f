"""The typed tree as data: types that compare, places that do not, references that a program resolves."""

from shangyi.query.cql import tree
from shangyi.query.cql.library import (
    ExpressionDef,
    FunctionDef,
    Identifier,
    Include,
    Library,
    OperandDef,
    Program,
)
from shangyi.query.cql.types import (
    BOOLEAN,
    DATE,
    DECIMAL,
    INTEGER,
    STRING,
    ChoiceOf,
    IntervalOf,
    ListOf,
    choice,
    tuple_of,
)

ONE = tree.Literal(1, type=INTEGER, place=tree.Place("L", 1, 1, 1, 1))


def test_the_order_of_choices_and_of_tuple_elements_is_no_part_of_a_type() -> None:
    assert choice([STRING, INTEGER]) == choice([INTEGER, STRING])
    assert choice([STRING, choice([DATE, STRING])]) == choice([DATE, STRING])
    assert choice([STRING, STRING]) == STRING
    assert tuple_of({"b": DATE, "a": STRING}) == tuple_of({"a": STRING, "b": DATE})


def test_types_read_as_they_are_written() -> None:
    type_ = ListOf(tuple_of({"at": IntervalOf(DATE), "value": choice([STRING, DECIMAL])}))
    assert str(type_) == (
        "List<Tuple{at Interval<System.Date>, value Choice<System.Decimal, System.String>}>"
    )
    assert isinstance(choice([STRING, DECIMAL]), ChoiceOf)


def test_places_do_not_count_when_trees_are_compared_but_types_do() -> None:
    assert tree.Literal(1, type=INTEGER) == ONE
    assert tree.Literal(1, type=DECIMAL) != ONE
    assert str(tree.Place("L|1", 3, 5, 4, 9)) == "3:5-4:9"


def test_walk_meets_every_node_before_its_own() -> None:
    source = tree.Source("X", tree.List((ONE,), type=ListOf(INTEGER)), type=INTEGER)
    positive = tree.Operator("Greater", (tree.AliasRef("X", type=INTEGER), ONE), type=BOOLEAN)
    query = tree.Query((source,), where=positive, type=ListOf(INTEGER))
    names = [type(node).__name__ for node in tree.walk(query)]
    assert names == ["Query", "Source", "List", "Literal", "Operator", "AliasRef", "Literal"]
    assert ONE in list(tree.children(positive))


def test_a_program_resolves_references_by_local_name_and_signature() -> None:
    common = Library(
        Identifier("org.example.Common", "1"),
        expressions=(ExpressionDef(name="One", context="Patient", expression=ONE, type=INTEGER),),
        functions=tuple(
            FunctionDef(
                name="f", context="Patient", operands=(OperandDef("x", t),), expression=ONE, type=INTEGER
            )
            for t in (INTEGER, STRING)
        ),
    )
    main = Library(
        Identifier("Main"), includes=(Include(name="C", library=Identifier("org.example.Common", "1")),)
    )
    program = Program(main, {main.identifier: main, common.identifier: common})
    assert program.expression(main, tree.ExpressionRef("C", "One")) == (common, common.expressions[0])
    call = tree.FunctionRef("C", "f", (ONE,), (STRING,))
    assert program.function(main, call)[1].signature == (STRING,)
    assert program.function(common, tree.FunctionRef("", "f", (ONE,), (INTEGER,)))[0] is common
    assert str(common.identifier) == "org.example.Common|1"
