"""The rail: what a role finds in it. An item stands here only when a working page is behind it."""

from collections.abc import Callable

from shangyi.access import Principal, Role
from shangyi.web.components.shell import NavGroup, NavItem

CLINICAL = frozenset({Role.ADMINISTRATOR, Role.CLINICIAN, Role.READER})
WRITERS = frozenset({Role.ADMINISTRATOR, Role.CLINICIAN})


def groups(principal: Principal, text: Callable[[str], str]) -> list[NavGroup]:
    """The groups of the rail for this reader, without empty ones."""
    role = principal.role
    today = [NavItem("overview", text("Overview"), "/")]
    if role in CLINICAL:
        today.append(NavItem("residents", text("Residents"), "/residents"))
    if role in WRITERS:
        today.append(NavItem("register", text("Register a resident"), "/residents/new"))
    if principal.practitioner:
        today.append(NavItem("panel", text("My panel"), "/panel"))
    system = [NavItem("settings", text("Settings"), "/settings")]
    if role is Role.ADMINISTRATOR:
        system.insert(0, NavItem("audit", text("Audit"), "/audit"))
    found = [NavGroup(text("Today"), today), NavGroup(text("System"), system)]
    return [group for group in found if group.items]
