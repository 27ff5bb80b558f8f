"""The back end for one resource: closures, a file for each section of the specification."""

from shangyi.query.closures.compiler import FUNCTIONS, compile_tree

__all__ = ["FUNCTIONS", "compile_tree"]
