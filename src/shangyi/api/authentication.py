"""Whose request it is: a bearer token, or the console's cookie, which needs proof against forged requests."""

from http.cookies import CookieError, SimpleCookie

from shangyi.access import Access, Origin, Session
from shangyi.access.browser import check_csrf, cookie_name
from shangyi.api.call import Call
from shangyi.errors import Unauthenticated


def authenticate(access: Access, call: Call) -> Session:
    """The session that this request may act in. Raises Unauthenticated, Throttled, Forbidden (a forged request)."""
    authorization = call.header(b"authorization")
    if authorization is not None:
        return access.bearer_session(_bearer(authorization), _origin(call))
    cookie = cookie_of(call)
    if cookie is None:
        raise Unauthenticated("Sign in with Authorization: Bearer and a token")
    if call.method not in ("GET", "HEAD"):
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in call.headers.items()}
        check_csrf(call.method, headers, call.origin, cookie)
    return access.browser_session(cookie, _origin(call))


def remembered(access: Access, call: Call) -> Session | None:
    """The same session without asking the database; None where it would have to be asked."""
    authorization = call.header(b"authorization")
    if authorization is None:
        return None
    return access.remembered_session(_bearer(authorization), _origin(call))


def _origin(call: Call) -> Origin:
    return Origin.of(call.client, call.header(b"user-agent"), call.request_id)


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not (token := token.strip()):
        raise Unauthenticated("Sign in with Authorization: Bearer and a token")
    return token


def cookie_of(call: Call) -> str | None:
    """The console's session cookie."""
    text = call.header(b"cookie")
    if text is None:
        return None
    try:
        found = SimpleCookie(text).get(cookie_name(call.origin.startswith("https:")))
    except CookieError:
        return None
    return found.value if found and found.value else None
