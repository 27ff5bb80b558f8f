"""Residents as one types: by the beginning of name, pinyin or initials, by resident id, by phone."""

from shangyi.access.masking import RESIDENT_ID
from shangyi.store.model import Scope, SearchRequest, Version
from shangyi.store.repository import Repository


def suggestions(records: Repository, text: str, limit: int, scope: Scope) -> list[Version]:
    """At most ``limit`` residents within the scope."""
    text = text.strip()
    if not text:
        return []
    questions = [[("name", text)]]
    digits = text.upper().replace(" ", "")
    if digits[:-1].isdigit():
        questions = [[("identifier", f"{RESIDENT_ID}|{digits}")], [("phone", digits)]]
    found: dict[str, Version] = {}
    for question in questions:
        request = SearchRequest("Patient", [*question, ("_count", str(limit))])
        for version in records.search(request, scope).matches:
            found.setdefault(version.id, version)
    return list(found.values())[:limit]
