"""What really happened: every hidden outbreak with its cases, for whoever judges a detector."""

from datetime import date
from typing import Any

from shangyi.synth.build import iso
from shangyi.synth.county import county
from shangyi.synth.notifiable import numbered
from shangyi.synth.outbreaks import outbreaks
from shangyi.synth.tables import table


def truth(seed: int, first: int, last: int) -> dict[str, Any]:
    """Outbreaks by start; ``excess`` counts cases with onset by the last day, ``cases`` those reported by then."""
    ids: dict[str, list[str]] = {}
    for year in range(date.fromordinal(first).year, date.fromordinal(last).year + 1):
        for number, case in numbered(seed, first, last, year):
            if case.outbreak:
                ids.setdefault(case.outbreak, []).append(f"Condition/case-{number}")
    found = []
    for outbreak in outbreaks(seed, first, last):
        disease = table("notifiable")["diseases"][outbreak.disease]
        found.append(
            {
                "id": outbreak.id,
                "kind": outbreak.kind,
                "real": outbreak.real,
                "code": disease["code"],
                "disease": disease["zh"],
                "pathogen": outbreak.pathogen,
                "start": iso(outbreak.start),
                "end": iso(min(outbreak.end, last)),
                "running": outbreak.end >= last,
                "excess": len(outbreak.onsets),
                "planned": outbreak.planned,
                "divisions": [v.code for v in outbreak.villages]
                if len(outbreak.villages) < 40
                else [county().division],
                "institution": f"Organization/{outbreak.place.id}" if outbreak.place else None,
                "cases": ids.get(outbreak.id, []),
            }
        )
    return {"seed": seed, "from": iso(first), "until": iso(last), "outbreaks": found}
