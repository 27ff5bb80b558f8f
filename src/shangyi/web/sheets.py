"""A figure's table as a file: UTF-8 CSV that a spreadsheet opens as it is."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from shangyi.web.rendering import HEADERS


@dataclass(frozen=True, slots=True)
class Sheet:
    """Columns and rows under a name for the file (Latin letters)."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def cell(value: Any) -> Any:
    """A value that a spreadsheet does not take for a formula."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return "" if value is None else value


def answer(sheet: Sheet) -> Response:
    """The file as an answer; begins with a byte-order mark, or Excel reads Chinese wrongly."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([cell(column) for column in sheet.columns])
    writer.writerows([cell(value) for value in row] for row in sheet.rows)
    headers = HEADERS | {"Content-Disposition": f'attachment; filename="{sheet.name}.csv"'}
    return Response("\ufeff" + text.getvalue(), media_type="text/csv", headers=headers)
