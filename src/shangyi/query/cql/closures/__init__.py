"""The bedside back end of CQL: a program compiled once to Python closures, then run for one resident after another.

In: a ``library.Program``; for a run a resident's resources (``Data``), terminology, parameters, an instant. Out: the
value of each definition, or the fault that it met, with its place in the source.
"""

from shangyi.query.cql.closures.data import Data, Resources
from shangyi.query.cql.closures.evaluation import Evaluation, Limits, Message
from shangyi.query.cql.closures.program import Engine, Fault
from shangyi.query.cql.closures.terminology import Codes

__all__ = ["Codes", "Data", "Engine", "Evaluation", "Fault", "Limits", "Message", "Resources"]
