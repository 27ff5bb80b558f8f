"""Residents brought together under one roof: couples, children, parents."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from shangyi.synth import chance, names
from shangyi.synth.build import iso
from shangyi.synth.county import county
from shangyi.synth.population import BLOCK, Person, people
from shangyi.synth.tables import by_age, step, table

BETWEEN_BIRTHS_DAYS = 330


@dataclass(eq=False)
class Household:
    """Members with the head first. ``address``: the line within the village."""

    members: list[Person] = field(default_factory=list)
    line: str = ""

    @property
    def head(self) -> Person:
        """The head (户主)."""
        return self.members[0]

    @property
    def id(self) -> str:
        """The Group's id."""
        return f"h{self.head.number:06d}"

    def wife(self) -> Person | None:
        """Who can be the mother of children here."""
        return next(
            (m for m in self.members[:2] if m.sex == "female" and m.relation in ("head", "spouse")), None
        )

    def add(self, person: Person, relation: str) -> None:
        """Takes ``person`` in."""
        person.relation = relation
        self.members.append(person)

    def count(self, *relations: str) -> int:
        """How many members stand in these relations to the head."""
        return sum(m.relation in relations for m in self.members)


def _couples(random: Random, adults: Sequence[Person], data: Any) -> list[Household]:
    gap = data["spouse_gap_years"]

    def wed(person: Person) -> bool:
        return random.random() < by_age(data["married"], person.sex, person.age)

    women = [p for p in adults if p.sex == "female" and wed(p)]
    homes = []
    for man in [p for p in adults if p.sex == "male" and wed(p)]:
        wanted = man.age - random.gauss(gap["mean"], gap["sd"])
        wife = min(women, key=lambda w: abs(w.age - wanted), default=None)
        if wife is None or abs(man.age - wife.age) > gap["most"]:
            continue
        women.remove(wife)
        man.married = wife.married = True
        home = Household()
        home.add(man, "head")
        home.add(wife, "spouse")
        homes.append(home)
    return homes


def _mother_fits(mother: Person, child: Person, data: Any) -> bool:
    ages = data["motherhood_age"]
    age = mother.age_on(child.birth)
    apart = all(abs(child.birth - other.birth) >= BETWEEN_BIRTHS_DAYS for other in mother.children)
    alive = mother.death is None or mother.death > child.birth
    return bool(ages["from"] <= age <= ages["to"] and apart and alive)


def _place_child(random: Random, child: Person, homes: list[Household], data: Any) -> bool:
    """With the couple whose mother fits best; fewer children first."""
    best, least = None, 99.0
    for home in homes:
        mother = home.wife()
        if mother is None or home.count("son", "daughter") >= data["children_most"]:
            continue
        if _mother_fits(mother, child, data):
            ideal = abs(mother.age_on(child.birth) - data["motherhood_age"]["best"])
            cost = ideal + 6 * len(mother.children) + random.random() * 8
            if cost < least:
                best, least = (home, mother), cost
    if best is None:
        return False
    home, mother = best
    child.mother = mother
    mother.children.append(child)
    home.add(child, "son" if child.sex == "male" else "daughter")
    return True


def _place_grandchild(random: Random, child: Person, homes: list[Household], data: Any) -> bool:
    gap = data["grandparent_gap"]
    fit = [h for h in homes if gap["from"] <= h.members[-1].age_on(child.birth) <= gap["to"]]
    fit = [h for h in fit if h.count("grandchild") < 2 and all(m.age > child.age + 10 for m in h.members)]
    if not fit:
        return False
    chance.pick(random, fit).add(child, "grandchild")
    return True


def _place_parents(random: Random, elders: list[Person], homes: list[Household], share: float) -> bool:
    if random.random() >= share:
        return False
    oldest = elders[0]
    fit = [
        home
        for home in homes
        if not home.count("parent")
        and home.head.age < 62
        and all(20 <= elder.age - home.head.age <= 40 for elder in elders)
        and oldest not in home.members
    ]
    if not fit:
        return False
    home = chance.pick(random, fit)
    for elder in elders:
        home.add(elder, "parent")
    return True


