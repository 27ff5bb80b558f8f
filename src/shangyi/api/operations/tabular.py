"""What operations that answer in rows have in common: whom they ask, the format of the rows, and how many there may be."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from shangyi.api import reply
from shangyi.api.call import Call
from shangyi.api.negotiation import Format, NotAcceptable, media_type
from shangyi.api.operations.definition import Input, Parameter
from shangyi.api.reply import NO_STORE, Reply
from shangyi.errors import Invalid, NotFound, NotSupported, TooLarge, Unprocessable

if TYPE_CHECKING:
    from shangyi.lake.analysis import Analyst
    from shangyi.lake.answer import Answer

MOST_ROWS = 100_000
"""In one answer, which is held whole; more are for ``shangyi sql``, which writes a file."""
DEFAULT = "ndjson"
MEDIA_TYPES: Mapping[str, str] = {
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}
NAMES: Mapping[str, str] = {
    **{name: name for name in MEDIA_TYPES},
    **{kind.partition(";")[0]: name for name, kind in MEDIA_TYPES.items()},
    "application/ndjson": "ndjson",
    "application/fhir+ndjson": "ndjson",
    "application/octet-stream": "parquet",
}
"""What ``_format`` and ``Accept`` may say."""
WILDCARDS: Mapping[str, str] = {"*/*": DEFAULT, "application/*": DEFAULT, "text/*": "csv"}
PARAMETERS: Mapping[str, Parameter] = {"_format": Parameter("code"), "header": Parameter("boolean")}


@contextmanager
def asking(call: Call) -> Iterator["Analyst"]:
    """Whoever calls, asking the lake of this server.

    A view or query that is wrong in itself is 422, with each fault and its place as before.
    """
    if call.in_batch:  # an answer is as large as a page of thousands, and takes as long
        raise NotSupported("This operation cannot stand in a batch")
    if call.analysts is None:
        raise NotFound("This server has no lake: shangyi lake build makes it of the record")
    analyst = call.analysts.of(call.session)
    with call.analysts.turn():
        try:
            yield analyst
        except Invalid as error:
            raise Unprocessable(error.issues) from error


@dataclass(frozen=True, slots=True)
class Form:
    """How rows are written. ``binary``: within a Binary, for whom takes FHIR alone; ``header``: of CSV."""

    format: str
    header: bool = True
    binary: bool = False

    @classmethod
    def asked(cls, call: Call, given: Input) -> Self:
        """``_format`` before ``Accept``; NDJSON where neither says more."""
        asked = [value for name, value in call.presentation if name == "_format"] + given.get("_format", [])
        if len(asked) > 1:
            raise Invalid("The parameter {name} may be given once only", name="_format")
        header = given.get("header", ["true"])[0] == "true"
        if asked:
            name = media_type(asked[0].replace(" ", "+")).name
            if name not in NAMES:
                formats = ", ".join(MEDIA_TYPES)
                raise NotSupported("Rows are written as {formats}", expression="_format", formats=formats)
            return cls(NAMES[name], header)
        return cls(*_accepted(call.header(b"accept") or "*/*", header))

    def reply(self, call: Call, answer: "Answer") -> Reply:
        """The rows."""
        data = answer.bytes(self.format, header=self.header)
        kind = MEDIA_TYPES[self.format]
        if not self.binary:
            return Reply(200, data, [(b"content-type", kind.encode()), NO_STORE])
        content = {"resourceType": "Binary", "contentType": kind, "data": b64encode(data).decode()}
        return reply.resource(call, content)


def _accepted(accept: str, header: bool) -> tuple[str, bool, bool]:
    best: tuple[float, tuple[str, bool, bool]] | None = None
    for part in accept.split(","):
        kind = media_type(part)
        binary = kind.name in (Format.JSON, Format.XML)
        found = DEFAULT if binary else NAMES.get(kind.name) or WILDCARDS.get(kind.name)
        try:
            quality = float(kind.parameters.get("q", "1"))
        except ValueError:
            quality = 0.0
        if found and quality > 0 and (best is None or quality > best[0]):
            best = quality, (found, header, binary)
    if best is None:
        raise NotAcceptable("Rows are written as {formats}", formats=", ".join(MEDIA_TYPES))
    return best[1]


def whole(answer: "Answer", limit: int | None = None) -> "Answer":
    """The answer, unless it was cut where nobody had asked for that."""
    if not answer.whole and (limit is None or limit > MOST_ROWS):
        raise TooLarge("There are more than {rows} rows: ask for fewer, or by shangyi sql", rows=MOST_ROWS)
    return answer
