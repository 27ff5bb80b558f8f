"""A search as one writes it: ``Patient?name=shan&_count=2``."""

from typing import Any
from urllib.parse import parse_qsl

from shangyi.store.database import Store
from shangyi.store.model import Scope, SearchRequest, SearchResult


def ask(store: Store, query: str, scope: Scope | None = None, **more: Any) -> SearchResult:
    type, _, rest = query.partition("?")
    parameters = parse_qsl(rest.replace("+", "%2B"), keep_blank_values=True)
    return store.repository.search(
        SearchRequest(type or None, parameters, **more), *([scope] if scope else [])
    )


def ids(store: Store, query: str, scope: Scope | None = None, **more: Any) -> str:
    """The ids of the first page, sorted."""
    return " ".join(sorted(version.id for version in ask(store, query, scope, **more).matches))


def in_order(store: Store, query: str) -> str:
    """The ids of all pages, as they come."""
    found: list[str] = []
    following = ""
    while True:
        page = ask(store, query + following)
        found += [version.id for version in page.matches]
        if page.next is None:
            return " ".join(found)
        following = f"&_cursor={page.next}"
