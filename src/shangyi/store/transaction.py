"""A transaction Bundle: all entries or none (http://hl7.org/fhir/R4/http.html#trules).

DELETE, POST, PUT, GET in this order whatever theirs in the Bundle; conditions are resolved first, under their locks;
links to entries are made literal, circular ones too; one resource may be written once only.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import psycopg

from shangyi.errors import Invalid, Issue, NotSupported, ShangyiError, Unprocessable
from shangyi.fhir.links import relink
from shangyi.store import bundles, identity, keys
from shangyi.store.bundles import ORDER, Entry, Reader, at
from shangyi.store.model import Resource, Written
from shangyi.store.types import NUMBERS
from shangyi.store.writer import Pending, current, lock, retrying, write

if TYPE_CHECKING:
    from shangyi.store.repository import Repository

READS = frozenset({"GET", "HEAD"})


def transaction(
    repository: "Repository", bundle: Resource, read: Reader | None = None, whole: bool = False
) -> Resource:
    """The response Bundle, its answers in the order of the entries.

    ``read`` answers a GET within the transaction; without it everything may be read. ``whole``: the resources that were
    written come back too.
    """
    entries = bundles.read_entries(bundle, "transaction")
    check_entries(repository, entries)

    def work(connection: psycopg.Connection) -> dict[int, Resource]:
        run = _Run(repository, connection, entries, read or partial(bundles.get, repository), whole)
        return run.answers()

    answers = retrying(repository.transaction_connection, work)
    content: Resource = {"resourceType": "Bundle", "type": "transaction-response"}
    return {**content, "entry": [answers[entry.position] for entry in entries]} if entries else content


def check_entries(repository: "Repository", entries: list[Entry]) -> None:
    """Everything that is wrong with the entries before anything is looked up; Unprocessable with all of it."""
    from shangyi.store.repository import check

    issues: list[Issue] = []
    urls: dict[str, int] = {}
    for entry in entries:
        if entry.method == "PATCH":
            raise NotSupported(
                "PATCH is not possible in a transaction; put it in a batch", expression=entry.place
            )
        first = urls.setdefault(entry.full_url or str(entry.position), entry.position)
        if first != entry.position and entry.method not in READS:
            raise Invalid("The fullUrl stands in the Bundle twice", expression=f"{entry.place}.fullUrl")
        if entry.method in ("POST", "PUT") and entry.resource is not None:
            try:
                check({**entry.resource, "id": entry.id or identity.new_id()}, repository.validate)
            except Unprocessable as error:
                issues += at(entry.place, error, ".resource").issues
            except ShangyiError as error:
                at(entry.place, error, ".resource")
                raise
    if issues:
        raise Unprocessable(issues)


@contextmanager
def placed(entry: Entry) -> Iterator[None]:
    """Errors say which entry they are about."""
    try:
        yield
    except ShangyiError as error:
        at(entry.place, error)
        raise


@dataclass(slots=True)
class _Run:
    """One attempt at a transaction. ``urls``: fullUrl → reference; ``targets``: position → id."""

    repository: "Repository"
    connection: psycopg.Connection
    entries: list[Entry]
    read: Reader
    whole: bool
    done: dict[int, Resource] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    targets: dict[int, str] = field(default_factory=dict)
    unmatched: set[int] = field(default_factory=set)

    def answers(self) -> dict[int, Resource]:
        """Process all."""
        ordered = sorted(self.entries, key=lambda entry: ORDER.index(entry.method))
        writes = [entry for entry in ordered if entry.method not in READS]
        conditions = [keys.key(f"{entry.type}?{entry.condition}") for entry in writes if entry.condition]
        fixed = [keys.rid(entry.type, entry.id) for entry in writes if entry.id]
        lock(self.connection, fixed + conditions)
        same: dict[str, Entry] = {}
        for entry in writes:
            with placed(entry):
                self._aim(entry, same)
        self._write([entry for entry in writes if entry.position not in self.done])
        for entry in ordered:
            if entry.method in READS:
                with placed(entry):
                    self.done[entry.position] = self.read(self.connection, entry)
        for position, first in [(e.position, same[_condition(e)]) for e in writes if _condition(e) in same]:
            if position != first.position:  # the first made it, the others find it there
                answer = self.done[first.position]
                self.done[position] = {**answer, "response": {**answer["response"], "status": "200 OK"}}
        return self.done

    def _aim(self, entry: Entry, same: dict[str, Entry]) -> None:
        """Which resource the entry is about; what needs no write is answered."""
        id_ = entry.id
        if entry.condition is not None:
            found = self.repository.matching(self.connection, entry.type, entry.condition)
            id_ = found.id if found else self._unmatched(entry, same)
            if entry.position in self.done:
                return
            if found is not None and entry.method == "POST":
                self._answer(entry, Written(found, created=False, changed=False))
            if found is not None and entry.method == "PUT" and _named(entry) not in ("", found.id):
                raise Invalid("The condition finds {id}, the body has another id", id=found.id)
        if entry.method in ("POST", "PUT"):
            id_ = id_ or identity.new_id()
            if entry.full_url:
                self.urls[entry.full_url] = f"{entry.type}/{id_}"
        self.targets[entry.position] = id_

    def _unmatched(self, entry: Entry, same: dict[str, Entry]) -> str:
        if entry.method == "DELETE":
            self.done[entry.position] = bundles.response("204 No Content")
        elif entry.method == "PUT":
            if same.setdefault(f"PUT {entry.type}?{entry.condition}", entry) is not entry:
                raise Invalid("{reference} is in the Bundle twice", reference=f"{entry.type}?…")
            self.unmatched.add(entry.position)
            return _named(entry)
        elif (first := same.setdefault(_condition(entry), entry)) is not entry:
            # two creates under one condition make one resource
            self.targets[entry.position] = self.targets[first.position]
            if entry.full_url:
                self.urls[entry.full_url] = f"{entry.type}/{self.targets[first.position]}"
            self.done[entry.position] = {}
        return ""

    def _write(self, writes: list[Entry]) -> None:
        pending: dict[int, tuple[Entry, Pending]] = {}
        for entry in writes:
            resource = None
            if entry.method in ("POST", "PUT"):
                with placed(entry):
                    resource = {**self._linked(entry), "id": self.targets[entry.position]}
            item = Pending(
                entry.type,
                self.targets[entry.position],
                resource,
                entry.if_match,
                new=entry.method == "POST",
                free=entry.position in self.unmatched,
                place=entry.place,
            )
            if item.rid in pending:
                reference = f"{item.type}/{item.id}"
                raise Invalid(
                    "{reference} is in the Bundle twice", reference=reference, expression=entry.place
                )
            pending[item.rid] = entry, item
        gone = [rid for rid, (_, item) in pending.items() if item.resource is None and item.if_match is None]
        if gone:
            lock(self.connection, list(pending))
            known = current(self.connection, self.repository.codec, gone)
            for rid in gone:
                if rid not in known:
                    self.done[pending.pop(rid)[0].position] = bundles.response("204 No Content")
        items = [item for _, item in pending.values()]
        results = write(self.connection, self.repository.codec, self.repository.indexer, items)
        for (entry, _), result in zip(pending.values(), results, strict=True):
            self._answer(entry, result)

    def _answer(self, entry: Entry, result: Written) -> None:
        self.done[entry.position] = bundles.written(result, self.whole)

    def _linked(self, entry: Entry) -> Resource:
        assert entry.resource is not None
        return relink(entry.resource, partial(self._reference, entry), lambda text: self.urls.get(text, text))

    def _reference(self, entry: Entry, text: str) -> str:
        """A reference made literal: to an entry by its fullUrl or below the same base, or by a condition."""
        if text in self.urls:
            return self.urls[text]
        if text.startswith("urn:uuid:"):
            raise Invalid("The reference {reference} is to nothing in the Bundle", reference=text[:100])
        base, slash, _ = (entry.full_url or "").removesuffix(f"/{_named(entry)}").rpartition("/")
        if slash and "://" in base and f"{base}/{text}" in self.urls:
            return self.urls[f"{base}/{text}"]
        type_, mark, query = text.partition("?")
        if not mark or type_ not in NUMBERS:
            return text
        found = self.repository.matching(self.connection, type_, parse_qsl(query, keep_blank_values=True))
        if found is None:
            raise Invalid("Nothing matches the reference {reference}", reference=type_ + "?…")
        return found.reference


def _named(entry: Entry) -> str:
    """The id in the resource, empty where there is none."""
    return str((entry.resource or {}).get("id") or "")


def _condition(entry: Entry) -> str:
    return f"{entry.type}?{entry.condition}" if entry.method == "POST" and entry.condition else ""
