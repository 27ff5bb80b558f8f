"""Shell: the rail with groups, search, as-of stamp, language and person around every page."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NavItem:
    """``key`` is compared with the page's own to mark where the reader is; ``count`` is what waits there."""

    key: str
    title: str
    href: str
    count: int | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class NavGroup:
    """A heading of the rail and its items."""

    title: str
    items: Sequence[NavItem]


@dataclass(frozen=True, slots=True)
class Shell:
    """What stands around a page. ``path`` is the page's own address, for the language switch.

    ``searches``: whether this reader may look residents up.
    """

    groups: Sequence[NavGroup]
    place: str
    person: str
    role: str
    as_of: str
    path: str
    csrf: str
    current: str = ""
    searches: bool = True
