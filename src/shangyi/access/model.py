"""Who acts, from where, why, and within which area."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256

from shangyi.errors import Invalid
from shangyi.i18n import DEFAULT_LANGUAGE


class Role(StrEnum):
    """What a person or program does here; what each may do stands in ``access.policy``."""

    ADMINISTRATOR = "administrator"
    CLINICIAN = "clinician"
    EPIDEMIOLOGIST = "epidemiologist"
    ANALYST = "analyst"
    READER = "reader"
    OWNER = "owner"
    SYSTEM = "system"

    @property
    def label(self) -> str:
        """The English name, key of the translation."""
        return LABELS[self]


LABELS: Mapping[Role, str] = {
    Role.ADMINISTRATOR: "Administrator",
    Role.CLINICIAN: "Clinician",
    Role.EPIDEMIOLOGIST: "Epidemiologist",
    Role.ANALYST: "Analyst",
    Role.READER: "Reader",
    Role.OWNER: "Owner of this installation",
    Role.SYSTEM: "System account",
}

ASSIGNABLE = (Role.ADMINISTRATOR, Role.CLINICIAN, Role.EPIDEMIOLOGIST, Role.ANALYST, Role.READER)
"""The roles that an account or a token can have."""

PURPOSES: Mapping[Role, str] = {
    Role.ADMINISTRATOR: "HSYSADMIN",
    Role.CLINICIAN: "TREAT",
    Role.EPIDEMIOLOGIST: "PUBHLTH",
    Role.ANALYST: "HRESCH",
    Role.READER: "HOPERAT",
    Role.OWNER: "HSYSADMIN",
    Role.SYSTEM: "HSYSADMIN",
}
"""Why, when nothing else is said: http://terminology.hl7.org/CodeSystem/v3-ActReason."""


@dataclass(frozen=True, slots=True)
class Area:
    """An administrative division, by the leading digits of its code; no digits: everywhere.

    2 digits a province, 4 a prefecture, 6 a county, 9 a town, 12 a village.
    """

    digits: str = ""

    @classmethod
    def parse(cls, text: str | None) -> "Area":
        """From a 12-digit division code or its leading digits; ``*`` or nothing is everywhere."""
        text = (text or "").strip()
        if text in ("", "*"):
            return cls()
        if not re.fullmatch(r"[0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12}", text):
            raise Invalid(
                "{area} is not a division code: give 6 digits for a county, 9 for a town, 12 for a village",
                area=text,
            )
        if len(text) == 12:
            for length in (2, 4, 6, 9):
                if set(text[length:]) == {"0"}:
                    return cls(text[:length])
        return cls(text)

    @property
    def bounds(self) -> tuple[int, int] | None:
        """First and last 12-digit code within, None for everywhere."""
        if not self.digits:
            return None
        return int(self.digits.ljust(12, "0")), int(self.digits.ljust(12, "9"))

    @property
    def code(self) -> str:
        """The 12-digit code; empty for everywhere."""
        return self.digits.ljust(12, "0") if self.digits else ""

    def holds(self, code: int) -> bool:
        """Whether the division with this code lies within; 0 (unknown) lies in no area but everywhere."""
        bounds = self.bounds
        return bounds is None or bounds[0] <= code <= bounds[1]

    def within(self, other: "Area") -> bool:
        """Whether all of this lies in ``other``."""
        return self.digits.startswith(other.digits)


EVERYWHERE = Area()


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts. ``id`` is ``account:<n>``, ``token:<n>``, ``system:<name>``, ``owner`` or ``anonymous``.

    ``practitioner`` is the reference of the account's own Practitioner, whose panel (签约居民) is theirs.
    """

    id: str
    name: str
    display: str
    role: Role
    area: Area = EVERYWHERE
    practitioner: str | None = None
    language: str = DEFAULT_LANGUAGE
    must_change_password: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from. The user agent is kept as the first 16 hex digits of its SHA-256 only."""

    address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None

    @classmethod
    def of(cls, address: str | None, user_agent: str | None, request_id: str | None = None) -> "Origin":
        """From what the connection and the headers say."""
        return cls(address, _agent(user_agent) if user_agent else None, request_id)


@lru_cache(maxsize=1024)
def _agent(user_agent: str) -> str:
    return sha256(user_agent.encode()).hexdigest()[:16]


NOWHERE = Origin()


@dataclass(frozen=True, slots=True)
class Account:
    """A person's account as an administrator sees it; never with its password."""

    id: int
    name: str
    display: str
    role: Role
    area: Area
    practitioner: str | None
    language: str
    disabled: bool
    must_change_password: bool
    created: datetime

    def principal(self) -> Principal:
        """Who acts when this account is signed in."""
        return Principal(
            f"account:{self.id}",
            self.name,
            self.display,
            self.role,
            self.area,
            self.practitioner,
            self.language,
            self.must_change_password,
        )


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token as it is listed; its secret is shown once, at creation, and not kept."""

    id: int
    label: str
    role: Role
    area: Area
    created: datetime
    created_by: str
    expires: datetime
    revoked: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made, with its secret, which is in no repr."""

    token: Token
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A console session just begun: the cookie's value (in no repr), its end, and who it is."""

    principal: Principal
    cookie: str = field(repr=False)
    expires: datetime = field(kw_only=True)
