"""``shangyi validate``: hold files against FHIR R4 without loading them."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from shangyi.cli import codes
from shangyi.cli.output import emit, line, note
from shangyi.cli.text import sentence, t
from shangyi.errors import Issue, NotFound, ShangyiError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def resources(name: str) -> Iterator[tuple[str, bytes]]:
    """(place, bytes of one resource) of a file (JSON, XML, NDJSON) or of stdin (``-``)."""
    if name == "-":
        content = sys.stdin.buffer.read()
    else:
        try:
            content = Path(name).read_bytes()
        except OSError as error:
            raise NotFound("{path} cannot be read: {reason}.", path=name, reason=error.strerror) from None
    if name.endswith((".ndjson", ".jsonl")):
        for number, row in enumerate(content.splitlines(), 1):
            if row.strip():
                yield f"{name}:{number}", row
    else:
        yield name, content


def parse(content: bytes) -> Any:
    """JSON or XML, by its first character."""
    from shangyi.fhir import json, xml

    return xml.loads(content) if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<" else json.loads(content)


def problems(content: bytes) -> list[Issue]:
    """Everything wrong with one resource."""
    from shangyi.query import conformance

    try:
        return conformance.advise(parse(content))
    except ShangyiError as error:
        return list(error.issues)


@app.command(
    help=t("Hold resources against FHIR R4: structure, formats, bindings, reference targets, invariants.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi validate patient.json\n  shangyi validate *.xml --json\n  cat a.json | shangyi validate -"
)
def validate(
    files: Annotated[list[str], typer.Argument(help=t("JSON, XML or NDJSON files; - is standard input."))],
    json: Annotated[bool, typer.Option("--json", help=t("Answer with JSON."))] = False,
) -> int:
    """Validate; REFUSED when an error was found."""
    report: list[dict[str, Any]] = []
    wrong = 0
    for file in files:
        for place, content in resources(file):
            issues = problems(content)
            errors = [issue for issue in issues if issue.severity in ("error", "fatal")]
            wrong += bool(errors)
            report.append({"source": place, "valid": not errors, "issue": [i.to_fhir() for i in issues]})
            if not json:
                line(t("{place}: valid", place=place) if not errors else t("{place}: not valid", place=place))
                for issue in issues:
                    line(f"  {issue.severity}: {sentence(issue)}")
    if json:
        emit(report)
    elif len(report) > 1:
        note(t("{count} resources, {wrong} not valid", count=len(report), wrong=wrong))
    return codes.REFUSED if wrong else codes.OK
