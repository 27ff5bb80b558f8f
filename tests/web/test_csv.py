import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shangyi.web.csv import lines, safe


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3+cmd", "@SUM(A1)", "\t=1", "\r=1", " =1", "=", "-"]
)
def test_what_a_spreadsheet_would_run_is_text(text: str) -> None:
    assert safe(text) == "'" + text


@pytest.mark.parametrize("text", ["单秀兰", "9913··········17", "-3.5", "+86", "1-2", "", "a=b"])
def test_what_is_harmless_stays(text: str) -> None:
    assert safe(text) == text


@given(
    st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2), max_size=5)
)
def test_a_reader_gets_every_cell_back_and_no_formula(rows: list[list[str]]) -> None:
    text = "".join(lines(["a", "b"], rows))
    assert text.startswith("\ufeff")
    read = list(csv.reader(io.StringIO(text[1:], newline="")))
    assert read == [["a", "b"], *([safe(cell) for cell in row] for row in rows)]


def test_a_long_table_comes_in_pieces() -> None:
    pieces = list(lines(["n"], ([n] for n in range(1700))))
    assert len(pieces) == 4
    assert "".join(pieces).count("\r\n") == 1701
