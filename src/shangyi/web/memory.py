"""What a server process keeps of a store between requests: by store, so that two in one process never mix."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")
_stores: WeakKeyDictionary[Any, dict[Callable[[], Any], Any]] = WeakKeyDictionary()
_lock = threading.Lock()


def of_store(records: Any, kind: Callable[[], T]) -> T:
    """The one ``kind()`` of the store behind ``records``: made at first, gone with the store."""
    with _lock:
        kept = _stores.setdefault(records, {})
        if kind not in kept:
            kept[kind] = kind()
        found: T = kept[kind]
        return found
