"""The back end for yes-or-no questions about bare JSON: what the static types decide, without boxing.

It knows a part of the language (paths over known types, existence, comparisons, logic, criteria) and leaves the
rest, expression by expression, to ``closures``. A primitive that has no value of its own but extensions beside it
makes it give up at run time (``Indirect``), and ``closures`` answers the whole question: so both always agree, which
a property test holds.
"""

from shangyi.query.direct.truth import Test, compile_test

__all__ = ["Test", "compile_test"]
