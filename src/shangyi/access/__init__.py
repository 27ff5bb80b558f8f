"""Who may do what, and the record of who did: accounts, console sessions, bearer tokens, roles, areas, audit.

In: a name and password, a cookie, or a bearer token. Out: a ``Session``, which has the repository's methods and is the
only way to it for what stands below: it decides each call by the table in ``policy``, bounds it by the account's area,
and leaves one AuditEvent before it answers, refusals too. See docs/access.md.
"""

from shangyi.access.model import Account, Area, NewToken, Origin, Principal, Role, SignedIn, Token
from shangyi.access.service import Access
from shangyi.access.session import Session

__all__ = [
    "Access",
    "Account",
    "Area",
    "NewToken",
    "Origin",
    "Principal",
    "Role",
    "Session",
    "SignedIn",
    "Token",
]
