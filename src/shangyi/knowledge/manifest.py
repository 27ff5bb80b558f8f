"""``package.json``: the manifest of a FHIR package (https://confluence.hl7.org/display/FHIR/NPM+Package+Specification)."""

import re
from pathlib import Path

import msgspec

from shangyi.knowledge.errors import PackageError

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_UNKNOWN = re.compile(r" \(byte (\d+)\)")


class Manifest(msgspec.Struct, frozen=True):
    """What a package says of itself. ``titles``: by language; what npm knows besides is left unread."""

    name: str
    version: str
    canonical: str
    title: str
    description: str
    license: str
    author: str
    fhirVersions: tuple[str, ...]
    dependencies: dict[str, str] = {}
    titles: dict[str, str] = {}
    descriptions: dict[str, str] = {}

    def title_in(self, language: str) -> str:
        """Its title in a language, else in English."""
        return self.titles.get(language, self.title)

    def description_in(self, language: str) -> str:
        """What it is, in a language, else in English."""
        return self.descriptions.get(language, self.description)


def read(file: Path) -> Manifest:
    """The manifest; PackageError where it is none."""
    if not file.is_file():
        raise PackageError("There is no package.json: this is no knowledge package", file=file.parent)
    body = file.read_bytes()
    try:
        manifest = msgspec.json.decode(body, type=Manifest)
    except msgspec.DecodeError as error:
        line, column = _place(body, str(error))
        reason = _UNKNOWN.sub("", str(error))
        raise PackageError(
            "The manifest cannot be read: {reason}", file=file, line=line, column=column, reason=reason
        ) from None
    if not _NAME.fullmatch(manifest.name):
        raise PackageError("{name} is no name of a package", file=file, name=manifest.name)
    if not any(version.startswith("4.0") for version in manifest.fhirVersions):
        found = ", ".join(manifest.fhirVersions)
        raise PackageError("This is a package of FHIR {found}; FHIR 4.0.1 is needed", file=file, found=found)
    return manifest


def _place(body: bytes, message: str) -> tuple[int, int]:
    """Line and column of the byte that a message of the decoder names; 0, 0 where it names none."""
    match = _UNKNOWN.search(message)
    if match is None:
        return 0, 0
    before = body[: int(match[1])].decode("utf-8", errors="replace")
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
