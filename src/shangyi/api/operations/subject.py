"""The resident whom an operation is about: who it is, and the record that rules read."""

import re
from typing import Any

from shangyi.access import Session
from shangyi.errors import Invalid

_SUBJECT = re.compile(r"(?:Patient/)?([A-Za-z0-9\-.]{1,64})")
PAGE = 1000


def subject_of(reference: str, base: str) -> str:
    """The id in ``Patient/1``, ``1`` or an address of this server."""
    found = _SUBJECT.fullmatch(reference.removeprefix(f"{base}/"))
    if found is None:
        raise Invalid("The parameter {name} is no {type}", name="subject", type="Reference(Patient)")
    return found[1]


def resources_of(session: Session, id: str) -> list[dict[str, Any]]:
    """The resident's record within what the session may read, and what it refers to. NotFound."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = session.everything("Patient", id, count=PAGE, cursor=cursor)
        found += [version.resource for version in (*page.matches, *page.included)]
        cursor = page.next
        if not cursor:
            return found
