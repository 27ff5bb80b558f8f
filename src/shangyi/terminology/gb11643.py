"""The citizen's identity number of GB 11643-1999: 6 digits of a division, the birth date, a serial, a check character."""

import datetime as dt
import re
from dataclasses import dataclass

from shangyi.errors import Invalid

CHECK = "10X98765432"
WEIGHTS = tuple(2 ** (17 - place) % 11 for place in range(17))
"""ISO 7064 MOD 11-2."""
_FORM = re.compile(r"[0-9]{17}[0-9X]")
EARLIEST = 1880


@dataclass(frozen=True, slots=True)
class ResidentId:
    """What the number says. ``division``: the county or district that issued it first, not where somebody lives."""

    value: str
    division: str
    birth: dt.date
    sex: str


def check_character(first17: str) -> str:
    """The 18th character."""
    return CHECK[sum(int(d) * w for d, w in zip(first17, WEIGHTS, strict=True)) % 11]


def parse(text: str, today: dt.date | None = None) -> ResidentId:
    """The number in ``text``; spaces, hyphens, full-width digits and a small x are read too.

    Raises Invalid with what is wrong: the length, the birth date, the check character.
    """
    value = clean(text)
    if not _FORM.fullmatch(value):
        raise Invalid("A resident id has 17 digits and a digit or X")
    try:
        birth = dt.date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    except ValueError:
        raise Invalid("The birth date in the resident id does not exist") from None
    if birth.year < EARLIEST or birth > (today or dt.date.today()):
        raise Invalid("The birth date in the resident id is not possible")
    if check_character(value[:17]) != value[17]:
        raise Invalid("The check digit does not fit: one of the digits is wrong")
    return ResidentId(value, value[:6], birth, "male" if int(value[16]) % 2 else "female")


def clean(text: str) -> str:
    """The characters of the number alone, as they are kept."""
    narrow = "".join(chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else c for c in text)
    return "".join(c for c in narrow if not c.isspace() and c not in "-－").upper()
