"""Questions to a lake: who may read what, how groups are held, what is refused and where, what is recorded."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.lake.conftest import County
from tests.lake.test_library import division, key, ref

import shangyi
from shangyi import lake
from shangyi.access import Area, Principal, Role, masking
from shangyi.errors import Forbidden, Invalid, NotFound, NotSupported, ShangyiError, Unavailable
from shangyi.lake import library, materialisation
from shangyi.lake.analysis import Analyst, Engines
from shangyi.query.views import ViewError
from shangyi.settings import Settings

As = Callable[..., Analyst]


def unrecorded(text: str) -> Any:
    from contextlib import nullcontext

    return nullcontext()


@pytest.fixture(scope="module")
def acting(county_lake: Path) -> Iterator[As]:
    """Somebody of a role and an area."""
    engines = Engines(county_lake, Settings(lake_memory_mb=512, lake_threads=2, lake_seconds=60))

    def as_role(role: Role, area: str = "*") -> Analyst:
        return Analyst(engines, Principal("account:1", "x", "x", role, Area.parse(area)), unrecorded)

    yield as_role
    engines.close()


def one(analyst: Analyst, text: str) -> Any:
    [row] = analyst.sql(text).rows()
    return next(iter(row.values()))


# Rows, and whose


def town_of(county: County) -> str:
    """A town with some residents, but not all."""
    codes = [str(division(r["address"]))[:9] for r in county["Patient"]]
    return max(set(codes), key=codes.count)


def test_an_area_has_its_residents_and_their_records(acting: As, county: County) -> None:
    town = town_of(county)
    own = {key(r) for r in county["Patient"] if str(division(r["address"])).startswith(town)}
    assert 0 < len(own) < len(county["Patient"])
    analyst = acting(Role.CLINICIAN, town)
    assert {r["patient_id"] for r in analyst.sql("select patient_id from patient").rows()} == own
    for table in ("Encounter", "Observation", "MedicationRequest"):
        wanted = sum(ref(r, "subject", type="Patient") in own for r in county[table])
        assert one(analyst, f'select count(*) from fhir."{table}"') == wanted > 0
    assert one(analyst, "select count(*) from claim") == sum(
        ref(r, "patient", type="Patient") in own for r in county["ExplanationOfBenefit"]
    )


def test_numbers_of_residents_are_masked_for_all_but_the_owner(acting: As, county: County) -> None:
    view = "select patient_id, resident_id, phone from patient_identity order by 1"
    raw = "select resource_key, identifier, telecom from fhir.Patient order by 1"
    people = sorted(county["Patient"], key=key)
    clinician, owner = acting(Role.CLINICIAN), acting(Role.OWNER)
    wanted = [(masking.masked(r, "resident-id"), masking.masked(r, "phone")) for r in people]
    assert [(r["resident_id"], r["phone"]) for r in clinician.sql(view).rows()] == wanted
    assert [masking.hidden(r)[0]["identifier"][0]["value"] for r in people] == [
        r["identifier"][0]["value"] for r in clinician.sql(raw).rows()
    ]
    assert [r["resident_id"] for r in owner.sql(view).rows()] == [masking.resident_id(r) for r in people]
    whole = {
        number for r in people for number in (masking.resident_id(r), masking.insurance_number(r)) if number
    }
    for table in ("Patient", "Coverage", "Claim", "ExplanationOfBenefit"):
        said = str(list(clinician.sql(f"select * from fhir.{table}").rows()))
        assert not [number for number in whole if number in said], table


NUMBER = {"system": masking.RESIDENT_ID, "value": "991302198001011234"}
CALL = {"system": "phone", "value": "13812340921"}
WITHIN = [
    {
        "resourceType": "Patient",
        "id": "a",
        "identifier": [NUMBER],
        "contact": [{"telecom": [CALL, {"system": "email", "value": "a@example.org"}]}],
        "contained": [{"resourceType": "RelatedPerson", "id": "r", "telecom": [CALL]}],
        "zzz": {"number": NUMBER["value"]},
    },
    {
        "resourceType": "Condition",
        "id": "c",
        "subject": {"reference": "#p", "identifier": NUMBER},
        "contained": [{"resourceType": "Patient", "id": "p", "identifier": [NUMBER], "telecom": [CALL]}],
    },
    {
        "resourceType": "Observation",
        "id": "o",
        "valueQuantity": {"system": "http://u", "code": "m", "value": 5},
    },
    {"resourceType": "Organization", "id": "g", "telecom": [CALL]},
]


def test_numbers_are_masked_wherever_they_stand(tmp_path: Path) -> None:
    """In contacts, references, resources within a resource, and in what has no columns."""
    lake.write(tmp_path, WITHIN)
    view = {
        "resourceType": "ViewDefinition",
        "resource": "Patient",
        "select": [{"forEach": "contact.telecom", "column": [{"name": "number", "path": "value"}]}],
    }
    materialisation.keep(tmp_path, {"numbers": view})
    while materialisation.refresh(tmp_path):
        pass
    engines = Engines(tmp_path, Settings(home=tmp_path, lake_memory_mb=256, lake_threads=1))
    with closing(engines):
        for role, masked in ((Role.CLINICIAN, True), (Role.ADMINISTRATOR, True), (Role.OWNER, False)):
            analyst = Analyst(engines, Principal("x", "x", "x", role), unrecorded)
            said = str([analyst.sql(f"select * from fhir.{r['resourceType']}").rows() for r in WITHIN[:2]])
            for number in (NUMBER["value"], CALL["value"]):
                assert (number in said) is not masked
            assert "a@example.org" in said
            assert '"resourceType":"RelatedPerson"' in said
            if masked:
                [row] = analyst.sql("select contained, subject from fhir.Condition").rows()
                assert json.loads(row["contained"][0]) == masking.hidden(WITHIN[1]["contained"][0])[0]
                assert row["subject"]["identifier"]["value"] == masking.mask_resident_id(NUMBER["value"])
                assert analyst.sql("select rest_json r from fhir.Patient").rows() == [{"r": None}]
            call = masking.mask_phone(CALL["value"]) if masked else CALL["value"]
            for answer in (analyst.view(view), analyst.view("numbers"), analyst.sql("select * from numbers")):
                assert [row["number"] for row in answer.rows()] == [call, "a@example.org"]
            assert analyst.sql("select valueQuantity.value v from fhir.Observation").rows() == [{"v": "5"}]
            [row] = analyst.sql("select telecom from fhir.Organization").rows()
            assert row["telecom"][0]["value"] == CALL["value"]


def test_reports_of_persons_without_a_record_lie_where_they_live(acting: As, county: County) -> None:
    town = town_of(county)
    cases = [r for r in county["Condition"] if r["id"].startswith("case-")]
    wanted = {key(r) for r in cases if str(division(r["contained"][0]["address"])).startswith(town)}
    assert 0 < len(wanted) < len(cases)
    found = acting(Role.CLINICIAN, town).sql("select id from notifiable_report").rows()
    assert {row["id"] for row in found} == wanted


def test_institutions_and_divisions_have_no_bounds(acting: As, county: County) -> None:
    analyst = acting(Role.READER, town_of(county))
    assert one(analyst, "select count(*) from institution") == len(county["Organization"])
    assert one(analyst, "select count(*) from fhir.Practitioner") == len(county["Practitioner"])


def test_no_error_tells_of_rows_outside(acting: As, county: County) -> None:
    """A condition that fails on another town's residents is not evaluated on them."""
    town = town_of(county)
    outside = next(key(r) for r in county["Patient"] if not str(division(r["address"])).startswith(town))
    probe = f"select count(*) from patient where if(patient_id = '{outside}', error('there'), true)"
    assert one(acting(Role.CLINICIAN, town), probe) > 0
    with pytest.raises(Invalid, match="there"):
        acting(Role.CLINICIAN).sql(probe)


