"""The table of commands, and the way from arguments to an exit code.

``shangyi --help`` imports neither typer nor rich nor the database driver: it stays under 0.3 s.
"""

import importlib
import os
import sys
from typing import Any, NoReturn

from shangyi import __version__
from shangyi.cli import codes
from shangyi.cli.output import emit, line, note, utf8
from shangyi.cli.text import sentence, t
from shangyi.errors import ShangyiError, Unavailable

GROUPS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Start",
        (
            ("demo", "set everything up with a synthetic county, and serve it"),
            ("serve", "serve the console and the FHIR interface"),
            ("stop", "end the server"),
            ("status", "what runs, what is kept, how large it is"),
        ),
    ),
    (
        "Records",
        (
            ("load", "add records: bundles, NDJSON, directories, .gz, .zip, standard input"),
            ("search", "search as FHIR does, e.g. 'Patient?name=zs'"),
            ("get", "read one resource, e.g. Patient/1"),
            ("validate", "hold files against FHIR R4 without loading them"),
            ("export", "write records as NDJSON, a file for each type"),
            ("synth", "make a synthetic county as files"),
        ),
    ),
    (
        "Population",
        (
            ("lake", "the whole population as columns: build, import, status, verify, compact"),
            ("sql", "ask the lake by SQL"),
            ("view", "views of the lake: list, run, keep beside it"),
            ("cql", "check CQL, evaluate it for a resident, write it as ELM"),
            ("measure", "measures: list, run over everybody, with the report kept"),
            ("knowledge", "packages of guidelines, measures and codes: list, test"),
        ),
    ),
    (
        "Keep",
        (
            ("backup", "everything into one file, verified by its content hash"),
            ("restore", "a backup into an empty place"),
        ),
    ),
    (
        "People and programs",
        (
            ("account", "who may sign in: add, list, disable, password"),
            ("token", "bearer tokens for programs: create, list, revoke"),
        ),
    ),
)
"""(heading, ((command, summary), …)): command ``x`` is ``shangyi.cli.x.app``."""

EXAMPLES = (
    ("shangyi demo", "a county of 300,000 people to look around in"),
    ("shangyi load ~/records.zip", "add your own records, also while it serves"),
    ("shangyi search 'Patient?name=zhang&_count=5'", "names in Chinese, pinyin or initials"),
    ("shangyi backup shangyi.backup", "keep everything safe"),
)


def overview() -> None:
    """What ``shangyi --help`` shows."""
    line(
        t(
            "Shangyi 上医 {version}: the open platform for the health of a population, on FHIR R4.",
            version=__version__,
        )
    )
    line()
    line(t("Usage: shangyi COMMAND [ARGUMENTS]"))
    for heading, commands in GROUPS:
        line("\n" + t(heading))
        for name, summary in commands:
            line(f"  {name:<10} {t(summary)}")
    line("\n" + t("Examples"))
    for command, meaning in EXAMPLES:
        line(f"  {command:<46} # {t(meaning)}")
    line(
        "\n"
        + t("Every command: --help shows its options and examples, --json answers with JSON for scripts.")
    )
    line(t("Settings come from the environment (SHANGYI_HOME, SHANGYI_PORT, …): docs/settings.md."))


def commands() -> list[str]:
    """The names of all commands, in the order of the overview."""
    return [name for _, group in GROUPS for name, _ in group]


def unknown(name: str) -> int:
    """Say that there is no such command, and which one may be meant."""
    import difflib

    near = difflib.get_close_matches(name, commands(), 1, 0.5)
    hint = t("Did you mean: shangyi {command}?", command=near[0]) if near else t("See: shangyi --help")
    note(t("There is no command {name!r}. {hint}", name=name, hint=hint))
    return codes.USAGE


def warn_of_unknown_settings() -> None:
    """A setting that is spelt wrong would be ignored silently; say so."""
    from shangyi.settings import PREFIX, unknown

    if any(name.startswith(PREFIX) for name in os.environ):
        for name, near in unknown():
            hint = t("did you mean {name}?", name=near) if near else t("see docs/settings.md")
            note(t("Warning: {name} is not a setting: {hint}", name=name, hint=hint))


