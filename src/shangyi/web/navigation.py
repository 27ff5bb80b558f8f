"""The rail: what a role finds in it. An item stands here only when a working page is behind it."""

from collections.abc import Callable, Mapping

from shangyi.access import Principal, Role, policy
from shangyi.web.components.shell import NavGroup, NavItem

CLINICAL = frozenset({Role.ADMINISTRATOR, Role.CLINICIAN, Role.READER})
WORKLIST = frozenset({Role.CLINICIAN, Role.READER})
CASES = frozenset({Role.ADMINISTRATOR, Role.CLINICIAN, Role.READER, Role.EPIDEMIOLOGIST})
WRITERS = frozenset({Role.ADMINISTRATOR, Role.CLINICIAN})


def groups(principal: Principal, text: Callable[[str], str], due: Mapping[str, int]) -> list[NavGroup]:
    """The groups of the rail for this reader, without empty ones; ``due``: residents who need something, by kind."""
    role = principal.role
    waiting = due.get("") if role in WORKLIST else None
    today = [NavItem("overview", text("Overview"), "/", waiting or None, bool(due.get("urgent")))]
    if role in WORKLIST:
        today.append(NavItem("gaps", text("Open gaps"), "/gaps"))
    if role in CLINICAL:
        today.append(NavItem("residents", text("Residents"), "/residents"))
    if role in WRITERS:
        today.append(NavItem("register", text("Register a resident"), "/residents/new"))
    if principal.practitioner:
        today.append(NavItem("panel", text("My panel"), "/panel"))
    system = [NavItem("settings", text("Settings"), "/settings")]
    if role is Role.ADMINISTRATOR:
        system.insert(0, NavItem("audit", text("Audit"), "/audit"))
    population = [NavItem("cases", text("Case reports"), "/cases")] if role in CASES else []
    if policy.may_use(role, "aggregate"):
        population.append(NavItem("analysis", text("Analysis"), "/analysis"))
    if policy.may_use(role, "aggregate"):
        population.insert(0, NavItem("measures", text("Measures"), "/measures"))
    if role in CLINICAL:
        population.append(NavItem("cql", text("Rules (CQL)"), "/cql"))
    data = [NavItem("load", text("Load records"), "/load")] if policy.may_use(role, "load") else []
    if policy.may_use(role, "export"):
        data.append(NavItem("export", text("Take records out"), "/export"))
    if policy.may_use(role, "accounts"):
        system[:0] = [
            NavItem("accounts", text("Accounts"), "/accounts"),
            NavItem("tokens", text("Tokens"), "/tokens"),
        ]
    found = [
        NavGroup(text("Today"), today),
        NavGroup(text("Population"), population),
        NavGroup(text("Data"), data),
        NavGroup(text("System"), system),
    ]
    return [group for group in found if group.items]
