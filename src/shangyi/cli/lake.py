"""``shangyi lake``: the whole population as columns, built of the record or of files."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shangyi.cli import codes
from shangyi.cli.behind import behind_record, has_record, show_behind
from shangyi.cli.output import emit, line, note, progress, table
from shangyi.cli.owner import opened
from shangyi.cli.process import prepare_home
from shangyi.cli.status import megabytes
from shangyi.cli.text import t
from shangyi.errors import Conflict, NotFound
from shangyi.settings import Settings

if TYPE_CHECKING:
    from shangyi.lake.manifest import Manifest
    from shangyi.lake.verify import Verified

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help=t("The whole population as columns (Parquet), for questions that are not about one resident.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi lake build\n  shangyi lake import ~/bulk-export --directory ~/lake\n  shangyi lake verify",
)
PATIENCE_S = 30
"""For a server that writes the lake meanwhile: its steps are short."""
Json = Annotated[bool, typer.Option("--json", help=t("Answer with JSON."))]
Directory = Annotated[Path | None, typer.Option(help=t("Where the lake is; by default SHANGYI_HOME/lake."))]


def place(directory: Path | None) -> Path:
    """The directory of the lake."""
    return directory or Settings.load().home / "lake"


def to_json(manifest: "Manifest", directory: Path) -> dict[str, Any]:
    """A version of a lake for scripts."""
    return {
        "directory": str(directory),
        "version": manifest.version,
        "created": manifest.created,
        "source": manifest.source["kind"],
        "resources": sum(kept.rows for kept in manifest.types.values()),
        "bytes": sum(file.bytes for kept in manifest.types.values() for file in kept.files),
        "types": {
            name: {
                "resources": kept.rows,
                "files": len(kept.files),
                "bytes": sum(file.bytes for file in kept.files),
                "beyond": kept.table["beyond"],
            }
            for name, kept in manifest.types.items()
        },
    }


def show(manifest: "Manifest", directory: Path) -> None:
    """A version of a lake for people."""
    found = to_json(manifest, directory)
    line(
        t(
            "Lake {directory}, version {version} of {created}: {resources:,} resources, {size}, {each:,.0f} bytes each",
            directory=directory,
            version=manifest.version,
            created=manifest.created,
            resources=found["resources"],
            size=megabytes(found["bytes"]),
            each=found["bytes"] / max(found["resources"], 1),
        )
    )
    counts = Counter({name: kept.rows for name, kept in manifest.types.items()})
    if counts:
        line()
        table(
            [t("Type"), t("Resources"), t("Files"), "MB"],
            [
                [name, count, len(manifest.types[name].files), f"{found['types'][name]['bytes'] / 1e6:,.1f}"]
                for name, count in counts.most_common()
            ],
        )


def tell(manifest: "Manifest", directory: Path, json: bool) -> None:
    """A version of a lake that was made just now."""
    emit(to_json(manifest, directory)) if json else show(manifest, directory)


@app.command(
    "import",
    help=t("Make a lake of files, without a record: NDJSON, bundles, directories, .gz, .zip, standard input.")
    + "\n\n"
    + t("They are read as they are, not held against FHIR R4: shangyi validate does that.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi lake import ~/bulk-export\n  shangyi lake import a.ndjson.gz b.zip --directory ~/lake --replace",
)
def import_(
    paths: Annotated[list[str], typer.Argument(help=t("Files or directories; - is standard input."))],
    directory: Directory = None,
    replace: Annotated[
        bool, typer.Option("--replace", help=t("Put it in place of the lake that is there."))
    ] = False,
    json: Json = False,
) -> None:
    """Import."""
    from shangyi.lake import manifest, writer

    for path in paths:
        if path != "-" and not Path(path).exists():
            raise NotFound("{path} cannot be read: {reason}.", path=path, reason=t("there is no such file"))
    target = place(directory)
    if directory is None:
        prepare_home(Settings.load().home)
    if not replace and manifest.read(target) is not None:
        raise Conflict(
            "There is a lake in {path} already; --replace puts another in its place.", path=str(target)
        )
    with progress(t("Writing the lake"), t("resources"), quiet=json) as update:
        made = writer.write(target, paths, progress=lambda done: update(done))
    tell(made, target, json)


@app.command(
    help=t("Make the lake of all current records, as of this instant; also while it serves.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi lake build\n  shangyi lake build --directory /data/lake"
)
def build(directory: Directory = None, json: Json = False) -> None:
    """Build."""
    from shangyi.lake import snapshot

    target = place(directory)
    with opened() as found, progress(t("Writing the lake"), t("resources"), quiet=json) as update:

        def work(_: object) -> "Manifest":
            return snapshot.build(
                target, found.store, lambda done, total: update(done, total), patience_s=PATIENCE_S
            )

        made = found.access.owner_session().export("lake", work)
    tell(made, target, json)


@app.command(
    help=t("Rewrite the lake's files without superseded rows, small ones made one; also while it serves.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi lake compact\n  shangyi lake compact --json"
)
def compact(directory: Directory = None, json: Json = False) -> None:
    """Compact."""
    from shangyi.lake import compaction, manifest

    target, steps = place(directory), 0
    if manifest.read(target) is None:
        raise NotFound("There is no lake in {path}", path=str(target))
    with progress(t("Compacting the lake"), t("steps"), quiet=json) as update:
        while compaction.compact(target, everything=True, patience_s=PATIENCE_S):
            steps += 1
            update(steps)
    made = manifest.read(target)
    assert made is not None
    tell(made, target, json)


@app.command(
    help=t(
        "Tell which version the lake is at, how many resources of each type, how large, how far behind the record."
    )
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi lake status\n  shangyi lake status --json"
)
def status(directory: Directory = None, json: Json = False) -> None:
    """Tell."""
    from shangyi.lake import manifest

    target = place(directory)
    found = manifest.read(target)
    settings = Settings.load()
    behind = None
    if found is not None and directory is None and has_record(settings):
        with opened(settings) as record:
            behind = behind_record(record, found, settings.home)
    if json:
        told = to_json(found, target) if found else {"directory": str(target), "version": None}
        emit(told | ({"behind": asdict(behind)} if behind else {}))
        return
    if found is None:
        line(t("There is no lake yet: shangyi lake build, or shangyi lake import PATH"))
        return
    show(found, target)
    if behind:
        line()
        show_behind(behind)


@app.command(
    help=t(
        "Read all of the lake, rebuild every resource, and hold it against the record that it was built of."
    )
    + "\n\n"
    + t("Counts and content hashes of each type, as of the instant of the lake.")
    + "\n\n\b\n"
    + t("Examples")
    + "\n  shangyi lake verify\n  shangyi lake verify --directory ~/lake --json"
)
def verify(directory: Directory = None, json: Json = False) -> int:
    """Verify; FAILED where something differs."""
    from shangyi import lake
    from shangyi.lake.verify import verify as check

    with lake.open(place(directory)) as held, progress(t("Verifying"), t("resources"), quiet=json) as update:
        if held.manifest.source["kind"] == "store":
            with opened() as found:

                def work(_: object) -> "Verified":
                    return check(held, found.store, lambda done: update(done))

                result = found.access.owner_session().export("lake", work)
        else:
            result = check(held, None, lambda done: update(done))
    if json:
        emit(
            {
                "problems": result.problems,
                "types": {n: {"resources": c.resources, "hash": c.hash} for n, c in result.lake.items()},
            }
        )
    else:
        table(
            [t("Type"), t("Resources"), t("Content hash")],
            [[name, content.resources, content.hash] for name, content in result.lake.items()],
        )
        for problem in result.problems:
            note(f"  {problem}")
        if result.problems:
            note(t("{count:,} problems found", count=len(result.problems)))
        elif result.store:
            line(t("The lake is whole and equals the record at its instant."))
        else:
            line(t("The lake is whole."))
    return codes.FAILED if result.problems else codes.OK
