"""The repository: what can be done with records. Every write is acknowledged only after COMMIT."""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module
from typing import cast

import psycopg
from psycopg_pool import ConnectionPool

from shangyi.errors import Gone, Invalid, Issue, NotFound, PreconditionFailed, Unprocessable
from shangyi.store import bundles, everything, histories, identity, keys, outbox, rows, scope, transaction
from shangyi.store.codec import Codec
from shangyi.store.index import Indexer, indexer
from shangyi.store.model import (
    EVERYTHING,
    Change,
    HistoryPage,
    Method,
    Resource,
    Scope,
    SearchRequest,
    SearchResult,
    Version,
    Written,
)
from shangyi.store.questions import Question, Steps
from shangyi.store.reader import Reader
from shangyi.store.writer import Pending, lock, retrying, write

Parameters = Sequence[tuple[str, str]]
Validator = Callable[[Resource], Sequence[Issue]]


def validator() -> Validator:
    """What a write is held to: structure, formats, bindings, targets, invariants. Imported at first use."""
    from shangyi.query import conformance

    return conformance.validate


def check(resource: Resource, validate: Validator) -> None:
    """Unprocessable with all problems when the resource breaks a rule of the specification."""
    identity.check(resource.get("resourceType"), resource.get("id"))
    problems = [issue for issue in validate(resource) if issue.severity in ("error", "fatal")]
    if problems:
        raise Unprocessable(problems)


