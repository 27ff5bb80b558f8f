"""Definitions found by address and version, the code systems among them compiled once."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from shangyi.errors import NotFound
from shangyi.terminology import definitions, versions
from shangyi.terminology.code_system import CodeSystem
from shangyi.terminology.definitions import Definition, Source

KEPT_CONCEPTS = 1_000_000
"""Compiled code systems are kept until they hold more concepts than this together: about 1 GB."""


@dataclass(frozen=True, slots=True)
class Versions:
    """Which version a reference without one means, and what overrules it.

    Each a mapping from the address to a version, which may be open (``1.x``): ``default`` where a reference has none,
    ``force`` whatever it says, ``check``: what it must come to.
    """

    default: tuple[tuple[str, str], ...] = ()
    force: tuple[tuple[str, str], ...] = ()
    check: tuple[tuple[str, str], ...] = ()
    preferred: tuple[tuple[str, str], ...] = ()
    """Taken where a reference leaves the version open: that which the code in question has."""

    def wanted(self, url: str, version: str | None) -> str | None:
        """The version to look for."""
        forced = dict(self.force).get(url)
        if forced:
            return forced
        wanted = version or dict(self.default).get(url) or dict(self.check).get(url)
        preferred = dict(self.preferred).get(url)
        return preferred if preferred and versions.matches(preferred, wanted) else wanted


class UnknownSupplement(NotFound):
    """A supplement that the request or a value set names is not known here."""


class Library:
    """What is known of code systems, value sets and concept maps."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._compiled: OrderedDict[tuple[str, ...], CodeSystem] = OrderedDict()
        self._lock = Lock()

    def code_system(
        self, url: str, version: str | None = None, supplements: Sequence[str] = ()
    ) -> CodeSystem | None:
        """The code system, None where no version that is meant is known. ``supplements``: canonicals to apply."""
        found = [
            d for d in self.source.definitions("CodeSystem", url) if d.resource.get("content") != "supplement"
        ]
        chosen = definitions.choose(found, version)
        if chosen is None:
            return None
        added = [d for d in self.source.supplements(url) if _named(d, supplements)]
        key = (chosen.key, *(d.key for d in added))
        with self._lock:
            if key in self._compiled:
                self._compiled.move_to_end(key)
                return self._compiled[key]
        system = CodeSystem(chosen.resource, [d.resource for d in added])
        with self._lock:
            self._compiled[key] = system
            held = sum(len(kept.concepts) for kept in self._compiled.values())
            while held > KEPT_CONCEPTS and len(self._compiled) > 1:
                held -= len(self._compiled.popitem(last=False)[1].concepts)
        return system

    def known_versions(self, type: str, url: str) -> list[str]:
        """The versions of a definition that are known, oldest first."""
        found = {d.version for d in self.source.definitions(type, url)}
        return [v for v in sorted(found, key=versions.order) if v is not None]

    def value_set(self, url: str, version: str | None = None) -> Definition:
        """The value set. NotFound names it, and the versions that are known."""
        return self._definition("ValueSet", url, version)

    def concept_map(self, url: str, version: str | None = None) -> Definition:
        """The concept map. NotFound names it."""
        return self._definition("ConceptMap", url, version)

    def _definition(self, type: str, url: str, version: str | None) -> Definition:
        found = definitions.choose(self.source.definitions(type, url), version)
        if found is not None:
            return found
        known = self.known_versions(type, url)
        if known:
            raise NotFound(
                "The {type} {url} is not known here in version {version}, but in {known}",
                type=type,
                url=url,
                version=version,
                known=", ".join(known),
            )
        raise NotFound("The {type} {url} is not known here", type=type, url=url)

    def require_supplements(self, canonicals: Sequence[str]) -> None:
        """UnknownSupplement where one of these is not known here."""
        for canonical in canonicals:
            url, version = versions.canonical(canonical)
            if definitions.choose(self.source.definitions("CodeSystem", url), version) is None:
                raise UnknownSupplement("The supplement {url} is not known here", url=canonical)


def _named(definition: Definition, canonicals: Sequence[str]) -> bool:
    for canonical in canonicals:
        url, version = versions.canonical(canonical)
        if definition.resource.get("url") == url and versions.matches(definition.version, version):
            return True
    return False
