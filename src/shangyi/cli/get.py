"""``shangyi get``: one resource."""

import re
from typing import Annotated

import msgspec
import typer

from shangyi.cli.output import line
from shangyi.cli.owner import owner
from shangyi.cli.text import t
from shangyi.errors import Invalid
from shangyi.fhir import json as fhir_json

app = typer.Typer(add_completion=False, rich_markup_mode=None)
REFERENCE = re.compile(r"([A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/([0-9]+))?")


@app.command(
    help=t("Read one resource, or one version of it.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi get Patient/1\n  shangyi get Patient/1/_history/2 --json"
)
def get(
    reference: Annotated[str, typer.Argument(help=t("Type/id or Type/id/_history/version."))],
    json: Annotated[bool, typer.Option("--json", help=t("On one line."))] = False,
) -> None:
    """Get."""
    match = REFERENCE.fullmatch(reference.strip())
    if not match:
        raise Invalid("{reference!r} is not a reference; write it like Patient/1.", reference=reference)
    kind, id, number = match.groups()
    with owner() as session:
        found = session.vread(kind, id, int(number)) if number else session.read(kind, id)
    body = fhir_json.dumps(found.resource)
    # Only white space changes: 1.20 stays 1.20.
    line((body if json else msgspec.json.format(body, indent=2)).decode())
