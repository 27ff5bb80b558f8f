"""Ids: the server's own, and what a client may choose."""

import re
import secrets
import time

from shangyi.errors import Invalid
from shangyi.store.types import NUMBERS

ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id() -> str:
    """A short id in order of time: 45 bits of milliseconds and 45 random bits, in 18 characters (Crockford)."""
    value = (int(time.time() * 1000) & (2**45 - 1)) << 45 | secrets.randbits(45)
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(85, -1, -5))


def check(type: object, id: object = None) -> None:
    """Invalid unless the type is one of R4 and the id, where given, is well-formed."""
    if not isinstance(type, str) or type not in NUMBERS:
        raise Invalid("There is no resource type {type} in FHIR R4", type=str(type)[:64])
    if id is not None and not (isinstance(id, str) and ID.fullmatch(id)):
        raise Invalid("An id has 1 to 64 letters, digits, hyphens and full stops", expression=f"{type}.id")
