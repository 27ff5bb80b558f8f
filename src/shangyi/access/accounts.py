"""Accounts of persons: made and changed by an administrator, kept in PostgreSQL."""

import unicodedata
from typing import Any

from psycopg import Connection
from psycopg.errors import UniqueViolation
from psycopg_pool import ConnectionPool

from shangyi.access.model import ASSIGNABLE, Account, Area, Role
from shangyi.access.passwords import check_strength, hash_password, needs_rehash, verify_password
from shangyi.errors import Conflict, Invalid, NotFound, Unprocessable
from shangyi.i18n import DEFAULT_LANGUAGE, LANGUAGES

_COLUMNS = (
    "id, name, display, role, coalesce(area, ''), practitioner, language, disabled, must_change, created"
)

BOUNDED = frozenset({Role.CLINICIAN, Role.EPIDEMIOLOGIST, Role.READER})
"""Roles that read residents, so that their area has to be said, be it everywhere (``*``)."""


def fold(name: str) -> str:
    """A sign-in name as it is kept: NFKC, lower case. Invalid when it is empty, too long or holds spaces."""
    folded = unicodedata.normalize("NFKC", name).strip().casefold()
    if not 1 <= len(folded) <= 64 or not folded.isprintable() or any(c.isspace() for c in folded):
        raise Invalid("A sign-in name has 1 to 64 characters and no spaces")
    return folded


def assignable(role: str) -> Role:
    """The role of that name; Invalid for one that no account can have."""
    if role not in ASSIGNABLE:
        raise Invalid("{role} is not a role; choose one of {roles}", role=role, roles=", ".join(ASSIGNABLE))
    return Role(role)


def area_for(role: Role, area: str | None) -> Area:
    """The area given, which roles that read residents must say."""
    if not (area or "").strip() and role in BOUNDED:
        raise Unprocessable("An area is needed: a division code, or * for everywhere")
    return Area.parse(area)


def _account(row: tuple[Any, ...]) -> Account:
    id, name, display, role, area, practitioner, language, disabled, must_change, created = row
    return Account(
        id, name, display, Role(role), Area(area), practitioner, language, disabled, must_change, created
    )


class Accounts:
    """The table of accounts. Decisions and audit are made above, in ``administration``."""

    def __init__(self, pool: ConnectionPool) -> None:
        self.pool = pool

    def create(
        self,
        name: str,
        password: str,
        role: str,
        area: str | None = None,
        *,
        display: str | None = None,
        practitioner: str | None = None,
        language: str = DEFAULT_LANGUAGE,
        must_change: bool = False,
    ) -> Account:
        """A new account. Raises Conflict for a name that is taken, Unprocessable for a weak password."""
        folded, kind = fold(name), assignable(role)
        where = area_for(kind, area)
        _check(practitioner, language)
        check_strength(password, folded)
        hashed = hash_password(password)
        try:
            with self.pool.connection() as connection:
                row = connection.execute(
                    "insert into account (name, display, role, area, practitioner, language, password, must_change)"
                    f" values (%s, %s, %s, %s, %s, %s, %s, %s) returning {_COLUMNS}",
                    (
                        folded,
                        display or name.strip(),
                        kind.value,
                        where.digits,
                        practitioner,
                        language,
                        hashed,
                        must_change,
                    ),
                ).fetchone()
        except UniqueViolation as error:
            raise Conflict("The sign-in name {name} is taken", name=folded) from error
        assert row is not None
        return _account(row)

    def get(self, name: str) -> Account:
        """By sign-in name. Raises NotFound."""
        return self._one("name = %s", fold(name))

    def by_id(self, id: int) -> Account:
        """By number. Raises NotFound."""
        return self._one("id = %s", id)

    def _one(self, condition: str, value: object) -> Account:
        with self.pool.connection() as connection:
            row = connection.execute(f"select {_COLUMNS} from account where {condition}", (value,)).fetchone()
        if row is None:
            raise NotFound("There is no such account")
        return _account(row)

    def list(self) -> list[Account]:
        """All accounts, by name."""
        with self.pool.connection() as connection:
            rows = connection.execute(f"select {_COLUMNS} from account order by name").fetchall()
        return [_account(row) for row in rows]

    def count(self) -> int:
        """How many accounts there are; 0 means that the first administrator is still to be made."""
        with self.pool.connection() as connection:
            row = connection.execute("select count(*) from account").fetchone()
        return int(row[0]) if row else 0

    def change(
        self,
        id: int,
        *,
        display: str | None = None,
        role: str | None = None,
        area: str | None = None,
        practitioner: str | None = None,
        language: str | None = None,
        disabled: bool | None = None,
    ) -> Account:
        """Change what is given (``practitioner=""`` removes it); a new role, area or a disabling ends its sessions.

        Raises Unprocessable rather than leave no administrator who can sign in.
        """
        before = self.by_id(id)
        kind = assignable(role) if role is not None else before.role
        where = before.area if area is None else area_for(kind, area)
        off = before.disabled if disabled is None else disabled
        _check(practitioner, language)
        with self.pool.connection() as connection:
            if before.role is Role.ADMINISTRATOR and (off or kind is not Role.ADMINISTRATOR):
                self._keep_an_administrator(connection, id)
            connection.execute(
                "update account set display = coalesce(%s, display), role = %s, area = %s, disabled = %s,"
                " practitioner = nullif(coalesce(%s, practitioner), ''), language = coalesce(%s, language)"
                " where id = %s",
                (display, kind.value, where.digits, off, practitioner, language, id),
            )
            if off or kind is not before.role or where != before.area:
                connection.execute("delete from account_session where account = %s", (id,))
        return self.by_id(id)

    def _keep_an_administrator(self, connection: Connection[Any], id: int) -> None:
        rows = connection.execute(
            "select id from account where role = 'administrator' and not disabled for update"
        ).fetchall()
        if all(row[0] == id for row in rows):
            raise Unprocessable("This is the last administrator; make another one first")

    def set_password(self, id: int, password: str, *, must_change: bool = False) -> None:
        """Set a new password and end every session of the account."""
        account = self.by_id(id)
        check_strength(password, account.name)
        hashed = hash_password(password)
        with self.pool.connection() as connection:
            connection.execute(
                "update account set password = %s, password_set = now(), must_change = %s where id = %s",
                (hashed, must_change, id),
            )
            connection.execute("delete from account_session where account = %s", (id,))

    def verify(self, name: str, password: str) -> Account | None:
        """The account when the password is its own and it is not disabled; takes as long when it is not."""
        try:
            folded = fold(name)
        except Invalid:
            folded = ""
        with self.pool.connection() as connection:
            row = connection.execute(
                f"select {_COLUMNS}, password from account where name = %s", (folded,)
            ).fetchone()
        kept = row[-1] if row else None
        if not verify_password(kept, password) or row is None:
            return None
        account = _account(row[:-1])
        if account.disabled:
            return None
        if needs_rehash(row[-1]):
            with self.pool.connection() as connection:
                connection.execute(
                    "update account set password = %s where id = %s and password = %s",
                    (hash_password(password), account.id, row[-1]),
                )
        return account


def _check(practitioner: str | None, language: str | None) -> None:
    if practitioner and not practitioner.startswith("Practitioner/"):
        raise Invalid("{reference} is not a reference to a Practitioner", reference=practitioner)
    if language is not None and language not in LANGUAGES:
        raise Invalid("{language} is not a language of the console", language=language)
