"""``shangyi cql``: libraries of Clinical Quality Language."""

from pathlib import Path
from typing import Annotated

import typer

from shangyi.cli.output import emit, note
from shangyi.cli.text import t
from shangyi.errors import Invalid

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help=t("Libraries of Clinical Quality Language (CQL).")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi cql translate measure.cql\n  shangyi cql translate measure.cql --path libraries --out measure.json",
)


@app.callback()
def cql() -> None:
    """Libraries of CQL."""


@app.command(help=t("Check a library and write it as ELM JSON, with types and places."))
def translate(
    file: Annotated[Path, typer.Argument(help=t("A CQL file."))],
    path: Annotated[
        list[Path] | None,
        typer.Option(help=t("Where included libraries and ModelInfo files are; by default beside the file.")),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help=t("The file to write; by default standard output."))
    ] = None,
) -> None:
    """Translate."""
    import json

    from shangyi.query.cql import elm
    from shangyi.query.cql.translate import directory
    from shangyi.query.cql.translate import translate as translated

    missing = [str(p) for p in (file, *(path or ())) if not p.exists()]
    if missing:
        raise Invalid("{path} is not there", path=", ".join(missing))
    program = translated(file.read_text(encoding="utf-8-sig"), directory(*(path or [file.parent])), file.stem)
    written = elm.write(program.main)
    if out is None:
        emit(written)
    else:
        out.write_text(json.dumps(written, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        note(t("{count} definitions in {path}", count=len(program.main.expressions), path=out))
