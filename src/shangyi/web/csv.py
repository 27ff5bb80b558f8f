"""Tables as CSV, UTF-8: streamed, and safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from starlette.responses import StreamingResponse

from shangyi.web.rendering import HEADERS

BOM = "\ufeff"
"""At the beginning, or Excel reads Chinese wrongly."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
BATCH = 500


def safe(value: object) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP, CSV injection): an apostrophe goes before it."""
    text = "" if value is None else str(value)
    stripped = text.lstrip()
    if stripped.startswith(FORMULA) and not _number(stripped):
        return "'" + text
    return text


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text[-1].isdigit()


def lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The file in pieces."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write(BOM)
    writer.writerow([safe(cell) for cell in header])
    for number, row in enumerate(rows):
        writer.writerow([safe(cell) for cell in row])
        if number % BATCH == BATCH - 1:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table to take away; ``name`` of the file without its ending, in ASCII."""

    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[object]]


def answer(sheet: Sheet) -> StreamingResponse:
    """The table as a download."""
    return StreamingResponse(
        lines(sheet.columns, sheet.rows),
        media_type="text/csv; charset=utf-8",
        headers=HEADERS | {"Content-Disposition": f'attachment; filename="{sheet.name}.csv"'},
    )