def _assemble(random: Random, persons: list[Person]) -> list[Household]:
    data = table("households")
    living = [p for p in persons if p.death is None]
    homes = _couples(random, [p for p in living if p.age >= 20], data)
    single = [p for p in living if p.age >= 18 and not p.married]
    for child in [p for p in living if p.age < 18]:
        if not (_place_child(random, child, homes, data) or _place_grandchild(random, child, homes, data)):
            chance.pick(random, homes).add(child, "other") if homes else single.append(child)
    young = data["unmarried_with_parents"]
    elders_share = data["with_adult_child"]
    left = []
    for person in single:
        home_bound = person.age < young["until_age"] and random.random() < young["share"]
        if home_bound and _place_child(random, person, homes, data):
            continue
        if person.age >= 62 and _place_parents(random, [person], homes, elders_share["widowed"]):
            continue
        left.append(person)
    for home in [h for h in homes if h.head.age >= 62 and len(h.members) == 2]:
        if _place_parents(
            random, list(home.members), [h for h in homes if h is not home], elders_share["couple"]
        ):
            homes.remove(home)
    for person in left:
        homes.append(Household())
        homes[-1].add(person, "head")
    for person in persons:
        if person.death is not None:
            _place_dead(random, person, homes)
    return homes


def _expect(random: Random, homes: list[Household], until: int) -> None:
    """Some wives carry a child that is born after the last day."""
    data = table("households")["expecting"]
    free_days = data["months_after_birth"] * 30
    for home in homes:
        wife = home.wife()
        if wife is None or wife.death is not None or not wife.married:
            continue
        due = until + random.randint(3, 265)
        youngest = max((child.birth for child in wife.children), default=0)
        if random.random() < step(data["age"], data["value"], wife.age) and youngest < due - 280 - free_days:
            wife.due = due


def _place_dead(random: Random, person: Person, homes: list[Household]) -> None:
    """A widow's husband, somebody's parent, or the last of their household."""
    for home in homes:
        head = home.head
        widowed = len(home.members) == 1 and head.sex != person.sex and head.age >= 40
        if widowed and not head.married and abs(head.age - person.age) <= 8:
            head.married = person.married = True
            home.add(person, "spouse")
            return
    if person.age < 40 or not _place_parents(random, [person], homes, 1.0):
        homes.append(Household())
        homes[-1].add(person, "head")


def _name(random: Random, home: Household) -> None:
    family = names.surname(random)
    elsewhere = names.surname(random)
    for member in home.members:
        keeps = member.relation in ("head", "son", "daughter") or (
            member.relation == "parent" and member.sex == "male"
        )
        if member.relation in ("son", "daughter") and home.head.sex == "female":
            member.surname = elsewhere
        elif member.relation == "grandchild":
            member.surname = family if random.random() < 0.6 else elsewhere
        else:
            member.surname = family if keeps else names.surname(random)
        taken = {m.name for m in home.members if m is not member}
        for _ in range(5):
            member.given = names.given_name(random, member.sex, int(iso(member.birth)[:4]))
            if member.name not in taken:
                break


def _settle(random: Random, home: Household) -> None:
    villages = county().villages
    village = chance.pick(random, villages, [v.weight for v in villages])
    if village.name.endswith("社区"):
        street = chance.pick(random, table("addresses")["streets"])
        home.line = (
            f"{village.name}{street}{random.randint(1, 120)}号{random.randint(1, 12)}栋"
            f"{random.randint(1, 4)}单元{random.randint(1, 6)}0{random.randint(1, 4)}室"
        )
    else:
        home.line = f"{village.name}{random.randint(1, 9)}组{random.randint(1, 60)}号"
    for member in home.members:
        member.village = village


def households(seed: int, block: int, count: int, until: int, years: int) -> list[Household]:
    """The households of one block, numbered, named and settled. ``until`` is an ordinal."""
    random = chance.scalar(seed, chance.BLOCK, block)
    homes = _assemble(random, people(random, block, count, until, years))
    _expect(random, homes, until)
    number = block * BLOCK
    for home in homes:
        _name(random, home)
        _settle(random, home)
        for member in home.members:
            member.number = number
            number += 1
        for member in home.members:
            member.household = home.head.number
    return homes
