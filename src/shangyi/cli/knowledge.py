"""``shangyi knowledge``: packages of guidelines, measures and codes, and their test patients."""

from typing import TYPE_CHECKING, Annotated

import typer

from shangyi.cli import codes
from shangyi.cli.output import emit, line, note, progress, table
from shangyi.cli.text import language, sentence, t

if TYPE_CHECKING:
    from shangyi.knowledge.testing import Outcome

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


@app.command(
    "test",
    help=t("Run the test patients of a package: what it gives for each against what it promises.")
    + "\n\n"
    + t("The code is 1 where a number is not the promised one."),
)
def run_tests(
    name: Annotated[
        str | None, typer.Argument(help=t("A package, or a directory that holds one; by default all."))
    ] = None,
    json: Annotated[bool, typer.Option("--json", help=t("As JSON."))] = False,
) -> None:
    """Run the test patients."""
    from shangyi.care.measures.cases import evaluate
    from shangyi.knowledge import find, installed
    from shangyi.knowledge.testing import run

    failed = 0
    told = []
    for package in [find(name)] if name else installed():
        outcomes: list[Outcome] = []
        with progress(t("Test patients of {name}", name=package.name), quiet=json) as update:
            for outcome in run(package, evaluate):
                outcomes.append(outcome)
                update(len(outcomes), len(package.cases))
        wrong = [outcome for outcome in outcomes if not outcome.passed]
        failed += len(wrong)
        told.append(_json(package.name, outcomes))
        if not json:
            for outcome in wrong:
                _tell(outcome)
            numbers = sum(outcome.counts for outcome in outcomes)
            line(
                t(
                    "{name}: {passed} of {count} test patients as promised, {numbers} numbers compared",
                    name=package.name,
                    passed=len(outcomes) - len(wrong),
                    count=len(outcomes),
                    numbers=numbers,
                )
            )
    if json:
        emit(told)
    if failed:
        raise typer.Exit(codes.FAILED)


def _tell(outcome: "Outcome") -> None:
    for difference in outcome.differences:
        note(
            t(
                "{case}: {population} of {measure}/{group} is {found}, promised is {expected}",
                case=outcome.case.name,
                population=difference.population,
                measure=difference.measure,
                group=difference.group,
                found="–" if difference.found is None else difference.found,
                expected=difference.expected,
            )
        )
    if outcome.fault is not None:
        for issue in outcome.fault.issues:
            note(f"{outcome.case.name}: {sentence(issue)}")


def _json(package: str, outcomes: "list[Outcome]") -> dict[str, object]:
    return {
        "package": package,
        "passed": sum(outcome.passed for outcome in outcomes),
        "failed": [
            {
                "case": outcome.case.name,
                "differences": [
                    {
                        "measure": difference.measure,
                        "group": difference.group,
                        "population": difference.population,
                        "expected": difference.expected,
                        "found": difference.found,
                    }
                    for difference in outcome.differences
                ],
                "fault": str(outcome.fault) if outcome.fault else None,
            }
            for outcome in outcomes
            if not outcome.passed
        ],
        "count": len(outcomes),
    }
