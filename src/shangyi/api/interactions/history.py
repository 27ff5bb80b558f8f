"""GET [base]/_history, [base]/[type]/_history, [base]/[type]/[id]/_history (http://hl7.org/fhir/R4/http.html#history)."""

from datetime import UTC, datetime

from shangyi.api.bundles import bundle, history_entry, link
from shangyi.api.call import Call
from shangyi.api.reply import Reply
from shangyi.errors import Invalid
from shangyi.store import keys
from shangyi.store.search import date

PARAMETERS = ("_count", "_since", "_at", "_cursor")
DEFAULT_COUNT, LARGEST_COUNT = 50, 1000
LATEST = 10**17
"""In microseconds since 1970: the year 5138, beyond which no instant can be told."""


def history(call: Call) -> Reply:
    """Versions, newest first, page by page."""
    unknown = [name for name, _ in call.parameters if name not in PARAMETERS]
    if unknown and call.strict:
        raise Invalid("A history has no parameter {name}", name=unknown[0][:64])
    page = call.session.history(
        call.place.get("type"),
        call.place.get("id"),
        since=since(call.one("_since")),
        count=count(call.one("_count")),
        cursor=call.one("_cursor"),
        at=at(call.one("_at")),
    )
    asked = [(name, value) for name, value in call.parameters if name in PARAMETERS]
    links = [link(call, "self", asked)]
    if page.next:
        links.append(
            link(call, "next", [*((n, v) for n, v in asked if n != "_cursor"), ("_cursor", page.next)])
        )
    return bundle(
        call, "history", links, [history_entry(call, version) for version in page.versions], page.total
    )


def count(text: str | None) -> int:
    """``_count``: entries a page, at most 1000."""
    if text is None:
        return DEFAULT_COUNT
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Invalid("{name} needs a whole number", name="_count")
    return max(1, min(int(text), LARGEST_COUNT))


def since(text: str | None) -> datetime | None:
    """``_since``: an instant, or a date, which then means its start in UTC."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise Invalid("{name} needs an instant as 2026-01-31T08:00:00Z", name="_since") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def at(text: str | None) -> tuple[datetime, datetime] | None:
    """``_at``: first and last instant of a date or an instant, in Asia/Shanghai where it names no zone."""
    if text is None:
        return None
    low, high = date.bounds(text.replace(" ", "+"))
    return keys.instant(low), keys.instant(min(high, LATEST))
