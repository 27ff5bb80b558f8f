"""What a worker process does: parse, validate, index, pack. In: items of a chunk; out: rows for binary COPY."""

import os
import signal
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from multiprocessing import parent_process
from multiprocessing.process import BaseProcess
from typing import NamedTuple

from shangyi.errors import Invalid, Issue, ShangyiError
from shangyi.fhir import json
from shangyi.store import keys
from shangyi.store.body import pack_id, strip
from shangyi.store.codec import Codec
from shangyi.store.index import Indexer, IndexRow, indexer
from shangyi.store.load.split import Item
from shangyi.store.repository import Validator, check, validator
from shangyi.store.types import NUMBERS

INT8 = 20
_SEARCH = struct.Struct(">iqiqiqiqiqihih")
_ARRAY = struct.Struct(">iiiiii")
_DATE = struct.Struct(">hiqiqiqiiih")
_NUMBER = struct.Struct(">hiqiqidid" + "iiih")
_STRING = struct.Struct(">hiqiiihi")


class Row(NamedTuple):
    """A resource made ready. ``search`` is the end of its COPY row, the narrow ones are whole rows of their tables."""

    place: str
    rid: int
    shard: int
    type: int
    id: bytes
    coding: int
    body: bytes
    search: bytes
    dates: bytes
    numbers: bytes
    strings: bytes


@dataclass(slots=True)
class Prepared:
    """A chunk made ready: rows and (place, reference, issues) of what is refused."""

    rows: list[Row]
    refused: list[tuple[str, str, tuple[Issue, ...]]]


class Preparer:
    """The worker's tools, made once a process."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self.indexer: Indexer = indexer()
        self.validate: Validator = validator()

    def prepare(self, items: Sequence[Item]) -> Prepared:
        """All items; what is wrong with one does not touch the others."""
        rows: list[Row] = []
        refused: list[tuple[str, str, tuple[Issue, ...]]] = []
        for item in items:
            reference = ""
            try:
                resource = json.loads(item.data)
                id_ = item.id or resource.get("id") or blake2b(item.data, digest_size=12).hexdigest()
                reference = f"{resource.get('resourceType', '')}/{id_}"[:120]
                resource["id"] = id_
                check(resource, self.validate)
                rows.append(self.row(item.place, resource))
            except ShangyiError as error:
                refused.append((item.place, reference, error.issues))
            except RecursionError:
                deep = Invalid("The resource is nested too deeply")
                refused.append((item.place, reference, deep.issues))
            except Exception as error:
                # A fault of ours with one resource must not stop the load of a million others.
                fault = ShangyiError(
                    "Something went wrong with this resource ({kind})", kind=type(error).__name__
                )
                refused.append((item.place, reference, fault.issues))
        return Prepared(rows, refused)

    def row(self, place: str, resource: dict[str, object]) -> Row:
        """One resource as rows."""
        type_, id_ = str(resource["resourceType"]), str(resource["id"])
        return self.row_of(place, type_, id_, strip(resource), self.indexer(resource))

    def row_of(self, place: str, type: str, id: str, data: bytes, index: IndexRow) -> Row:
        """A resource as rows, its body (``body.strip``) and index row at hand."""
        rid = keys.rid(type, id)
        shard = keys.shard(index.patient, rid)
        number = NUMBERS[type]
        coding, packed = self.codec.pack(number, data)
        return Row(
            place,
            rid,
            shard,
            number,
            pack_id(id),
            coding,
            packed,
            search_tail(index, shard, number),
            b"".join(
                _DATE.pack(5, 8, rid, 8, v.low, 8, v.high, 4, v.parameter, 2, shard) for v in index.dates
            ),
            b"".join(
                _NUMBER.pack(6, 8, rid, 8, v.unit, 8, v.low, 8, v.high, 4, v.parameter, 2, shard)
                for v in index.numbers
            ),
            b"".join(string_row(rid, shard, v.parameter, v.value) for v in index.strings),
        )


def search_tail(index: IndexRow, shard: int, type: int) -> bytes:
    """patient, area, code, date, date_end, shard, type, tokens."""
    tokens = index.tokens
    head = _SEARCH.pack(
        8, index.patient, 8, index.area, 8, index.code, 8, index.date, 8, index.date_end, 2, shard, 2, type
    )
    if not tokens:
        return head + struct.pack(">iiii", 12, 0, 0, INT8)
    body = b"".join([struct.pack(">iq", 8, token) for token in tokens])
    return head + _ARRAY.pack(20 + len(body), 1, 0, INT8, len(tokens), 1) + body


def string_row(rid: int, shard: int, parameter: int, value: str) -> bytes:
    """A whole row of search_string."""
    text = value.replace("\0", "").encode("utf-8")
    return _STRING.pack(4, 8, rid, 4, parameter, 2, shard, len(text)) + text


_preparer: Preparer | None = None


def start_worker(codec: Codec) -> None:
    """Initialise a worker process."""
    global _preparer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that loads; it ends us
    parent = parent_process()
    if parent is not None:  # killed, it could not tell us to end
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _preparer = Preparer(codec)


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def work(items: Sequence[Item]) -> Prepared:
    """A chunk, in a worker process."""
    assert _preparer is not None
    return _preparer.prepare(items)
