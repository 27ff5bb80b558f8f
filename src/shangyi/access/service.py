"""The access service of a process: accounts, sessions, tokens, the audit, and the sessions that reach the record."""

from pathlib import Path

from psycopg_pool import ConnectionPool

from shangyi.access.accounts import Accounts
from shangyi.access.administration import Administration
from shangyi.access.audit.drain import Drain
from shangyi.access.audit.event import ATTRIBUTES, LOGIN, LOGOUT, MINOR, SERIOUS, Event
from shangyi.access.audit.search import AuditSearch
from shangyi.access.audit.spool import Spool
from shangyi.access.credentials import Cache, Sessions, Tokens
from shangyi.access.limits import Limits, keys_of, network
from shangyi.access.model import NOWHERE, Account, Origin, Principal, Role, SignedIn
from shangyi.access.passwords import generate_password
from shangyi.access.placement import Places
from shangyi.access.session import Session
from shangyi.errors import Conflict, Throttled, Unauthenticated
from shangyi.store.database import Store
from shangyi.store.definitions import RecordDefinitions
from shangyi.store.model import SearchRequest, SearchResult, Version
from shangyi.store.repository import Repository
from shangyi.terminology.definitions import Chain
from shangyi.terminology.r4 import SPECIFICATION
from shangyi.terminology.service import Terminology

AUTHENTICATION = "110114"
SYSTEM_ACCOUNTS = ("loader", "lake", "jobs", "demo")
"""Named accounts of background work."""

OWNER = Principal("owner", "owner", "Owner of this installation", Role.OWNER)


