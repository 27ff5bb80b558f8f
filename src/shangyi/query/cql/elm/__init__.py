"""ELM JSON (https://cql.hl7.org/elm.html): typed programs written and read."""

from shangyi.query.cql.elm.read import read
from shangyi.query.cql.elm.write import write

__all__ = ["read", "write"]
