"""Of which resources the rows of a view are asked: those of some residents only, those that changed since only."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from shangyi.errors import NotSupported


class Narrowing(NamedTuple):
    """``patients``: keys of residents (``Patient/1``), None for all. ``since``: only what was written after it.

    What belongs to no resident (an Organization) is none of anybody's: it goes where ``patients`` are named.
    """

    patients: tuple[str, ...] | None = None
    since: datetime | None = None

    def __bool__(self) -> bool:
        return self.patients is not None or self.since is not None

    def condition(self, dialect: str, key: str = "patient_key") -> str:
        """Over the flat columns of a table; ``key``: the column that says whose a row is."""
        found = []
        if self.patients is not None:
            whose = {"duckdb": f"{key} in (select unnest($patients))"}
            found.append(whose.get(dialect) or f"array_contains($patients, {key})")
        if self.since is not None:  # of what keeps no instant nobody knows that it is older
            found.append("(last_updated is null or last_updated > $since)")
        return " and ".join(found) or "true"

    def source(self, dialect: str, source: str) -> str:
        """A relation of a type, narrowed."""
        return f"(select * from {source} where {self.condition(dialect)})" if self else source

    @property
    def parameters(self) -> dict[str, Any]:
        """The values that ``condition`` names."""
        found: dict[str, Any] = {}
        if self.patients is not None:
            found["patients"] = list(self.patients)
        if self.since is not None:
            found["since"] = self.since.astimezone(UTC).replace(tzinfo=None)
        return found

    def __str__(self) -> str:
        """For the audit."""
        named = self.patients or ()
        whose = f" of {named[0]}" if len(named) == 1 else f" of {len(named)} residents"
        since = f" since {self.since.isoformat()}" if self.since else ""
        return (whose if self.patients is not None else "") + since


EVERYTHING = Narrowing()


def since_unsupported(name: str) -> NotSupported:
    """A view of the library whose rows tell not when they were written."""
    return NotSupported("The view {name} cannot be asked by what changed since", name=name)
