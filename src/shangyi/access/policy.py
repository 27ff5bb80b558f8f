"""Who may do what: two tables, read by people and by ``may``.

Letters: r read and vread, s search, h history, c create, u update and patch, d delete, o operations on the type
($everything, $validate …). What stands in no table is not allowed, nor is a type that is in no group.
"""

from collections.abc import Mapping
from functools import cache

from shangyi.access.model import Role

GROUPS: Mapping[str, frozenset[str]] = {
    # Definitions: knowledge, no persons.
    "definitional": frozenset(
        "ActivityDefinition CapabilityStatement ChargeItemDefinition CodeSystem CompartmentDefinition ConceptMap"
        " DeviceDefinition EffectEvidenceSynthesis EventDefinition Evidence EvidenceVariable ExampleScenario"
        " GraphDefinition ImplementationGuide Library Measure Medication MedicationKnowledge MedicinalProduct"
        " MedicinalProductAuthorization MedicinalProductContraindication MedicinalProductIndication"
        " MedicinalProductIngredient MedicinalProductInteraction MedicinalProductManufactured"
        " MedicinalProductPackaged MedicinalProductPharmaceutical MedicinalProductUndesirableEffect"
        " MessageDefinition NamingSystem ObservationDefinition OperationDefinition PlanDefinition Questionnaire"
        " ResearchDefinition ResearchElementDefinition RiskEvidenceSynthesis SearchParameter SpecimenDefinition"
        " StructureDefinition StructureMap Substance SubstanceNucleicAcid SubstancePolymer SubstanceProtein"
        " SubstanceReferenceInformation SubstanceSourceMaterial SubstanceSpecification TerminologyCapabilities"
        " TestReport TestScript ValueSet".split()
    ),
    # Places and institutions.
    "institutions": frozenset(
        "Endpoint HealthcareService InsurancePlan Location Organization OrganizationAffiliation Schedule Slot".split()
    ),
    # Staff: persons, though in their office.
    "staff": frozenset("Practitioner PractitionerRole".split()),
    # Residents and those around them.
    "residents": frozenset("Patient RelatedPerson".split()),
    "clinical": frozenset(
        "AdverseEvent AllergyIntolerance Appointment AppointmentResponse BodyStructure CarePlan CareTeam"
        " ClinicalImpression Communication CommunicationRequest Composition Condition Consent DetectedIssue"
        " DeviceRequest DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference Encounter"
        " EpisodeOfCare FamilyMemberHistory Flag Goal GuidanceResponse ImagingStudy Immunization"
        " ImmunizationEvaluation ImmunizationRecommendation List Media MedicationAdministration"
        " MedicationDispense MedicationRequest MedicationStatement MolecularSequence NutritionOrder Observation"
        " Procedure Provenance QuestionnaireResponse RequestGroup RiskAssessment ServiceRequest Specimen"
        " SupplyDelivery SupplyRequest Task VisionPrescription".split()
    ),
    # Households and other groups of residents.
    "groups": frozenset({"Group"}),
    "devices": frozenset("BiologicallyDerivedProduct Device DeviceMetric".split()),
    # How somebody is insured: said when they register.
    "coverage": frozenset({"Coverage"}),
    # Money.
    "financial": frozenset(
        "Account ChargeItem Claim ClaimResponse Contract CoverageEligibilityRequest"
        " CoverageEligibilityResponse EnrollmentRequest EnrollmentResponse ExplanationOfBenefit Invoice"
        " PaymentNotice PaymentReconciliation".split()
    ),
    # Counts and conclusions about a population.
    "surveillance": frozenset({"MeasureReport"}),
    # Whatever may hold persons of several areas inside, without saying whose it is.
    "unplaced": frozenset(
        "Basic Binary Bundle CatalogEntry Linkage MessageHeader OperationOutcome Parameters Person ResearchStudy"
        " ResearchSubject Subscription VerificationResult".split()
    ),
    "audit": frozenset({"AuditEvent"}),
}

INTERACTIONS: Mapping[str, str] = {
    "read": "r",
    "vread": "r",
    "search": "s",
    "history": "h",
    "create": "c",
    "update": "u",
    "patch": "u",
    "delete": "d",
    "operation": "o",
}

ROLES = (
    Role.ADMINISTRATOR,
    Role.CLINICIAN,
    Role.EPIDEMIOLOGIST,
    Role.ANALYST,
    Role.READER,
    Role.OWNER,
    Role.SYSTEM,
)

