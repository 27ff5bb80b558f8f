"""A statement as people read it: its definitions in order, what each reads, and with which filters."""

import re
from collections.abc import Iterator

from shangyi.query.cql.sql.population.statement import Statement

_SCAN = re.compile(r'FROM "([A-Z]\w*)"')
_WIDEST = 160


def lines(made: Statement) -> Iterator[str]:
    """A line for each definition, below it one for each scan and each definition that it reads."""
    titles = {name: title for name, title, _ in made.ctes}
    for name, title, text in made.ctes:
        yield title
        for table, condition in _scans(text):
            yield f"  scan {table}" + (f" where {condition}" if condition else "")
        for other, read in titles.items():
            if other != name and f"FROM {other})" in text:
                yield f"  read {read}"


def _scans(text: str) -> Iterator[tuple[str, str]]:
    """Tables, with the conditions of their rows; the same scan once."""
    seen: set[tuple[str, str]] = set()
    for match in _SCAN.finditer(text):
        rest = text[match.end() :]
        condition = _balanced(rest.removeprefix(" WHERE ")) if rest.startswith(" WHERE ") else ""
        condition = re.sub(r' ?(AND )?\(?"patient_key" (IS NOT NULL|= "c\d+")\)?( AND )?', "", condition)
        if len(condition) > _WIDEST:
            condition = f"{condition[:_WIDEST]} …"
        found = (match[1], condition)
        if found not in seen:
            seen.add(found)
            yield found


def _balanced(text: str) -> str:
    """Up to the parenthesis that closes what was opened before."""
    depth = 0
    for place, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth < 0:
            return text[:place]
    return text