class Repository:
    """Records in PostgreSQL. Thread-safe; each call is a transaction of its own."""

    def __init__(self, pool: ConnectionPool, codec: Codec, reader: Reader) -> None:
        self.pool, self.codec, self.reader = pool, codec, reader
        self.indexer: Indexer = indexer()
        self.validate: Validator = validator()

    @contextmanager
    def transaction_connection(self) -> Iterator[psycopg.Connection]:
        """A connection in a transaction that is committed at the end; Unavailable when there is none."""
        with self.pool.connection() as connection:
            yield connection

    # -- reading

    def read(self, type: str, id: str, scope: Scope = EVERYTHING) -> Version:
        """The current version. Raises NotFound, Gone."""
        return self.reader.answer(self.reading(type, id, scope))

    def reading(self, type: str, id: str, scope: Scope = EVERYTHING) -> Steps[Version]:
        """``read`` in steps."""
        identity.check(type, id)
        found = yield from self._fetch(type, id, scope, "order by r.version desc limit 1")
        if found is None:
            raise NotFound("{reference} is not known", reference=f"{type}/{id}")
        if found.method is Method.DELETE:
            raise Gone("{reference} was deleted", reference=f"{type}/{id}")
        return found

    def vread(self, type: str, id: str, version: int, scope: Scope = EVERYTHING) -> Version:
        """One version. Raises NotFound, or Gone when that version is the deletion."""
        identity.check(type, id)
        wanted = version if 0 < version < 2**31 else 0
        found = self.reader.answer(self._fetch(type, id, scope, "and r.version = %s limit 1", wanted))
        if found is None:
            raise NotFound("{reference} has no version {version}", reference=f"{type}/{id}", version=version)
        if found.method is Method.DELETE:
            raise Gone(
                "Version {version} of {reference} is its deletion", reference=f"{type}/{id}", version=version
            )
        return found

    def read_many(self, references: Sequence[tuple[str, str]], scope: Scope = EVERYTHING) -> list[Version]:
        """The current versions of those that there are and that may be seen, in no order."""
        rids = [keys.rid(type, id) for type, id in references]
        with self.transaction_connection() as connection:
            return everything.fetch(connection, self.codec, rids, scope)

    def _fetch(self, type: str, id: str, bounds: Scope, tail: str, *values: int) -> Steps[Version | None]:
        where, parameters = histories.visible(bounds)
        found = yield Question(
            f"select {rows.COLUMNS} from resource r where r.rid = %s and {where} {tail}",
            (keys.rid(type, id), *parameters, *values),
        )
        if not found:
            return None
        row = rows.unpacked(found[0])
        if not self.codec.knows(row[5]):
            yield from self.codec.learning()
        version = rows.version(self.codec, row)
        return version if (version.type, version.id) == (type, id) else None

    def history(
        self,
        type: str | None = None,
        id: str | None = None,
        since: datetime | None = None,
        count: int = 50,
        cursor: str | None = None,
        scope: Scope = EVERYTHING,
        at: tuple[datetime, datetime] | None = None,
    ) -> HistoryPage:
        """Versions of a resource, a type or all, newest first; ``at``: those current between two instants."""
        if type is not None:
            identity.check(type, id)
        with self.transaction_connection() as connection:
            page = histories.page(connection, self.codec, type, id, since, count, cursor, scope, at)
        if id is not None and not page.versions and cursor is None and since is None and at is None:
            raise NotFound("{reference} is not known", reference=f"{type}/{id}")
        return page

    def search(self, request: SearchRequest, scope: Scope = EVERYTHING) -> SearchResult:
        """One page of a search; see ``store.search``."""
        with self.transaction_connection() as connection:
            return self.search_on(connection, request, scope)

    def search_on(
        self, connection: psycopg.Connection, request: SearchRequest, scope: Scope = EVERYTHING
    ) -> SearchResult:
        """The search on a connection of the caller's."""
        execute = import_module("shangyi.store.search.execute").execute
        return cast(SearchResult, execute(connection, self.codec, request, scope))

    def suggest(self, text: str, limit: int = 10, scope: Scope = EVERYTHING) -> Sequence[Version]:
        """Residents whose name, pinyin, initials, id or phone begins so."""
        from shangyi.store.search.suggest import suggest

        with self.transaction_connection() as connection:
            return suggest(connection, self.codec, text, limit, scope)

    def everything(
        self,
        type: str,
        id: str,
        since: datetime | None = None,
        types: Sequence[str] | None = None,
        count: int | None = None,
        cursor: str | None = None,
        scope: Scope = EVERYTHING,
        care: tuple[int, int] | None = None,
    ) -> SearchResult:
        """``Patient/$everything``: the resident's compartment, and what it refers to, page by page.

        ``care``: only what happened between two instants (microseconds), and what has no date.
        """
        if type != "Patient":
            raise Invalid("$everything is for Patient here")
        self.read(type, id, scope)
        with self.transaction_connection() as connection:
            return everything.page(
                connection, self.codec, keys.rid(type, id), since, types, count, cursor, scope, care
            )

    # -- writing

    def create(self, resource: Resource, if_none_exist: Parameters | None = None) -> Written:
        """A new resource under an id of the server. With a condition: what it finds, unchanged."""
        resource = {**resource, "id": identity.new_id()}
        check(resource, self.validate)
        type_, id_ = resource["resourceType"], resource["id"]

        def work(connection: psycopg.Connection) -> Written:
            if if_none_exist:
                lock(connection, [condition_key(type_, if_none_exist)])
                found = self.matching(connection, type_, if_none_exist)
                if found is not None:
                    return Written(found, created=False, changed=False)
            return write(connection, self.codec, self.indexer, [Pending(type_, id_, resource, new=True)])[0]

        return retrying(self.transaction_connection, work)

    def update(self, resource: Resource, if_match: int | None = None) -> Written:
        """The next version, or the first under the client's id."""
        check(resource, self.validate)
        if "id" not in resource:
            raise Invalid("An update needs an id", expression=f"{resource['resourceType']}.id")
        pending = Pending(resource["resourceType"], resource["id"], resource, if_match)
        return retrying(
            self.transaction_connection,
            lambda connection: write(connection, self.codec, self.indexer, [pending])[0],
        )

    def delete(self, type: str, id: str, if_match: int | None = None) -> Written | None:
        """Mark as deleted; None when there is nothing to delete."""
        identity.check(type, id)
        pending = Pending(type, id, None, if_match)
        try:
            return retrying(
                self.transaction_connection,
                lambda connection: write(connection, self.codec, self.indexer, [pending])[0],
            )
        except NotFound:
            return None

    def patch(
        self, type: str, id: str, change: Callable[[Resource], Resource], if_match: int | None = None
    ) -> Written:
        """Read, change, write against the version read; again when another writer came between."""
        for _ in range(8):
            found = self.read(type, id)
            if if_match is not None and found.version != if_match:
                break
            try:
                return self.update(change(copy.deepcopy(found.resource)), if_match=found.version)
            except PreconditionFailed:
                continue
        raise PreconditionFailed("{reference} was changed by another writer", reference=f"{type}/{id}")

    def conditional_update(
        self, resource: Resource, parameters: Parameters, if_match: int | None = None
    ) -> Written:
        """Update the one match; create when there is none; PreconditionFailed when there are several."""
        type_ = resource.get("resourceType")
        identity.check(type_, resource.get("id"))
        assert isinstance(type_, str)
        check({**resource, "id": resource.get("id", identity.new_id())}, self.validate)

        def work(connection: psycopg.Connection) -> Written:
            lock(connection, [condition_key(type_, parameters)])
            found = self.matching(connection, type_, parameters)
            id_ = found.id if found else resource.get("id") or identity.new_id()
            if found and resource.get("id") not in (None, found.id):
                raise Invalid("The condition finds {id}, the body has another id", id=found.id)
            # what the condition does not find is not overwritten, even under the id in the body
            pending = Pending(type_, id_, {**resource, "id": id_}, if_match, free=found is None)
            return write(connection, self.codec, self.indexer, [pending])[0]

        return retrying(self.transaction_connection, work)

    def conditional_delete(self, type: str, parameters: Parameters) -> Written | None:
        """Delete the one match; None when there is none; PreconditionFailed when there are several."""
        identity.check(type)

        def work(connection: psycopg.Connection) -> Written | None:
            lock(connection, [condition_key(type, parameters)])
            found = self.matching(connection, type, parameters)
            if found is None:
                return None
            return write(
                connection, self.codec, self.indexer, [Pending(type, found.id, None, found.version)]
            )[0]

        return retrying(self.transaction_connection, work)

    def matching(self, connection: psycopg.Connection, type: str, parameters: Parameters) -> Version | None:
        """The one resource that a condition finds, or None; PreconditionFailed for several."""
        if not [name for name, _ in parameters if not name.startswith("_") or name in ("_id", "_tag")]:
            raise Invalid("A condition needs a search parameter")
        asked: list[tuple[str, str]] = [*parameters, ("_count", "2")]
        result = self.search_on(connection, SearchRequest(type, asked))
        found = list(result.matches)
        while len(found) < 2 and result.next is not None:  # a page may be short and have a next one
            result = self.search_on(connection, SearchRequest(type, [*asked, ("_cursor", result.next)]))
            found += result.matches
        if len(found) > 1:
            raise PreconditionFailed("The condition matches several resources")
        return found[0] if found else None

    def transaction(
        self, bundle: Resource, read: bundles.Reader | None = None, whole: bool = False
    ) -> Resource:
        """All entries or none (http://hl7.org/fhir/R4/http.html#transaction): the response Bundle.

        ``read`` answers the GETs among them, on the transaction's connection; by default they see everything.
        ``whole``: with the resources that were written.
        """
        return transaction.transaction(self, bundle, read, whole)

    # -- following

    def changes(
        self, cursor: str | None = None, limit: int = 1000, types: Sequence[str] | None = None
    ) -> tuple[list[Change], str]:
        """What was written after ``cursor`` (None: from the start), without a gap, and the cursor after it."""
        with self.transaction_connection() as connection:
            return outbox.changes(connection, self.codec, cursor, limit, types)


def condition_key(type: str, parameters: Parameters) -> int:
    """The lock of a condition, so that two creates with the same one do not both find nothing."""
    return keys.key("\x1f".join([type, *(f"{name}={value}" for name, value in sorted(parameters))]))


__all__ = ["Repository", "check", "condition_key", "scope", "validator"]
