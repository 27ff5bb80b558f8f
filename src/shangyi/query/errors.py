"""Errors of expressions: each names the place in the text, as line, column and a marked excerpt."""

from typing import ClassVar

from shangyi.errors import Invalid


class ExpressionError(Invalid):
    """The root of what can be wrong with an expression."""

    code: ClassVar[str] = "invalid"
    library: str = ""
    """The library of CQL in which it stands; empty outside of CQL."""

    def __init__(self, text: str, /, *, line: int = 0, column: int = 0, context: str = "", **args: object):
        self.line, self.column, self.context = line, column, context
        super().__init__(text, None, **args)

    def __str__(self) -> str:
        within = f"{self.library}, " if self.library else ""
        place = f" ({within}line {self.line}, column {self.column})\n{self.context}" if self.line else ""
        return super().__str__() + place.rstrip("\n")


class ParseError(ExpressionError):
    """The text is not of the grammar."""

    code: ClassVar[str] = "structure"


class SemanticError(ExpressionError):
    """The expression can never be right for its root type: unknown element, function or type, wrong operand."""


class EvaluationError(ExpressionError):
    """The data does not allow this operation: several items where one is needed, types that do not go together."""

    code: ClassVar[str] = "processing"


def excerpt(text: str, start: int, end: int) -> str:
    """The line of ``text`` that holds ``start``, and under it a mark from ``start`` to ``end``."""
    head = text.rfind("\n", 0, start) + 1
    tail = text.find("\n", start)
    line = text[head : tail if tail >= 0 else len(text)]
    width = max(1, min(end, head + len(line)) - start)
    return f"{line}\n{' ' * (start - head)}{'^' * width}"