# Within the area, but for definitional, institutions and staff, which have none.
# Clinicians do not delete: what is wrong is corrected, and the old version stays in the history.
RESOURCES = """
group          administrator  clinician  epidemiologist  analyst  reader  owner    system
definitional   rshcudo        rsho       rsho            rsho     rsho    rshcudo  rshcudo
institutions   rshcudo        rsho       rsho            rsho     rsho    rshcudo  rshcudo
staff          rshcudo        rsho       rsho            -        rs      rshcudo  rshcudo
residents      rshcudo        rshcuo     rsho            -        rsho    rshcudo  rshcudo
clinical       rshcudo        rshcuo     rshcu           -        rsho    rshcudo  rshcudo
groups         rshcudo        rshcuo     rsh             -        rsho    rshcudo  rshcudo
devices        rshcudo        rshcuo     rsh             -        rsh     rshcudo  rshcudo
coverage       rshcudo        rshcuo     -               -        rsh     rshcudo  rshcudo
financial      rshcudo        rsho       -               -        rsh     rshcudo  rshcudo
surveillance   rshcudo        rsho       rshcuo          rsho     rsho    rshcudo  rshcudo
unplaced       rshcudo        -          -               -        -       rshcudo  rshcudo
audit          rs             -          -               -        -       rs       -
"""

# What is not about one resource type. `aggregate`: figures over many residents within the area, no rows.
# `merge`: two records of one resident made one, with all that refers to them, whatever its type; and undoing it.
FUNCTIONS = """
function       administrator  clinician  epidemiologist  analyst  reader  owner    system
aggregate      x              x          x               x        x       x        x
load           x              -          -               -        -       x        x
export         x              -          -               -        -       x        x
changes        -              -          -               -        -       x        x
accounts       x              -          -               -        -       x        -
reveal         x              x          x               -        x       x        -
merge          x              x          -               -        -       x        -
"""

CASES_ONLY = frozenset({Role.EPIDEMIOLOGIST})
"""Roles that see residents only as far as a notifiable case concerns them."""

CASE_WRITES: Mapping[Role, frozenset[str]] = {
    Role.EPIDEMIOLOGIST: frozenset(
        "Condition Observation Specimen DiagnosticReport Task Communication DetectedIssue RiskAssessment Flag"
        " Provenance QuestionnaireResponse".split()
    ),
}
"""Of what a row allows to write, the types it is narrowed to."""

UNBOUNDED_GROUPS = frozenset({"definitional", "institutions", "staff"})
"""Groups without a resident: read whatever the area."""

SHARED = frozenset().union(*(GROUPS[name] for name in (*sorted(UNBOUNDED_GROUPS), "surveillance")))
"""Types of which every area sees what belongs to no resident and no place; of others it is seen from `*` only."""


def _parse(table: str) -> dict[Role, dict[str, str]]:
    header, *rows = (line.split() for line in table.strip().splitlines())
    rights: dict[Role, dict[str, str]] = {Role(name): {} for name in header[1:]}
    for name, *cells in rows:
        for role, cell in zip(rights, cells, strict=True):
            rights[role][name] = "" if cell == "-" else cell
    return rights


_BY_GROUP = _parse(RESOURCES)
_FUNCTIONS = _parse(FUNCTIONS)
GROUP_OF: Mapping[str, str] = {type: group for group, types in GROUPS.items() for type in types}


def group_of(type: str) -> str | None:
    """The group of a resource type, None for an unknown type."""
    return GROUP_OF.get(type)


@cache
def may(role: Role, interaction: str, type: str) -> bool:
    """Whether the role may do this to resources of the type at all; the area is looked at besides."""
    group = GROUP_OF.get(type)
    if group is None:
        return False
    letter = INTERACTIONS[interaction]
    if letter in "cud" and role in CASE_WRITES and group == "clinical" and type not in CASE_WRITES[role]:
        return False
    return letter in _BY_GROUP[role][group]


@cache
def may_use(role: Role, function: str) -> bool:
    """Whether the role may use a function that is not about one type."""
    return bool(_FUNCTIONS[role].get(function))


@cache
def types_for(role: Role, interaction: str) -> frozenset[str]:
    """The types on which the role may do this, AuditEvent apart."""
    return frozenset(type for type in GROUP_OF if type != "AuditEvent" and may(role, interaction, type))


ALL_BUT_AUDIT = frozenset(GROUP_OF) - {"AuditEvent"}
"""What a scope without types means here."""
