"""Console sessions and bearer tokens: random secrets of 256 bits, of which only the SHA-256 is kept.

Principals found are remembered for ``REMEMBERED_S`` in this process, so that a request costs no query; a change made
in this process counts at once, one made by another worker after that time at the latest.
"""

import secrets
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from psycopg_pool import ConnectionPool

from shangyi.access.accounts import area_for, assignable
from shangyi.access.model import Account, Area, NewToken, Principal, Role, SignedIn, Token
from shangyi.errors import Invalid, NotFound, Unauthenticated

REMEMBERED_S = 5.0
IDLE = timedelta(minutes=60)
ABSOLUTE = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=1)
TOKEN_PREFIX = "sy_"
LONGEST_TOKEN = timedelta(days=366)
LONGEST_SEARCH = 100


class Cache:
    """Hash → principal for a short time; never more than ``size``."""

    def __init__(self, size: int = 4096) -> None:
        self.size = size
        self._known: dict[bytes, tuple[Principal, float]] = {}

    def get(self, hash: bytes) -> Principal | None:
        """The principal, while it is fresh."""
        known = self._known.get(hash)
        return known[0] if known and known[1] > time.monotonic() else None

    def put(self, hash: bytes, principal: Principal, seconds: float = REMEMBERED_S) -> None:
        """Remember; ``seconds`` is less where the secret itself ends sooner."""
        if len(self._known) >= self.size:
            self._known.clear()
        self._known[hash] = (principal, time.monotonic() + min(seconds, REMEMBERED_S))

    def clear(self) -> None:
        """Forget all: something changed."""
        self._known.clear()


def digest(secret: str) -> bytes:
    """What is kept of a secret."""
    return sha256(secret.encode("utf-8", "replace")).digest()


class Sessions:
    """Console sessions, by cookie."""

    def __init__(self, pool: ConnectionPool, cache: Cache) -> None:
        self.pool = pool
        self.cache = cache

    def begin(self, account: Account, previous: str | None = None) -> SignedIn:
        """A new session under a new secret; one that the browser brought along (fixation) ends."""
        cookie = secrets.token_urlsafe(32)
        expires = datetime.now(UTC) + ABSOLUTE
        with self.pool.connection() as connection:
            connection.execute(
                "delete from account_session where hash = %s or expires < now() or seen < now() - %s::interval",
                (digest(previous) if previous else b"", IDLE),
            )
            connection.execute(
                "insert into account_session (hash, account, expires) values (%s, %s, %s)",
                (digest(cookie), account.id, expires),
            )
        self.cache.clear()
        return SignedIn(account.principal(), cookie, expires=expires)

    def find(self, cookie: str) -> Principal:
        """Who this cookie is. Raises Unauthenticated when it is unknown, idle too long, over, or disabled."""
        hash = digest(cookie)
        if known := self.cache.get(hash):
            return known
        with self.pool.connection() as connection:
            row = connection.execute(
                "select a.id, a.name, a.display, a.role, coalesce(a.area, ''), a.practitioner, a.language,"
                " a.disabled, a.must_change, a.created, s.seen < now() - %s::interval,"
                " extract(epoch from s.expires - now())::float8"
                " from account_session s join account a on a.id = s.account"
                " where s.hash = %s and s.expires > now() and s.seen > now() - %s::interval and not a.disabled",
                (SEEN_EVERY, hash, IDLE),
            ).fetchone()
            if row is not None and row[10]:
                connection.execute("update account_session set seen = now() where hash = %s", (hash,))
        if row is None:
            raise Unauthenticated("Please sign in")
        account = Account(
            row[0], row[1], row[2], Role(row[3]), Area(row[4]), row[5], row[6], row[7], row[8], row[9]
        )
        principal = account.principal()
        self.cache.put(hash, principal, row[11])
        return principal

    def look_for(self, cookie: str, text: str) -> None:
        """Keep what the console's search was asked for, which must not stand in an address; it ends with the session."""
        with self.pool.connection() as connection:
            connection.execute(
                "update account_session set looked_for = %s where hash = %s",
                (text[:LONGEST_SEARCH], digest(cookie)),
            )

    def looked_for(self, cookie: str) -> str:
        """What was asked for last; empty where nothing was."""
        with self.pool.connection() as connection:
            row = connection.execute(
                "select looked_for from account_session where hash = %s", (digest(cookie),)
            ).fetchone()
        return row[0] if row else ""

    def end(self, cookie: str) -> None:
        """Sign out."""
        with self.pool.connection() as connection:
            connection.execute("delete from account_session where hash = %s", (digest(cookie),))
        self.cache.clear()

    def end_all(self, account: int, keep: str | None = None) -> None:
        """End every session of an account, but for one."""
        with self.pool.connection() as connection:
            connection.execute(
                "delete from account_session where account = %s and hash <> %s",
                (account, digest(keep) if keep else b""),
            )
        self.cache.clear()


