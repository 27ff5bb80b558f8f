"""The one way to the record: every call is decided, bounded by the area, recorded, and handed on.

A method of ``Session`` leaves exactly one AuditEvent, refused calls too, before it returns or raises. It uses the
repository below, never another method of its own, so that nothing is recorded twice.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlencode

from psycopg import Connection

from shangyi.access import bundles, masking, policy
from shangyi.access.audit.event import EXPORT, IMPORT, MAJOR, MINOR, REST, SERIOUS, Event
from shangyi.access.boundary import Boundary
from shangyi.access.model import NOWHERE, PURPOSES, Origin, Principal
from shangyi.access.placement import relative
from shangyi.access.suggestions import suggestions
from shangyi.errors import Forbidden, Invalid, NotFound, ShangyiError
from shangyi.store import exports, merging
from shangyi.store.bundles import Entry, found, stored
from shangyi.store.model import HistoryPage, Resource, Scope, SearchRequest, SearchResult, Version, Written
from shangyi.store.questions import Steps
from shangyi.store.repository import Parameters, Repository
from shangyi.terminology.service import Terminology

if TYPE_CHECKING:
    from shangyi.access.service import Access

Result = TypeVar("Result")


class Found(Protocol):
    """What a selection of residents holds at least."""

    @property
    def versions(self) -> Sequence[Version]:
        """Their Patients."""


Selected = TypeVar("Selected", bound=Found)
AUDIT = "AuditEvent"


class Recording(AbstractContextManager["Recording"]):
    """An event in the making; written when the block ends, however it ends."""

    __slots__ = ("event", "record")

    def __init__(self, event: Event, record: Callable[[bytes], None]) -> None:
        self.event = event
        self.record = record

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.event.outcome = _outcome(error)
            # Texts of our own errors only: what the database says may hold data.
            self.event.description = (
                error.issues[0].text if isinstance(error, ShangyiError) else type(error).__name__
            )
        self.record(self.event.line())

    def found(self, *references: str) -> None:
        """What was read or written."""
        self.event.entities = references


def _outcome(error: BaseException) -> int:
    if not isinstance(error, ShangyiError) or error.status >= 500:
        return MAJOR
    return SERIOUS if error.status in (401, 403) else MINOR


class Session:
    """Somebody's access, from somewhere, for a purpose. Same methods as the repository."""

    def __init__(
        self,
        access: "Access",
        principal: Principal,
        origin: Origin = NOWHERE,
        purpose: str | None = None,
        panel: str | None = None,
    ) -> None:
        self.access = access
        self.principal = principal
        self.origin = origin
        self.purpose = purpose or PURPOSES[principal.role]
        self._panel = panel
        self._records: Repository = access.records
        self._boundary = Boundary(principal, access.places, access.records)

    def __repr__(self) -> str:
        return f"Session({self.principal.id}, {self.principal.role.value})"

    # Decisions

    def may(self, interaction: str, type: str) -> bool:
        """Whether the role allows this at all (for menus and buttons); asks nothing and records nothing."""
        return policy.may(self.principal.role, interaction, type)

    def require(self, interaction: str, type: str) -> None:
        """Raises Forbidden unless ``may``: for a form that would be refused when it is sent."""
        self._decide(interaction, type)

    def may_use(self, function: str) -> bool:
        """Whether the role may use ``load``, ``export``, ``accounts``, ``aggregate`` or ``reveal``."""
        return policy.may_use(self.principal.role, function)

    def require_use(self, function: str) -> None:
        """Raises Forbidden unless ``may_use``."""
        self._decide_use(function)

    def ready(self) -> None:
        """Raises Unavailable while the database cannot be reached. Reads nothing, records nothing."""
        with self._records.transaction_connection() as connection:
            connection.execute("select 1")

    def _decide(self, interaction: str, type: str) -> None:
        if policy.group_of(type) is None:
            raise NotFound("{type} is not a resource type of FHIR R4", type=type[:64])
        if not policy.may(self.principal.role, interaction, type):
            raise Forbidden("Your role does not allow this")

    def _decide_use(self, function: str) -> None:
        if not policy.may_use(self.principal.role, function):
            raise Forbidden("Your role does not allow this")

    def panel(self) -> "Session":
        """The same session, its searches bounded to the account's own panel (签约居民)."""
        if self.principal.practitioner is None:
            raise Forbidden("This account has no panel")
        return Session(self.access, self.principal, self.origin, self.purpose, self.principal.practitioner)

    def scope(self, interaction: str = "search") -> Scope:
        """What of the population this session may see."""
        role = self.principal.role
        types = policy.types_for(role, interaction)
        shown = None if types == policy.ALL_BUT_AUDIT else types
        return Scope(self.principal.area.bounds, self._panel, shown, policy.SHARED)

    @property
    def population(self) -> Scope:
        """Whose record this session is about, whatever the type: the area, and the panel where it is bounded to it."""
        return Scope(self.principal.area.bounds, self._panel)

    def _scope_for(self, type: str | None, interaction: str = "search") -> Scope:
        """The scope, without the area where the type has none."""
        scope = self.scope(interaction)
        if type is not None and policy.group_of(type) in policy.UNBOUNDED_GROUPS:
            return replace(scope, area=None, panel=None)
        return scope

    def recording(
        self, subtype: str, action: str, *entities: str, type: str = REST, query: str | None = None
    ) -> Recording:
        """A block that leaves one AuditEvent; for what stands above this package too (``reveal``, exports)."""
        self.access.spool.require_room()
        event = Event(
            subtype, action, self.principal, self.origin, self.purpose, type, entities=entities, query=query
        )
        return Recording(event, self.access.record)

    # Reads

    def read(self, type: str, id: str) -> Version:
        """The current version. Raises NotFound, Gone, Forbidden."""
        return self.answer(self.reading(type, id))

    def answer(self, steps: Steps[Result]) -> Result:
        """What steps come to in this session, the questions answered in this thread."""
        return self._records.reader.answer(steps)

    def reading(self, type: str, id: str) -> Steps[Version]:
        """``read`` in steps. Where ``only_steps`` is not, it waits for the database in other ways too."""
        with self.recording("read", "R", f"{type}/{id}") as recording:
            self._decide("read", type)
            if type == AUDIT:
                return self.access.audit_read(id)
            version = yield from self._boundary.reading(type, id)
            recording.found(*self._boundary.named(version))
            return version

    def only_steps(self, type: str) -> bool:
        """Whether ``reading`` a resource of this type waits for nothing but the answers to its questions."""
        return type != AUDIT and not self._boundary.cases_only

    def vread(self, type: str, id: str, version: int) -> Version:
        """One version; whose it is now decides."""
        with self.recording("vread", "R", f"{type}/{id}/_history/{version}") as recording:
            self._decide("vread", type)
            if type == AUDIT:
                raise Forbidden("Audit events have no history")
            found = self._records.vread(type, id, version)
            recording.found(f"{type}/{id}/_history/{version}", *self._boundary.check(found)[1:])
            return found

    def history(
        self,
        type: str | None = None,
        id: str | None = None,
        *,
        since: datetime | None = None,
        count: int = 50,
        cursor: str | None = None,
        at: tuple[datetime, datetime] | None = None,
    ) -> HistoryPage:
        """Versions of one resource, of a type or of all, newest first."""
        level = "instance" if id else "type" if type else "system"
        with self.recording(
            f"history-{level}", "R", *([f"{type}/{id}"] if id else [type] if type else [])
        ) as recording:
            if type == AUDIT:
                raise Forbidden("Audit events have no history")
            if type is not None:
                self._decide("history", type)
            if id is None and self._boundary.cases_only:
                raise Forbidden("Your role reads the history of single cases only")
            # One resource's history is bounded by where it is now, below: deletions included.
            scope = Scope() if id is not None else self._scope_for(type, "history")
            page = self._records.history(
                type, id, since=since, count=count, cursor=cursor, scope=scope, at=at
            )
            if id is not None:
                last = next((version for version in page.versions if version.body), None)
                if last is not None:
                    recording.found(*self._boundary.check(last))
                elif page.versions:
                    self._boundary.check(page.versions[0])
            else:
                recording.found(*dict.fromkeys(version.reference for version in page.versions))
            return page

    def search(self, request: SearchRequest) -> SearchResult:
        """One page of what matches within the scope."""
        with self.recording(
            "search-type" if request.type else "search-system", "E", query=_query(request)
        ) as recording:
            if request.type is not None:
                self._decide("search", request.type)
            if request.type == AUDIT:
                return self.access.audit_search(request)
            request = self._boundary.narrow(request)
            result = self._records.search(request, self._scope_for(request.type))
            result = self._boundary.filter(result)
            recording.found(
                *dict.fromkeys(v.reference for v in (*result.matches, *result.included)),
                *self._boundary.residents_named(request),
            )
            return result

    def everything(self, type: str, id: str, **options: Any) -> SearchResult:
        """A resident's whole record, page by page."""
        with self.recording("everything", "E", f"{type}/{id}") as recording:
            self._decide("operation", type)
            current = self._records.read(type, id)
            recording.found(*self._boundary.check(current))
            result: SearchResult = self._records.everything(
                type, id, **options, scope=self._boundary.within_resident(self.scope())
            )
            return result

    def suggest(self, text: str, limit: int = 10) -> Sequence[Version]:
        """Residents whose name, pinyin, id or phone begins so."""
        with self.recording("suggest", "E", query=f"suggest={text}") as recording:
            self._decide("search", "Patient")
            if self._boundary.cases_only:
                raise Forbidden("Your role sees residents with a notifiable case only")
            found = suggestions(self._records, text, limit, self.scope())
            recording.found(*(version.reference for version in found))
            return found

    def aggregate(self, name: str, compute: Callable[[Repository, Scope], Result]) -> Result:
        """Figures over many residents, no rows of any: ``compute(records, scope)``; ``name`` is kept in the audit."""
        with self.recording("aggregate", "E", query=name):
            self._decide_use("aggregate")
            scope = Scope(self.principal.area.bounds, self._panel, shared=policy.SHARED)
            return compute(self._records, scope)

    def consult(self, type: str, operation: str, work: Callable[[Terminology], Result]) -> Result:
        """What ``work`` finds in the definitions of codes: knowledge, no persons; decided for ``type``, and recorded."""
        with self.recording("operation", "E", type, query=f"{type}/${operation}"):
            self._decide("operation", type)
            self.access.terminology.refresh()
            return work(self.access.terminology)

    def select(self, name: str, find: Callable[[Repository, Scope], Selected]) -> Selected:
        """Residents by a query that stands above this package (``care.standing``); ``name`` is kept in the audit.

        Decided as a search for residents, bounded by the scope that ``find(records, scope)`` gets, and recorded with
        every resident found.
        """
        with self.recording("search-type", "E", query=name) as recording:
            self._decide("search", "Patient")
            if self._boundary.cases_only:
                raise Forbidden("Your role sees residents with a notifiable case only")
            found = find(self._records, self.population)
            recording.found(*(version.reference for version in found.versions))
            return found

    def reveal(self, reference: str, field: str) -> str:
        """A masked field of a resident in full: ``resident-id``, ``insurance-number`` or ``phone``."""
        with self.recording("reveal", "R", reference) as recording:
            recording.event.detail["field"] = field
            self._decide_use("reveal")
            type, _, id = reference.partition("/")
            self._decide("read", type)
            if field not in masking.FIELDS or type != "Patient":
                raise NotFound("There is no such field to show")
            version = self._records.read(type, id)
            self._boundary.check(version)
            value = masking.FIELDS[field][0](version.resource)
            if value is None:
                raise NotFound("The record has no such field")
            return value

    def revealing(self, reference: str, fields: Iterable[str]) -> None:
        """Record that masked fields of a resource that was read are shown in full; Forbidden where the role may not."""
        with self.recording("reveal", "R", reference) as recording:
            recording.event.detail["field"] = ", ".join(sorted(fields))
            self._decide_use("reveal")

    def reveal_many(self, references: Sequence[str]) -> None:
        """Record that masked fields of these residents, found within the scope, are shown in full in a list.

        Raises Forbidden unless the role may both reveal and export.
        """
        with self.recording("reveal", "R", *references) as recording:
            recording.event.detail["field"] = "resident-id, phone"
            self._decide_use("reveal")
            self._decide_use("export")

    def stream(self, type: str) -> Iterator[Version]:
        """Every current resource of a type, as of one instant; one event, when it is over, with how many.

        Decided before the first is given.
        """
        with self.recording("export", "R", type=EXPORT) as recording:
            recording.event.detail |= {"target": f"{type}.ndjson", "resources": 0}
            self._decide_use("export")
            self._decide_write("read", type)
            for number, version in enumerate(exports.stream(self._records, type), 1):
                recording.event.detail["resources"] = number
                yield version

    # Writes

    def create(self, resource: Resource, if_none_exist: Parameters | None = None) -> Written:
        """A new resource, or with ``if_none_exist`` the one that matches."""
        type = str(resource.get("resourceType"))
        query = f"{type}?{urlencode(if_none_exist)}" if if_none_exist else None
        with self.recording("create", "C", query=query) as recording:
            self._decide_write("create", type)
            self._boundary.check_write(resource, new=True)
            if if_none_exist:
                self._boundary.check_condition(type, if_none_exist)
            return self._done(recording, self._records.create(resource, if_none_exist))

    def update(self, resource: Resource, if_match: int | None = None) -> Written:
        """A new version; a resource of that id is made where there is none."""
        type, id = str(resource.get("resourceType")), str(resource.get("id"))
        with self.recording("update", "U", f"{type}/{id}") as recording:
            self._decide_write("update", type)
            self._boundary.check_existing(type, id)
            self._boundary.check_write(resource)
            return self._done(recording, self._records.update(resource, if_match))

    def delete(self, type: str, id: str, if_match: int | None = None) -> Any:
        """The end of a resource; its history stays."""
        with self.recording("delete", "D", f"{type}/{id}"):
            self._decide_write("delete", type)
            self._boundary.check_existing(type, id)
            return self._records.delete(type, id, if_match)

    def patch(
        self, type: str, id: str, patch: Callable[[Resource], Resource], if_match: int | None = None
    ) -> Written:
        """A new version by a patch: a function from resource to resource."""
        with self.recording("patch", "U", f"{type}/{id}") as recording:
            self._decide_write("patch", type)
            current = self._records.read(type, id)
            self._boundary.check(current)

            def checked(resource: Resource) -> Resource:
                patched = patch(resource)
                if (patched.get("resourceType"), patched.get("id")) != (type, id):
                    raise Invalid("A patch cannot change the type or the id")
                self._boundary.check_write(patched)
                return patched

            return self._done(recording, self._records.patch(type, id, checked, if_match))

    def conditional_update(
        self, resource: Resource, parameters: Parameters, if_match: int | None = None
    ) -> Written:
        """Update the one match, create where there is none."""
        type = str(resource.get("resourceType"))
        with self.recording("update", "U", query=f"{type}?{urlencode(parameters)}") as recording:
            self._decide_write("update", type)
            self._boundary.check_condition(type, parameters)
            self._boundary.check_write(resource)
            written = self._records.conditional_update(resource, parameters, if_match=if_match)
            return self._done(recording, written)

    def conditional_delete(self, type: str, parameters: Parameters) -> Any:
        """Delete the one match."""
        with self.recording("delete", "D", query=f"{type}?{urlencode(parameters)}"):
            self._decide_write("delete", type)
            self._boundary.check_condition(type, parameters)
            return self._records.conditional_delete(type, parameters)

    def transaction(self, bundle: Resource, whole: bool = False) -> Resource:
        """All entries or none; each is decided, and one that is refused refuses all."""
        with self.recording("transaction", "E") as recording:
            for entry in bundles.entries(bundle):
                self._decide_entry(entry)
            self._boundary.check_writes(
                [entry.resource for entry in bundles.entries(bundle) if entry.resource]
            )
            answer: Resource = self._records.transaction(bundle, self._read_within, whole)
            recording.found(*bundles.touched(bundle, answer))
            return answer

    def merge(
        self,
        survivor: tuple[str, int],
        duplicate: tuple[str, int],
        provenance: Resource,
        take: Sequence[str] = (),
    ) -> merging.Merged:
        """Two records of one resident made one (ids with the versions looked at); both must lie in the area."""
        ids = (survivor[0], duplicate[0])
        with self.recording("merge", "U", *(f"Patient/{id}" for id in ids)) as recording:
            self._decide_use("merge")
            for id in ids:
                self._boundary.check(self._records.read("Patient", id))
            merged = merging.merge(self._records, survivor, duplicate, provenance, take)
            recording.event.detail["moved"] = merged.moved
            recording.found(*(f"Patient/{id}" for id in ids), merged.provenance.reference)
            return merged

    def unmerge(self, id: str, provenance: Resource) -> merging.Merged:
        """Undo the merge that ``Provenance/<id>`` recorded."""
        with self.recording("unmerge", "U", f"Provenance/{id}") as recording:
            self._decide_use("merge")
            provenance_targets = self._records.read("Provenance", id).resource.get("target", ())
            named = [found for t in provenance_targets if (found := relative(str(t.get("reference"))))]
            # Anybody who may write a Provenance could name another's records in it.
            self._boundary.require_inside(named)
            patients = [reference for reference in named if reference.startswith("Patient/")][:2]
            merged = merging.undo(self._records, id, provenance)
            recording.event.detail["moved"] = merged.moved
            recording.found(*patients, f"Provenance/{id}", merged.provenance.reference)
            return merged

    def known_elsewhere(self, system: str, value: str) -> bool:
        """Whether a resident with this identifier has a record outside the area; says no more than that."""
        with self.recording("search-type", "E", query=f"Patient?identifier={system}|{value}&_summary=count"):
            self._decide("create", "Patient")
            if not self._boundary.bounded:
                return False
            request = SearchRequest("Patient", [("identifier", f"{system}|{value}"), ("_count", "10")])
            everybody = {v.id for v in self._records.search(request).matches}
            own = {v.id for v in self._records.search(request, self._scope_for("Patient")).matches}
            return bool(everybody - own)

    def _read_within(self, connection: Connection, entry: Entry) -> Resource:
        """A GET of a transaction: a search bounded as it is alone; what is read by id was decided before."""
        if not entry.is_search:
            return stored(self._records, connection, entry)
        request = self._boundary.narrow(SearchRequest(entry.type, entry.parameters))
        result = self._records.search_on(connection, request, self._scope_for(entry.type))
        return found(self._boundary.filter(result))

    def _decide_write(self, interaction: str, type: str) -> None:
        if type == AUDIT:
            raise Forbidden("Audit events are written by the server only, and never changed")
        self._decide(interaction, type)

    def _decide_entry(self, entry: bundles.Entry) -> None:
        if entry.type == AUDIT:
            raise Forbidden("Audit events are asked for and written apart")
        self._decide(entry.interaction, entry.type)
        if entry.parameters is not None and entry.interaction != "search":
            self._boundary.check_condition(entry.type, entry.parameters)
        if entry.id is not None:
            self._boundary.check_existing(entry.type, entry.id)

    def _done(self, recording: Recording, written: Written) -> Written:
        if not written.created and not written.changed:
            self._boundary.check(written.version)
        recording.found(*self._boundary.named(written.version))
        return written

    # The record as a whole

    def load(self, source: str, work: Callable[[Repository], Result], **detail: object) -> Result:
        """A bulk load: ``work(records)`` does it; one event for the whole with what ``work`` reports as counts."""
        with self.recording("load", "C", type=IMPORT) as recording:
            recording.event.detail |= {"source": source, **detail}
            self._decide_use("load")
            result = work(self._records)
            recording.event.detail |= _counts(result)
            return result

    def export(self, target: str, work: Callable[[Repository], Result]) -> Result:
        """Everything out: ``work(records)`` does it; one event for the whole."""
        with self.recording("export", "R", type=EXPORT) as recording:
            recording.event.detail["target"] = target
            self._decide_use("export")
            result = work(self._records)
            recording.event.detail |= _counts(result)
            return result

    def changes(self, cursor: str | None, limit: int = 1000) -> Any:
        """The outbox, for named background work."""
        with self.recording("changes", "R", query=f"cursor={cursor or ''}"):
            self._decide_use("changes")
            return self._records.changes(cursor, limit)

    def follow(self, name: str, work: Callable[[Repository], Result]) -> Result:
        """Named background work on what is new in the outbox: ``work(records)`` does it; one event for the whole."""
        with self.recording("changes", "R", query=name):
            self._decide_use("changes")
            return work(self._records)


def _query(request: SearchRequest) -> str:
    return f"{request.type or ''}?{urlencode(list(request.parameters))}"


def _counts(result: object) -> dict[str, int]:
    """The whole numbers that a report (an object or a mapping) holds, by name."""
    if isinstance(result, Mapping):
        values = {str(name): value for name, value in result.items()}
    else:
        names = getattr(result, "__slots__", None) or getattr(result, "__dict__", {})
        values = {str(name): getattr(result, str(name), None) for name in names}
    return {name: value for name, value in values.items() if type(value) is int}
