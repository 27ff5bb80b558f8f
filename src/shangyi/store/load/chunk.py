"""What goes to a worker, and into the database in one transaction."""

from dataclasses import dataclass, field
from hashlib import sha256

from shangyi.errors import Issue

CHUNK_ITEMS, CHUNK_BYTES = 1000, 4 << 20


@dataclass(slots=True)
class Chunk:
    """Some resources of one source (or of several small ones). ``places``: source, line feed, place in it."""

    source: str = ""
    places: list[str] = field(default_factory=list)
    ids: list[str | None] = field(default_factory=list)
    documents: list[bytes] = field(default_factory=list)
    refused: list[tuple[str, str, tuple[Issue, ...]]] = field(default_factory=list)
    size: int = 0
    _digest: bytes = b""

    @property
    def count(self) -> int:
        """Resources, those refused already too."""
        return len(self.documents) + len(self.refused)

    @property
    def full(self) -> bool:
        """Whether it is large enough."""
        return self.count >= CHUNK_ITEMS or self.size >= CHUNK_BYTES

    def add(self, source: str, place: str, id: str | None, data: bytes) -> None:
        """One more resource."""
        self.source = source
        self.places.append(place)
        self.ids.append(id)
        self.documents.append(data)
        self.size += len(data)

    @property
    def digest(self) -> bytes:
        """What the ledger knows the chunk by: SHA-256 of its content."""
        if not self._digest:
            state = sha256()
            for id_, data in zip(self.ids, self.documents, strict=True):
                state.update(b"%b\0%d\0%b" % (str(id_).encode(), len(data), data))
            self._digest = state.digest()
        return self._digest