_TOKEN = "id, label, role, area, created, created_by, expires, revoked"


def _token(row: tuple[Any, ...]) -> Token:
    id, label, role, area, created, created_by, expires, revoked = row
    return Token(id, label, Role(role), Area(area), created, created_by, expires, revoked)


class Tokens:
    """Bearer tokens for programs."""

    def __init__(self, pool: ConnectionPool, cache: Cache) -> None:
        self.pool = pool
        self.cache = cache

    def create(
        self, label: str, role: str, area: str | None, lifetime: timedelta, created_by: str
    ) -> NewToken:
        """A new token. Its secret is only in what is returned; show it once."""
        kind = assignable(role)
        where = area_for(kind, area)
        if not label.strip():
            raise Invalid("A token needs a label that says what it is for")
        if not timedelta(0) < lifetime <= LONGEST_TOKEN:
            raise Invalid("A token lasts between one second and {days} days", days=LONGEST_TOKEN.days)
        secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
        with self.pool.connection() as connection:
            row = connection.execute(
                "insert into account_token (hash, label, role, area, created_by, expires)"
                f" values (%s, %s, %s, %s, %s, now() + %s) returning {_TOKEN}",
                (digest(secret), label.strip(), kind.value, where.digits, created_by, lifetime),
            ).fetchone()
        assert row is not None
        return NewToken(_token(row), secret)

    def remembered(self, secret: str) -> Principal | None:
        """Who this token is, if it was found a moment ago."""
        return self.cache.get(digest(secret))

    def find(self, secret: str) -> Principal:
        """Who this token is. Raises Unauthenticated when it is unknown, expired or revoked."""
        hash = digest(secret)
        if known := self.cache.get(hash):
            return known
        row = None
        if secret.startswith(TOKEN_PREFIX):
            with self.pool.connection() as connection:
                row = connection.execute(
                    "select id, label, role, area, extract(epoch from expires - now())::float8"
                    " from account_token where hash = %s and revoked is null and expires > now()",
                    (hash,),
                ).fetchone()
        if row is None:
            raise Unauthenticated("The bearer token is unknown, expired or revoked")
        principal = Principal(f"token:{row[0]}", row[1], row[1], Role(row[2]), Area(row[3]))
        self.cache.put(hash, principal, row[4])
        return principal

    def list(self) -> list[Token]:
        """All tokens, newest first, those revoked and expired too."""
        with self.pool.connection() as connection:
            rows = connection.execute(f"select {_TOKEN} from account_token order by id desc").fetchall()
        return [_token(row) for row in rows]

    def revoke(self, id: int) -> Token:
        """End a token. Raises NotFound."""
        with self.pool.connection() as connection:
            row = connection.execute(
                "update account_token set revoked = coalesce(revoked, now()) where id = %s"
                f" returning {_TOKEN}",
                (id,),
            ).fetchone()
        self.cache.clear()
        if row is None:
            raise NotFound("There is no such token")
        return _token(row)
