"""A store whose search rows another release computed is indexed anew at start."""

from tests.store.search.asking import ids

from shangyi.store.database import Store
from shangyi.store.integrity import verify

ROWS = "select rid, patient, code, date, version, tokens from search order by rid"
NARROW = "select 'd', parameter, low::text, rid from search_date union all select 'n', parameter, low::text, rid" \
    " from search_number union all select 's', parameter, value, rid from search_string order by 1, 2, 3, 4"  # fmt: skip


def test_rows_of_another_layout_are_computed_anew(store: Store) -> None:
    repository = store.repository
    repository.update(
        {"resourceType": "Patient", "id": "a", "name": [{"text": "单雄信"}], "birthDate": "1990"}
    )
    repository.update(
        {"resourceType": "Patient", "id": "a", "name": [{"text": "曾国强"}], "deceasedDateTime": "2020"}
    )
    repository.update({"resourceType": "Patient", "id": "gone", "name": [{"text": "李四"}]})
    repository.delete("Patient", "gone")
    observation = {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}}
    repository.update({**observation, "valueQuantity": {"value": 3, "unit": "d"}})
    with store.pool.connection() as connection:
        before = [connection.execute(query).fetchall() for query in (ROWS, NARROW)]
        connection.execute("update search set tokens = '{}'")
        connection.execute("truncate search_string, search_date, search_number")
        connection.execute("update index_layout set layout = layout - 1")
    with Store(store.conninfo) as again:
        assert again.rebuilt == 2
        assert ids(again, "Patient?name=zeng") == "a"
        assert ids(again, "Patient?name=shan") == ""
        with again.pool.connection() as connection:
            assert [connection.execute(query).fetchall() for query in (ROWS, NARROW)] == before
        assert verify(again).problems == []
    with Store(store.conninfo) as third:
        assert third.rebuilt == 0
