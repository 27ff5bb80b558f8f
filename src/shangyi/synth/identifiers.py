"""Numbers of residents: well-formed, yet nobody's."""

from shangyi.synth.tables import table
from shangyi.terminology.gb11643 import check_character

DAYS, SEQUENCES = 365, 500
_SPREAD = 31_337
_STEP = 104_729  # a prime: neighbours in a block get days and numbers far apart


def slot(number: int, offset: int = 0) -> tuple[int, int]:
    """Day of the year of life (0 … 364) and sequence (0 … 499) of the ``number``-th resident of a sex and age.

    ``offset`` (any number of that sex and age) keeps cohorts from sharing birthdays. One to one for the first
    182,500, so that no two residents of one birthday and sex share an id.
    """
    place = (number * _STEP + offset * _SPREAD) % (DAYS * SEQUENCES)
    return place % DAYS, place // DAYS


def resident_id(birth: str, sex: str, sequence: int) -> str:
    """18 characters: region, birth date (YYYY-MM-DD given), sequence (odd for men), check digit."""
    serial = sequence * 2 + (1 if sex == "male" else 0)
    first17 = f"{table('county')['code']}{birth.replace('-', '')}{serial:03d}"
    return first17 + check_character(first17)
