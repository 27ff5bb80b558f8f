"""The official suite of SQL on FHIR v2, whole, on Spark with two workers, out of the Parquet that the lake writes."""

from pathlib import Path

import pytest
from tests.query.views.test_suite import DOCUMENTS, comparable
from tests.spark import Start

from shangyi import lake
from shangyi.query import views
from shangyi.query.views import ViewError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.mark.parametrize("title", sorted(DOCUMENTS))
def test_a_file_of_the_suite(title: str, spark: Start, tmp_path: Path) -> None:
    document = DOCUMENTS[title]
    lake.write(tmp_path, document["resources"])
    with spark(tmp_path) as engine:
        for test in document["tests"]:
            table = engine.lake.table(str(test["view"].get("resource", "Patient")))
            if test.get("expectError"):
                with pytest.raises(ViewError):
                    views.compile(test["view"], table)
                continue
            plan = views.compile(test["view"], table)
            found = engine.sql(plan.sql(engine.dialect))
            assert found.column_names == [column.name for column in plan.columns]
            assert comparable(found.to_pylist()) == comparable(test["expect"]), test["title"]
