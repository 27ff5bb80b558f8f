"""How bodies are packed: zstd, with a dictionary trained on what this database holds (docs/store.md).

``coding`` 0: plain, 1: zstd without dictionary, 2 and up: a row of ``dictionary``, which is never changed.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from hashlib import sha256

import psycopg
import zstandard
from psycopg_pool import ConnectionPool

from shangyi.errors import Misconfigured
from shangyi.store.questions import Question, Steps

PLAIN, BARE = 0, 1
PARAMETERS = zstandard.ZstdCompressionParameters(
    strategy=zstandard.STRATEGY_DFAST, window_log=21, hash_log=15, chain_log=15, search_log=1, min_match=6,
    write_checksum=False, write_dict_id=False,
)  # fmt: skip
"""zstd's level 3 for bodies of a few kB with a dictionary: tables that stay in the processor's cache halve the time."""
UNKNOWN = (
    "select coding, type, sha256, content from dictionary where not coding = any(%s::int[]) order by coding"
)
LARGEST = 256 << 20
"""No body unpacks to more bytes than this; a corrupt length must not take all memory."""


class Codec:
    """Packs with the newest dictionary of a type, unpacks with the one that a row names. One for all threads."""

    def __init__(self) -> None:
        self._dictionaries: dict[int, zstandard.ZstdCompressionDict] = {}
        self._of_type: dict[int, int] = {}
        self._local = threading.local()

    def __getstate__(self) -> dict[str, object]:
        contents = {coding: item.as_bytes() for coding, item in self._dictionaries.items()}
        return {"contents": contents, "of_type": self._of_type}

    def __setstate__(self, state: dict[str, dict[int, bytes]]) -> None:
        self.__init__()  # type: ignore[misc]
        for coding, content in state["contents"].items():
            self._dictionaries[coding] = _dictionary(content)
        self._of_type = dict(state["of_type"])  # type: ignore[arg-type]

    def load(self, connection: psycopg.Connection) -> None:
        """Learn the dictionaries that the database has and we have not."""
        self._learn(connection.execute(UNKNOWN, [list(self._dictionaries)]))

    def learning(self) -> Steps[None]:
        """``load`` in steps."""
        found = yield Question(UNKNOWN, (list(self._dictionaries),))
        number = partial(int.from_bytes, byteorder="big", signed=True)
        self._learn((number(a or b""), number(b or b""), c or b"", d or b"") for a, b, c, d in found)

    def _learn(self, rows: Iterable[tuple[int, int, bytes, bytes]]) -> None:
        for coding, type_, digest, content in rows:
            if sha256(content).digest() != digest:
                raise Misconfigured("The dictionary {coding} of the database is damaged", coding=coding)
            self._dictionaries[coding] = _dictionary(content)
            self._of_type[type_] = coding

    def load_fresh(self, pool: ConnectionPool) -> None:
        """Forget all and learn anew: after a restore the same numbers may stand for other dictionaries."""
        self._dictionaries, self._of_type, self._local = {}, {}, threading.local()
        with pool.connection() as connection:
            self.load(connection)

    def knows(self, coding: int) -> bool:
        """Whether ``unpack`` can do this coding now; else ``load`` first."""
        return coding in (PLAIN, BARE) or coding in self._dictionaries

    @property
    def newest(self) -> int:
        """The number of the newest dictionary that is known, 0 for none."""
        return max(self._dictionaries, default=0)

    @property
    def trained(self) -> bool:
        """Whether there is a dictionary for any type."""
        return 0 in self._of_type

    def pack(self, type: int, data: bytes) -> tuple[int, bytes]:
        """Coding and packed bytes."""
        if not data:
            return PLAIN, data
        coding = self._of_type.get(type) or self._of_type.get(0) or BARE
        packed = self._compressor(coding).compress(data)
        return (coding, packed) if len(packed) < len(data) else (PLAIN, data)

    def unpack(self, coding: int, data: bytes) -> bytes:
        """The bytes that were packed."""
        if coding == PLAIN:
            return bytes(data)
        return self._decompressor(coding).decompress(data, max_output_size=LARGEST)

    def unpacker(self, coding: int) -> Callable[[bytes], bytes]:
        """``unpack`` for many bodies of one coding, in this thread."""
        if coding == PLAIN:
            return bytes
        return partial(self._decompressor(coding).decompress, max_output_size=LARGEST)

    def packed_size(self, data: Sequence[bytes], type: int, content: bytes | None = None) -> int:
        """Bytes that bodies of a type pack to: as it is now, or with another dictionary."""
        if content is None:
            return sum(len(self.pack(type, body)[1]) for body in data)
        compressor = _compressor(_dictionary(content))
        return sum(min(len(compressor.compress(body)), len(body)) for body in data)

    def _compressor(self, coding: int) -> zstandard.ZstdCompressor:
        made: dict[int, zstandard.ZstdCompressor] = self._local.__dict__.setdefault("compressors", {})
        if coding not in made:
            made[coding] = _compressor(self._dictionaries.get(coding))
        return made[coding]

    def _decompressor(self, coding: int) -> zstandard.ZstdDecompressor:
        made: dict[int, zstandard.ZstdDecompressor] = self._local.__dict__.setdefault("decompressors", {})
        if coding not in made:
            made[coding] = zstandard.ZstdDecompressor(dict_data=self._dictionaries.get(coding))
        return made[coding]


def _compressor(dictionary: zstandard.ZstdCompressionDict | None) -> zstandard.ZstdCompressor:
    return zstandard.ZstdCompressor(dict_data=dictionary, compression_params=PARAMETERS)


def _dictionary(content: bytes) -> zstandard.ZstdCompressionDict:
    dictionary = zstandard.ZstdCompressionDict(content)
    dictionary.precompute_compress(compression_params=PARAMETERS)
    return dictionary
