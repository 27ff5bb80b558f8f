"""Accounts and tokens as they are managed: decided and recorded like any other access."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from shangyi.access.audit.event import ATTRIBUTES
from shangyi.access.model import Account, NewToken, Token
from shangyi.access.passwords import generate_password
from shangyi.access.session import Session

Result = TypeVar("Result")


class Administration:
    """What an administrator does, in a session. ``Access.administration(session)`` makes it."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.access = session.access

    def _do(self, subtype: str, action: str, subject: str, work: Callable[[], Result]) -> Result:
        with self.session.recording(subtype, action, type=ATTRIBUTES) as recording:
            recording.event.detail["subject"] = subject
            self.session._decide_use("accounts")
            result = work()
            self.access.cache.clear()
            return result

    def accounts(self) -> list[Account]:
        """All accounts, by name."""
        return self._do("account-list", "R", "*", self.access.accounts.list)

    def create_account(
        self, name: str, role: str, area: str | None = None, password: str | None = None, **fields: Any
    ) -> tuple[Account, str]:
        """A new account and its password, made up where none is given (then to be changed at first sign-in)."""
        fields.setdefault("must_change", password is None)
        secret = password or generate_password()
        account = self._do(
            "account-create",
            "C",
            name,
            lambda: self.access.accounts.create(name, secret, role, area, **fields),
        )
        return account, secret

    def change_account(self, id: int, **fields: Any) -> Account:
        """Change display, role, area, practitioner, language or disabled of an account."""
        what = f"account:{id} {','.join(sorted(fields))}"
        return self._do("account-change", "U", what, lambda: self.access.accounts.change(id, **fields))

    def reset_password(self, id: int, password: str | None = None) -> str:
        """A new password, made up where none is given, to be changed at the next sign-in."""
        secret = password or generate_password()
        self._do(
            "password-reset",
            "U",
            f"account:{id}",
            lambda: self.access.accounts.set_password(id, secret, must_change=True),
        )
        return secret

    def tokens(self) -> list[Token]:
        """All tokens, newest first."""
        return self._do("token-list", "R", "*", self.access.tokens.list)

    def create_token(self, label: str, role: str, area: str | None, lifetime: timedelta) -> NewToken:
        """A new bearer token; its secret is shown once."""
        by = self.session.principal.id
        return self._do(
            "token-create", "C", label, lambda: self.access.tokens.create(label, role, area, lifetime, by)
        )

    def revoke_token(self, id: int) -> Token:
        """End a token."""
        return self._do("token-revoke", "D", f"token:{id}", lambda: self.access.tokens.revoke(id))
