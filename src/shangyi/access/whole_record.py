"""All that a session may read of one resident, as rules read it."""

from typing import Any

from shangyi.access.session import Session

PAGE = 1000


def whole_record(session: Session, id: str) -> list[dict[str, Any]]:
    """The resident's record within what the session may read, and what it refers to. NotFound."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = session.everything("Patient", id, count=PAGE, cursor=cursor)
        found += [version.resource for version in (*page.matches, *page.included)]
        cursor = page.next
        if not cursor:
            return found
