"""Codes, concepts, and references to value sets and code systems."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A code of a system, which is named by its URL."""

    code: str | None
    system: str | None = None
    version: str | None = None
    display: str | None = None

    def __str__(self) -> str:
        shown = f" display {self.display!r}" if self.display else ""
        return f"Code {self.code!r} from {self.system!r}{shown}"


@dataclass(frozen=True, slots=True)
class Concept:
    """Codes of one meaning."""

    codes: tuple[Code | None, ...]
    display: str | None = None

    def __str__(self) -> str:
        return "Concept { " + ", ".join(map(str, self.codes)) + " }"


@dataclass(frozen=True, slots=True)
class CodeSystem:
    """A reference to a code system."""

    id: str | None
    version: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ValueSet:
    """A reference to a value set; ``codesystems`` overrides versions."""

    id: str | None
    version: str | None = None
    name: str | None = None
    codesystems: tuple[CodeSystem, ...] = ()
