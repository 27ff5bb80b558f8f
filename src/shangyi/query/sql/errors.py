"""What SQL has no form for."""

from typing import ClassVar

from shangyi.query.errors import ExpressionError


class CompilationError(ExpressionError):
    """The expression is right, but cannot be written as SQL over these columns; said before any data is read."""

    code: ClassVar[str] = "not-supported"
