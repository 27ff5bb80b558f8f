"""What is wrong with a view, said before any data is read."""

from collections.abc import Mapping
from typing import ClassVar

from shangyi.errors import Invalid, Issue
from shangyi.i18n import PLACE
from shangyi.query.errors import ExpressionError
from shangyi.query.tree import Span


class ViewError(Invalid):
    """Each issue names the element by its FHIRPath; of an expression also the line and column in it."""

    code: ClassVar[str] = "invalid"


def placed(issue: Issue, place: str, line: int, column: int) -> Issue:
    """The same of an element, with line and column in its expression."""
    args = {**issue.args, "line": line, "column": column}
    return Issue("error", issue.code, issue.text + PLACE, args, place)


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
            if error.line:
                self.issues.append(placed(issue, place, error.line, error.column))
            else:
                self.issues.append(Issue("error", issue.code, issue.text, issue.args, place))

    def add_at(self, place: str, span: Span, text: str, /, **args: object) -> None:
        """One fault within the expression at an element."""
        self.issues.append(placed(Issue("error", "invalid", text, args), place, span.line, span.column))

    def check(self) -> None:
        """ViewError where there is any."""
        if self.issues:
            raise ViewError(self.issues)
