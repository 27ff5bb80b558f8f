"""Terminology as the rest of the platform asks for it: value sets by address, codes in them, how codes relate."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

from shangyi.errors import NotFound
from shangyi.terminology import versions
from shangyi.terminology.code_system import CodeSystem
from shangyi.terminology.composition import Composition
from shangyi.terminology.definitions import Source
from shangyi.terminology.library import Library, Versions

LOOK_EVERY = 0.5
"""Seconds for which what was seen of the source counts as current."""

KEPT_CODES = 2_000_000
"""Codes of value sets that are kept ready, all together: about 400 MB."""


@dataclass(frozen=True, slots=True)
class CodeSet:
    """The codes of a value set, for rules: a membership test for one record, rows to join for a population.

    ``canonical`` names the version that was found; ``codes`` are (system, code).
    """

    canonical: str
    codes: frozenset[tuple[str, str]]

    def __contains__(self, code: object) -> bool:
        return code in self.codes

    def __len__(self) -> int:
        return len(self.codes)


class Terminology:
    """Answers from one source of definitions. Safe for threads; what it keeps is bounded.

    ``stamp``: changes whenever a definition of the source does; asked at most every ``LOOK_EVERY`` seconds.
    """

    def __init__(
        self, source: Source, versions: Versions | None = None, stamp: Callable[[], int] | None = None
    ) -> None:
        self.library = Library(source)
        self.versions = versions or Versions()
        self.stamp = stamp
        self._seen: int | None = None
        self._looked = -math.inf
        self._sets: OrderedDict[str, CodeSet] = OrderedDict()
        self._lock = Lock()

    def codes(self, canonical: str) -> CodeSet:
        """The codes of ``url|version``. NotFound names the value set or the code system that is missing.

        Kept until a definition changes.
        """
        self.refresh()
        url, version = versions.canonical(canonical)
        definition = self.library.value_set(url, self.versions.wanted(url, version))
        with self._lock:
            if definition.key in self._sets:
                self._sets.move_to_end(definition.key)
                return self._sets[definition.key]
        members = Composition(self.library, self.versions).members(definition)
        found = CodeSet(definition.canonical, frozenset((system, code) for system, _, code in members))
        with self._lock:
            self._sets[definition.key] = found
            held = sum(map(len, self._sets.values()))
            while held > KEPT_CODES and len(self._sets) > 1:
                held -= len(self._sets.popitem(last=False)[1])
        return found

    def refresh(self) -> None:
        """Look whether a definition changed; if so, codes of value sets are found anew."""
        now = time.monotonic()
        if self.stamp is None or now - self._looked < LOOK_EVERY:
            return
        self._looked = now
        stamp = self.stamp()
        with self._lock:
            if stamp != self._seen:
                self._sets.clear()
                self._seen = stamp

    def code_system(
        self, url: str, version: str | None = None, supplements: Sequence[str] = ()
    ) -> CodeSystem:
        """The code system. NotFound names it."""
        found = self.library.code_system(url, self.versions.wanted(url, version), supplements)
        if found is None:
            known = ", ".join(self.library.known_versions("CodeSystem", url))
            if version and known:
                text = "The code system {system} is not known here in version {version}, but in {known}"
                raise NotFound(text, system=url, version=version, known=known)
            raise NotFound("The code system {system} is not known here", system=url)
        return found

    def subsumes(self, system: str, a: str, b: str, version: str | None = None) -> str:
        """``equivalent``, ``subsumes``, ``subsumed-by`` or ``not-subsumed``. NotFound for an unknown system or code."""
        found = self.code_system(system, version)
        answer = found.subsumes(a, b)
        if answer is None:
            missing = a if found.find(a) is None else b
            raise NotFound("{system} has no code {code}", system=system, code=missing)
        return answer
