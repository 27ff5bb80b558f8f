"""The chart: a resident's planned visits written down as FHIR resources."""

from collections.abc import Iterator
from random import Random
from typing import Any

from shangyi.synth import build, chance, claims, conditions, observations, plan, prescriptions, programmes
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
MORNING, AFTERNOON = (8 * 60, 11 * 60 + 40), (14 * 60, 17 * 60 + 10)
MORNING_SHARE = 0.62
DISCHARGE = (9 * 60, 11 * 60)
FOREVER = 10_000_000
FEVER = 37.3
"""Degrees from which medicines against fever make sense."""
CHILD_YEARS = 14
DEPARTMENTS = {
    "child": ("儿科", "儿童保健科", "全科医学科", "全科"),
    "adult": ("内科", "全科医学科", "全科", "中医内科", "妇女保健科"),
}
CLASSES = {"AMB": "门诊", "IMP": "住院", "EMER": "急诊"}


class Chart:
    """Everything about one resident while their record is written."""

    def __init__(self, random: Random, person: Person, stands: Standing, first: int, until: int) -> None:
        self.random, self.person, self.stands, self.until = random, person, stands, until
        shared = conditions.factors(random)
        self.courses = conditions.courses(random, person, shared, until)
        self.smoking = conditions.smoking_status(person, shared)
        self.allergies = [a for a in table("allergies")["allergies"] if random.random() < a["share"]]
        self.body = Body(random, person, shared, self.courses, programmes.pregnancies(person))
        self.regimen = Regimen(self.body, tuple(a["atc"] for a in self.allergies))
        self.visits = plan.plan(random, person, self.body, first, until)
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
        lasts = course.data.get("lasts_days")
        healed = course.diagnosed + lasts[0] + course.onset % (lasts[1] - lasts[0]) if lasts else FOREVER
        over = healed <= self.person.end(self.until)
        problem: Resource = {
            "resourceType": "Condition",
            "id": self._problem_id(course),
            "clinicalStatus": concept(CLINICAL, *(("resolved", "已缓解") if over else ("active", "活动"))),
            "verificationStatus": concept(VERIFIED, "confirmed", "确诊"),
            "category": [concept(CATEGORY, "problem-list-item", "问题")],
            "code": concept(ICD10, course.data["code"], course.data["zh"]),
            "subject": self.subject,
            "onsetDateTime": iso(course.told_onset),
            "recordedDate": iso(course.diagnosed),
        }
        if over:
            problem["abatementDateTime"] = iso(healed)
        return problem

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
        usual = DEPARTMENTS["child" if self.person.age_on(visit.day) < CHILD_YEARS else "adult"]
        able = [staff for staff in place.staff if staff.department == visit.department]
        able = able or place.department(*usual)
        # a patient keeps their doctor for what lasts, and sees whoever is on duty for what passes
        return able[self.person.number % len(able)] if visit.follows else chance.pick(self.random, able)

    def _arrival(self, visit: Visit) -> int:
        """The minute of the day; wards and emergencies know no office hours."""
        if visit.emergency:
            return self.random.randrange(0, 1439 - 60)
        return self.random.randrange(*(MORNING if self.random.random() < MORNING_SHARE else AFTERNOON))

    def _visit(self, visit: Visit, id: str) -> Iterator[Resource]:
        assert self.person.village is not None
        place = at_level(visit.level, self.person.village)
        doctor = self._doctor(visit, place)
        minute = self._arrival(visit)
        time = instant(visit.day, minute)
        here = reference("Encounter", id)
        end = (
            (visit.day + visit.days, self.random.randrange(*DISCHARGE)) if visit.days else (visit.day, minute)
        )
        passing = list(self._passing(visit, id, time, here))
        problems = [
            reference("Condition", self._problem_id(c), c.data["zh"]) for c in visit.diagnoses + visit.follows
        ]
        problems += [reference("Condition", c["id"], c["code"]["text"]) for c in passing]
        yield self._encounter(visit, id, place, doctor, minute, end, problems)
        yield from passing
        base = {
            "id": id,
            "subject": self.subject,
            "encounter": here,
            "effectiveDateTime": time,
            "performer": [place.reference],
        }
        found = list(
            observations.observe(base, visit.observations, self.body, visit.day, visit.bump, self.smoking)
        )
        yield from found
        if visit.report:
            yield self._report(visit, id, time, here, place, found)
        drugs, reasons = ([], {}) if visit.died else self._drugs(visit, passing, end[0])
        plain = {"id": id, "subject": self.subject, "encounter": here, "requester": doctor.reference}
        age = self.person.age_on(end[0])
        yield from prescriptions.prescribe(plain, drugs, age, *end, self.until, reasons)
        charged = claims.items(visit, found, drugs)
        first = problems[0] if problems else None
        yield from claims.claim(
            self.subject, id, visit, place, self.stands, instant(*end), charged, here, first
        )

    def _drugs(
        self, visit: Visit, passing: list[Resource], day: int
    ) -> tuple[list[str], dict[str, Resource]]:
        """What is prescribed on ``day``: at a follow-up everything taken for good that runs out."""
        drugs: list[str] = []
        reasons: dict[str, Resource] = {}
        care = visit.diagnoses + visit.follows
        if care:
            care += [c for c in self.courses if c not in care and c.treated is not None and c.treated < day]
        for course in care:
            for id in self.regimen.chronic(self.random, course, day):
                if id not in drugs and self.regimen.due(id, day):
                    drugs.append(id)
                    reasons[id] = reference("Condition", self._problem_id(course), course.data["zh"])
        if visit.illness:
            fever = visit.bump.get("temperature", [0.0])[0] >= FEVER
            for id in self.regimen.acute(self.random, visit.illness, day, fever):
                drugs.append(id)
                reasons[id] = reference("Condition", passing[0]["id"], passing[0]["code"]["text"])
        return drugs + [id for id in visit.drugs if self.regimen.safe(id, day)], reasons

    def _passing(self, visit: Visit, id: str, time: str, here: Resource) -> Iterator[Resource]:
        """The diagnosis of an illness that passes, or the reason of a scheduled visit."""
        if visit.illness:
            code, text = visit.illness["code"], visit.illness["zh"]
            away = visit.day + self.random.randint(*visit.illness["days"]) if not visit.died else FOREVER
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
        self,
        visit: Visit,
        id: str,
        place: Institution,
        doctor: Staff,
        minute: int,
        end: tuple[int, int],
        problems: list[Resource],
    ) -> Resource:
        kind = "IMP" if visit.days else "EMER" if visit.emergency else "AMB"
        left = instant(*end) if visit.days else instant(visit.day, minute + self.random.randint(8, 40))
        encounter: Resource = {
            "resourceType": "Encounter",
            "id": id,
            "status": "finished",
            "class": build.coding(f"{build.V3}ActCode", kind, CLASSES[kind]),
            "type": [own("encounter-type", *visit.type)],
            "subject": self.subject,
            "participant": [{"individual": doctor.reference}],
            "period": {"start": instant(visit.day, minute), "end": left},
            "reasonCode": [{"text": visit.complaint}],
            "location": [{"location": reference("Location", f"site-{place.id}", place.name)}],
            "serviceProvider": place.reference,
        }
        if problems:
            encounter["diagnosis"] = [
                {"condition": problem, "rank": n} for n, problem in enumerate(problems, 1)
            ]
        if visit.days or visit.died:
            way = ("exp", "死亡") if visit.died else ("home", "出院回家")
            encounter["hospitalization"] = {
                "dischargeDisposition": concept(f"{HL7}discharge-disposition", *way)
            }
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
    advice = table("words")["advice"]
    return f"{'、'.join(notes)}，{advice['followed']}" if notes else str(advice["normal"])