@pytest.mark.parametrize(
    "text",
    [
        'select * from kept."Patient"',
        'select * from memory.kept."Patient"',
        "select * from within.resident_area",
        "select * from inner_views.patient",
        "select (with a as (select 1) select 1), * from a",
        "select * from read_parquet('{lake}/Patient/*.parquet')",
        "select * from '{lake}/manifest.json'",
        "select * from glob('{lake}/*')",
        "select * from query('select 1')",
        "select * from duckdb_views()",
        "select * from information_schema.tables",
        "select current_setting('allowed_paths')",
        "show tables",
        "describe patient",
        "select * from patient where patient_id in (select patient_key from kept.\"Patient\")",
        "with a as (from kept.\"Patient\") select * from a",
        "select * from patient union all select * from kept.\"Patient\"",
        "select * from (patient join kept.\"Patient\" on true)",
    ],
)  # fmt: skip
def test_beyond_the_views(acting: As, county_lake: Path, text: str) -> None:
    with pytest.raises(Forbidden):
        acting(Role.CLINICIAN, "991321").sql(text.replace("{lake}", str(county_lake)))


@pytest.mark.parametrize(
    "text",
    [
        "copy patient to '/tmp/x.csv'",
        "with a as (copy patient to '/tmp/x.csv') select 1",
        "attach 'x.db'",
        "pragma database_list",
        "set memory_limit = '1TB'",
        "create table x as select 1",
        "insert into patient values (1)",
        "install httpfs",
        "select 1; select 2",
        "explain analyze select 1",
        "",
    ],
)
def test_what_is_no_query(acting: As, text: str) -> None:
    for role in (Role.OWNER, Role.ANALYST):
        with pytest.raises((Invalid, Forbidden)):
            acting(role).sql(text)
    assert not Path("/tmp/x.csv").exists()


