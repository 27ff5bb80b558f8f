"""Versions of canonical resources: which is newer, and which a reference means.

FHIR leaves the form open (http://hl7.org/fhir/R4/references.html#canonical); most are semantic versions or dates.
A reference may leave parts open: ``1.x`` and ``1.x.x`` mean any version 1 (``x``, ``X`` and ``*`` stand for any part).
"""

import re

_PARTS = re.compile(r"[.\-+]")
_ANY = frozenset("xX*")


def canonical(text: str) -> tuple[str, str | None]:
    """Address and version of ``url|version``."""
    url, _, version = text.partition("|")
    return url, version or None


def order(version: str | None) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts versions: numbers by value, a release after its pre-releases, none before all."""
    if version is None:
        return ()
    core, dash, _ = version.partition("-")
    prerelease = bool(dash) and "." in core
    parts = [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in _PARTS.split(version)]
    return (*parts, (0, -1, "")) if prerelease else (*parts, (0, 0, "~"))


def matches(version: str | None, wanted: str | None) -> bool:
    """Whether ``version`` is what a reference to ``wanted`` may mean."""
    if wanted is None or version == wanted:
        return True
    if version is None:
        return False
    have, want = version.split("."), wanted.split(".")
    if _ANY.isdisjoint(want) or (len(have) != len(want) and want[-1] not in _ANY):
        return False
    return len(have) >= len(want) - 1 and all(w in _ANY or h == w for h, w in zip(have, want, strict=False))
