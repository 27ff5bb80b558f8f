"""What is wrong with a view, said before any data is read."""

from collections.abc import Mapping
from typing import ClassVar

from shangyi.errors import Invalid, Issue
from shangyi.query.errors import ExpressionError


class ViewError(Invalid):
    """Each issue names the element by its FHIRPath; of an expression also the line and column in it."""

    code: ClassVar[str] = "invalid"


class Faults:
    """Issues, gathered so that all are told at once."""

    def __init__(self) -> None:
        self.issues: list[Issue] = []

    def add(
        self,
        place: str,
        text: str,
        /,
        *,
        code: str = "invalid",
        args: Mapping[str, object] | None = None,
        **more: object,
    ) -> None:
        """One fault at an element."""
        self.issues.append(Issue("error", code, text, {**(args or {}), **more}, place))

    def add_expression(self, place: str, error: ExpressionError) -> None:
        """What an expression's error says, with its place in the expression."""
        for issue in error.issues:
            text = "{fault} (line {line}, column {column})" if error.line else "{fault}"
            args = {"fault": issue.diagnostics, "line": error.line, "column": error.column}
            self.issues.append(Issue("error", issue.code, text, args, place))

    def check(self) -> None:
        """ViewError where there is any."""
        if self.issues:
            raise ViewError(self.issues)
