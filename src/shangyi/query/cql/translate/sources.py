"""Where included libraries and models come from: texts by name and version, ModelInfo files."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from shangyi.query.cql.model import Model, built_in, load

_NAME = re.compile(r"^\s*library\s+((?:\"[^\"]*\"|[\w.`])+)(?:\s+version\s+'([^']*)')?", re.MULTILINE)
_MODEL = re.compile(r"<(?:\w+:)?modelInfo\b[^>]*>")
_ATTRIBUTE = re.compile(r"\b(name|version)=\"([^\"]*)\"")


class Sources(Protocol):
    """What a translator asks for the names that a library uses."""

    def library(self, name: str, version: str | None) -> str | None:
        """The text of a library."""

    def libraries(self) -> Iterable[str]:
        """The names of all, for hints."""

    def model(self, name: str, version: str | None) -> Model | None:
        """A model."""

    def models(self) -> Iterable[str]:
        """The names of all, for hints."""


class Texts:
    """Libraries given as texts; models built in and given."""

    def __init__(self, texts: Iterable[str] = (), models: Iterable[Model] = ()) -> None:
        self._texts: dict[str, dict[str | None, str]] = {}
        for text in texts:
            match = _NAME.search(text)
            if match is not None:
                name = match[1].replace('"', "").replace("`", "")
                self._texts.setdefault(name, {})[match[2]] = text
        self._models = {(model.name, model.version): model for model in (built_in("FHIR"), *models)}

    def library(self, name: str, version: str | None) -> str | None:
        """Of the version that is asked for; without one, the only or the last."""
        versions = self._texts.get(name, {})
        if version is not None:
            return versions.get(version)
        return versions[max(versions, key=lambda v: _ordered(v or ""))] if versions else None

    def libraries(self) -> Iterable[str]:
        """All names."""
        return self._texts

    def versions(self, name: str) -> list[str]:
        """The versions of a library that are there."""
        return [v or "" for v in self._texts.get(name, {})]

    def model(self, name: str, version: str | None) -> Model | None:
        """By name and version; without a version, the last."""
        found = [m for (n, v), m in self._models.items() if n == name and version in (None, v)]
        return max(found, key=lambda m: _ordered(m.version)) if found else None

    def models(self) -> Iterable[str]:
        """All names, with versions."""
        return [f"{name} {version}" for name, version in self._models]


def directory(*paths: Path) -> Texts:
    """The CQL files and ModelInfo files of directories; files themselves may be named too."""
    files = [f for path in paths for f in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    texts = [f.read_text(encoding="utf-8-sig") for f in files if f.suffix == ".cql"]
    models = [load(f) for f in files if f.suffix == ".xml" and _is_model(f)]
    return Texts(texts, models)


def _is_model(file: Path) -> bool:
    with file.open(encoding="utf-8", errors="replace") as opened:
        head = opened.read(4096)
    match = _MODEL.search(head)
    return match is not None and bool(_ATTRIBUTE.search(match[0]))


def _ordered(version: str) -> tuple[tuple[int, str], ...]:
    return tuple((int(part) if part.isdigit() else -1, part) for part in version.split("."))
