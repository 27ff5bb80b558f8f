"""The form of a person: cleaned, with what is wrong beside each field."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from shangyi.errors import Invalid
from shangyi.terminology import gb11643
from shangyi.web import formats
from shangyi.web.registration.duplicates import Likeness, digits

FIELDS = (
    "key started name resident_id sex birth phone town village house insurance insurance_number"
    " household household_value relation contact_name contact_relation contact_phone doctor doctor_value contract_from reason"
).split()
INSURANCES = {"employee": "Employees' insurance", "resident": "Residents' insurance"}
SEXES = {"male": "Male", "female": "Female", "unknown": "Sex unknown"}
OLDEST_YEARS = 130


@dataclass(frozen=True, slots=True)
class Person:
    """What was entered. ``problems``: field → what is wrong with it (an English text)."""

    key: str
    started: dt.datetime
    values: Mapping[str, str]
    problems: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    @property
    def likeness(self) -> Likeness:
        """What duplicates are looked for by."""
        return Likeness(
            self["name"],
            self["sex"],
            self["birth"] if "birth" not in self.problems else "",
            self["resident_id"] if "resident_id" not in self.problems else "",
            self["insurance_number"],
            self["phone"],
            self["village"],
        )


def read(form: Mapping[str, str], now: dt.datetime) -> Person:
    """The person in a form. A resident id that is right fills sex and birth date where they are empty."""
    values = {name: " ".join(form.get(name, "").split()) for name in FIELDS}
    problems: dict[str, str] = {}
    if values["resident_id"]:
        values["resident_id"] = gb11643.clean(values["resident_id"])
        try:
            number = gb11643.parse(values["resident_id"], now.date())
        except Invalid as error:
            problems["resident_id"] = error.issues[0].text
        else:
            _by_number(values, number, problems)
    if not values["name"]:
        problems["name"] = "A name is needed"
    if values["sex"] not in SEXES and not ("resident_id" in problems and not values["sex"]):
        problems["sex"] = "The sex is needed"
    _check_birth(values, now, problems)
    for name in ("phone", "contact_phone"):
        values[name] = digits(values[name])
        if values[name] and not 7 <= len(values[name]) <= 12:
            problems[name] = "A phone number has 7 to 12 digits"
    if not (len(values["village"]) == 12 and values["village"].isdigit()):
        problems["village"] = "Choose the village or community"
    if values["insurance"] not in ("", *INSURANCES):
        values["insurance"] = ""
    if values["insurance_number"] and not values["insurance"]:
        problems["insurance"] = "Which insurance?"
    if (values["contact_relation"] or values["contact_phone"]) and not values["contact_name"]:
        problems["contact_name"] = "A name is needed"
    return Person(_key(values["key"]), _started(values["started"], now), values, problems)


def _by_number(values: dict[str, str], number: gb11643.ResidentId, problems: dict[str, str]) -> None:
    values["sex"] = values["sex"] or number.sex
    values["birth"] = values["birth"] or number.birth.isoformat()
    if values["sex"] not in ("", number.sex):
        problems["sex"] = "The resident id says another sex"
    if iso_date(values["birth"]) != number.birth.isoformat():
        problems["birth"] = "The resident id says another birth date"


def iso_date(text: str) -> str:
    """20 Oct 1958 as ``1958-10-20`` from ``19581020``, ``1958.10.20``, ``1958/10/20`` and ``1958年10月20日``."""
    plain = "".join(chr(ord(c) - 0xFEE0) if "０" <= c <= "９" else c for c in text)
    for letter in "./年月日":
        plain = plain.replace(letter, "-")
    parts = [part for part in plain.strip("-").split("-") if part]
    if len(parts) == 1 and len(parts[0]) == 8:
        parts = [parts[0][:4], parts[0][4:6], parts[0][6:]]
    return "-".join([parts[0], *(part.zfill(2) for part in parts[1:])]) if len(parts) == 3 else text


def _check_birth(values: dict[str, str], now: dt.datetime, problems: dict[str, str]) -> None:
    values["birth"] = iso_date(values["birth"])
    if not values["birth"]:
        if "resident_id" in problems:  # a right number fills it
            return
        problems["birth"] = "The birth date is needed"
        return
    try:
        birth = dt.date.fromisoformat(values["birth"])
    except ValueError:
        problems["birth"] = "Not a date"
        return
    if birth > now.date():
        problems["birth"] = "Lies in the future"
    elif now.year - birth.year > OLDEST_YEARS:
        problems["birth"] = "Not a possible value"


def _key(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return str(uuid4())


def _started(text: str, now: dt.datetime) -> dt.datetime:
    """When the form was opened: the time of the entry, so that a form sent twice writes the same twice."""
    try:
        moment = dt.datetime.fromisoformat(text).astimezone(formats.ZONE)
    except ValueError:
        return now
    return moment if now - dt.timedelta(days=1) < moment <= now else now
