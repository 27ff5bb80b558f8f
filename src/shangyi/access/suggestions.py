"""Residents as one types: by the beginning of name, pinyin or initials, by resident id, by phone."""

from collections.abc import Sequence
from importlib import import_module
from typing import cast

from shangyi.store.model import Scope, Version
from shangyi.store.repository import Repository


def suggestions(records: Repository, text: str, limit: int, scope: Scope) -> Sequence[Version]:
    """At most ``limit`` residents within the scope."""
    suggest = import_module("shangyi.store.search.suggest").suggest
    with records.transaction_connection() as connection:
        return cast(Sequence[Version], suggest(connection, records.codec, text, limit, scope))
