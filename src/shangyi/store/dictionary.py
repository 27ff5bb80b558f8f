"""Dictionaries for the bodies, trained on the records of this very database; old ones stay for what they packed."""

from collections.abc import Sequence
from hashlib import sha256

import psycopg
import zstandard

SIZE_BYTES = 110 << 10
FIRST = 2
SEGMENT, WORD, TABLE_BITS = 2048, 8, 16
"""``k``, ``d`` and ``f`` of zstd's fast cover. A segment is taken or left as one: an element with all that is in it.
As large a table as zstd's own choice (20) would take longer to clear than to fill; it packs no better."""


def trained(samples: Sequence[bytes]) -> bytes | None:
    """A dictionary for bodies like these; None where they are too few, or too uniform, to learn from."""
    total = sum(map(len, samples))
    try:
        made = zstandard.train_dictionary(
            min(SIZE_BYTES, total // 4), list(samples), k=SEGMENT, d=WORD, f=TABLE_BITS
        )
    except zstandard.ZstdError:
        return None
    return made.as_bytes()


def keep(connection: psycopg.Connection, type: int, content: bytes) -> int:
    """Add a dictionary for a type (0: for those that have none of their own); its number, the ``coding``."""
    connection.execute("select pg_advisory_xact_lock(%s, 0)", [0x5363])
    row = connection.execute("select coalesce(max(coding), %s) + 1 from dictionary", [FIRST - 1]).fetchone()
    coding = int(row[0]) if row else FIRST
    connection.execute(
        "insert into dictionary (coding, type, sha256, content) values (%s, %s, %s, %s)",
        [coding, type, sha256(content).digest(), content],
    )
    return coding
