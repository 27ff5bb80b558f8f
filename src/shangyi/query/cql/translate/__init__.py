"""The translator: a syntax tree to the typed tree (https://cql.hl7.org/06-translationsemantics.html).

``relations``, ``conversions``, ``overloads``, ``signatures`` know types; ``names`` … ``functions`` expressions, each the
layers before it; ``compiler`` one library; ``program`` a library and what it includes; ``sources`` where those are.
"""

from shangyi.query.cql.translate.program import translate
from shangyi.query.cql.translate.sources import Sources, Texts, directory

__all__ = ["Sources", "Texts", "directory", "translate"]
