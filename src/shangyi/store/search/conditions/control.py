"""``_id`` and ``_lastUpdated``, which are columns (http://hl7.org/fhir/R4/search.html#id)."""

from datetime import UTC, datetime
from typing import Any

from shangyi.errors import Invalid, NotSupported
from shangyi.store import keys
from shangyi.store.search.conditions.base import Condition, split, unescape
from shangyi.store.search.conditions.date import compare, searched


def condition(type: str, code: str, modifier: str, value: str) -> Condition:
    """``_id=a,b`` or ``_lastUpdated=ge2026``."""
    if modifier == "missing":
        if value not in ("true", "false"):
            raise Invalid(":missing is true or false")
        return Condition("true" if value == "false" else "false")
    if code == "_id":
        if modifier not in ("", "not"):
            raise NotSupported("{name} takes no modifier here", name=code)
        rids = [keys.rid(type, unescape(id)) for id in split(value)]
        return Condition("s.rid = any(%s)" if not modifier else "s.rid <> all(%s)", (rids,))
    if modifier:
        raise NotSupported("{name} takes no modifier here", name=code)
    parts = []
    values: list[Any] = []
    for one in split(value):
        prefix, low, high = searched(one)
        sql, given = compare("s.updated", "s.updated", prefix, _instant(low), _instant(high))
        parts.append(sql)
        values += given
    return Condition(f"({' or '.join(parts)})", tuple(values))


def _instant(microseconds: int) -> datetime:
    return keys.instant(max(-(10**16), min(microseconds, 10**17))).astimezone(UTC)
