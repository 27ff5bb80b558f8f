"""``shangyi search``: one page of a FHIR search."""

from typing import Annotated, Any
from urllib.parse import parse_qsl

import typer

from shangyi.cli.output import emit, line, note, table
from shangyi.cli.owner import owner
from shangyi.cli.text import t
from shangyi.errors import Invalid
from shangyi.fhir import json as fhir_json
from shangyi.store.model import SearchRequest, Version

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def parse(query: str) -> SearchRequest:
    """``Type?name=value&…``; raises Invalid."""
    kind, _, rest = query.strip().lstrip("/").partition("?")
    if not kind.isalpha():
        raise Invalid("{query!r} is not a search; write it like 'Patient?name=zs'.", query=query)
    return SearchRequest(kind, parse_qsl(rest, keep_blank_values=True))


def summary(version: Version) -> str:
    """A few words that tell resources apart: name, code, value, date."""
    resource: dict[str, Any] = version.resource
    name = resource.get("name") or []
    words = [name] if isinstance(name, str) else [_name(n) for n in name if isinstance(n, dict)]
    for key in ("code", "medicationCodeableConcept", "vaccineCode", "type", "class"):
        value = resource.get(key)
        value = value[0] if isinstance(value, list) and value else value
        if isinstance(value, dict):
            coding = (value.get("coding") or [value])[0]
            words.append(value.get("text") or coding.get("display") or coding.get("code") or "")
            break
    if quantity := resource.get("valueQuantity"):
        words.append(f"{quantity.get('value')} {quantity.get('unit', '')}".strip())
    dates = ("birthDate", "onsetDateTime", "effectiveDateTime", "authoredOn", "occurrenceDateTime", "created")
    words += [str(resource[key])[:10] for key in dates if resource.get(key)]
    return "  ".join(word for word in words if word)


def _name(name: dict[str, Any]) -> str:
    return str(name.get("text") or " ".join([*name.get("given", []), name.get("family", "")]).strip())


@app.command(
    help=t("Search as FHIR does; one page, its next one by --cursor.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi search 'Patient?name=zs'"
    + "\n  shangyi search 'Observation?code=8480-6&value-quantity=gt160&_sort=-date&_count=20'"
    + "\n  shangyi search 'Condition?code=I10&_summary=count' --json"
)
def search(
    query: Annotated[str, typer.Argument(help=t("Type?parameter=value&…, quoted for the shell."))],
    cursor: Annotated[str | None, typer.Option(help=t("Where the page before ended."))] = None,
    json: Annotated[bool, typer.Option("--json", help=t("Answer with JSON, one resource a line."))] = False,
) -> None:
    """Search."""
    request = parse(query)
    if cursor:
        request = SearchRequest(request.type, [*request.parameters, ("_cursor", cursor)])
    with owner() as session:
        page = session.search(request)
    if json:
        for version in (*page.matches, *page.included):
            line(fhir_json.dumps(version.resource).decode())
        if page.total is not None and not page.matches:
            emit({"total": page.total})
    elif page.matches:
        table(
            [t("Resource"), t("Content")], [(version.reference, summary(version)) for version in page.matches]
        )
    if not json and page.total is not None:
        line(t("{count} in total", count=page.total))
    elif not json and not page.matches:
        note(t("Nothing found."))
    if page.next:
        note(t("More: --cursor {cursor}", cursor=page.next))
