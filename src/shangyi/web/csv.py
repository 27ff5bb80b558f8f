"""Tables as CSV: streamed, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from starlette.responses import StreamingResponse

BOM = "\ufeff"
"""So that a spreadsheet reads UTF-8."""
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


def response(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingResponse:
    """The file as a download; ``name`` without its ending, ASCII."""
    return StreamingResponse(
        lines(header, rows),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.csv"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
