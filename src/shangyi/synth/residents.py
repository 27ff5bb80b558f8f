"""Full records: every resource of the residents of one block."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from shangyi.synth import chance, persons
from shangyi.synth.build import Resource, years_before
from shangyi.synth.chart import Chart
from shangyi.synth.households import households
from shangyi.synth.immunisations import immunisations
from shangyi.synth.population import BLOCK

YEARS = 10


@dataclass(frozen=True)
class Request:
    """What to make: so many ``residents`` by ``seed``, ten years that end on ``until``."""

    residents: int
    seed: int
    until: date

    @property
    def last(self) -> int:
        """The last day as an ordinal."""
        return self.until.toordinal()

    @property
    def first(self) -> int:
        """The first day as an ordinal."""
        return years_before(self.last, YEARS)

    @property
    def blocks(self) -> int:
        """How many blocks of residents."""
        return -(-self.residents // BLOCK)

    def count(self, block: int) -> int:
        """Residents in this block."""
        return min(BLOCK, self.residents - block * BLOCK)


def block(request: Request, index: int) -> Iterator[Resource]:
    """Every resource of one block: resident by resident, then the household."""
    homes = households(request.seed, index, request.count(index), request.last, YEARS)
    for home in homes:
        for person in home.members:
            random = chance.scalar(request.seed, chance.RESIDENT, person.number)
            stands = persons.standing(random, person, request.first, request.last)
            yield persons.patient(person, home, stands)
            yield from persons.coverage(person, stands, request.first, request.last)
            yield from persons.contract(person, stands, request.last)
            yield from Chart(random, person, stands, request.first, request.last).resources()
            yield from immunisations(random, person, request.first, request.last)
        yield persons.group(home)
