"""Which of a concept's texts somebody reads, by the languages that they named (RFC 4647 lookup)."""

from collections.abc import Iterator
from typing import NamedTuple

from shangyi.errors import Invalid
from shangyi.terminology.composition import Member

DISPLAY = frozenset({"display", "preferredForLanguage"})
"""Codes of ``designation.use`` that make a designation a display."""


class Text(NamedTuple):
    """A display and its language, as far as that is known."""

    value: str
    language: str | None


def ranges(header: str | None) -> list[str]:
    """The languages of ``Accept-Language``, the most wanted first; ``*`` means any other. Invalid where unreadable."""
    found: list[tuple[float, str]] = []
    for part in (header or "").split(","):
        name, _, quality = part.partition(";")
        if not name.strip():
            continue
        try:
            weight = float(quality.partition("=")[2]) if quality.strip() else 1.0
        except ValueError:
            raise Invalid("The language {language} cannot be read", language=part.strip()[:32]) from None
        found.append((weight, name.strip()))
    return [name if weight else f"-{name}" for weight, name in sorted(found, key=lambda f: -f[0])]


def speaks(language: str | None, wanted: str) -> bool:
    """Whether a text in ``language`` serves who asks for ``wanted``: the same, or a narrower one."""
    have, want = (language or "").lower(), wanted.lower()
    return have == want or have.startswith(want + "-")


def texts(member: Member) -> Iterator[Text]:
    """All displays of a member: what the value set calls it, then its code system, then its designations."""
    own = member.owner.language if member.owner is not None else None
    if member.given_display:
        yield Text(member.given_display, own)
    if member.concept is not None and member.concept.display:
        yield Text(member.concept.display, own)
    known = member.given_designations + (member.concept.designations if member.concept else [])
    for designation in known:
        code = (designation.use or {}).get("code")
        if code is None or code in DISPLAY:
            yield Text(designation.value, designation.language)


def display(member: Member, wanted: list[str]) -> str | None:
    """The best display for these languages; the usual one where none fits, unless ``*;q=0`` forbids others."""
    found = list(texts(member))
    for language in wanted:
        for text in found:
            if speaks(text.language, language):
                return text.value
    return None if "-*" in wanted else member.display
