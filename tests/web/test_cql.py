"""The page for rules in CQL: what is wrong as one types, what each definition gives for a resident, who may ask."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.web.conftest import PASSWORD, Site, events, sign_in, violations

from shangyi.access import Origin
from shangyi.access.browser import csrf_token
from shangyi.query.cql.errors import CqlErrors
from shangyi.query.cql.translate import translate
from shangyi.web.pages.cql import START, Piece, marked


@pytest.fixture
def doctor(site: Site) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site.address, timeout=60) as client:
        client.cookies.set(
            "shangyi_session", site.access.sign_in("doctor", PASSWORD, Origin.of("127.0.0.1", "test")).cookie
        )
        client.cookies.set("language", "en")
        yield client


def ask(client: httpx.Client, path: str = "/cql", **fields: str) -> httpx.Response:
    token = csrf_token(client.cookies["shangyi_session"])
    return client.post(path, data={"csrf_token": token, **fields})


ALLERGIES = (
    "using FHIR version '4.0.1'\ncontext Patient\ndefine All: [AllergyIntolerance]\ndefine Any: exists All\n"
)


def test_each_definition_gives_its_value_with_the_record_behind_it(doctor: httpx.Client, site: Site) -> None:
    said = ask(doctor, source=ALLERGIES, resident_value="p1")
    assert said.status_code == 200
    assert re.findall(r"<dt>([^<]*)</dt>", said.text) == ["All", "Any"]
    assert '<a href="/records/AllergyIntolerance/a1">青霉素</a>' in said.text
    assert '<span class="tag good">Yes</span>' in said.text
    assert any("Patient/p1" in str(event) for event in events(site, "everything"))


def test_a_name_that_several_have_is_asked_about(doctor: httpx.Client) -> None:
    assert "There is no such resident" not in ask(doctor, source=ALLERGIES, resident="shan").text
    nobody = ask(doctor, source=ALLERGIES, resident="欧阳")
    assert nobody.status_code == 404
    assert "Nobody found" in nobody.text


def test_a_fault_stands_at_its_definition_and_the_others_go_on(doctor: httpx.Client) -> None:
    source = "using FHIR version '4.0.1'\nvalueset V: 'urn:none'\ncontext Patient\ndefine A: ExpandValueSet(V)\ndefine B: 1 + 1\n"
    said = ask(doctor, source=source, resident_value="p2").text
    assert re.search(r'<dt>A</dt><dd><span class="tag grade-2">fault</span> [^<]*urn:none', said)
    assert re.search(r"<dt>B</dt><dd>.*?2", said)


def test_what_is_wrong_is_said_and_marked(doctor: httpx.Client) -> None:
    said = ask(doctor, "/cql/check", source="define A: B\ndefine \"C D\": 1 + 'a'\n").text
    assert "2 errors" in said
    assert "line 1, column 11" in said
    assert "<u>B</u>" in said
    assert "<u>1 + &#39;a&#39;</u>" in said
    assert "No errors" in ask(doctor, "/cql/check", source=START).text


def test_a_library_that_never_ends_is_stopped(doctor: httpx.Client) -> None:
    source = "define A: expand { Interval[1, 1000] } per 1\ndefine B: from A X, A Y, A Z where X = Y and Y = Z return X\n"
    said = ask(doctor, source=source, resident_value="p1").text
    assert "Stopped after 1000000 steps" in said


def test_who_sees_no_persons_has_no_rules_page(site: Site) -> None:
    site.access.accounts.create("sums", PASSWORD, "analyst", "*", display="统计员")
    with httpx.Client(base_url=site.address) as client:
        client.cookies.set(
            "shangyi_session", site.access.sign_in("sums", PASSWORD, Origin.of("127.0.0.1", "t")).cookie
        )
        assert client.get("/cql").status_code == 403


def test_marks_of_one_line_do_not_overlap() -> None:
    with pytest.raises(CqlErrors) as raised:
        translate("define A: X define B: Y\n")
    (line,) = marked("define A: X define B: Y\n", raised.value.errors)
    assert [piece.text for piece in line if piece.wrong] == ["X", "Y"]
    assert "".join(piece.text for piece in line) == "define A: X define B: Y"
    assert Piece("define A: ") == line[0]


@pytest.mark.browser
def test_errors_are_underlined_as_one_types(page: Any, site: Site) -> None:
    sign_in(page, site, "doctor")
    page.goto(site.address + "/cql?resident_value=p1")
    assert violations(page) == []
    page.fill("#source", "define A: Nothing\n")
    page.wait_for_selector("#cql-marks u")
    assert page.inner_text("#cql-marks u") == "Nothing"
    assert violations(page) == []
    page.fill("#source", "define A: 1\n")
    page.wait_for_selector(".check.good")
    assert page.locator("#cql-marks u").count() == 0
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.complaints == []
