"""RFC 6902: the examples of its appendix A, and what a resource adds to it."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shangyi.api.json_patch import PatchFailed, apply
from shangyi.errors import Invalid

APPENDIX_A: list[tuple[str, Any, Any, Any]] = [
    ("A.1 add member", {"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"baz": "qux", "foo": "bar"}),
    ("A.2 add element", {"foo": ["bar", "baz"]}, [{"op": "add", "path": "/foo/1", "value": "qux"}], {"foo": ["bar", "qux", "baz"]}),
    ("A.3 remove member", {"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
    ("A.4 remove element", {"foo": ["bar", "qux", "baz"]}, [{"op": "remove", "path": "/foo/1"}], {"foo": ["bar", "baz"]}),
    ("A.5 replace", {"baz": "qux", "foo": "bar"}, [{"op": "replace", "path": "/baz", "value": "boo"}], {"baz": "boo", "foo": "bar"}),
    ("A.6 move value", {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}}, [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}], {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}}),
    ("A.7 move element", {"foo": ["all", "grass", "cows", "eat"]}, [{"op": "move", "from": "/foo/1", "path": "/foo/3"}], {"foo": ["all", "cows", "eat", "grass"]}),
    ("A.8 test", {"baz": "qux", "foo": ["a", 2, "c"]}, [{"op": "test", "path": "/baz", "value": "qux"}, {"op": "test", "path": "/foo/1", "value": 2}], {"baz": "qux", "foo": ["a", 2, "c"]}),
    ("A.10 nested", {"foo": "bar"}, [{"op": "add", "path": "/child", "value": {"grandchild": {}}}], {"foo": "bar", "child": {"grandchild": {}}}),
    ("A.11 unknown member", {"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux", "xyz": 123}], {"foo": "bar", "baz": "qux"}),
    ("A.14 escapes", {"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
    ("A.16 array value", {"foo": ["bar"]}, [{"op": "add", "path": "/foo/-", "value": ["abc", "def"]}], {"foo": ["bar", ["abc", "def"]]}),
]  # fmt: skip

REFUSED: list[tuple[str, Any, Any, type[Exception]]] = [
    ("A.9 test fails", {"baz": "qux"}, [{"op": "test", "path": "/baz", "value": "bar"}], PatchFailed),
    ("A.12 no parent", {"foo": "bar"}, [{"op": "add", "path": "/baz/bat", "value": "qux"}], PatchFailed),
    (
        "A.15 string and number",
        {"/": 9, "~1": 10},
        [{"op": "test", "path": "/~01", "value": "10"}],
        PatchFailed,
    ),
    ("true is not 1", {"a": True}, [{"op": "test", "path": "/a", "value": 1}], PatchFailed),
    ("remove what is not there", {}, [{"op": "remove", "path": "/a"}], PatchFailed),
    ("replace what is not there", {}, [{"op": "replace", "path": "/a", "value": 1}], PatchFailed),
    ("index beyond the end", {"a": [1]}, [{"op": "add", "path": "/a/2", "value": 1}], PatchFailed),
    ("index with a leading zero", {"a": [1]}, [{"op": "remove", "path": "/a/00"}], Invalid),
    ("negative index", {"a": [1]}, [{"op": "remove", "path": "/a/-1"}], Invalid),
    ("into itself", {"a": {"b": 1}}, [{"op": "move", "from": "/a", "path": "/a/b"}], Invalid),
    ("pointer without slash", {"a": 1}, [{"op": "remove", "path": "a"}], Invalid),
    ("bad escape", {"a": 1}, [{"op": "remove", "path": "/~2"}], Invalid),
    ("no value", {"a": 1}, [{"op": "add", "path": "/b"}], Invalid),
    ("unknown op", {"a": 1}, [{"op": "merge", "path": "/b", "value": 1}], Invalid),
    ("whole removed", {"a": 1}, [{"op": "remove", "path": ""}], Invalid),
    ("no array", {"a": 1}, {"op": "remove", "path": "/a"}, Invalid),
    ("no object", {"a": 1}, ["remove"], Invalid),
]


@pytest.mark.parametrize(
    ("document", "patch", "expected"), [c[1:] for c in APPENDIX_A], ids=[c[0] for c in APPENDIX_A]
)
def test_appendix_a(document: Any, patch: Any, expected: Any) -> None:
    assert apply(document, patch) == expected


@pytest.mark.parametrize(
    ("document", "patch", "error"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_refused(document: Any, patch: Any, error: type[Exception]) -> None:
    before = repr(document)
    with pytest.raises(error):
        apply(document, patch)
    assert repr(document) == before


def test_earlier_operations_leave_no_trace_when_a_later_one_fails() -> None:
    document = {"name": [{"given": ["a"]}]}
    with pytest.raises(PatchFailed):
        apply(
            document,
            [{"op": "add", "path": "/name/0/given/-", "value": "b"}, {"op": "remove", "path": "/no"}],
        )
    assert document == {"name": [{"given": ["a"]}]}


def test_decimals_compare_by_value_and_keep_their_digits() -> None:
    patched = apply({"value": Decimal("1.20")}, [{"op": "test", "path": "/value", "value": Decimal("1.2")}])
    assert str(patched["value"]) == "1.20"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(document=st.dictionaries(st.text(max_size=4), JSON, max_size=4), key=st.text(max_size=4), value=JSON)
def test_add_then_test_then_remove_gives_back_what_was(document: Any, key: str, value: Any) -> None:
    if key in document:
        return
    path = "/" + key.replace("~", "~0").replace("/", "~1")
    there = [{"op": "add", "path": path, "value": value}, {"op": "test", "path": path, "value": value}]
    assert apply(document, [*there, {"op": "remove", "path": path}]) == document
