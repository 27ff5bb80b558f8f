"""SQL over a lake: what it gives, and what it refuses whatever comes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shangyi import lake
from shangyi.errors import Invalid, TooLarge, Unavailable
from shangyi.settings import Settings


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("lake") / "it's a lake"
    lake.write(
        found,
        [
            {"resourceType": "Patient", "id": f"p{n}", "birthDate": f"{1950 + n}", "active": n % 2 == 0}
            for n in range(20)
        ],
    )
    return found


@pytest.fixture(scope="module")
def engine(directory: Path) -> Iterator["lake.DuckDBEngine"]:
    with lake.DuckDBEngine(lake.open(directory), memory_mb=256, threads=1, seconds=30) as opened:
        yield opened


def test_rows_and_parameters(engine: "lake.DuckDBEngine") -> None:
    assert engine.sql("select count(*) n from Patient where active").to_pylist() == [{"n": 10}]
    assert engine.sql("select id from Patient where birthDate = ?", ["1957"]).to_pylist() == [{"id": "p7"}]
    assert engine.sql("select id from Patient where birthDate = $year", {"year": "1957"}).num_rows == 1


def test_a_type_that_is_not_there_is_empty(engine: "lake.DuckDBEngine") -> None:
    found = engine.sql('select id, resource_key, patient_key, codes, date_low, rest_json from "Group"')
    assert found.num_rows == 0


def test_a_stream(engine: "lake.DuckDBEngine") -> None:
    with engine.stream("select id, x.range from Patient, range(5000) x", batch_rows=4096) as reader:
        sizes = [batch.num_rows for batch in reader]
    assert sum(sizes) == 100_000
    assert len(sizes) > 10


def test_several_threads(engine: "lake.DuckDBEngine") -> None:
    with ThreadPoolExecutor(4) as pool:
        asked = [
            pool.submit(engine.sql, "select sum(x.range) s from Patient, range(?) x", [n])
            for n in range(1, 20)
        ]
        found = [task.result().to_pylist()[0]["s"] for task in asked]
    assert found == [20 * n * (n - 1) // 2 for n in range(1, 20)]


REFUSED = {
    "create table t (a int)": "Only one query",
    "select 1; select 2": "Only one query",
    "drop view Patient": "Only one query",
    "copy (select 1) to '/tmp/shangyi-must-not-be.csv'": "Only one query",
    "with x as (copy (select 1) to '/tmp/shangyi-must-not-be.csv') select 1": "Only one query",
    "select * from (with x as (COPY (select 1) to '/tmp/shangyi-must-not-be.csv') select 1)": "Only one query",
    "with x as (insert into t values (1) returning a) select * from x": "Only one query",
    "explain analyze copy (select 1) to '/tmp/shangyi-must-not-be.csv'": "Only one query",
    "attach '/tmp/shangyi-must-not-be.db'": "Only one query",
    "install httpfs": "Only one query",
    "load httpfs": "Only one query",
    "set memory_limit = '100GB'": "Only one query",
    "pragma database_list": "Only one query",
    "call pragma_version()": "Only one query",
    "select * from read_text('/etc/passwd')": "disabled",
    "select * from read_csv('/etc/passwd')": "disabled",
    "select * from glob('/etc/*')": "disabled",
    "select * from '/etc/passwd'": "does not exist",
    "select nonsense from Patient": "nonsense",
    "select": "SELECT",
    "": "Only one query",
}


@pytest.mark.parametrize("text", REFUSED)
def test_refused(engine: "lake.DuckDBEngine", text: str) -> None:
    with pytest.raises(Invalid, match=REFUSED[text]):
        engine.sql(text)
    assert not list(Path("/tmp").glob("shangyi-must-not-be*"))


def test_a_file_of_the_lake_cannot_be_written_over(engine: "lake.DuckDBEngine") -> None:
    [file] = engine.lake.files("Patient")
    before = file.read_bytes()
    name = str(file).replace("'", "''")
    with pytest.raises(Invalid, match="Only one query"):
        engine.sql(f"with x as (copy (select 1) to '{name}' (format parquet)) select 1")
    assert file.read_bytes() == before


def test_a_word_that_writes_may_be_a_name(engine: "lake.DuckDBEngine") -> None:
    assert engine.sql("select 'copy, insert' as \"delete\"").to_pylist() == [{"delete": "copy, insert"}]


def test_a_long_query_is_ended(directory: Path) -> None:
    with lake.DuckDBEngine(lake.open(directory), seconds=0.3) as engine:
        with pytest.raises(Unavailable, match="took longer"):
            engine.sql("select count(*) from range(100000000000) a, range(100000) b")
        with (
            pytest.raises(Unavailable, match="took longer"),
            engine.stream("select count(*) from range(100000000000) a, range(100000) b") as reader,
        ):
            reader.read_all()
        assert engine.sql("select 1 a").num_rows == 1


def test_memory_is_bounded_and_spills(directory: Path) -> None:
    with lake.DuckDBEngine(lake.open(directory), memory_mb=96, threads=1) as engine:
        sorted_ = engine.sql(
            "select count(*) n from (select range, row_number() over (order by hash(range)) k from range(6000000)) where k % 2 = 0"
        )
        assert sorted_.to_pylist() == [{"n": 3_000_000}]
        with pytest.raises(TooLarge, match="memory"):
            engine.sql(
                "select len(list(range || 'some text that takes its room in memory')) from range(30000000)"
            )


def test_settings_name_the_bounds(directory: Path) -> None:
    settings = Settings.load(
        {"SHANGYI_LAKE_MEMORY_MB": "200", "SHANGYI_LAKE_THREADS": "1", "SHANGYI_LAKE_SECONDS": "7"}
    )
    with lake.DuckDBEngine.of(lake.open(directory), settings) as engine:
        found = engine.sql(
            "select current_setting('threads') t, current_setting('memory_limit') m"
        ).to_pylist()[0]
        assert found == {"t": 1, "m": "200.0 MiB"}
        assert engine.seconds == 7


def test_instants_are_in_utc_wherever_the_server_stands(engine: "lake.DuckDBEngine") -> None:
    found = engine.sql("select timestamptz '2020-01-01 00:00:00+08'::varchar t").to_pylist()
    assert found == [{"t": "2019-12-31 16:00:00+00"}]
