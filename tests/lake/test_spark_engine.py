"""SQL over a lake by Spark with two workers: the same rows as DuckDB gives, and the same refusals."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from tests.lake.test_sync import patient, reading
from tests.spark import Start

from shangyi import lake
from shangyi.errors import Forbidden, Invalid, ShangyiError, Unavailable
from shangyi.lake import library
from shangyi.lake.snapshot import build
from shangyi.lake.sync import sync
from shangyi.store.database import Store

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture(scope="module")
def engine(spark: Start, county_lake: Path) -> Iterator["lake.SparkEngine"]:
    with spark(county_lake, seconds=120) as opened:
        yield opened


def rows(table: pa.Table) -> list[str]:
    """Every row with every digit, in no order."""
    return sorted(json.dumps(row, default=str, ensure_ascii=False) for row in table.to_pylist())


@pytest.mark.parametrize("name", library.names())
def test_a_view_of_the_library(
    name: str, engine: "lake.SparkEngine", county_engine: "lake.DuckDBEngine"
) -> None:
    ours, theirs = (chosen.sql(f"select * from views.{name}") for chosen in (engine, county_engine))
    assert ours.num_rows > 0
    assert ours.column_names == theirs.column_names
    assert rows(ours) == rows(theirs)


@pytest.mark.parametrize(
    "name",
    ["Patient", *(pytest.param(name, marks=pytest.mark.slow) for name in ("Observation", "Condition"))],
)
def test_a_table(name: str, engine: "lake.SparkEngine", county_engine: "lake.DuckDBEngine") -> None:
    """Nested columns, texts of decimals and dates, instants."""
    first = county_engine.sql(f'select min(id) id from "{name}"').to_pylist()[0]
    text = f'select * from "{name}" where id > $id'
    ours, theirs = (chosen.sql(text, first) for chosen in (engine, county_engine))
    assert ours.num_rows == engine.lake.rows(name) - 1
    assert ours.column_names == theirs.column_names
    assert rows(ours) == rows(theirs)
    assert ours.schema.field("date_low").type == theirs.schema.field("date_low").type == pa.timestamp("us")


ODD = [
    ("a", "2023-05-06", "182", "mg/dL", "2345-7"),
    ("b", "2023-05-06T23:30:01.5+08:00", "10.1", "mmol/L", "2345-7"),
    ("c", "1987-07-06T12:30:00-05:00", "0.1", "mg/dL", "2160-0"),
    ("d", "2023-05", "98.6", "[degF]", "8310-5"),
    ("e", "2023-05-06T12:30:00Z", "7", "furlong", "8310-5"),
    ("f", "1890-01-01T00:00:00Z", "1e3", "", "2160-0"),
]


def test_units_and_clocks_that_the_county_has_not(spark: Start, tmp_path: Path) -> None:
    """Summer time, a year before zones, fractions, months, units of a kind that an analyte has a way from, others."""
    lake.write(
        tmp_path,
        [
            {
                "resourceType": "Observation",
                "id": id,
                "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                "subject": {"reference": "Patient/p"},
                "effectiveDateTime": at,
                "valueQuantity": {"value": Decimal(value), "unit": unit, "code": unit},
            }
            for id, at, value, unit, code in ODD
        ],
    )
    text = "select * from views.observation"
    with spark(tmp_path) as ours, lake.DuckDBEngine(lake.open(tmp_path), threads=1) as theirs:
        found = ours.sql(text)
        assert rows(found) == rows(theirs.sql(text))
        assert {row["id"]: str(row["local_time"]) for row in found.to_pylist()}[
            "Observation/b"
        ] == "23:30:01.500000"


def test_a_lake_that_followed_its_record(spark: Start, store: Store, tmp_path: Path) -> None:
    """Files with superseded rows, and files that were written before a column was there."""
    records, directory = store.repository, tmp_path / "it's a [lake] of {1}"
    for number in range(5):
        records.update(patient(f"plain{number}"))
    records.update(reading("o", "plain1", "1.20"))
    build(directory, records)
    records.update(patient("plain0", name=[{"family": "张", "given": ["三"]}], birthDate="1970"))
    records.delete("Patient", "plain4")
    records.update(patient("wide", contact=[{"name": {"text": "x"}, "gender": "male"}], active=True))
    records.update(reading("o", "plain1", "1.50", status="amended"))
    sync(directory, records)
    records.update(patient("wide", active=False))
    sync(directory, records)
    with spark(directory) as ours, lake.DuckDBEngine(lake.open(directory), threads=1) as theirs:
        assert any(ours.lake.deleted(name) for name in ours.lake.tables())
        for name in ours.lake.tables():
            text = f'select * from "{name}"'
            assert rows(ours.sql(text)) == rows(theirs.sql(text))
        found = ours.sql("select id, version_id, name[0].family f from Patient where name[0].text is null")
        assert found.to_pylist() == [{"id": "plain0", "version_id": "2", "f": "张"}]
        assert ours.sql("select valueQuantity.value v from Observation").to_pylist() == [{"v": "1.50"}]


def test_rows_and_parameters(engine: "lake.SparkEngine") -> None:
    text = "select count(*) n, '$year :year ?' t from Patient where birthDate >= $year and gender = $sex"
    [found] = engine.sql(text, {"year": "1900", "sex": "female"}).to_pylist()
    assert found["n"] > 0
    assert found["t"] == "$year :year ?"
    assert engine.sql("select id from Patient where id = ?", ["' or true --"]).num_rows == 0
    assert engine.sql('with "Patient" as (select 1 a) select * from patient').to_pylist() == [{"a": 1}]
    assert engine.sql('select id, codes, date_low, rest_json from "Substance"').num_rows == 0
    assert engine.sql("select Patient.gender g from main.Patient limit 1").num_rows == 1
    assert engine.sql("select timestamp '2020-01-01 00:00:00+08' t")["t"][0].as_py().isoformat() == (
        "2019-12-31T16:00:00+00:00"
    )


def test_a_stream_in_order(engine: "lake.SparkEngine") -> None:
    text = "select id, cast(id as string) t from range(0, 150000, 1, 3) order by id desc"
    with engine.stream(text, batch_rows=40_000) as reader:
        batches = list(reader)
    assert [row for batch in batches for row in batch["id"].to_pylist()] == list(range(149_999, -1, -1))
    assert max(batch.num_rows for batch in batches) <= 40_000


def test_several_threads(engine: "lake.SparkEngine") -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(
            pool.map(
                lambda n: engine.sql("select sum(id) s from range($n)", {"n": n}).to_pylist(), range(2, 10)
            )
        )
    assert found == [[{"s": n * (n - 1) // 2}] for n in range(2, 10)]


REFUSED: dict[str, tuple[type[ShangyiError], str]] = {
    "create table t (a int)": (Forbidden, "Only one query"),
    "create temporary view t as select 1": (Forbidden, "Only one query"),
    "insert into t select 1": (Forbidden, "Only one query"),
    "insert overwrite directory '/tmp/shangyi-must-not-be' using csv select 1": (Forbidden, "Only one query"),
    "from range(1) insert overwrite directory '/tmp/shangyi-must-not-be' using csv select 1": (Forbidden, "Only"),
    "drop view patient": (Forbidden, "Only one query"),
    "set spark.sql.runSQLOnFiles = true": (Forbidden, "Only one query"),
    "add jar '/tmp/x.jar'": (Forbidden, "Only one query"),
    "cache table patient": (Forbidden, "Only one query"),
    "explain select 1": (Forbidden, "Only one query"),
    "execute immediate 'drop view patient'": (Forbidden, "Only one query"),
    "begin select 1; end": (Forbidden, "Only one query"),
    "select transform(id) using 'touch /tmp/shangyi-must-not-be' from Patient": (Forbidden, "Only one query"),
    "select (select transform(1) using 'sh' as (a))": (Forbidden, "Only one query"),
    "with x as (select transform(1) using 'sh' as (a)) select * from x": (Forbidden, "Only one query"),
    "select * from identifier('views.pa' || 'tient')": (Forbidden, "Only one query"),
    "select identifier('re' || 'flect')('java.lang.System', 'gc')": (Forbidden, "Only one query"),
    "select 1,\n reflect('java.lang.System', 'getenv', 'HOME')": (Forbidden, "reflect .*line 2, column 2"),
    "select 1 where java_method('java.lang.System', 'gc') = ''": (Forbidden, "java_method"),
    "select input_file_name() from Patient": (Forbidden, "input_file_name"),
    "select 1 order by (select max(try_reflect('java.lang.System', 'gc')))": (Forbidden, "try_reflect"),
    "select * from sql_keywords()": (Forbidden, "sql_keywords"),
    "select * from parquet.`/etc/passwd`": (Invalid, "no view or table parquet./etc/passwd .*column 15"),
    "select 1 where exists (select * from text.`/etc/passwd`)": (Invalid, "no view or table"),
    "select * from nothing": (Invalid, "no view or table nothing"),
    "select * from global_temp.x": (Invalid, "no view or table"),
    "select 1; select 2": (Invalid, "column 11"),
    "select\nnonsense from main.Patient, views.patient": (Invalid, "nonsense.*line 2, column 1"),
    "select 1 from main.Patient where nonsense = 1": (Invalid, "nonsense.*line 1, column 34"),
    "select": (Invalid, "end of input"),
    "": (Invalid, "empty"),
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_refused(engine: "lake.SparkEngine", text: str) -> None:
    kind, said = REFUSED[text]
    with pytest.raises(kind, match=said):
        engine.sql(text)
    assert not list(Path("/tmp").glob("shangyi-must-not-be*"))


def test_what_fails_on_a_row_says_so(engine: "lake.SparkEngine") -> None:
    with pytest.raises(Invalid, match="cast"):
        engine.sql("select cast(gender as int) from Patient")
    with pytest.raises(Invalid, match="by zero"):
        engine.sql("select 1 / 0")


def test_a_long_query_is_ended(spark: Start, county_lake: Path) -> None:
    with spark(county_lake, seconds=1.5) as engine:
        with pytest.raises(Unavailable, match="took longer"):
            engine.sql("select count(*) from range(1000000000000)")
        assert engine.sql("select 1 a").num_rows == 1


def test_two_workers_answer(engine: "lake.SparkEngine") -> None:
    """What answers is a cluster: two executors beside the driver."""
    assert engine._session.sparkContext._jsc.sc().getExecutorMemoryStatus().size() == 3


def test_another_spark_in_the_same_process_is_refused(engine: "lake.SparkEngine", county_lake: Path) -> None:
    with pytest.raises(ShangyiError, match="one Spark"):
        lake.SparkEngine(lake.open(county_lake), "spark://local[1]")
