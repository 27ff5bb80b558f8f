"""The whole county as one stream, cut into parts that can be made apart from each other."""

from collections.abc import Iterator
from datetime import date, timedelta

from shangyi.errors import Invalid
from shangyi.synth import institutions, notifiable, residents
from shangyi.synth.build import Resource
from shangyi.synth.residents import Request

Part = tuple[str, int]


def request(residents: int = 2000, seed: int = 7, until: date | None = None) -> Request:
    """Checks what was asked. ``until`` defaults to yesterday; errors: Invalid."""
    last = until or date.today() - timedelta(days=1)
    if not 1 <= residents <= 1_000_000:
        raise Invalid(
            "The number of residents must lie between 1 and 1,000,000, not {residents}", residents=residents
        )
    if seed < 0:
        raise Invalid("The seed must not be negative")
    if not date(2016, 1, 1) <= last <= date(2035, 12, 31):
        raise Invalid("The last day must lie between 2016 and 2035, not {until}", until=last.isoformat())
    return Request(residents, seed, last)


def parts(asked: Request) -> list[Part]:
    """What the stream consists of, in its order."""
    years = range(date.fromordinal(asked.first).year, asked.until.year + 1)
    blocks = [("block", index) for index in range(asked.blocks)]
    return [("county", 0), *blocks, *(("cases", year) for year in years)]


def make(asked: Request, part: Part) -> Iterator[Resource]:
    """The resources of one part."""
    kind, index = part
    if kind == "county":
        yield from institutions.resources()
    elif kind == "block":
        yield from residents.block(asked, index)
    else:
        yield from notifiable.reports(asked.seed, asked.first, asked.last, index)


def generate(residents: int = 2000, seed: int = 7, until: date | None = None) -> Iterator[Resource]:
    """Every resource: institutions, residents block by block, case reports. Equal for equal arguments."""
    asked = request(residents, seed, until)
    for part in parts(asked):
        yield from make(asked, part)
