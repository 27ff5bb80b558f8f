"""The 64-bit keys that the tables are built on. Documented and stable: changing one means a rebuild.

Every key is BLAKE2b with an 8-byte digest over UTF-8 text, read as a signed big-endian integer, so that it is a
PostgreSQL ``bigint``; 0 never comes out of a hash and stands for "none" in columns that are never null.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b

NONE = 0
"""No patient, no code, no area."""

NO_DATE = -(2**63)
"""The main date of a resource that has none: sorts before every date."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def key(text: str) -> int:
    """The signed 64-bit key of ``text``, never 0."""
    return int.from_bytes(blake2b(text.encode("utf-8"), digest_size=8).digest(), "big", signed=True) or 1


def rid(type: str, id: str) -> int:
    """The surrogate of a resource: key of ``Type/id``. Readers recheck type and id (collisions)."""
    return key(f"{type}/{id}")


REMEMBERED_LENGTH = 256
"""Longer texts are not kept in the caches of hashed and folded values: whoever sends them would fill the memory."""


def token(type: str, parameter: str, value: str) -> int:
    """A value under a search parameter of a resource type, as it stands in ``search.tokens``.

    The type is part of it, so that the code of an Observation and of a Condition do not share a posting list.
    """
    return (_token if len(value) <= REMEMBERED_LENGTH else _token.__wrapped__)(type, parameter, value)


@lru_cache(maxsize=65536)
def _token(type: str, parameter: str, value: str) -> int:
    found = key(f"{type}\x1f{parameter}\x1f{value}")
    return found if found >= PRESENT + 2**48 else found + 2**62


def token_bytes(type: str, parameter: str, value: str) -> bytes:
    """The token as its eight bytes; not remembered."""
    made = blake2b(f"{type}\x1f{parameter}\x1f{value}".encode(), digest_size=8).digest()
    if made.startswith(_RESERVED):
        return bytes_of(_token.__wrapped__(type, parameter, value))
    return made


_RESERVED = (b"\x80\0", bytes(8))
"""How the digests begin that are not keys as they are: 0, and the room of the presence keys."""


def bytes_of(number: int) -> bytes:
    """A key as the eight bytes that PostgreSQL keeps."""
    return number.to_bytes(8, "big", signed=True)


def number_of(data: bytes) -> int:
    """The key that these eight bytes are."""
    return int.from_bytes(data, "big", signed=True)


PRESENT = -(2**63)
"""Where the presence keys begin: below every token, so that a resource's is the first of its sorted tokens."""


def present(bits: int) -> int:
    """The key that says which of the 48 first search parameters of its type a resource has a value for."""
    return PRESENT + bits


@lru_cache(maxsize=4096)
def parameter(type: str, name: str) -> int:
    """A search parameter of a type in the narrow tables: signed 32 bits (a test holds R4 free of collisions)."""
    digest = blake2b(f"{type}.{name}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big", signed=True)


def shard(patient: int, rid: int) -> int:
    """0 to 32767, from the patient's rid, or the resource's own where there is no patient."""
    return ((patient or rid) >> 48) & 0x7FFF


def microseconds(instant: datetime) -> int:
    """Microseconds since 1970-01-01T00:00Z of an aware datetime: how dates stand in the tables."""
    return (instant - EPOCH) // _MICROSECOND


def instant(microseconds: int) -> datetime:
    """The aware datetime (UTC) of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=microseconds)
