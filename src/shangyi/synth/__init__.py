"""A synthetic county: residents with ten years of record, thin streams of the rest, hidden outbreaks.

In: a number of residents, a seed, a last day. Out: FHIR R4 resources, tables, a map, and the truth apart.
Every rate, code and text stands in ``data/`` with its source; the code knows no disease. See docs/synth.md.

``generate`` yields resources one by one; ``lines`` yields them as JSON lines, made by several processes, in
the same order; ``write`` fills a folder.
"""

from shangyi.synth.county import geojson
from shangyi.synth.output import lines, write
from shangyi.synth.stream import generate

__all__ = ["generate", "geojson", "lines", "write"]
