"""What a browser session needs besides its secret: the cookie's attributes, and proof against forged requests.

Forged requests (CSRF) are refused twice: by ``Sec-Fetch-Site``/``Origin``, which a page elsewhere cannot set, and by a
token that only our own pages hold. The token is derived from the session's secret (nothing to keep, another one after
each sign-in) and masked anew for every page, so that compression does not leak it (BREACH).
"""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from shangyi.access.credentials import ABSOLUTE
from shangyi.errors import Forbidden

COOKIE = "shangyi_session"
SECURE_COOKIE = "__Host-shangyi_session"
"""Under https: the browser itself then insists on Secure, Path=/ and no Domain."""

CSRF_FIELD = "csrf_token"
CSRF_HEADER = "x-csrf-token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def cookie_name(secure: bool) -> str:
    """The name of the session cookie under https or http."""
    return SECURE_COOKIE if secure else COOKIE


def cookie_attributes(secure: bool) -> dict[str, Any]:
    """Keyword arguments for Starlette's ``response.set_cookie`` besides the value."""
    return {
        "key": cookie_name(secure),
        "max_age": int(ABSOLUTE.total_seconds()),
        "path": "/",
        "secure": secure,
        "httponly": True,
        "samesite": "lax",
    }


def _csrf_key(cookie: str) -> bytes:
    return hmac.new(cookie.encode(), b"shangyi csrf", sha256).digest()


def csrf_token(cookie: str) -> str:
    """A token for a form or the header, different at each call, valid as long as the session."""
    pad = secrets.token_bytes(32)
    return urlsafe_b64encode(pad + _xor(pad, _csrf_key(cookie))).decode()


def csrf_valid(cookie: str, token: str | None) -> bool:
    """Whether ``token`` was made for this session."""
    try:
        raw = urlsafe_b64decode((token or "").encode("ascii"))
    except ValueError:
        return False
    return len(raw) == 64 and hmac.compare_digest(_xor(raw[:32], raw[32:]), _csrf_key(cookie))


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def check_same_origin(method: str, headers: Mapping[str, str], origin: str) -> None:
    """Raises Forbidden for a request that another site's page made. ``origin``: our own, ``https://host[:port]``.

    For every unsafe method, the sign-in form included, which has no session yet.
    """
    if method in SAFE_METHODS:
        return
    site = headers.get("sec-fetch-site")
    if site is not None:
        if site in ("same-origin", "none"):
            return
        raise Forbidden("This request comes from another site")
    given = headers.get("origin")
    if given is None:
        given = headers.get("referer")
    if given is not None and _origin(given) != _origin(origin):
        raise Forbidden("This request comes from another site")


def _origin(url: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        return parts.scheme, parts.hostname or "", port
    except ValueError:
        return "", url, None


def check_csrf(
    method: str, headers: Mapping[str, str], origin: str, cookie: str, form_token: str | None = None
) -> None:
    """Raises Forbidden unless an unsafe request comes from our own page in this session.

    The token stands in the header ``X-CSRF-Token`` (htmx) or the form field ``csrf_token``.
    """
    check_same_origin(method, headers, origin)
    if method in SAFE_METHODS:
        return
    if not csrf_valid(cookie, headers.get(CSRF_HEADER) or form_token):
        raise Forbidden("The form is out of date; load the page again")
