"""The chart: a resident's planned visits written down as FHIR resources."""

from collections.abc import Iterator
from random import Random
from typing import Any

from shangyi.synth import build, chance, claims, conditions, observations, prescriptions, visits
from shangyi.synth.body import Body
from shangyi.synth.build import HL7, ICD10, Resource, concept, instant, iso, own, reference
from shangyi.synth.conditions import Course
from shangyi.synth.institutions import Institution, Staff, at_level
from shangyi.synth.medicines import Regimen
from shangyi.synth.persons import Standing
from shangyi.synth.population import Person
from shangyi.synth.tables import table
from shangyi.synth.visits import Visit

CLINICAL = f"{HL7}condition-clinical"
VERIFIED = f"{HL7}condition-ver-status"
CATEGORY = f"{HL7}condition-category"
OPEN, CLOSE = 8 * 60, 17 * 60
CLASSES = {"AMB": "门诊", "IMP": "住院", "EMER": "急诊"}


class Chart:
    """Everything about one resident while their record is written."""

    def __init__(self, random: Random, person: Person, stands: Standing, first: int, until: int) -> None:
        self.random, self.person, self.stands, self.until = random, person, stands, until
        shared = conditions.factors(random)
        self.courses = conditions.courses(random, person, shared, until)
        self.smoking = conditions.smoking_status(person, shared)
        self.allergies = [a for a in table("allergies")["allergies"] if random.random() < a["share"]]
        self.body = Body(random, person, shared, self.courses, visits.pregnancies(person))
        self.regimen = Regimen(self.body, tuple(a["atc"] for a in self.allergies))
        self.visits = visits.plan(random, person, self.body, first, until)
        self.subject = reference("Patient", person.id, person.name)

    def resources(self) -> Iterator[Resource]:
        """Problems and allergies first, then visit by visit."""
        for course in self.courses:
            if course.diagnosed is not None:
                yield self._problem(course)
        for number, allergy in enumerate(self.allergies, 1):
            yield self._allergy(number, allergy)
        for number, visit in enumerate(self.visits, 1):
            yield from self._visit(visit, f"{self.person.id}-v{number:03d}")

    def _problem_id(self, course: Course) -> str:
        return f"{self.person.id}-c-{course.id.replace('_', '-')}"

    def _problem(self, course: Course) -> Resource:
        assert course.diagnosed is not None
        return {
            "resourceType": "Condition",
            "id": self._problem_id(course),
            "clinicalStatus": concept(CLINICAL, "active", "活动"),
            "verificationStatus": concept(VERIFIED, "confirmed", "确诊"),
            "category": [concept(CATEGORY, "problem-list-item", "问题")],
            "code": concept(ICD10, course.data["code"], course.data["zh"]),
            "subject": self.subject,
            "onsetDateTime": iso(course.onset),
            "recordedDate": iso(course.diagnosed),
        }

    def _allergy(self, number: int, allergy: dict[str, Any]) -> Resource:
        data = table("allergies")
        reaction = chance.pick(self.random, allergy["reaction"], allergy["weights"])
        severe = reaction in data["severe"]
        low = self.person.birth + 300
        day = (
            self.random.randint(low, max(low, self.person.end(self.until)))
            if low < self.until
            else self.until
        )
        return {
            "resourceType": "AllergyIntolerance",
            "id": f"{self.person.id}-a{number}",
            "clinicalStatus": concept(f"{HL7}allergyintolerance-clinical", "active", "活动"),
            "verificationStatus": concept(f"{HL7}allergyintolerance-verification", "confirmed", "已确认"),
            "type": "allergy",
            "category": ["medication"],
            "criticality": "high" if severe else "low",
            "code": concept(build.ATC, str(allergy["atc"]), str(allergy["zh"])),
            "patient": self.subject,
            "recordedDate": iso(min(day, self.person.end(self.until))),
            "reaction": [{"manifestation": [{"text": reaction}], "severity": "severe" if severe else "mild"}],
        }

    def _doctor(self, visit: Visit, place: Institution) -> Staff:
        if visit.level == "township" and visit.follows and self.stands.doctor:
            return self.stands.doctor
        if visit.department:
            return chance.pick(self.random, place.department(visit.department))
        young = self.person.age_on(visit.day) < 14
        fits = (
            ("儿科",)
            if young
            else ("内科", "全科医学科", "中医内科", "儿童保健科" if young else "妇女保健科")
        )
        return chance.pick(self.random, place.department(*fits))

    def _visit(self, visit: Visit, id: str) -> Iterator[Resource]:
        assert self.person.village is not None
        place = at_level(visit.level, self.person.village)
        doctor = self._doctor(visit, place)
        minute = self.random.randrange(0, 1439) if visit.emergency else self.random.randrange(OPEN, CLOSE)
        time = instant(visit.day, minute)
        here = reference("Encounter", id)
        passing = list(self._passing(visit, id, time, here))
        problems = [
            reference("Condition", self._problem_id(c), c.data["zh"]) for c in visit.diagnoses + visit.follows
        ]
        problems += [reference("Condition", c["id"], c["code"]["text"]) for c in passing]
        yield self._encounter(visit, id, place, doctor, minute, problems)
        yield from passing
        base = {
            "id": id,
            "subject": self.subject,
            "encounter": here,
            "effectiveDateTime": time,
            "performer": [place.reference],
        }
        bump = visit.illness.get("bump", {}) if visit.illness else {}
        found = list(observations.observe(base, visit.observations, self.body, visit.day, bump, self.smoking))
        yield from found
        if visit.report:
            yield self._report(visit, id, time, here, place, found)
        drugs, reasons = self._drugs(visit, passing)
        plain = {"id": id, "subject": self.subject, "encounter": here, "time": time}
        yield from prescriptions.prescribe(plain, drugs, visit.day, self.until, doctor.reference, reasons)
        charged = claims.items(visit, found, drugs)
        visit.drugs = drugs
        first = problems[0] if problems else None
        yield from claims.claim(self.subject, id, visit, place, self.stands, time, charged, here, first)

    def _drugs(self, visit: Visit, passing: list[Resource]) -> tuple[list[str], dict[str, Resource]]:
        drugs: list[str] = []
        reasons: dict[str, Resource] = {}
        for course in visit.diagnoses + visit.follows:
            for id in self.regimen.chronic(self.random, course, visit.day):
                if id not in drugs:
                    drugs.append(id)
                    reasons[id] = reference("Condition", self._problem_id(course), course.data["zh"])
        if visit.illness:
            for id in self.regimen.acute(self.random, visit.illness, visit.day):
                drugs.append(id)
                reasons[id] = reference("Condition", passing[0]["id"], passing[0]["code"]["text"])
        return drugs + [id for id in visit.drugs if self.regimen.safe(id, visit.day)], reasons

    def _passing(self, visit: Visit, id: str, time: str, here: Resource) -> Iterator[Resource]:
        """The diagnosis of an illness that passes, or the reason of a scheduled visit."""
        if visit.illness:
            code, text = visit.illness["code"], visit.illness["zh"]
            away = visit.day + self.random.randint(*visit.illness["days"])
        elif visit.reason:
            (code, text, _), away = visit.reason, visit.day + visit.days
        else:
            return
        condition: Resource = {
            "resourceType": "Condition",
            "id": f"{id}-dx",
            "clinicalStatus": concept(CLINICAL, "active", "活动"),
            "verificationStatus": concept(VERIFIED, "confirmed", "确诊"),
            "category": [concept(CATEGORY, "encounter-diagnosis", "就诊诊断")],
            "code": concept(ICD10, code, text),
            "subject": self.subject,
            "encounter": here,
            "onsetDateTime": iso(
                max(self.person.birth, visit.day - (self.random.randint(0, 3) if visit.illness else 0))
            ),
            "recordedDate": time,
        }
        if away <= self.person.end(self.until):
            condition["clinicalStatus"] = concept(CLINICAL, "resolved", "已缓解")
            condition["abatementDateTime"] = iso(away)
        yield condition

    def _encounter(
        self, visit: Visit, id: str, place: Institution, doctor: Staff, minute: int, problems: list[Resource]
    ) -> Resource:
        kind = "IMP" if visit.days else "EMER" if visit.emergency else "AMB"
        ends = (
            instant(visit.day + visit.days, 10 * 60)
            if visit.days
            else instant(visit.day, min(minute + self.random.randint(8, 40), 1439))
        )
        encounter: Resource = {
            "resourceType": "Encounter",
            "id": id,
            "status": "finished",
            "class": build.coding(f"{build.V3}ActCode", kind, CLASSES[kind]),
            "type": [own("encounter-type", *visit.type)],
            "subject": self.subject,
            "participant": [{"individual": doctor.reference}],
            "period": {"start": instant(visit.day, minute), "end": ends},
            "reasonCode": [{"text": visit.complaint}],
            "location": [{"location": reference("Location", f"site-{place.id}", place.name)}],
            "serviceProvider": place.reference,
        }
        if problems:
            encounter["diagnosis"] = [
                {"condition": problem, "rank": n} for n, problem in enumerate(problems, 1)
            ]
        if visit.follows and self.stands.contract_from and self.stands.contract_from <= visit.day:
            encounter["episodeOfCare"] = [reference("EpisodeOfCare", f"{self.person.id}-gp")]
        return encounter

    def _report(
        self, visit: Visit, id: str, time: str, here: Resource, place: Institution, found: list[Resource]
    ) -> Resource:
        assert visit.report is not None
        return {
            "resourceType": "DiagnosticReport",
            "id": f"{id}-report",
            "status": "final",
            "code": own("report", visit.type[0], visit.report),
            "subject": self.subject,
            "encounter": here,
            "effectiveDateTime": time,
            "issued": time,
            "performer": [place.reference],
            "result": [reference("Observation", o["id"], o["code"]["text"]) for o in found],
            "conclusion": _conclusion(found),
        }


def _conclusion(found: list[Resource]) -> str:
    """The values out of range, as an examiner writes them."""
    notes = []
    for resource in found:
        for part in [resource, *resource.get("component", [])]:
            flag = part.get("interpretation", [{"coding": [{"code": "N"}]}])[0]
            if flag["coding"][0]["code"] in ("H", "L"):
                notes.append(f"{part['code']['text']}{flag['text']}")
    return "、".join(notes) if notes else "未见明显异常"
