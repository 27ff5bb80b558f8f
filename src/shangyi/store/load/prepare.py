"""What a worker process does: parse, validate, index, pack. In: ids and JSON of a chunk; out: rows for binary COPY."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from multiprocessing import parent_process
from multiprocessing.process import BaseProcess
from typing import NamedTuple

import psycopg

from shangyi.errors import Invalid, Issue, ShangyiError
from shangyi.fhir import json
from shangyi.store import keys
from shangyi.store.body import left_out, pack_id, strip
from shangyi.store.codec import Codec
from shangyi.store.load.rows import date_row, narrow_rows, number_row, search_row, string_row, version_row
from shangyi.store.pool import typed
from shangyi.store.repository import Validator, check, validator
from shangyi.store.search.extract import Extracted
from shangyi.store.types import NUMBERS


class Plain(NamedTuple):
    """The version at a position of ``versions`` whose body is not packed yet (``load.learning``)."""

    position: int
    rid: int
    shard: int
    type: int
    id: bytes
    body: bytes


@dataclass(slots=True)
class Prepared:
    """A chunk made ready: a column of rows for each table (``load.rows``), and what is refused.

    The lists are as long as ``rids``; of the narrow tables an entry may be empty, or several rows.
    ``plain``: what ``versions`` has no row of yet. ``refused``: (position in the chunk, reference, issues).
    """

    rids: list[int] = field(default_factory=list)
    versions: list[bytes] = field(default_factory=list)
    searches: list[bytes] = field(default_factory=list)
    dates: list[bytes] = field(default_factory=list)
    numbers: list[bytes] = field(default_factory=list)
    strings: list[bytes] = field(default_factory=list)
    types: Counter[str] = field(default_factory=Counter)
    plain: list[Plain] = field(default_factory=list)
    refused: list[tuple[int, str, tuple[Issue, ...]]] = field(default_factory=list)


class Preparer:
    """The worker's tools, made once a process. ``settled``: types whose bodies it packs; None: all."""

    def __init__(self, codec: Codec, settled: frozenset[int] | None = None) -> None:
        from shangyi.store.search import index  # it loads the definitions

        self.codec, self.settled = codec, settled
        self.extracted, self.area_of = index.extracted, index.area_of
        self.validate: Validator = validator()

    def prepare(self, ids: Sequence[str | None], documents: Sequence[bytes]) -> Prepared:
        """All of a chunk; what is wrong with one does not touch the others."""
        prepared = Prepared()
        for position, (given, data) in enumerate(zip(ids, documents, strict=True)):
            reference = ""
            try:
                resource = json.decode(data)
                id_ = given or resource.get("id") or blake2b(data, digest_size=12).hexdigest()
                reference = f"{resource.get('resourceType', '')}/{id_}"
                without = left_out(resource)
                resource["id"] = id_
                check(resource, self.validate)
                body = strip(resource)
                json.check_foreign(data, body, without)
                self.row(prepared, resource, body)
            except ShangyiError as error:
                prepared.refused.append((position, reference[:120], error.issues))
            except RecursionError:
                deep = Invalid("The resource is nested too deeply")
                prepared.refused.append((position, reference[:120], deep.issues))
            except Exception as error:
                # A fault of ours with one resource must not stop the load of a million others.
                fault = ShangyiError(
                    "Something went wrong with this resource ({kind})", kind=type(error).__name__
                )
                prepared.refused.append((position, reference[:120], fault.issues))
        return prepared

    def row(self, prepared: Prepared, resource: json.Resource, body: bytes) -> None:
        """Add the rows of one resource, whose bytes to keep are ``body``."""
        found, area = self.extracted(resource), self.area_of(resource)
        self.row_of(prepared, resource["resourceType"], resource["id"], body, found, area)

    def row_of(
        self, prepared: Prepared, type: str, id: str, body: bytes, found: Extracted, area: int
    ) -> None:
        """Add the rows of a resource whose search values are at hand."""
        rid = keys.rid(type, id)
        shard = keys.shard(found.patient, rid)
        number = NUMBERS[type]
        if self.settled is None or number in self.settled:
            coding, packed = self.codec.pack(number, body)
            row = version_row(rid, shard, number, coding, pack_id(id), packed)
        else:
            row = b""
            prepared.plain.append(Plain(len(prepared.rids), rid, shard, number, pack_id(id), body))
        prepared.rids.append(rid)
        prepared.types[type] += 1
        prepared.versions.append(row)
        prepared.searches.append(search_row(rid, shard, number, found, area))
        prepared.dates.append(narrow_rows(date_row, rid, shard, found.dates))
        prepared.numbers.append(narrow_rows(number_row, rid, shard, found.numbers))
        prepared.strings.append(narrow_rows(string_row, rid, shard, found.strings))


def start_worker() -> None:
    """Initialise a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that loads; it ends us
    parent = parent_process()
    if parent is not None:  # killed, it could not tell us to end
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def warm() -> None:
    """Import and make what preparing needs."""
    _preparer()


def work(
    conninfo: str,
    newest: int,
    settled: frozenset[int],
    ids: Sequence[str | None],
    documents: Sequence[bytes],
) -> Prepared:
    """A chunk, in a worker process, which learns the dictionaries of the database up to ``newest`` before.

    Raises Unavailable where it cannot reach the database for that.
    """
    preparer = _preparer()
    if preparer.codec.newest < newest:
        try:
            with psycopg.connect(conninfo) as connection:
                preparer.codec.load(connection)
        except psycopg.OperationalError as error:
            raise typed(error) from error
    preparer.settled = settled
    return preparer.prepare(ids, documents)


@cache
def _preparer() -> Preparer:
    return Preparer(Codec())
