"""Where the definitions of code systems, value sets and concept maps come from.

A source knows every version of a canonical address. ``store`` fulfils it from the record, a knowledge package from
its files, and ``r4`` from the FHIR specification itself.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shangyi.terminology import versions
from shangyi.terminology.concepts import Resource

TYPES = ("CodeSystem", "ValueSet", "ConceptMap")


@dataclass(frozen=True, slots=True)
class Definition:
    """One version of a canonical resource. ``key`` changes whenever its content does, and with nothing else."""

    key: str
    resource: Resource

    @property
    def version(self) -> str | None:
        """The business version."""
        found = self.resource.get("version")
        return None if found is None else str(found)

    @property
    def canonical(self) -> str:
        """``url|version``, or the address alone."""
        url = str(self.resource.get("url", ""))
        return f"{url}|{self.version}" if self.version else url


class Source(Protocol):
    """A place that holds definitions."""

    def definitions(self, type: str, url: str) -> Sequence[Definition]:
        """Every version of ``url`` of this resource type; none where it is unknown here."""

    def supplements(self, url: str) -> Sequence[Definition]:
        """The CodeSystem supplements of the code system ``url``."""


class Memory:
    """Definitions held in memory."""

    def __init__(self, resources: Iterable[Resource] = ()) -> None:
        self._known: dict[tuple[str, str], dict[str | None, Definition]] = {}
        self._supplements: dict[str, list[Definition]] = {}
        for resource in resources:
            self.add(resource)

    def add(self, resource: Resource) -> None:
        """One more; another of the same address and version is replaced. What is no definition is left out."""
        if resource.get("resourceType") not in TYPES or "url" not in resource:
            return
        definition = Definition(f"memory/{id(resource)}", resource)
        place = self._known.setdefault((resource["resourceType"], resource["url"]), {})
        place[definition.version] = definition
        if resource.get("content") == "supplement" and "supplements" in resource:
            url, _ = versions.canonical(resource["supplements"])
            self._supplements.setdefault(url, []).append(definition)

    @classmethod
    def of_folder(cls, folder: Path) -> "Memory":
        """The definitions among the ``*.json`` files under a folder, those in Bundles too."""
        memory = cls()
        for path in sorted(folder.rglob("*.json")):
            resource = json.loads(path.read_text(encoding="utf-8-sig"))
            if not isinstance(resource, dict):
                continue
            for entry in resource.get("entry", ()) if resource.get("resourceType") == "Bundle" else ():
                memory.add(entry.get("resource", {}))
            memory.add(resource)
        return memory

    def definitions(self, type: str, url: str) -> Sequence[Definition]:
        """Every version of ``url``."""
        return list(self._known.get((type, url), {}).values())

    def supplements(self, url: str) -> Sequence[Definition]:
        """The supplements of the code system ``url``."""
        return self._supplements.get(url, [])


class Chain:
    """Several sources as one: the first that knows an address and version wins."""

    def __init__(self, *sources: Source) -> None:
        self.sources = sources

    def definitions(self, type: str, url: str) -> Sequence[Definition]:
        """Every version that any of them knows."""
        found: dict[str | None, Definition] = {}
        for source in self.sources:
            for definition in source.definitions(type, url):
                found.setdefault(definition.version, definition)
        return list(found.values())

    def supplements(self, url: str) -> Sequence[Definition]:
        """Those of all."""
        found: dict[str, Definition] = {}
        for source in self.sources:
            for definition in source.supplements(url):
                found.setdefault(definition.canonical, definition)
        return list(found.values())


def choose(found: Sequence[Definition], version: str | None) -> Definition | None:
    """The newest of those that ``version`` may mean, an active one before others; None where none is meant."""
    meant = [definition for definition in found if versions.matches(definition.version, version)]
    return max(meant, key=lambda d: (d.version == version, versions.order(d.version)), default=None)
