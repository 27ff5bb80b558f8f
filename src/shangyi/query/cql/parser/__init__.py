"""CQL text to a syntax tree, by hand: precedence as in the grammar (https://cql.hl7.org/19-l-cqlsyntaxdiagrams.html).

Each layer knows one part of the language and the layers below it: ``cursor`` tokens, ``specifiers`` types, ``terms``,
``timing``, ``operators``, ``queries``, ``definitions``.
"""

from shangyi.query.cql.parser.definitions import parse, parse_expression

__all__ = ["parse", "parse_expression"]
