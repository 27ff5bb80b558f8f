"""The resident whom an operation is about."""

import re

from shangyi.errors import Invalid

_SUBJECT = re.compile(r"(?:Patient/)?([A-Za-z0-9\-.]{1,64})")


def subject_of(reference: str, base: str) -> str:
    """The id in ``Patient/1``, ``1`` or an address of this server."""
    found = _SUBJECT.fullmatch(reference.removeprefix(f"{base}/"))
    if found is None:
        raise Invalid("The parameter {name} is no {type}", name="subject", type="Reference(Patient)")
    return found[1]
