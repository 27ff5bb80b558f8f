"""What a load says while it runs and at its end."""

from collections import Counter
from dataclasses import dataclass, field

from shangyi.errors import Issue

MOST_REFUSALS = 1000
"""Kept in the report; all are counted, and each is given to ``on_refusal``."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was not taken. ``source``: file or member; ``place``: ``line 3`` or ``entry 7``; ``reference`` if known."""

    source: str
    place: str
    reference: str
    issues: tuple[Issue, ...]


@dataclass(slots=True)
class Progress:
    """So far. ``bytes`` unpacked bytes read; ``rate`` resources a second.

    ``tested``: bytes of a large packed file that is being read to its end before anything of it is taken, else 0.
    """

    source: str = ""
    bytes: int = 0
    resources: int = 0
    refused: int = 0
    seconds: float = 0.0
    tested: int = 0

    @property
    def rate(self) -> float:
        """Resources a second since the start."""
        return self.resources / self.seconds if self.seconds else 0.0


@dataclass(slots=True)
class Report:
    """The end. ``unchanged`` were there with the same content; ``skipped`` stood in the ledger as loaded before."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    refused: int = 0
    bytes: int = 0
    seconds: float = 0.0
    types: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def resources(self) -> int:
        """All that were read and not refused."""
        return self.added + self.updated + self.unchanged + self.skipped