def test_the_order_of_a_text_is_kept(acting: As) -> None:
    rows = (
        acting(Role.OWNER)
        .sql("with a as (select 3 x union select 1 union select 2) from a order by x desc")
        .rows()
    )
    assert [row["x"] for row in rows] == [3, 2, 1]
    assert one(acting(Role.OWNER), "with patient as (select 1 x) select x from patient") == 1


# Groups


def test_groups_for_those_who_see_no_persons(acting: As, county: County) -> None:
    analyst = acting(Role.ANALYST)
    rows = analyst.sql(
        "select gender, count(*) n, avg(birth_year) y from patient group by gender order by 1"
    ).rows()
    for row in rows:
        born = [int(r["birthDate"][:4]) for r in county["Patient"] if r["gender"] == row["gender"]]
        assert (row["n"], row["y"]) == (len(born), pytest.approx(sum(born) / len(born)))
    assert [list(row) for row in rows] == [["gender", "n", "y"]] * 2


def test_small_groups_are_refused_or_left_out(acting: As, county: County) -> None:
    by_year = "select birth_year, count(*) n from patient group by 1"
    with pytest.raises(Forbidden, match="fewer than 5 residents"):
        acting(Role.ANALYST).sql(by_year)
    wide = "select birth_year // 20 * 20 y, count(*) n from patient group by 1 having count(*) > 0"
    born = [int(r["birthDate"][:4]) // 20 * 20 for r in county["Patient"]]
    wanted = {y: born.count(y) for y in born if born.count(y) >= 5}
    assert {row["y"]: row["n"] for row in acting(Role.ANALYST).sql(wide).rows()} == wanted
    with pytest.raises(Forbidden, match="fewer"):
        acting(Role.ANALYST).sql("select count(*) from patient where birth_year = 1700")


def test_many_rows_of_few_residents_are_few(acting: As, county: County) -> None:
    """Residents are counted, not rows."""
    counts: dict[str, set[str]] = {}
    rows: dict[str, int] = {}
    for r in county["Encounter"]:
        kind = r["type"][0]["coding"][0]["code"]
        counts.setdefault(kind, set()).add(r["subject"]["reference"])
        rows[kind] = rows.get(kind, 0) + 1
    few = next(kind for kind in counts if len(counts[kind]) < 5 <= rows[kind])
    with pytest.raises(Forbidden, match="fewer"):
        acting(Role.ANALYST).sql(f"select count(*) from encounter where type_code = '{few}'")


def test_a_figure_of_few_within_a_large_group_is_refused(acting: As, county: County) -> None:
    """Sixty residents, but fewer than five of them have the value that is averaged."""
    have: dict[str, set[str]] = {}
    for r in county["Observation"]:
        if "valueQuantity" in r:
            have.setdefault(r["code"]["coding"][0]["code"], set()).add(r["subject"]["reference"])
    rare = next(code for code, who in have.items() if 0 < len(who) < 5)
    text = (
        "select avg(canonical_value) from patient left join observation using (patient_id)"
        f" where code is null or code = '{rare}' or category = 'survey'"
    )
    with pytest.raises(Forbidden, match="fewer"):
        acting(Role.ANALYST).sql(text)


REFUSED = [
    ("select * from patient", "star"),
    ("select patient_id from patient", "patient_id tells"),
    ("select id, count(*) from condition group by 1", "id tells"),
    ("select count(*) from condition where patient_id = 'Patient/1'", "patient_id tells"),
    ("select count(*) from encounter group by encounter.id", "id tells"),
    ("select min(birth_year) from patient", "min is not"),
    ("select max(birth_year) from patient group by gender", "max is not"),
    ("select any_value(gender) from patient", "any_value"),
    ("select list(gender) from patient", "list is not"),
    ("select string_agg(gender, ',') from patient", "string_agg"),
    ("select median(birth_year) from patient", "median"),
    ("select quantile_cont(birth_year, 0.5) from patient", "quantile_cont"),
    ("select arg_max(gender, birth_year) from patient", "arg_max"),
    ("select histogram(birth_year) from patient", "histogram"),
    ("select count(*) filter (where birth_year = 1950) from patient", "filter"),
    ("select sum(case when birth_year = 1950 then 1 else 0 end) from patient", "as it stands"),
    ("select sum(birth_year * 1000) from patient", "as it stands"),
    ("select sum(birth_year) over () from patient", "window"),
    ("select row_number() over (), count(*) from patient", "window"),
    ("select count(*) from (select * from patient where birth_year = 1950)", "sub-queries"),
    ("select count(*), (select max(birth_year) from patient) from patient", "subquery"),
    ("select count(*) from patient where birth_year = (select max(birth_year) from patient)", "subquery"),
    ("select count(*) from patient where exists (from condition)", "subquery"),
    ("with a as (from patient limit 1) select count(*) from a", "one select"),
    ("select count(*) from patient union all select 1", "one select"),
    ("select distinct gender from patient", "distinct"),
    ("select distinct on (gender) gender, count(*) from patient group by 1", "distinct"),
    ("select gender, count(*) from patient group by rollup (gender)", "rollup"),
    ("select count(*) from patient, condition", "Join views"),
    ("select count(*) from patient join condition on true", "joined on patient_id"),
    ("select count(*) from patient p join condition c on p.patient_id <> c.patient_id", "joined on"),
    (
        "select count(*) from patient p join condition c on p.patient_id = c.patient_id and c.code = 'x'",
        "joined on",
    ),
    ("select count(*) from division join patient using (division)", "joined on patient_id"),
    ("select count(*) from division", "first view"),
    ("select count(*) from patient p(a, b) group by a", "by its name"),
    ("select count(*) from patient tablesample 1 rows", "by its name"),
    ("select p, count(*) from patient p group by p", "whole row"),
    ("select count(*) from patient where error('x') is null", "error is not"),
    ("select count(*) from patient where random() < 0.5", "random is not"),
    ("select gender, count(*) from patient group by 1 limit (select 1)", "plain numbers"),
    ("select columns('g.*'), count(*) from patient group by all", "star"),
    ("select count(*) from patient_identity", "that you may read"),
    ("select count(*) from fhir.Patient", "that you may read"),
    ("select list_sum([birth_year]) from patient group by 1", "list"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED, ids=[text for text, _ in REFUSED])
def test_what_could_show_a_person(acting: As, text: str, reason: str) -> None:
    for role in (Role.ANALYST, Role.EPIDEMIOLOGIST):
        with pytest.raises(Forbidden) as refused:
            acting(role).sql(text)
        assert reason in str(refused.value)


def test_whether_a_query_fails_tells_nothing(acting: As, county: County) -> None:
    """A cast, an overflow, a comparison with another type: nothing of them fails on a value."""
    analyst = acting(Role.ANALYST)
    everybody = len(county["Patient"])
    for probe in (
        "cast(gender as integer) is null",
        "coalesce(birth_year + 2147483647, 0) >= 0",
        "coalesce(gender = 5, false) = false",
        "coalesce(gender in (5, 6), false) = false",
        "case gender when 5 then false else true end",
        "substring(gender, birth_year * 1000000000000000, 1) is null or true",
    ):
        assert one(analyst, f"select count(*) from patient where {probe}") == everybody, probe


def test_what_the_engine_says_holds_no_value(acting: As) -> None:
    with pytest.raises(ShangyiError) as failed:
        acting(Role.ANALYST).sql(
            "select count(*) from patient group by cast(gender as integer) / 0, sum(gender)"
        )
    assert "male" not in str(failed.value)


def test_towns_by_name(acting: As) -> None:
    """Places are joined by any column of theirs."""
    rows = acting(Role.ANALYST).sql(
        "select d.name town, case when systolic < 140 and diastolic < 90 then 'controlled' else 'not' end state,"
        " count(distinct patient_id) n from patient p join blood_pressure b using (patient_id)"
        " join division d on d.division = left(p.division, 9) || '000'"
        " group by all having count(*) > 0 order by n desc, town, state limit 5"
    )
    assert rows.columns == ["town", "state", "n"]
    assert all(row["n"] >= 5 for row in rows.rows())
    assert len(rows) > 0


# Errors with their place


@pytest.mark.parametrize("role", [Role.OWNER, Role.ANALYST])
@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("select count(*)\nfrom patient\nwhere foo = 1", 3, 7),
        ("selec 1", 1, 1),
        ("select count(*) from patient where\n  birth_year >", 2, 14),
        ("select '中文', count(*) from nowhere", 1, 28),
    ],
)
def test_where_it_is_wrong(acting: As, role: Role, text: str, line: int, column: int) -> None:
    with pytest.raises((Invalid, Forbidden)) as wrong:
        acting(role).sql(text)
    args = wrong.value.issues[0].args
    assert (args["line"], args["column"]) == (line, column), str(wrong.value)


