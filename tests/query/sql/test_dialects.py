"""Every dialect has a form for every function that the compiler knows."""

from shangyi.query.sql import DIALECTS, ir


def test_dialects_have_the_same_functions() -> None:
    known = {name: set(dialect.templates) for name, dialect in DIALECTS.items()}
    assert known["duckdb"] == known["spark"]


def test_a_function_under_the_name_that_the_engine_has() -> None:
    length = ir.call("list_length", ir.Name("x"))
    assert DIALECTS["duckdb"].write(length) == 'len("x")'
    assert DIALECTS["spark"].write(length) == "array_size(`x`)"
