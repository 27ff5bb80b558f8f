"""The operators of CQL over values, by their names in ELM.

``PURE`` ones need their operands only (and the precision, as ``precision=``), ``CONTEXTUAL`` ones the evaluation
as well: its instant, offset and terminology.
"""

from shangyi.query.cql.operators.contextual import CONTEXTUAL
from shangyi.query.cql.operators.names import PURE

__all__ = ["CONTEXTUAL", "PURE"]
