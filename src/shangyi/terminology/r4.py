"""The code systems, value sets and concept maps that FHIR R4 itself defines, HL7 v2 and v3 tables among them.

``tables/r4.zip`` holds each as JSON, written by ``scripts/generate_terminology.py``. One is read when it is asked for.
"""

import json
from collections.abc import Sequence
from functools import cached_property, lru_cache
from importlib import resources
from threading import Lock
from zipfile import ZipFile

from shangyi.terminology.definitions import Definition

INDEX = "index.json"
"""In the archive: type → address → names of the entries."""


class R4:
    """FHIR's own definitions as a source."""

    def __init__(self) -> None:
        self._lock = Lock()

    @cached_property
    def _archive(self) -> ZipFile:
        return ZipFile(resources.files("shangyi.terminology").joinpath("tables/r4.zip").open("rb"))

    @cached_property
    def _index(self) -> dict[str, dict[str, list[str]]]:
        found: dict[str, dict[str, list[str]]] = json.loads(self._read(INDEX))
        return found

    def _read(self, name: str) -> bytes:
        with self._lock:  # a ZipFile has one position for all threads
            return self._archive.read(name)

    def definitions(self, type: str, url: str) -> Sequence[Definition]:
        """The one version of R4, if it defines ``url``."""
        return [self._definition(name) for name in self._index.get(type, {}).get(url, ())]

    def supplements(self, url: str) -> Sequence[Definition]:
        """None: R4 has no supplements."""
        return ()

    @lru_cache(maxsize=256)  # noqa: B019 (one instance lives as long as the process)
    def _definition(self, name: str) -> Definition:
        return Definition(f"r4/{name}", json.loads(self._read(name)))

    def addresses(self, type: str) -> Sequence[str]:
        """All that it defines of this type."""
        return tuple(self._index[type])


SPECIFICATION = R4()
"""The one instance: it holds no more than an open file and what was asked last."""
