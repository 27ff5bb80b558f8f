"""Values of CQL 1.5.3 at run time (https://cql.hl7.org/09-b-cqlreference.html#types).

| System type | Python |
|---|---|
| Any null | None |
| Boolean, String, Integer, Decimal | bool, str, int, ``decimal.Decimal`` |
| Long | :class:`Long` |
| Date, DateTime, Time | the classes of ``query.temporal``, seconds to the millisecond |
| Quantity, Ratio | ``query.quantity.Quantity``, :class:`Ratio` |
| Interval, List, Tuple | :class:`Interval`, list, :class:`Tuple` |
| Code, Concept, ValueSet, CodeSystem | the classes of that name |
| anything of FHIR | ``query.closures.values.Element`` |

:class:`Uncertainty` is no type of CQL: it is what an operator gives where imprecise dates leave a number open.
"""

from shangyi.query.cql.values.interval import Interval
from shangyi.query.cql.values.numbers import Long
from shangyi.query.cql.values.structures import Ratio, Tuple
from shangyi.query.cql.values.terminology import Code, CodeSystem, Concept, ValueSet
from shangyi.query.cql.values.uncertainty import Uncertainty
from shangyi.query.quantity import Quantity
from shangyi.query.temporal import Date, DateTime, Time

__all__ = [
    "Code",
    "CodeSystem",
    "Concept",
    "Date",
    "DateTime",
    "Interval",
    "Long",
    "Quantity",
    "Ratio",
    "Time",
    "Tuple",
    "Uncertainty",
    "ValueSet",
]
