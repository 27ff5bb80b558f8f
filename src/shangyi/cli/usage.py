"""What is wrong with a command line as typed, in our words and the person's language: typer says it in English only."""

import re

from shangyi.cli.text import t

SAID: tuple[tuple[str, str], ...] = (
    (r"Missing argument '(?P<name>.+)'\.", "{name} is missing"),
    (r"Missing option '(?P<name>.+)'\.", "the option {name} is missing"),
    (r"No such option: (?P<name>\S+).*", "there is no option {name}"),
    (r"No such command '(?P<name>.+)'\.", "there is no subcommand {name}"),
    (r"Option '(?P<name>.+)' requires an argument\.", "{name} needs a value after it"),
    (r"Got unexpected extra arguments?(?:\(s\))? \((?P<value>.+)\)", "{value} is too much"),
    (
        r"Invalid value for '(?P<name>.+)': Input should be greater than or equal to (?P<value>\S+)",
        "{name} must be at least {value}",
    ),
    (
        r"Invalid value for '(?P<name>.+)': Input should be less than or equal to (?P<value>\S+)",
        "{name} must be at most {value}",
    ),
    (
        r"Invalid value for '(?P<name>.+)': Input should be a valid integer.*",
        "{name} must be a whole number",
    ),
    (
        r"Invalid value for '(?P<name>.+)': (?:Value error, )?'(?P<value>.+)' does not match the formats? .*",
        "{name} must be a day that there is, written like 2026-03-31, not {value}",
    ),
    (r"Invalid value for '(?P<name>.+)': (?P<value>.+)", "{name} cannot be this ({value})"),
)
"""typer's sentence, and ours with its fields. The first that fits."""


def reason(said: str) -> str:
    """The sentence for the person; typer's own where it is none of the known ones."""
    for pattern, ours in SAID:
        match = re.fullmatch(pattern, said, re.DOTALL)
        if match:
            return t(ours, **match.groupdict())
    return said
