"""What differs between engines, on a local Spark: the forms whose templates are not the same."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.query.sql.agreement import FAILED, Data, compared, items
from tests.query.sql.expressions import expressions
from tests.query.sql.test_properties import MADE, SETTINGS, made

from shangyi.query.errors import ExpressionError
from shangyi.query.fhirpath import compile
from shangyi.query.sql import CompilationError
from shangyi.query.sql.values import is_root

pytestmark = pytest.mark.slow
pyspark_sql = pytest.importorskip("pyspark.sql", reason="needs pyspark 4 (pip install pyspark)")
pyspark_errors = pytest.importorskip("pyspark.errors")

PATIENT = [
    "name.sort(-family).use",
    "name.sort(use desc, id).given",
    "name.given.sort()",
    "name.given.sort($this desc)",
    "name.given.aggregate($total + $this.length() + $index, 0)",
    "name.given.aggregate(iif($total.empty(), $this, $total & '+' & $this))",
    "extension.value.aggregate($total | $this)",
    "children().count()",
    "birthDate.type().name",
    "name = name",
    "name.given ~ name.given",
    "name.first() ~ name.last()",
    "gender.replace('', '-')",
    "gender.replace('a', 'bc')",
    "gender.encode('urlbase64')",
    "gender.encode('hex').decode('hex')",
    "gender.encode('base64').decode('base64')",
    "('<' & gender & '>').escape('html')",
    "('<' & gender & '\"\\n').escape('json')",
    "birthDate.precision()",
    "birthDate.highBoundary()",
    "birthDate + 1 month",
    "name.given.select(indexOf('a')).sum()",
    "(gender & ' a').split(' ').last()",
    "gender.matches('^f.*e$')",
    "gender.replaceMatches('[ae]', 'x')",
    "'5.0 \\'mg\\''.toQuantity()",
    "(multipleBirth.ofType(integer) * 2.5) / 3",
    "(multipleBirth.ofType(integer) div 2) + 0",
]
OBSERVATION = [
    "value.ofType(Quantity) + 2 'm'",
    "value.ofType(Quantity) - 10 'g'",
    "value.ofType(Quantity) * 2.5 'm'",
    "value.ofType(Quantity) / 4",
    "value.ofType(Quantity) > 1.7 'm'",
    "value.ofType(Quantity) = 1.703 'm'",
    "value.ofType(Quantity) ~ 170.3 'cm'",
    "value.ofType(Quantity).toQuantity('m')",
    "value.ofType(Quantity).comparable(1 'g')",
    "value.ofType(Quantity).value * value.ofType(Quantity).value",
    "value.ofType(Quantity).lowBoundary()",
    "effective.ofType(dateTime).sort()",
    "effective.ofType(dateTime) < @2015",
    "effective.ofType(dateTime).highBoundary()",
    "component.value.count()",
]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java 17 or later")
    builder = pyspark_sql.SparkSession.builder.master("local[1]")
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    }.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


def registered(data: Data, spark: Any, directory: Path) -> None:
    name = data.table.resource_type
    file = directory / f"{name}.parquet"
    pq.write_table(data.connection.execute(f'select * from "{name}"').to_arrow_table(), file)
    spark.read.parquet(str(file)).createOrReplaceTempView(name)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("resource_type", "texts"), [("Patient", PATIENT), ("Observation", OBSERVATION)])
def test_spark_agrees_with_closures(resource_type: str, texts: list[str], spark: Any, tmp_path: Path) -> None:
    data = made(resource_type)
    registered(data, spark, tmp_path)
    found: dict[str, object] = {}
    for text in texts:
        expression = compile(text, resource_type)
        value = data.compile(expression)
        try:
            rows = spark.sql(data.select(value, "spark")).collect()
        except pyspark_errors.PySparkException as error:
            found[text] = str(error).splitlines()[0]
            continue
        plain = [[_plain(column) for column in row] for row in rows]
        found[text] = compared(data, expression, [items(value, row) for row in plain])
    assert {text: differences for text, differences in found.items() if differences} == {}


@pytest.fixture(scope="module")
def tables(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Data]:
    """The made-up resources, in Spark too."""
    found = {name: made(name) for name in sorted(MADE)}
    for data in found.values():
        registered(data, spark, tmp_path_factory.mktemp("tables"))
    return found


def by_spark(data: Data, value: Any, spark: Any) -> list[Any]:
    """The items of each resource; FAILED where the expression refuses the row."""
    text = data.select(value, "spark")

    def rows(where: str = "") -> list[Any]:
        found = spark.sql(text + where).collect()
        return [items(value, [_plain(column) for column in row]) for row in found]

    try:
        return rows()
    except pyspark_errors.PySparkException:
        each: list[Any] = []
        for resource in data.resources:
            try:
                each += rows(f" WHERE r.id = '{resource['id']}'")
            except pyspark_errors.PySparkException as error:
                each.append(FAILED if "USER_RAISED_EXCEPTION" in str(error) else str(error).splitlines()[0])
        return each


@pytest.mark.filterwarnings("ignore")
@given(st.data())
@settings(SETTINGS, max_examples=60, derandomize=True)
def test_spark_agrees_on_expressions_made_at_random(
    spark: Any, tables: dict[str, Data], drawn: st.DataObject
) -> None:
    data = tables[drawn.draw(st.sampled_from(sorted(MADE)))]
    text = drawn.draw(expressions(data.table.resource_type, data.table.columns))
    try:
        expression = compile(text, data.table.resource_type)
        value = data.compile(expression)
    except (CompilationError, ExpressionError):
        return  # how these are refused does not depend on the engine
    if not is_root(value):
        assert compared(data, expression, by_spark(data, value, spark)) == [], text


def _plain(value: Any) -> Any:
    if isinstance(value, pyspark_sql.Row):
        return value.asDict(recursive=True)
    return [_plain(item) for item in value] if isinstance(value, list) else value
