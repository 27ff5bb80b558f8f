"""``pages/gaps.yaml``: what an open gap asks for. A gap: a resident of a denominator who is not in the numerator."""

from pathlib import Path
from typing import Any, Literal

import msgspec

from shangyi.knowledge.errors import PackageError
from shangyi.query.cql.library import Program


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text in the console's languages."""

    zh: str
    en: str

    def of(self, language: str) -> str:
        """In this language, English where it is another."""
        return self.zh if language.startswith("zh") else self.en


class Gap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One. ``grade`` 1 (cannot wait) to 4 sorts the list; ``why`` is a template over ``facts``, by definition of the
    library; ``never`` is said instead where ``since``, one of the facts, has nothing."""

    measure: str
    group: str
    grade: Literal[1, 2, 3, 4]
    tag: Words
    why: Words
    next: Words
    facts: dict[str, str] = {}
    since: str = ""
    never: Words | None = None


class Gaps(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    gaps: tuple[Gap, ...] = ()


def read(
    file: Path, measures: dict[str, dict[str, Any]], programs: dict[str, Program], errors: list[PackageError]
) -> tuple[Gap, ...]:
    """The gaps of a package; what is wrong goes to ``errors``."""
    if not file.is_file():
        return ()
    try:
        found = msgspec.yaml.decode(file.read_bytes(), type=Gaps).gaps
    except msgspec.DecodeError as error:
        errors.append(PackageError("This cannot be read: {reason}", file=file, reason=str(error)))
        return ()
    for gap in found:
        measure = measures.get(gap.measure)
        groups = [group.get("id") for group in (measure or {}).get("group", [])]
        if measure is None or gap.group not in groups:
            errors.append(
                PackageError("The package has no rate {name}", file=file, name=f"{gap.measure}/{gap.group}")
            )
            continue
        named = programs[str(measure["library"][0]).split("|")[0].rpartition("/")[2]].main.named
        errors += [
            PackageError("{name} is not defined", file=file, name=name)
            for name in gap.facts.values()
            if name not in named
        ]
    return found
