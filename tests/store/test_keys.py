from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from shangyi.store import keys, types

BIGINT = st.integers(-(2**63), 2**63 - 1)


def test_keys_never_change() -> None:
    # Written down once: a database made by an older release must still be found.
    assert keys.rid("Patient", "p1") == 2894903828866942230
    assert keys.token("Observation", "code", "http://loinc.org|8480-6") == -8920616870657138101
    assert keys.parameter("Observation", "date") == -22355728


@given(st.text(max_size=40))
def test_a_key_is_a_bigint_and_never_the_sign_for_none(text: str) -> None:
    assert keys.key(text) != keys.NONE
    assert -(2**63) <= keys.key(text) < 2**63


@given(BIGINT, BIGINT.filter(bool))
def test_a_shard_is_that_of_the_patient_where_there_is_one(patient: int, rid: int) -> None:
    assert 0 <= keys.shard(patient, rid) < 2**15
    assert keys.shard(patient, rid) == keys.shard(0, patient or rid)


@given(st.datetimes(timezones=st.just(UTC)))
def test_instants_round_trip(instant: datetime) -> None:
    assert keys.instant(keys.microseconds(instant)) == instant


def test_type_numbers_are_stable_and_small() -> None:
    assert types.NUMBERS["Account"] == 1
    assert types.NUMBERS["Observation"] == 96
    assert len(types.NUMBERS) == 146 == max(types.NUMBERS.values())