def test_a_query_has_its_time(county_lake: Path) -> None:
    engines = Engines(county_lake, Settings(lake_memory_mb=512, lake_threads=1, lake_seconds=1))
    owner = Analyst(engines, Principal("owner", "o", "o", Role.OWNER), unrecorded)
    with pytest.raises(Unavailable, match="longer than 1 s"):
        owner.sql("select count(*) from range(100000000) a, range(100000000) b")
    assert one(owner, "select 1") == 1
    engines.close()


# Opening, forms, views


def test_open(county_lake: Path, county: County) -> None:
    with shangyi.open(county_lake) as population:
        found = population.sql("select patient_id, birth_year from patient where gender = $g", {"g": "male"})
        men = [r for r in county["Patient"] if r["gender"] == "male"]
        assert len(found) == len(men)
        assert population.tables()["fhir.Patient"][0] == "id"
        assert set(library.names()) <= set(population.tables())
        assert pa.table(found).equals(found.table)
    with shangyi.open(f"file://{county_lake}") as population:
        assert one(population, "select 1") == 1
    with pytest.raises(NotFound):
        shangyi.open(county_lake / "nothing")
    with pytest.raises(NotSupported):
        shangyi.open("ftp://example.org/lake")


def test_dataframes_share_the_memory(county_lake: Path) -> None:
    polars, pandas = pytest.importorskip("polars"), pytest.importorskip("pandas")
    with shangyi.open(county_lake) as population:
        found = population.sql("select birth_year from patient order by 1")
    column = found.table.column("birth_year").combine_chunks()
    frame = found.pandas()
    assert isinstance(frame, pandas.DataFrame)
    shared = frame["birth_year"].array._pa_array.chunk(0).buffers()[1].address
    assert shared == found.table.column("birth_year").chunk(0).buffers()[1].address
    assert isinstance(found.polars(), polars.DataFrame)
    assert found.polars()["birth_year"].to_list() == column.to_pylist()


