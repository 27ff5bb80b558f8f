"""SQL and views for people who analyse: somebody's questions to a lake, bounded by what they may read, and recorded.

In: a text of SQL, the name of a view, or a ViewDefinition; and who asks. Out: an ``Answer``. See docs/analysis.md.
"""

import builtins
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote, urlsplit

from shangyi.access import Area, Origin, Principal, Role
from shangyi.access.audit.event import Event
from shangyi.access.audit.spool import Spool
from shangyi.access.session import Recording
from shangyi.errors import Invalid, NotFound, NotSupported
from shangyi.lake import library, manifest
from shangyi.lake.answer import Answer
from shangyi.lake.asked import Asked, Reach
from shangyi.lake.engine import Parameters
from shangyi.lake.engines import Engines
from shangyi.lake.manifest import NAME
from shangyi.lake.materialisation import Standing, standings
from shangyi.lake.narrowing import EVERYTHING, Narrowing
from shangyi.settings import Settings

if TYPE_CHECKING:
    from shangyi.access import Session

SUBTYPE = "sql"
OWNER = Principal("owner", "owner", "Owner of this installation", Role.OWNER, Area())


class Analyst:
    """Somebody who asks. Every question is decided, bounded and leaves an AuditEvent with its text and its rows."""

    def __init__(
        self,
        engines: Engines,
        principal: Principal,
        recording: Callable[[str], AbstractContextManager[Recording | None]],
    ) -> None:
        self.engines, self.reach, self._recording = engines, Reach.of(principal), recording

    @classmethod
    def of(cls, engines: Engines, session: "Session") -> Self:
        """In a session."""
        return cls(engines, session.principal, lambda text: session.recording(SUBTYPE, "E", query=text))

    def sql(self, text: str, params: Parameters | None = None, *, limit: int | None = None) -> Answer:
        """The rows of one query.

        Raises Invalid with line and column where it is no query, Forbidden with the reason where it may not be asked,
        Unavailable where it takes too long, TooLarge where it needs too much memory.
        """
        return self._ask(text, lambda engine: engine.ask(text, params, limit))

    def view(
        self,
        view: str | Path | Mapping[str, Any],
        *,
        limit: int | None = None,
        patient: str | None = None,
        narrowing: Narrowing = EVERYTHING,
    ) -> Answer:
        """The rows of a view: its name in the library, the path of a ViewDefinition, or one as plain JSON.

        ``patient``: the key of a resident (``Patient/1``), whose rows alone are given; ``narrowing`` says more than that.
        Raises NotFound, ViewError with the element and the line and column in its path, and what ``sql`` raises.
        """
        found = self.named(view)
        if patient is not None:
            narrowing = narrowing._replace(patients=(patient,))
        return self._ask(described(found, narrowing), lambda engine: engine.view(found, limit, narrowing))

    def named(self, view: str | Path | Mapping[str, Any]) -> str | Mapping[str, Any]:
        """The name of a view of the library or of one that is kept, else the ViewDefinition."""
        if isinstance(view, str) and (name := view.replace("-", "_")) in self._names():
            return name
        return view if isinstance(view, Mapping) else read(Path(view))

    def check(self, view: str | Mapping[str, Any], narrowing: Narrowing = EVERYTHING) -> None:
        """Raises what ``view`` would, before any data is read; asks nothing and records nothing."""
        with self.engines.engine(self.reach) as engine:
            engine.planned(view, narrowing)

    def _names(self) -> frozenset[str]:
        """The views of the library, and those that are kept beside the lake."""
        current = manifest.read(self.engines.directory)
        return frozenset((*library.names(), *(current.views if current else ())))

    def _ask(self, text: str, ask: Callable[[Asked], Answer]) -> Answer:
        with self._recording(text) as recording:
            with self.engines.engine(self.reach) as engine:
                answer = ask(engine)
            if recording is not None:
                recording.event.detail["rows"] = len(answer)
            return answer

    def describe(self) -> builtins.list[dict[str, Any]]:
        """The views that may be read: name, titles, what they hold, columns. Reads no record."""
        with self.engines.engine(self.reach) as engine:
            return engine.describe()

    def tables(self) -> dict[str, builtins.list[str]]:
        """What can stand after ``from``, each with its columns: views of the library, and ``fhir.Type``."""
        with self.engines.engine(self.reach) as engine:
            found = {
                view["name"]: [column["name"] for column in view["columns"]] for view in engine.describe()
            }
            if self.reach.persons:
                for name in sorted(self.reach.types.intersection(engine.lake.tables())):
                    found[f"fhir.{name}"] = [column.name for column in engine.lake.schema(name)]
            return found


def described(view: str | Mapping[str, Any], narrowing: Narrowing) -> str:
    """A view for the audit."""
    if isinstance(view, str):
        return f"view {view}{narrowing}"
    return f"view{narrowing} " + json.dumps(view, ensure_ascii=False, separators=(",", ":"), default=str)


class Population(Analyst):
    """A lake that its owner has opened: ``shangyi.open(…)``. Close it, or use ``with``."""

    def kept(self) -> builtins.list[Standing]:
        """The views that are kept beside the lake, and how far at its present version."""
        current = manifest.read(self.engines.directory)
        return standings(current) if current else []

    def close(self) -> None:
        """Let go of the lake."""
        self.engines.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open(place: str | Path, settings: Settings | None = None) -> Population:
    """Open a lake as whoever may read its directory: the lake itself, or the SHANGYI_HOME that holds one.

    ``place``: a path or a ``file:`` URL. Questions to the lake of a home leave an AuditEvent there; a lake apart from any
    home has no record of its own to keep them in. Raises NotFound, NotSupported for another kind of URL.
    """
    directory = _directory(place)
    if not (directory / NAME).exists() and (directory / "lake" / NAME).exists():
        directory = directory / "lake"
    home = directory.parent
    engines = Engines(directory.absolute(), settings)
    engines.token()  # NotFound now, not at the first question
    return Population(engines, OWNER, owner_recording(home) if (home / "audit").is_dir() else _unrecorded)


def _directory(place: str | Path) -> Path:
    if isinstance(place, Path) or ("://" not in place and not place.startswith("file:")):
        return Path(place).expanduser()
    parts = urlsplit(place)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        raise NotSupported("{place} cannot be opened: give a directory or a file: URL", place=place)
    return Path(unquote(parts.path))


def _unrecorded(text: str) -> AbstractContextManager[None]:
    return nullcontext()


def owner_recording(home: Path) -> Callable[[str], Recording]:
    """Records in the spool of a home; its server, or its next start, takes the events over."""
    spool = Spool(home / "audit")

    def recording(text: str) -> Recording:
        spool.require_room()
        return Recording(Event(SUBTYPE, "E", OWNER, Origin(), "HSYSADMIN", query=text), spool.append)

    return recording


def read(path: Path) -> Mapping[str, Any]:
    """A ViewDefinition in a file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NotFound(
            "There is no view {name}: neither in the library nor as a file", name=str(path)
        ) from error
    except ValueError as error:
        raise Invalid("{path} is not JSON: {reason}", path=str(path), reason=str(error)) from error
    if not isinstance(found, dict):
        raise Invalid("{path} holds no ViewDefinition", path=str(path))
    return found
