"""Which entries of a record were corrected, why, by whom, and what stood there before: from their Provenance."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shangyi.web import formats
from shangyi.web.components.timeline import Correction
from shangyi.web.provenance import OPERATION
from shangyi.web.resident.reading import codes, of_type, words

Resource = dict[str, Any]
Corrections = Mapping[str, Sequence[Correction]]
"""By reference of the entry, the newest first."""


def corrections(resources: Iterable[Resource], language: str) -> Corrections:
    """Every correction that a Provenance among ``resources`` tells of."""
    found: dict[str, list[Correction]] = defaultdict(list)
    said = of_type(resources, "Provenance")
    for provenance in sorted(said, key=lambda p: str(p.get("recorded", "")), reverse=True):
        if "UPDATE" not in codes(provenance.get("activity"), OPERATION):
            continue
        for entity in provenance.get("entity", ()):
            reference, _, version = entity.get("what", {}).get("reference", "").partition("/_history/")
            if entity.get("role") == "revision" and version.isdigit():
                found[reference].append(
                    Correction(
                        day=formats.day(provenance.get("recorded"), language),
                        who=next((a["who"].get("display", "") for a in provenance.get("agent", ())), ""),
                        why=words(next(iter(provenance.get("reason", ())), None)),
                        before=f"/records/{reference}/{version}",
                    )
                )
    return found
