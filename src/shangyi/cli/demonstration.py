"""What ``demo`` has set up so far, kept in ``demo.json`` of the home (mode 0600), and the steps that it consists of.

The passwords and the token stand there in clear, so that a second start can show them: they open accounts for
looking around, on data about nobody. Each step is written down before it is taken and can be taken again.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from shangyi.access import Access
from shangyi.access.passwords import generate_password
from shangyi.errors import Conflict
from shangyi.store.model import SearchRequest
from shangyi.wiring import Opened

FILE = "demo.json"
TOKEN_DAYS = 30
FILE_RESOURCES = 4000


@dataclass
class Demo:
    """An account for looking around."""

    name: str
    role: str
    meaning: str
    password: str

    def to_json(self) -> dict[str, str]:
        """As a dict."""
        return asdict(self)


ROLES = (
    ("admin", "administrator", "administrator"),
    ("doctor", "clinician", "family doctor with a panel, one town"),
    ("cdc", "epidemiologist", "epidemiologist of the county (疾控)"),
    ("analyst", "analyst", "analyst: figures, no persons"),
    ("reader", "reader", "reader of one town"),
)


@dataclass
class State:
    """How far the set-up is."""

    residents: int
    seed: int
    until: str
    loaded: str | None = None
    accounts: list[Demo] = field(default_factory=list)
    token: str = ""
    token_expires: str = ""

    @classmethod
    def read(cls, home: Path) -> "State | None":
        """What is kept in the home; None where nothing is, or nothing that can be read."""
        try:
            kept = json.loads((home / FILE).read_text(encoding="utf-8"))
            return cls(**{**kept, "accounts": [Demo(**account) for account in kept["accounts"]]})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, home: Path) -> None:
        """Keep it, whole or not at all, for the owner's eyes only."""
        part = home / f"{FILE}.part"
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        part.replace(home / FILE)


PERSONS = {"admin": "陈建国", "doctor": "李敏", "cdc": "王芳", "analyst": "赵磊", "reader": "刘洋"}
"""Who signs in; the doctor carries the name of the practitioner whose panel it is, where there is one."""


def person(access: Access, name: str, practitioner: str | None) -> str:
    """The name that the console greets an account by."""
    if practitioner:
        found = access.owner_session().read(*practitioner.split("/", 1)).resource
        written = next((n["text"] for n in found.get("name", []) if n.get("text")), "")
        return str(written) or PERSONS[name]
    return PERSONS[name]


def places(access: Access) -> tuple[str, str, str | None]:
    """County and town (12-digit codes) and the practitioner with the largest panel among some residents."""
    from shangyi.synth.county import county

    panels: Counter[tuple[str, str]] = Counter()
    page = access.owner_session().search(SearchRequest("Patient", [("_count", "1000")]))
    for version in page.matches:
        resource = version.resource
        doctors = [r.get("reference", "") for r in resource.get("generalPractitioner", [])]
        codes = [
            e["valueCoding"]["code"]
            for a in resource.get("address", [])
            for e in a.get("extension", [])
            if e.get("url", "").endswith("/division") and "valueCoding" in e
        ]
        panels.update((doctor, code[:9] + "000") for doctor in doctors[:1] for code in codes[:1])
    here = county().division
    if not panels:
        return here, county().towns[0].code, None
    (doctor, town), _ = panels.most_common(1)[0]
    return here, town, doctor if doctor.startswith("Practitioner/") else None


def accounts(access: Access, state: State, home: Path) -> None:
    """One account for each role, with the password of ``state``."""
    known = {account.name for account in state.accounts}
    missing = [role for role in ROLES if role[0] not in known]
    if not missing:
        return
    county, town, doctor = places(access)
    owner = access.administration(access.owner_session())
    areas = {"admin": "*", "doctor": town, "cdc": county, "analyst": county, "reader": town}
    for name, role, meaning in missing:
        password = generate_password()
        practitioner = doctor if role == "clinician" else None
        try:
            owner.create_account(
                name,
                role,
                areas[name],
                password,
                display=person(access, name, practitioner),
                practitioner=practitioner,
                must_change=False,
            )
        except Conflict:
            access.accounts.set_password(access.accounts.get(name).id, password)
        state.accounts.append(Demo(name, role, meaning, password))
        state.write(home)


def token(access: Access, state: State, home: Path) -> None:
    """A bearer token that is valid for a day at least."""
    if state.token and datetime.fromisoformat(state.token_expires) > datetime.now(UTC) + timedelta(days=1):
        return
    made = access.administration(access.owner_session()).create_token(
        "demo", "clinician", places(access)[0], timedelta(days=TOKEN_DAYS)
    )
    state.token, state.token_expires = made.secret, made.token.expires.isoformat()
    state.write(home)


def files(state: State, folder: Path, told: Callable[[int, int], None]) -> Iterator[Path]:
    """The county as NDJSON files, each there while it is read; made by processes of their own, a little ahead."""
    from shangyi.synth import lines

    last = date.fromisoformat(state.until)
    made = lines(state.residents, state.seed, last, processes=2, progress=told)
    for number in count():
        body = b"".join(line + b"\n" for _, line in islice(made, FILE_RESOURCES))
        if not body:
            return
        path = folder / f"county-{number:05}.ndjson"
        path.write_bytes(body)
        yield path
        path.unlink()


def load(opened: Opened, state: State, update: Callable[..., None]) -> int:
    """Generate and load side by side; what is there already is not written again. How many were refused."""
    from shangyi.store.load import load as bulk_load
    from shangyi.store.load.report import Progress, Report

    share = [0, 1]

    def told(done: int, total: int) -> None:
        share[:] = [done, total]

    def seen(progress: Progress) -> None:
        # Parts say how far it is, resources say how fast.
        ratio = share[0] / share[1]
        update(progress.resources, progress.resources / ratio if ratio else None)

    with TemporaryDirectory(prefix="county-") as folder:

        def work(_: object) -> Report:
            return bulk_load(opened.store, files(state, Path(folder), told), workers=1, progress=seen)

        report = opened.access.system_session("demo").load("synthetic county", work)
    return report.refused
