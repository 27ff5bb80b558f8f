"""The one place that turns an error into an answer: an OperationOutcome with its status, nothing else told.

An exception that is none of ours becomes a 500 with the request's id. Its own text is neither sent nor logged, since
it may quote data (a database error quotes the row); the log has its type and the places it passed through.
"""

import logging
import traceback
from collections.abc import Iterable

from shangyi.api import reply
from shangyi.api.call import Call
from shangyi.api.negotiation import Format
from shangyi.errors import Issue, ShangyiError, Throttled, TooLarge, Unauthenticated, Unavailable

log = logging.getLogger("shangyi.api")


class MethodNotAllowed(ShangyiError):
    """The place exists, but not for this method. ``allowed``: those that it is there for (RFC 9110 section 15.5.6)."""

    status, code = 405, "not-supported"

    def __init__(self, method: str, allowed: Iterable[str]) -> None:
        super().__init__("{method} is not served here", method=method[:20])
        self.allowed = ", ".join(sorted(allowed))


def answer(call: Call, error: BaseException) -> reply.Reply:
    """The reply to a request that failed."""
    if isinstance(error, RecursionError):
        error = TooLarge("The body is nested deeper than {limit} levels", limit=call.limits.depth)
    if not isinstance(error, ShangyiError):
        return _rendered(call, [_unexpected(call, error)], 500, [])
    headers: reply.Headers = []
    if isinstance(error, Unauthenticated):
        headers.append((b"www-authenticate", b'Bearer realm="shangyi"'))
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", error.allowed.encode()))
    if isinstance(error, Throttled | Unavailable):
        headers.append((b"retry-after", str(getattr(error, "retry_after", 5)).encode()))
    return _rendered(call, error.issues, error.status, headers)


def _rendered(
    call: Call, issues: "list[Issue] | tuple[Issue, ...]", status: int, headers: reply.Headers
) -> reply.Reply:
    try:
        _ = call.format
    except ShangyiError:
        call.format = Format.JSON  # what was asked for cannot be served, so the refusal itself is in JSON
    return reply.outcome(call, issues, status, headers)


def _unexpected(call: Call, error: BaseException) -> Issue:
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.filename.rpartition('shangyi/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    log.error(
        "unexpected %s, request %s: %s", type(error).__name__, call.request_id, " < ".join(reversed(places))
    )
    text = "Something went wrong here; the log of this server has it under {id}"
    return Issue("fatal", "exception", text, {"id": call.request_id})
