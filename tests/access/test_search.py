"""Attempts to see a resident of another village by searching."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.people import COUNTY, OTHER, VILLAGE, observation, session

from shangyi.access import Access, Role
from shangyi.errors import Forbidden, ShangyiError
from shangyi.store.model import SearchRequest

OUTSIDE = {"Patient/outside", "Patient/nowhere", "Observation/obs-outside", "Condition/problem-outside"}


@pytest.fixture(scope="module")
def crossed(county: Access) -> Access:
    """References that cross the border, as data that was loaded may hold them."""
    owner = county.owner_session()
    owner.update(observation("crossing", "inside", hasMember=[{"reference": "Observation/obs-outside"}]))
    owner.update(observation("obs-outside", "outside", performer=[{"reference": "Practitioner/li"}]))
    owner.update({"resourceType": "Practitioner", "id": "li", "name": [{"text": "李医生"}]})
    owner.update(
        {
            "resourceType": "Group",
            "id": "household",
            "type": "person",
            "actual": True,
            "member": [
                {"entity": {"reference": "Patient/outside"}},
                {"entity": {"reference": "Patient/inside"}},
            ],
        }
    )
    return county


def shown(
    access: Access, role: Role, type: str | None, *parameters: tuple[str, str], area: str = VILLAGE
) -> set[str]:
    result = session(access, role, area).search(SearchRequest(type, parameters))
    return {version.reference for version in (*result.matches, *result.included)}


def test_the_same_searches_find_it_from_the_county(crossed: Access) -> None:
    assert "Observation/obs-outside" in shown(
        crossed, Role.READER, "Observation", ("patient", "outside"), area=COUNTY
    )
    assert "Observation/obs-outside" in shown(
        crossed,
        Role.READER,
        "Observation",
        ("_id", "crossing"),
        ("_include", "Observation:has-member"),
        area=COUNTY,
    )
    assert "Observation/obs-outside" in shown(
        crossed, Role.READER, "Practitioner", ("_revinclude", "Observation:performer"), area=COUNTY
    )


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.READER])
@pytest.mark.parametrize(
    ("type", "parameters"),
    [
        ("Patient", []),
        ("Patient", [("_id", "outside")]),
        ("Patient", [("_id", "outside,inside"), ("_revinclude", "Observation:patient")]),
        ("Observation", []),
        ("Observation", [("patient", "outside")]),
        ("Observation", [("_id", "crossing"), ("_include", "Observation:has-member")]),
        ("Observation", [("_id", "crossing"), ("_include", "Observation:*")]),
        ("Practitioner", [("_revinclude", "Observation:performer")]),
        ("Practitioner", [("_id", "li"), ("_revinclude", "Observation:performer"), ("_include", "Observation:subject")]),
        ("Group", [("_include", "Group:member")]),
        ("Organization", [("_revinclude", "Patient:organization")]),
    ],
)  # fmt: skip
def test_nothing_outside_is_shown(
    crossed: Access, role: Role, type: str | None, parameters: list[tuple[str, str]]
) -> None:
    assert shown(crossed, role, type, *parameters) & OUTSIDE == set()


@pytest.mark.parametrize(
    ("type", "name", "value"),
    [
        ("Observation", "has-member.patient", "Patient/outside"),
        ("Observation", "has-member:Observation.subject:Patient.gender", "female"),
        ("Practitioner", "_has:Observation:performer:patient", "Patient/outside"),
        ("Group", "member:Patient.gender", "female"),
        ("Patient", "_has:Observation:subject:has-member.patient", "Patient/outside"),
        ("Patient", "_has:Observation:subject:_has:Observation:has-member:code", "8480-6"),
        ("Patient", "_has:Group:member:member", "Patient/outside"),
    ],
)
def test_a_condition_cannot_ask_about_what_is_outside(
    crossed: Access, type: str, name: str, value: str
) -> None:
    with pytest.raises(Forbidden):
        shown(crossed, Role.READER, type, (name, value))


def test_conditions_on_the_same_resident_or_an_institution_work(crossed: Access) -> None:
    found = shown(crossed, Role.READER, "Observation", ("subject:Patient.gender", "female"))
    assert "Observation/obs-inside" in found
    assert found & OUTSIDE == set()
    assert shown(crossed, Role.READER, "Patient", ("_has:Observation:subject:code", "8480-6")) == {
        "Patient/inside"
    }


def test_totals_are_of_what_may_be_seen(crossed: Access) -> None:
    mine = session(crossed, Role.READER)
    result = mine.search(SearchRequest("Patient", [("_summary", "count")]))
    assert result.total == len(shown(crossed, Role.READER, "Patient"))
    assert mine.search(SearchRequest("Patient", [("_id", "outside"), ("_total", "accurate")])).total == 0


NAMES = st.sampled_from(
    "_id _lastUpdated patient subject gender code category has-member performer member general-practitioner"
    " _has:Observation:subject:code _has:Group:member:_id subject:Patient._id has-member._id patient._id"
    " _include _revinclude _include:iterate _sort _count _total _summary organization.name".split()
)
VALUES = st.sampled_from(
    "outside inside Patient/outside Observation/obs-outside obs-outside female 8480-6 * Observation:subject"
    " Observation:patient Group:member Condition:subject Observation:has-member ge2000 -_lastUpdated 5 accurate"
    " data Practitioner/li li".split()
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    type=st.sampled_from(["Patient", "Observation", "Condition", "Group", "Practitioner", "Organization"]),
    parameters=st.lists(st.tuples(NAMES, VALUES), max_size=4),
)
def test_no_search_shows_anything_outside(
    crossed: Access, type: str, parameters: list[tuple[str, str]]
) -> None:
    try:
        assert shown(crossed, Role.READER, type, *parameters) & OUTSIDE == set()
    except ShangyiError:
        pass


def test_everything_shows_one_resident_only(crossed: Access) -> None:
    result = session(crossed, Role.CLINICIAN).everything("Patient", "inside")
    found = {version.reference for version in (*result.matches, *result.included)}
    assert {"Patient/inside", "Observation/obs-inside"} <= found
    assert found & OUTSIDE == set()


def test_an_analyst_sees_no_resident(crossed: Access) -> None:
    for type in ("Patient", "Observation", "Group", "Practitioner"):
        with pytest.raises(Forbidden):
            shown(crossed, Role.ANALYST, type, area="*")
    assert shown(
        crossed, Role.ANALYST, "Organization", ("_revinclude", "Patient:organization"), area="*"
    ) == {"Organization/hospital"}


def test_a_search_is_recorded_with_its_query_and_what_it_found(crossed: Access) -> None:
    mine = session(crossed, Role.CLINICIAN)
    mine.search(SearchRequest("Observation", [("patient", "inside"), ("code", "8480-6")]))
    crossed.drain.flush()
    with crossed.pool.connection() as connection:
        row = connection.execute(
            "select subtype, action::text, query, entities from audit_event order by id desc limit 1"
        ).fetchone()
    assert row is not None
    assert row[:3] == ("search-type", "E", "Observation?patient=inside&code=8480-6")
    assert {"Observation/obs-inside", "Patient/inside"} <= set(row[3])


def test_the_panel_is_within_the_area(crossed: Access) -> None:
    owner = crossed.owner_session()
    for id in ("inside", "outside"):
        patient = owner.read("Patient", id).resource
        owner.update({**patient, "generalPractitioner": [{"reference": "Practitioner/li"}]})
    mine = session(crossed, Role.CLINICIAN, practitioner="Practitioner/li")
    found = mine.panel().search(SearchRequest("Patient", []))
    assert [version.id for version in found.matches] == ["inside"]
    with pytest.raises(Forbidden):
        session(crossed, Role.CLINICIAN).panel()


def test_what_belongs_to_nobody_is_seen_from_everywhere_only(crossed: Access) -> None:
    owner = crossed.owner_session()
    stray = observation("stray", "inside")
    del stray["subject"]
    owner.update(stray)
    assert "Observation/stray" not in shown(crossed, Role.READER, "Observation")
    with pytest.raises(Forbidden):
        session(crossed, Role.READER, VILLAGE).read("Observation", "stray")
    assert "Observation/stray" in shown(crossed, Role.READER, "Observation", area="*")
    assert "ValueSet/vs" in shown(crossed, Role.READER, "ValueSet")


def test_a_household_is_where_its_first_member_lives(crossed: Access) -> None:
    assert "Group/household" not in shown(crossed, Role.READER, "Group")
    assert "Group/household" in shown(crossed, Role.READER, "Group", area=OTHER)


def test_a_condition_of_a_write_cannot_ask_about_another_area(crossed: Access) -> None:
    mine = session(crossed, Role.CLINICIAN, VILLAGE)
    new = observation("x", "inside")
    del new["id"]
    condition = [("performer:Practitioner._has:Observation:performer:code", "8480-6")]
    with pytest.raises(Forbidden):
        mine.create(new, if_none_exist=condition)
    with pytest.raises(Forbidden):
        mine.create(
            {**new, "performer": [{"reference": "Practitioner?_has:Observation:performer:code=8480-6"}]}
        )
