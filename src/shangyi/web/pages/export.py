"""Taking records out: NDJSON by type, for administrators."""

from collections.abc import Iterator
from datetime import date
from itertools import chain

from starlette.responses import Response, StreamingResponse

from shangyi.store import figures
from shangyi.store.model import Version
from shangyi.store.types import NUMBERS
from shangyi.web.context import Context

BATCH_BYTES = 64 << 10


def export(context: Context) -> Response:
    """GET /export: the types that there are, with how many of each."""
    context.session.require_use("export")
    counts = context.session.aggregate("types", lambda records, _: figures.counts(records.pool))
    return context.page(
        "pages/export.html", "export", counts=sorted(counts.items(), key=lambda c: (-c[1], c[0]))
    )


def ndjson(context: Context) -> Response:
    """GET /export/{type}.ndjson: every current resource of the type, streamed."""
    type = context.request.path_params["type"]
    versions = context.session.stream(type if type in NUMBERS else "")
    first = next(versions, None)  # before the answer begins, so that an error is an error page
    found = chain([first], versions) if first else iter(())
    return StreamingResponse(
        _lines(found),
        media_type="application/fhir+ndjson",
        headers={
            "Content-Disposition": f'attachment; filename="{type}-{date.today():%Y%m%d}.ndjson"',
            "Cache-Control": "no-store",
        },
    )


def _lines(versions: Iterator[Version]) -> Iterator[bytes]:
    batch = bytearray()
    for version in versions:
        batch += version.body + b"\n"
        if len(batch) >= BATCH_BYTES:
            yield bytes(batch)
            batch.clear()
    yield bytes(batch)
