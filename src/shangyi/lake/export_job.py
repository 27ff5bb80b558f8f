"""An export of views as it lies on the disk: what was asked, how far it is, and its files.

``request.json`` is written once and is the export: whoever cancels removes it, and the process at work sees that it is
gone. ``state.json`` is written by the process at work alone, which holds ``lock``. So any process of the server tells how
far an export is, and that nobody works on it any more.
"""

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from shangyi.errors import Issue, NotFound
from shangyi.lake.narrowing import Narrowing
from shangyi.store.embedded.lease import Claim, claim

KEPT = timedelta(hours=24)
"""How long an export and its files stay after its end."""
ACCEPTED, IN_PROGRESS, COMPLETED, FAILED = "accepted", "in-progress", "completed", "failed"
"""http://sql-on-fhir.org/ValueSet/ExportStatusCodes; a cancelled one is not there any more."""
ID = re.compile(r"[0-9]{14}-[0-9a-f]{16}")
RESTARTED = Issue(
    "error",
    "incomplete",
    "The server ended while it worked on this export: begin it again, nothing of it is kept",
)


@dataclass(frozen=True)
class Output:
    """One view. ``view``: a name of the library, or a ViewDefinition; ``type``: its resource type; ``file``: its name."""

    name: str
    file: str
    type: str
    view: str | Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """What was asked. ``who``: the principal's id; ``area``: the leading digits of the area that the rows are of."""

    id: str
    who: str
    area: str
    created: datetime
    format: str
    outputs: Sequence[Output]
    narrowing: Narrowing
    tracking: str | None = None


@dataclass
class State:
    """How far it is. ``share``: 0 to 1; ``rows``: by output."""

    status: str = ACCEPTED
    started: str | None = None
    ended: str | None = None
    share: float = 0.0
    rows: list[int] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in (COMPLETED, FAILED)

    @property
    def seconds(self) -> float:
        """How long it has taken, or took."""
        begun = datetime.fromisoformat(self.started) if self.started else now()
        return ((datetime.fromisoformat(self.ended) if self.ended else now()) - begun).total_seconds()

    @property
    def remaining(self) -> int | None:
        """Seconds, by what is done; None while nothing is."""
        return round(self.seconds / self.share * (1 - self.share)) if self.share > 0 else None

    @property
    def expires(self) -> datetime | None:
        """When it goes."""
        return datetime.fromisoformat(self.ended) + KEPT if self.ended else None


class ExportJobs:
    """The directory of exports."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def create(self, request: Request) -> Claim:
        """Keep a request; whoever has the claim works on it."""
        place = self.directory / request.id
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.mkdir(mode=0o700)
        mine = claim(place / "lock")
        assert mine is not None  # nobody knows of it yet
        _write(place / "request.json", asdict(request) | {"narrowing": _narrowing(request.narrowing)})
        return mine

    def place(self, id: str) -> Path:
        """Its directory. NotFound for what is no id."""
        if not ID.fullmatch(id):
            raise _unknown()
        return self.directory / id

    def request(self, id: str) -> Request:
        """What was asked. NotFound where it is cancelled, expired, or never was."""
        try:
            kept = json.loads((self.place(id) / "request.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise _unknown() from None
        since, patients = kept["narrowing"]["since"], kept["narrowing"]["patients"]
        return Request(
            **{
                **kept,
                "created": datetime.fromisoformat(kept["created"]),
                "outputs": [Output(**output) for output in kept["outputs"]],
                "narrowing": Narrowing(
                    tuple(patients) if patients is not None else None,
                    datetime.fromisoformat(since) if since else None,
                ),
            }
        )

    def exists(self, id: str) -> bool:
        """Whether it is still wanted."""
        return (self.place(id) / "request.json").exists()

    def state(self, id: str) -> State:
        """How far it is; failed where its process ended. NotFound where it is over for long."""
        state = self._state(id)
        if not state.over and (free := claim(self.place(id) / "lock")) is not None:
            try:
                state = self._state(id)  # its process may have come to its end in between
                if not state.over:
                    state.status, state.ended, state.issues = FAILED, now().isoformat(), [RESTARTED]
                    self.discard_files(id)
                    self.keep(id, state)
            finally:
                free.release()
        if state.expires is not None and state.expires < now():
            self.remove(id)
            raise _unknown()
        return state

    def _state(self, id: str) -> State:
        try:
            kept = json.loads((self.place(id) / "state.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return State()
        return State(**kept | {"issues": [Issue(**issue) for issue in kept["issues"]]})

    def keep(self, id: str, state: State) -> None:
        """Write how far it is, whole or not at all."""
        _write(self.place(id) / "state.json", asdict(state))

    def discard_files(self, id: str) -> None:
        """Remove what was written of an export that comes to nothing."""
        for path in (self.place(id) / "files").glob("*"):
            path.unlink(missing_ok=True)

    def remove(self, id: str) -> None:
        """Remove it; a process at work stops when it sees this, and removes what it still wrote."""
        (self.place(id) / "request.json").unlink(missing_ok=True)
        shutil.rmtree(self.place(id), ignore_errors=True)

    def ids(self) -> Iterator[str]:
        """All that there are, the newest first."""
        found = sorted(self.directory.iterdir(), reverse=True) if self.directory.is_dir() else ()
        return (place.name for place in found if ID.fullmatch(place.name))

    def sweep(self) -> None:
        """Remove what expired, and what cancelled ones left."""
        for id in self.ids():
            try:
                self.state(id)
            except (NotFound, OSError):
                continue
            if not self.exists(id) and (free := claim(self.place(id) / "lock")) is not None:
                free.release()
                self.remove(id)


def now() -> datetime:
    """The present instant, to the millisecond, in UTC."""
    found = datetime.now(UTC)
    return found.replace(microsecond=found.microsecond // 1000 * 1000)


def new_id() -> str:
    """An id that nobody guesses."""
    return f"{now():%Y%m%d%H%M%S}-{secrets.token_hex(8)}"


def _narrowing(narrowing: Narrowing) -> dict[str, Any]:
    return {
        "patients": narrowing.patients,
        "since": narrowing.since.isoformat() if narrowing.since else None,
    }


def _unknown() -> NotFound:
    return NotFound("There is no such export: it was cancelled, its time is over, or it never was")


def _write(path: Path, value: Mapping[str, Any]) -> None:
    part = path.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, default=str)
    os.replace(part, path)
