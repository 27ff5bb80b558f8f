"""Data models: ModelInfo (urn:hl7-org:elm-modelinfo:r1) read into types, elements, conversions and contexts.

System and FHIR 4.0.1 are built in (``tables``); others (QI-Core, US-Core) are read from their ModelInfo files.
"""

from shangyi.query.cql.model.info import ClassInfo, Conversion, Element, Model
from shangyi.query.cql.model.read import built_in, load

__all__ = ["ClassInfo", "Conversion", "Element", "Model", "built_in", "load"]
