"""The area that bounds an account, held for reads, searches and writes; and what a notifiable case opens."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from urllib.parse import parse_qsl

from shangyi.access import cases, policy
from shangyi.access.chains import check_chains
from shangyi.access.model import Principal
from shangyi.access.placement import NOWHERE, Placement, Places, divisions, references, relative
from shangyi.errors import Forbidden, Invalid, NotFound, ShangyiError
from shangyi.store import keys
from shangyi.store.model import Resource, Scope, SearchRequest, SearchResult, Version
from shangyi.store.questions import Steps
from shangyi.store.repository import Parameters, Repository

OUTSIDE = "This record lies outside your area"
RESIDENT_PARAMETERS = ("patient", "subject", "beneficiary")


class Boundary:
    """What one principal may see and write of the population."""

    def __init__(self, principal: Principal, places: Places, records: Repository) -> None:
        self.principal = principal
        self.area = principal.area
        self.places = places
        self.records = records
        self.bounded = bool(principal.area.digits)
        self.cases_only = principal.role in policy.CASES_ONLY

    # Reads

    def reading(self, type: str, id: str) -> Steps[Version]:
        """The current version, bounded in the same query. Raises NotFound, Gone, Forbidden."""
        if not self.bounded or policy.group_of(type) in policy.UNBOUNDED_GROUPS:
            version = yield from self.records.reading(type, id)
        else:
            within = Scope(self.area.bounds, shared=policy.SHARED)
            try:
                version = yield from self.records.reading(type, id, within)
            except NotFound:
                yield from self.records.reading(type, id)
                try:  # it may have been written between the two, and inside
                    version = yield from self.records.reading(type, id, within)
                except NotFound:
                    raise Forbidden(OUTSIDE) from None
        if self.cases_only:
            self._require_case([version])
        return version

    def check(self, version: Version) -> tuple[str, ...]:
        """Raises Forbidden unless this version may be seen; the references that its reading is recorded by."""
        named = self.named(version)
        if policy.group_of(version.type) in policy.UNBOUNDED_GROUPS:
            return named
        if self.bounded:
            self._require(version.type, self._placement(version))
        if self.cases_only and policy.group_of(version.type) != "surveillance":
            self._require_case([version])
        return named

    def named(self, version: Version) -> tuple[str, ...]:
        """The reference of a version and of its resident."""
        if version.type == "Patient" or policy.group_of(version.type) in policy.UNBOUNDED_GROUPS:
            return (version.reference,)
        resident = cases.resident_at_a_glance(version)
        return (version.reference, resident) if resident else (version.reference,)

    def _placement(self, version: Version) -> Placement:
        found = self.places.of([version.reference]).get(version.reference)
        if found is not None:
            return found
        # Deleted: where it last belonged.
        if not version.body:
            raise Forbidden(OUTSIDE)
        if version.type == "Patient":
            codes = divisions(version.resource)
            return Placement(keys.key(version.reference), codes[0] if codes else 0)
        resident = cases.resident_of(version)
        if resident is None:
            codes = divisions(version.resource)
            return Placement(0, codes[0]) if codes else NOWHERE
        return self.places.of([resident]).get(resident, Placement(keys.key(resident), 0))

    def _require(self, type: str, placement: Placement) -> None:
        if not self._inside_area(type, placement):
            raise Forbidden(OUTSIDE)

    def _inside_area(self, type: str, placement: Placement) -> bool:
        return self.area.holds(placement.area) if placement.placed else type in policy.SHARED

    def _require_case(self, versions: Sequence[Version]) -> None:
        if len(cases.visible(self.records, versions)) < len(versions):
            raise Forbidden("Your role sees residents with a notifiable case only")

    def narrow(self, request: SearchRequest) -> SearchRequest:
        """The search as it may be run. Raises Forbidden for one that would look outside."""
        if self.bounded:
            check_chains(request)
        if not self.cases_only or policy.group_of(request.type or "") in (
            *policy.UNBOUNDED_GROUPS,
            "surveillance",
        ):
            return request
        if any(name.startswith("_has") or "." in name for name, _ in request.parameters):
            raise Forbidden("Your role does not allow this")
        if request.type == "Condition":
            return replace(request, parameters=[*request.parameters, ("category", cases.CATEGORY)])
        residents = self.residents_named(request)
        if not residents or len(cases.residents(self.records, residents)) < len(set(residents)):
            raise Forbidden("Your role sees residents with a notifiable case only")
        return request

    def residents_named(self, request: SearchRequest) -> list[str]:
        """The residents that a search asks about by name of parameter."""
        found = []
        if request.compartment and request.compartment[0] == "Patient":
            found.append("/".join(request.compartment))
        for name, value in request.parameters:
            plain, _, modifier = name.partition(":")
            if plain in RESIDENT_PARAMETERS and modifier in ("", "Patient"):
                found += [v if "/" in v else f"Patient/{v}" for v in value.split(",")]
            elif name == "_id" and request.type == "Patient":
                found += [f"Patient/{v}" for v in value.split(",")]
        return list(dict.fromkeys(found))

    def filter(self, result: SearchResult) -> SearchResult:
        """The page without what may not be seen; the search itself is bounded already, this is for includes."""
        role = self.principal.role
        included = [version for version in result.included if policy.may(role, "read", version.type)]
        matches = list(result.matches)
        if self.bounded and included:
            included = self._inside(included)
        if self.cases_only:
            seen = cases.visible(self.records, [*matches, *included])
            matches = [v for v in matches if v.reference in seen]
            included = [v for v in included if v.reference in seen]
        return replace(result, matches=matches, included=included)

    def _inside(self, versions: Sequence[Version]) -> list[Version]:
        places = self.places.of(version.reference for version in versions)
        kept = []
        for version in versions:
            place = places.get(version.reference, NOWHERE)
            free = policy.group_of(version.type) in policy.UNBOUNDED_GROUPS
            if free or self._inside_area(version.type, place):
                kept.append(version)
        return kept

    def within_resident(self, scope: Scope) -> Scope:
        """The scope for one resident's record: the types of the role."""
        return scope

    # Writes

    def require_inside(self, references: Sequence[str]) -> None:
        """Raises Forbidden unless each of these is there and inside the area."""
        if not self.bounded:
            return
        places = self.places.of(references)
        for reference in references:
            if not self._inside_area(reference.split("/")[0], places.get(reference, NOWHERE)):
                raise Forbidden(OUTSIDE)

    def check_existing(self, type: str, id: str) -> None:
        """Raises Forbidden where the resource is there and outside."""
        if not self.bounded and not self.cases_only:
            return
        try:
            version = self.records.read(type, id)
        except NotFound:
            return
        except ShangyiError as error:
            if error.status == 410:
                raise Forbidden(OUTSIDE) from error
            raise
        self.check(version)

    def check_condition(self, type: str, parameters: Parameters) -> None:
        """Raises Forbidden where the condition of a conditional write matches, or asks about, anything outside."""
        if not self.bounded and not self.cases_only:
            return
        check_chains(SearchRequest(type, parameters))
        for version in self.records.search(SearchRequest(type, [*parameters, ("_count", "10")])).matches:
            self.check(version)

    def check_write(self, resource: Resource, new: bool = False) -> None:
        """Raises Forbidden for a resource that is, or points, outside the area, or belongs to nobody in it."""
        self.check_writes([resource])

    def check_writes(self, resources: Sequence[Resource]) -> None:
        """As ``check_write``, for what is written together and may refer to each other by ``urn:uuid``."""
        if not self.bounded:
            return
        wanted = {r for resource in resources for r in self._targets(resource)}
        places = self.places.of(wanted)
        together = {f"{r.get('resourceType')}/{r.get('id')}" for r in resources if r.get("id")}
        for resource in resources:
            self._check_write(resource, places, together, many=len(resources) > 1)

    def _check_write(
        self, resource: Resource, places: dict[str, Placement], together: set[str], many: bool
    ) -> None:
        codes = divisions(resource)
        if any(not self.area.holds(code) for code in codes):
            raise Forbidden(
                "The residence must lie in your area; an administrator moves residents between areas"
            )
        anchored = bool(codes)
        if resource.get("resourceType") == "Patient" and not codes:
            raise Forbidden("Say the division where the resident lives; it must lie in your area")
        for reference in references(resource):
            if reference.startswith("urn:"):
                anchored = anchored or many
        for target in self._targets(resource):
            place = places.get(target)
            if place is None:
                if target in together:
                    anchored = True
                elif target.startswith("Patient/"):
                    raise Forbidden("The resident {reference} is not in your area", reference=target)
                continue
            if policy.group_of(target.split("/")[0]) in policy.UNBOUNDED_GROUPS or not place.placed:
                continue
            if not self.area.holds(place.area):
                raise Forbidden("What is written refers to a record outside your area")
            anchored = True
        if not anchored and policy.group_of(str(resource.get("resourceType"))) not in (
            *policy.UNBOUNDED_GROUPS,
            "surveillance",
        ):
            raise Forbidden("What is written must belong to a resident of your area")

    def _targets(self, resource: Resource) -> list[str]:
        found: list[str] = []
        for reference in references(resource):
            if target := relative(reference):
                found.append(target)
            elif "?" in reference and not reference.startswith(("#", "urn:")):
                found += self._matching(reference)
        return found

    def _matching(self, reference: str) -> Iterable[str]:
        """What a conditional reference (``Patient?identifier=…``) would be resolved to."""
        type, _, query = reference.partition("?")
        if policy.group_of(type) is None:
            raise Invalid("{reference} is not a reference", reference=reference[:64])
        request = SearchRequest(type, [*parse_qsl(query, keep_blank_values=True), ("_count", "10")])
        check_chains(request)
        return [version.reference for version in self.records.search(request).matches]