class Access:
    """Made once a process by the wiring; ``start`` begins to drain the audit, ``close`` ends it."""

    def __init__(self, records: Repository, pool: ConnectionPool, home: Path) -> None:
        self.records = records
        self.pool = pool
        self.cache = Cache()
        self.accounts = Accounts(pool)
        self.sessions = Sessions(pool, self.cache)
        self.tokens = Tokens(pool, self.cache)
        self.limits = Limits(pool)
        self.places = Places(pool)
        self.spool = Spool(home / "audit")
        self.drain = Drain(pool, self.spool)
        self._audit = AuditSearch(pool)
        definitions = RecordDefinitions(records)
        self.terminology = Terminology(Chain(definitions, SPECIFICATION), stamp=definitions.stamp)

    @classmethod
    def open(cls, store: Store, home: Path) -> "Access":
        """Over an opened store, the audit draining; its spool is in ``home``/audit."""
        access = cls(store.repository, store.pool, home)
        access.start()
        return access

    def start(self) -> None:
        """Take over what a killed process left in the spool, and drain from now on."""
        self.drain.start()

    def close(self) -> None:
        """Drain what is left and stop."""
        self.drain.close()

    def __enter__(self) -> "Access":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # The audit

    def record(self, line: bytes) -> None:
        """Keep an event before the answer goes out."""
        self.spool.append(line)

    def _note(
        self,
        type: str,
        subtype: str,
        action: str,
        principal: Principal,
        origin: Origin,
        outcome: int = 0,
        **detail: object,
    ) -> None:
        event = Event(subtype, action, principal, origin, "HSYSADMIN", type, outcome, detail=dict(detail))
        self.record(event.line())

    def audit_search(self, request: SearchRequest) -> SearchResult:
        """AuditEvents; what this process has recorded so far is in it. Who may is decided by the session."""
        self.drain.flush()
        return self._audit.search(request)

    def audit_read(self, id: str) -> Version:
        """One AuditEvent."""
        self.drain.flush()
        return self._audit.read(id)

    # Signing in

    def sign_in(self, name: str, password: str, origin: Origin, previous: str | None = None) -> SignedIn:
        """A console session. ``previous``: the cookie that the browser brought, which ends.

        Raises Unauthenticated, the same whether name or password is wrong, and Throttled.
        """
        tried = name.strip().casefold()[:64]
        anonymous = Principal("anonymous", tried or "-", tried, Role.READER)
        keys = keys_of(tried, origin.address)
        try:
            self.limits.attempt(keys)
        except Throttled:
            self._note(AUTHENTICATION, LOGIN, "E", anonymous, origin, SERIOUS, reason="throttled")
            raise
        account = self.accounts.verify(name, password)
        if account is None:
            self._note(
                AUTHENTICATION, LOGIN, "E", anonymous, origin, SERIOUS, reason="wrong name or password"
            )
            raise Unauthenticated("The name or the password is wrong")
        self.limits.succeeded(keys)
        self._note(AUTHENTICATION, LOGIN, "E", account.principal(), origin)
        return self.sessions.begin(account, previous)

    def sign_out(self, cookie: str, origin: Origin) -> None:
        """End a console session; nothing happens where there is none."""
        try:
            principal = self.sessions.find(cookie)
        except Unauthenticated:
            return
        self._note(AUTHENTICATION, LOGOUT, "E", principal, origin)
        self.sessions.end(cookie)

    def change_password(self, cookie: str, old: str, new: str, origin: Origin) -> SignedIn:
        """Change one's own password: every session of the account ends, and a new one begins."""
        principal = self.sessions.find(cookie)
        keys = keys_of(principal.name, origin.address)
        self.limits.attempt(keys)
        account = self.accounts.verify(principal.name, old)
        if account is None:
            self._note(ATTRIBUTES, "password-change", "U", principal, origin, MINOR)
            raise Unauthenticated("The present password is wrong")
        self.accounts.set_password(account.id, new)
        self.limits.succeeded(keys)
        self._note(ATTRIBUTES, "password-change", "U", principal, origin)
        return self.sessions.begin(self.accounts.by_id(account.id), cookie)

    def set_language(self, principal: Principal, language: str) -> None:
        """Change one's own language of the console; nothing for a principal that is no account."""
        kind, _, number = principal.id.partition(":")
        if kind == "account":
            self.accounts.change(int(number), language=language)
            self.cache.clear()

    # Sessions that reach the record

    def browser_session(self, cookie: str, origin: Origin = NOWHERE, purpose: str | None = None) -> Session:
        """By the console's cookie. Raises Unauthenticated."""
        return Session(self, self.sessions.find(cookie), origin, purpose)

    def bearer_session(self, token: str, origin: Origin = NOWHERE, purpose: str | None = None) -> Session:
        """By ``Authorization: Bearer …``. Raises Unauthenticated, and Throttled after many unknown ones."""
        try:
            principal = self.tokens.find(token)
        except Unauthenticated:
            anonymous = Principal("anonymous", "bearer", "bearer", Role.READER)
            self._note(AUTHENTICATION, LOGIN, "E", anonymous, origin, SERIOUS, reason="unknown bearer token")
            self.limits.attempt({"bearer": f"bearer:{network(origin.address)}"})
            raise
        return Session(self, principal, origin, purpose)

    def remembered_session(self, token: str, origin: Origin = NOWHERE) -> Session | None:
        """``bearer_session`` where who it is was looked up a moment ago; None where the database has to be asked."""
        principal = self.tokens.remembered(token)
        return Session(self, principal, origin) if principal is not None else None

    def owner_session(self, purpose: str | None = None) -> Session:
        """The command line acts as the owner of SHANGYI_HOME, which the file system has let in."""
        return Session(self, OWNER, NOWHERE, purpose)

    def system_session(self, name: str, purpose: str | None = None) -> Session:
        """Background work as a named system account: ``loader``, ``lake`` …"""
        if name not in SYSTEM_ACCOUNTS:
            raise Unauthenticated("There is no system account {name}", name=name)
        return Session(self, Principal(f"system:{name}", name, name, Role.SYSTEM), NOWHERE, purpose)

    def administration(self, session: Session) -> Administration:
        """Accounts and tokens, managed in a session."""
        return Administration(session)

    def first_administrator(self, name: str = "admin", password: str | None = None) -> tuple[Account, str]:
        """The first account of an installation, with its password. Raises Conflict when there is one already."""
        if self.accounts.count():
            raise Conflict("There are accounts already; an administrator makes further ones")
        secret = password or generate_password()
        account, _ = self.administration(self.owner_session()).create_account(
            name, Role.ADMINISTRATOR, "*", secret
        )
        return account, secret