def report(error: ShangyiError, as_json: bool) -> int:
    """Tell an error in sentences on stderr; its OperationOutcome on stdout for scripts. The exit code."""
    said = sentences(error)
    for text in said[:20]:
        note(t("Error: {sentence}", sentence=text))
    if len(said) > 20:
        note(t("… and {count} more", count=len(said) - 20))
    if as_json:
        emit(error.outcome())
    return codes.of(error)


def sentences(error: ShangyiError) -> list[str]:
    """What is wrong, each on its own; in a library of CQL with library, line, column and what may be meant."""
    found: list[str] = []
    parts: tuple[Any, ...] = getattr(error, "errors", (error,))
    for part in parts:
        place = f"{part.library}:{part.line}:{part.column}: " if getattr(part, "library", "") else ""
        near = ", ".join(getattr(part, "near", ()))
        hint = "; " + t("did you mean {name}?", name=near) if near else ""
        found += [place + sentence(issue) + hint for issue in part.issues]
    return found


def call(name: str, arguments: list[str]) -> int:
    """Import the command and run it; its exit code."""
    import typer

    module = importlib.import_module(f"shangyi.cli.{name}")
    command = typer.main.get_command(module.app)
    try:
        result = command.main(arguments, prog_name=f"shangyi {name}", standalone_mode=False)
    except typer.Exit as leave:
        return leave.exit_code
    except typer.TyperException as error:
        from shangyi.cli import usage

        context = getattr(error, "ctx", None)
        typed = context.command_path.removeprefix("shangyi ") if context is not None else name
        note(t("This cannot be run as typed: {reason}", reason=usage.reason(error.format_message())))
        note(t("See: shangyi {command} --help", command=typed))
        return codes.USAGE
    if result == codes.INTERRUPTED:  # Ctrl-C; typer has turned it into a code
        note(t("Stopped."))
    return result if isinstance(result, int) else codes.OK


def run(arguments: list[str]) -> int:
    """Run one command line; its exit code. Never lets a traceback reach the person."""
    if not arguments or arguments[0] in {"--help", "-h"} or arguments == ["help"]:
        overview()
        return codes.OK
    if arguments[0] in {"--version", "-V", "version"}:
        line(__version__)
        return codes.OK
    if arguments[0] == "help":
        arguments = [*arguments[1:], "--help"]
    name, *rest = arguments
    if name not in commands():
        return unknown(name)
    as_json = "--json" in rest
    try:
        warn_of_unknown_settings()
        return call(name, rest)
    except ShangyiError as error:
        return report(error, as_json)
    except KeyboardInterrupt:
        note("\n" + t("Stopped."))
        return codes.INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe (head, less) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return codes.OK
    except OSError as error:
        return report(of_the_system(error), as_json)
    except Exception as error:
        return unexpected(error)


def of_the_system(error: OSError) -> ShangyiError:
    """What the operating system refuses (a full disk, a directory that may not be written) with its place."""
    reason = error.strerror or type(error).__name__
    if error.filename is None:
        return Unavailable("The system refuses this: {reason}", reason=reason)
    return Unavailable("{path} cannot be used: {reason}", path=str(error.filename), reason=reason)


def unexpected(error: Exception) -> int:
    """A fault of ours: keep the traceback in a file of SHANGYI_HOME and say where."""
    import traceback

    kind = f"{type(error).__name__}"
    if os.environ.get("SHANGYI_LOG") == "debug":
        traceback.print_exception(error)
    try:
        from shangyi.settings import Settings

        folder = Settings.load().home / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "cli-error.log"
        with file.open("a", encoding="utf-8") as log:
            traceback.print_exception(error, file=log)
        note(
            t(
                "Something went wrong inside Shangyi ({kind}); the details are in {file}.",
                kind=kind,
                file=file,
            )
        )
    except (OSError, ShangyiError):
        note(
            t("Something went wrong inside Shangyi ({kind}); SHANGYI_LOG=debug shows the details.", kind=kind)
        )
    return codes.FAILED


def main() -> NoReturn:
    """The entry point of the ``shangyi`` script."""
    utf8()
    code = run(sys.argv[1:])
    sys.exit(code)
