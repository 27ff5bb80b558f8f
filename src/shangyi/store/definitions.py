"""The code systems, value sets and concept maps in the record, as ``terminology`` asks for them."""

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from shangyi.store.model import SearchRequest, Version
from shangyi.store.repository import Repository
from shangyi.store.types import NUMBERS
from shangyi.terminology.definitions import TYPES, Definition

KEPT = 1000
"""Addresses whose definitions are kept parsed."""
MOST = 100
"""Versions of one address that are looked at."""


class RecordDefinitions:
    """A source of ``terminology`` over a repository. It reads all areas: definitions hold no persons."""

    def __init__(self, records: Repository) -> None:
        self._records = records
        self._kept: OrderedDict[tuple[str, str, str], list[Definition]] = OrderedDict()
        self._stamp = -1
        self._lock = Lock()

    def stamp(self) -> int:
        """Grows with every write of a definition, deletions too."""
        numbers = [NUMBERS[type] for type in TYPES]
        with self._records.transaction_connection() as connection:
            row = connection.execute(
                "select count(*) from resource where type = any(%s)", [numbers]
            ).fetchone()
        found = int(row[0]) if row else 0
        with self._lock:
            if found != self._stamp:
                self._kept.clear()
                self._stamp = found
        return found

    def definitions(self, type: str, url: str) -> Sequence[Definition]:
        """Every version of ``url``."""
        return self._found(type, "url", url)

    def supplements(self, url: str) -> Sequence[Definition]:
        """The supplements of the code system ``url``."""
        return self._found("CodeSystem", "supplements", url)

    def _found(self, type: str, parameter: str, url: str) -> list[Definition]:
        key = (type, parameter, url)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            stamp = self._stamp
        request = SearchRequest(type, ((parameter, _escaped(url)), ("_count", str(MOST))))
        found = [_definition(version) for version in self._records.search(request).matches]
        with self._lock:
            if stamp == self._stamp:
                self._kept[key] = found
                if len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return found


def _definition(version: Version) -> Definition:
    return Definition(f"{version.reference}/_history/{version.version}", version.resource)


def _escaped(url: str) -> str:
    """The address as a search value: commas, bars and dollars are not its syntax."""
    return "".join(f"\\{c}" if c in "\\,$|" else c for c in url)
