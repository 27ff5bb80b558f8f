"""``shangyi knowledge``: packages of guidelines, measures and codes, and their test patients."""

from typing import Annotated

import typer

from shangyi.cli.output import emit, table
from shangyi.cli.text import language, t

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help=t("Packages of knowledge: guidelines as libraries of CQL, measures, codes, and their test patients.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi knowledge list\n  shangyi knowledge test cn-basic-public-health\n  shangyi knowledge test ./my-package",
)


@app.callback()
def knowledge() -> None:
    """Packages of knowledge."""


@app.command(
    "list", help=t("The packages that come with the platform, or the one in a directory, and what they hold.")
)
def list_(
    name: Annotated[str | None, typer.Argument(help=t("A package, or a directory that holds one."))] = None,
    json: Annotated[bool, typer.Option("--json", help=t("As JSON."))] = False,
) -> None:
    """List."""
    from shangyi.knowledge import find, installed

    packages = [find(name)] if name else list(installed())
    if json:
        emit(
            [
                {
                    "name": package.name,
                    "version": package.manifest.version,
                    "title": package.manifest.title_in(language()),
                    "directory": str(package.root),
                    "libraries": list(package.programs),
                    "measures": [measure["url"] for measure in package.measures.values()],
                    "valueSets": [resource["url"] for resource in package.codes],
                    "tests": len(package.cases),
                }
                for package in packages
            ]
        )
        return
    columns = [
        t(text) for text in ("Package", "Version", "Title", "Libraries", "Measures", "Codes", "Test patients")
    ]
    rows = [
        (
            package.name,
            package.manifest.version,
            package.manifest.title_in(language()),
            len(package.programs),
            len(package.measures),
            len(package.codes),
            len(package.cases),
        )
        for package in packages
    ]
    table(columns, rows)