def test_forms(county_lake: Path, tmp_path: Path) -> None:
    with shangyi.open(county_lake) as population:
        found = population.sql("select '=1+1' a, 1.50::decimal(38,18) b, [1, 2] c, null d, 'x,\"y' e, true f")
    assert found.bytes("csv") == b'a,b,c,d,e,f\r\n\'=1+1,1.5,"[1, 2]",,"x,""y",true\r\n'
    assert found.bytes("json") == b'[{"a":"=1+1","b":1.5,"c":[1,2],"d":null,"e":"x,\\"y","f":true}]\n'
    assert found.bytes("ndjson").count(b"\n") == 1
    (tmp_path / "a.parquet").write_bytes(found.bytes("parquet"))
    assert pq.read_table(tmp_path / "a.parquet").column_names == found.columns
    assert pa.ipc.open_stream(found.bytes("arrow")).read_all().equals(found.table)
    with pytest.raises(Invalid):
        found.bytes("xls")


def test_a_view_of_ones_own(acting: As, county: County) -> None:
    view = {
        "resourceType": "ViewDefinition",
        "resource": "Patient",
        "select": [
            {"column": [{"name": "key", "path": "getResourceKey()"}, {"name": "sex", "path": "gender"}]}
        ],
    }
    town = town_of(county)
    found = acting(Role.CLINICIAN, town).view(view).rows()
    assert len(found) == one(acting(Role.CLINICIAN, town), "select count(*) from patient")
    assert found[0]["sex"] in ("male", "female")
    assert not acting(Role.CLINICIAN).view(view, limit=3).whole
    view["select"][0]["column"][1]["path"] = "gendr"
    with pytest.raises(ViewError) as wrong:
        acting(Role.CLINICIAN).view(view)
    issue = wrong.value.issues[0]
    assert issue.expression == "ViewDefinition.select[0].column[1].path"
    assert (issue.args["line"], issue.args["column"]) == (1, 1)
    with pytest.raises(Forbidden):
        acting(Role.ANALYST).view(view)
    with pytest.raises(Forbidden):
        acting(Role.ANALYST).view("patient")


