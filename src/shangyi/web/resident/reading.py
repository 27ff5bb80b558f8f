"""Small readings of FHIR datatypes: the words, the date, the code of a resource."""

from collections.abc import Iterable, Sequence
from typing import Any

Resource = dict[str, Any]

DATE_ELEMENTS = (
    "effectiveDateTime",
    "onsetDateTime",
    "occurrenceDateTime",
    "performedDateTime",
    "authoredOn",
    "whenHandedOver",
    "recordedDate",
    "date",
    "issued",
    "created",
    "recorded",
)
PERIOD_ELEMENTS = ("period", "effectivePeriod", "performedPeriod", "billablePeriod", "onsetPeriod")


def words(concept: Resource | None, language: str = "zh-CN") -> str:
    """The words of a CodeableConcept: its text, a display, else the code.

    In English a coding's ``en`` designation (extension ``translation``) comes first where there is one.
    """
    if not concept:
        return ""
    codings = concept.get("coding", ())
    if language == "en":
        for coding in codings:
            english = translation(coding.get("_display"), "en")
            if english:
                return english
    display = next((c["display"] for c in codings if c.get("display")), "")
    return concept.get("text") or display or next((c["code"] for c in codings if c.get("code")), "")


def translation(element: Resource | None, language: str) -> str:
    """The translation of a string (extension ``translation``, FHIR R4 datatypes-extras), or nothing."""
    for extension in (element or {}).get("extension", ()):
        if extension.get("url") == "http://hl7.org/fhir/StructureDefinition/translation":
            parts = {part["url"]: part for part in extension.get("extension", ())}
            if parts.get("lang", {}).get("valueCode", "").startswith(language):
                return str(parts["content"].get("valueString") or parts["content"].get("valueMarkdown") or "")
    return ""


def codes(concept: Resource | None, system: str | None = None) -> list[str]:
    """The codes of a CodeableConcept, of one system or of all."""
    return [
        c["code"]
        for c in (concept or {}).get("coding", ())
        if "code" in c and (system is None or c.get("system") == system)
    ]


def when(resource: Resource) -> str:
    """The main date of a clinical resource as written (date, dateTime or instant), empty where it has none."""
    for name in DATE_ELEMENTS:
        if value := resource.get(name):
            return str(value)
    for name in PERIOD_ELEMENTS:
        if start := resource.get(name, {}).get("start"):
            return str(start)
    return ""


def newest_first(resources: Iterable[Resource]) -> list[Resource]:
    """By main date, newest first; those without a date last."""
    return sorted(resources, key=when, reverse=True)


def of_type(resources: Iterable[Resource], *types: str) -> list[Resource]:
    """Those of the named types."""
    return [resource for resource in resources if resource["resourceType"] in types]


def person_name(resource: Resource) -> str:
    """The official name as written; family and given joined as the script asks."""
    names: Sequence[Resource] = resource.get("name", ())
    if isinstance(names, dict):
        names = (names,)
    for name in sorted(names, key=lambda n: n.get("use") not in (None, "official", "usual")):
        if name.get("text"):
            return str(name["text"])
        given = name.get("given", [])
        family = name.get("family", "")
        if family or given:
            cjk = any("\u4e00" <= letter <= "\u9fff" for letter in family)
            return family + "".join(given) if cjk else " ".join([*given, family]).strip()
    return ""


def identifier(resource: Resource, system: str) -> str:
    """The value of an identifier of this system, or nothing."""
    return next((i.get("value", "") for i in resource.get("identifier", ()) if i.get("system") == system), "")


def href(resource: Resource) -> str:
    """Where the console shows the record behind a fact."""
    return f"/records/{resource['resourceType']}/{resource['id']}"
