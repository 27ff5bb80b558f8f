"""The official suite of SQL on FHIR v2 on a local Spark, out of the Parquet that the lake writes."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.query.views.test_suite import DOCUMENTS, comparable

from shangyi import lake
from shangyi.query import views

pytestmark = pytest.mark.slow
pyspark_sql = pytest.importorskip("pyspark.sql", reason="needs pyspark 4 (pip install pyspark)")


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java 17 or later")
    builder = pyspark_sql.SparkSession.builder.master("local[2]")
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.codegen.wholeStage": "false",  # small data: to compile Java costs more than to interpret
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    }.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("title", sorted(DOCUMENTS))
def test_a_file_of_the_suite(title: str, spark: Any, tmp_path: Path) -> None:
    document = DOCUMENTS[title]
    lake.write(tmp_path, document["resources"])
    with lake.open(tmp_path) as opened:
        for name in opened.tables():
            files = map(str, opened.files(name))
            spark.read.option("mergeSchema", "true").parquet(*files).createOrReplaceTempView(name)
        for test in document["tests"]:
            if test.get("expectError"):
                continue
            plan = views.compile(test["view"], opened.table(test["view"]["resource"]))
            rows = [row.asDict(recursive=True) for row in spark.sql(plan.sql("spark")).collect()]
            assert comparable(rows) == comparable(test["expect"]), test["title"]