# The record of it


def test_every_question_is_recorded(county_lake: Path, tmp_path: Path) -> None:
    (tmp_path / "audit").mkdir()
    (tmp_path / "lake").symlink_to(county_lake)
    with shangyi.open(tmp_path) as population:
        population.sql("select gender, count(*) from patient group by 1")
        population.view("division")
        with pytest.raises(Forbidden):
            population.sql("select * from read_parquet('x')")
    lines = "".join(file.read_text() for file in (tmp_path / "audit").iterdir()).splitlines()
    assert ["rows=2" in lines[0], "view division" in lines[1], "read_parquet" in lines[2]] == [True] * 3
    assert [line.split("\t")[2:5] for line in lines] == [
        ["sql", "E", "0"],
        ["sql", "E", "0"],
        ["sql", "E", "8"],
    ]
    assert "owner" in lines[0]


def test_a_new_version_is_asked(county: County, tmp_path: Path) -> None:
    from shangyi import lake

    lake.write(tmp_path / "lake", county["Patient"][:3])
    with shangyi.open(tmp_path / "lake") as population:
        assert one(population, "select count(*) from patient") == 3
        lake.write(tmp_path / "lake", county["Patient"][:5])
        assert one(population, "select count(*) from patient") == 5


def test_importing_the_platform_imports_no_engine() -> None:
    code = (
        "import sys, shangyi; print([m for m in ('duckdb', 'pyarrow', 'shangyi.lake') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
