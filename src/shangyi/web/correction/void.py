"""Making an entry void: entered in error. It stays in the history and is shown nowhere else."""

import copy
from typing import Any

from shangyi.web.resident.reading import codes

Resource = dict[str, Any]
ERROR = "entered-in-error"
BY_STATUS = frozenset(
    "Observation MedicationRequest MedicationDispense Encounter ClinicalImpression Immunization EpisodeOfCare Procedure"
    " DiagnosticReport Flag ServiceRequest CarePlan Goal QuestionnaireResponse".split()
)
BY_VERIFICATION = {
    "Condition": "http://terminology.hl7.org/CodeSystem/condition-ver-status",
    "AllergyIntolerance": "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification",
}


def can_be_void(resource: Resource) -> bool:
    """Whether its type has a way to say so, and it does not say so yet."""
    return (
        resource["resourceType"] in BY_STATUS or resource["resourceType"] in BY_VERIFICATION
    ) and not is_void(resource)


def is_void(resource: Resource) -> bool:
    """Whether it was entered in error."""
    return resource.get("status") == ERROR or ERROR in codes(resource.get("verificationStatus"))


def void(resource: Resource) -> Resource:
    """The resource as entered in error. Its clinical status goes (con-5, ait-2): what never was has none."""
    found = copy.deepcopy(resource)
    system = BY_VERIFICATION.get(resource["resourceType"])
    if system is None:
        found["status"] = ERROR
    else:
        found["verificationStatus"] = {"coding": [{"system": system, "code": ERROR}]}
        found.pop("clinicalStatus", None)
    return found
