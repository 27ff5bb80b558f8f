import pytest

from shangyi.access import policy
from shangyi.access.model import Role
from shangyi.store.types import NUMBERS

EXPECTED = {
    # role: what it may do to (ValueSet, Organization, Practitioner, Patient, Observation, Group, Claim, MeasureReport,
    # Bundle, AuditEvent); written out apart from the table, as a person would say it
    Role.ADMINISTRATOR: ["all"] * 9 + ["look"],
    Role.OWNER: ["all"] * 9 + ["look"],
    Role.SYSTEM: ["all"] * 9 + ["none"],
    Role.CLINICIAN: [
        "see", "see", "see", "write", "write", "write", "see", "see", "none", "none",
    ],
    Role.READER: ["see", "see", "look", "see", "see", "see", "list", "see", "none", "none"],
    Role.EPIDEMIOLOGIST: ["see", "see", "see", "see", "case", "list", "none", "write", "none", "none"],
    Role.ANALYST: ["see", "see", "none", "none", "none", "none", "none", "see", "none", "none"],
}  # fmt: skip
TYPES = [
    "ValueSet", "Organization", "Practitioner", "Patient", "Observation", "Group", "Claim", "MeasureReport",
    "Bundle", "AuditEvent",
]  # fmt: skip
MEANING = {
    "none": set(),
    "look": {"read", "vread", "search"},
    "list": {"read", "vread", "search", "history"},
    "see": {"read", "vread", "search", "history", "operation"},
    "case": {"read", "vread", "search", "history", "create", "update", "patch"},
    "write": {"read", "vread", "search", "history", "operation", "create", "update", "patch"},
    "all": set(policy.INTERACTIONS),
}


@pytest.mark.parametrize("role", list(Role))
def test_every_role_and_interaction(role: Role) -> None:
    for type, expected in zip(TYPES, EXPECTED[role], strict=True):
        allowed = {interaction for interaction in policy.INTERACTIONS if policy.may(role, interaction, type)}
        assert allowed == MEANING[expected], (role, type)


def test_every_resource_type_has_one_group_and_no_other_has() -> None:
    listed = [type for types in policy.GROUPS.values() for type in types]
    assert len(listed) == len(set(listed))
    assert set(listed) == set(NUMBERS)


@pytest.mark.parametrize("role", list(Role))
def test_a_type_that_is_unknown_is_refused(role: Role) -> None:
    assert not any(policy.may(role, interaction, "Resident") for interaction in policy.INTERACTIONS)
    assert not policy.may_use(role, "anything")


def test_functions() -> None:
    for function, roles in {
        "load": {Role.ADMINISTRATOR, Role.OWNER, Role.SYSTEM},
        "export": {Role.ADMINISTRATOR, Role.OWNER, Role.SYSTEM},
        "changes": {Role.OWNER, Role.SYSTEM},
        "accounts": {Role.ADMINISTRATOR, Role.OWNER},
        "aggregate": set(Role),
        "merge": {Role.ADMINISTRATOR, Role.OWNER, Role.CLINICIAN},
        "reveal": {Role.ADMINISTRATOR, Role.OWNER, Role.CLINICIAN, Role.EPIDEMIOLOGIST, Role.READER},
    }.items():
        assert {role for role in Role if policy.may_use(role, function)} == roles, function


def test_an_epidemiologist_writes_what_belongs_to_a_case() -> None:
    assert policy.may(Role.EPIDEMIOLOGIST, "update", "Condition")
    assert not policy.may(Role.EPIDEMIOLOGIST, "create", "MedicationRequest")
    assert not policy.may(Role.EPIDEMIOLOGIST, "update", "Patient")
