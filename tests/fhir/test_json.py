"""FHIR JSON in and out (http://hl7.org/fhir/R4/json.html)."""

import json as standard
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shangyi.errors import Invalid, ShangyiError, TooLarge
from shangyi.fhir import json


@pytest.mark.parametrize("number", ["1.20", "0.010", "1", "-3", "100.0", "12345678901234567890.123456789"])
def test_a_decimal_comes_out_as_it_went_in(number: str) -> None:
    text = f'{{"value":{number}}}'.encode()
    assert json.dumps(json.loads(text)) == text


def test_an_exponent_keeps_its_precision() -> None:
    value = json.loads('{"value":1.20e3}')["value"]
    assert value == Decimal(1200)
    assert value.as_tuple() == Decimal("1.20e3").as_tuple()
    assert json.loads(json.dumps({"value": value}))["value"].as_tuple() == value.as_tuple()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "JSON"),
        (b"[]", "JSON object"),
        (b'"x"', "JSON object"),
        (b'{"a":1', "JSON"),
        (b'{"a":NaN}', "JSON"),
        (b'{"a":Infinity}', "JSON"),
        (b'{"a":01}', "JSON"),
        (b'{"a":1}x', "JSON"),
        (b'{"a":"\x00"}', "JSON"),
        (b'{"a":"\\u0000"}', "NUL"),
        (b'{"a":"\xff"}', "UTF-8"),
        (b'{"a":"\\ud800"}', "JSON"),
        ('{"a":"周"}'.encode("gb18030"), "UTF-8"),
        ('{"a":1}'.encode("utf-16"), "UTF-8"),
        (b'\xef\xbb\xbf{"a":1}', "byte-order"),
        (b'{"a":1e99999999999999999999}', "JSON"),
        (b'{"a":1,"b":{"c":1,"c":2}}', "c is given twice"),
        (b'{"a" : 1, "a" : 2}', "a is given twice"),
        (b'{"a":1,"\\u0061":2}', "a is given twice"),
        (b'{"a":"\\u0022","a":"\\u0022\\u0022"}', "a is given twice"),
    ],
)
def test_what_is_not_sound_is_refused_with_its_reason(data: bytes, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        json.loads(data)


def test_the_place_of_a_fault_is_said() -> None:
    with pytest.raises(Invalid, match=r"byte 5"):
        json.loads(b'{"a":?}')


@pytest.mark.parametrize("count", [201, 5_000, 100_000])
def test_deep_nesting_is_refused(count: int) -> None:
    with pytest.raises(Invalid, match="Nested"):
        json.loads(b'{"a":' * count + b"1" + b"}" * count)
    with pytest.raises(Invalid, match="Nested"):
        json.loads(b'{"a":' + b"[" * count + b"]" * count + b"}")


def test_many_brackets_side_by_side_are_not_deep() -> None:
    data = b'{"a":[' + b",".join([b'{"b":[1]}'] * 5_000) + b'],"text":"' + b"[{" * 1_000 + b'"}'
    assert len(json.loads(data)["a"]) == 5_000


def test_spaces_and_texts_that_look_like_names_are_not_twice() -> None:
    assert json.loads(b'{"a" : "\\"a\\":1", "b" : 2}') == {"a": '"a":1', "b": 2}


@pytest.mark.parametrize("piece", [b"{},", b"[],", b"1,"])
def test_more_values_than_any_document_needs_are_refused(piece: bytes) -> None:
    with pytest.raises(TooLarge, match="values"):
        json.loads(b'{"a":[' + piece * json.MOST_VALUES + b"1]}")


def test_more_than_the_largest_is_refused() -> None:
    assert json.loads(b'{"a":1}', largest=7) == {"a": 1}
    with pytest.raises(TooLarge):
        json.loads(b'{"a":12}', largest=7)


@given(st.one_of(st.binary(), st.text().map(lambda t: t.encode("utf-8", "surrogatepass"))))
def test_noise_never_raises_anything_else(data: bytes) -> None:
    try:
        json.loads(data)
    except ShangyiError:
        pass


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    assert json.loads(b'{"a":"\\\\u0000"}') == {"a": "\\u0000"}
    with pytest.raises(Invalid, match="NUL"):
        json.loads(b'{"a":"\\\\\\u0000"}')


_TEXTS = st.text(alphabet='a":{}[],\\u0022 \n周')
_TREES = st.recursive(
    st.one_of(_TEXTS, st.booleans()),
    lambda below: st.dictionaries(_TEXTS, below, max_size=3) | st.lists(below),
)


@given(_TREES, st.sampled_from([None, 2]), st.booleans(), st.sampled_from([(",", ":"), (", ", " : ")]))
def test_names_given_twice_are_found_however_the_text_is_written(
    tree: object, indent: int | None, ascii_only: bool, separators: tuple[str, str]
) -> None:
    text = standard.dumps({"a": tree}, indent=indent, ensure_ascii=ascii_only, separators=separators)
    assert json.loads(text) == {"a": tree}
    with pytest.raises(Invalid, match="given twice"):
        json.loads(text[: text.rindex("}")] + separators[0] + '"a"' + separators[1] + "1}")
