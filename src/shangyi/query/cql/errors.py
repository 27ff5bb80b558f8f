"""What can be wrong with CQL: each error names the library, the place, what was expected and what is near."""

import difflib
from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from shangyi.errors import Issue
from shangyi.query.errors import ExpressionError

_HINT = "{message}; did you mean {near}?"


class CqlError(ExpressionError):
    """An error in a library. ``end_line`` and ``end_column`` close what it marks; ``near`` is what may be meant."""

    def __init__(
        self,
        text: str,
        /,
        *,
        library: str = "",
        line: int = 0,
        column: int = 0,
        end_line: int = 0,
        end_column: int = 0,
        context: str = "",
        near: tuple[str, ...] = (),
        **args: object,
    ):
        self.library, self.near = library, near
        self.end_line, self.end_column = end_line or line, end_column or column
        super().__init__(text, line=line, column=column, context=context, **args)
        if line:
            place = f"{library or 'CQL'}:{line}:{column}"
            self.issues = tuple(replace(issue, place=place) for issue in self.issues)

    def __str__(self) -> str:
        message = self.issues[0].diagnostics
        if self.near:
            message = _HINT.format(message=message, near=", ".join(self.near))
        place = f"{self.library or 'CQL'}:{self.line}:{self.column}: " if self.line else ""
        return place + message + (f"\n{self.context}" if self.context else "")


class CqlSyntaxError(CqlError):
    """The text is not of the grammar."""

    code: ClassVar[str] = "structure"


class CqlSemanticError(CqlError):
    """The text is of the grammar and means nothing: unknown names, types that do not go together, cycles."""


class CqlErrors(CqlError):
    """All that is wrong with a library, in the order of the text; ``errors`` has each with its place."""

    def __init__(self, errors: Iterable[CqlError]):
        self.errors = tuple(errors)
        first = self.errors[0]
        super().__init__(
            "{errors}",
            errors="\n".join(map(str, self.errors)),
            library=first.library,
            near=first.near,
        )
        self.line, self.column = first.line, first.column
        self.issues: tuple[Issue, ...] = tuple(issue for error in self.errors for issue in error.issues)

    def __str__(self) -> str:
        return "\n".join(map(str, self.errors))


def near(name: str, known: Iterable[str], most: int = 3) -> tuple[str, ...]:
    """The known names that are most like one, its other capitals first."""
    names = list(dict.fromkeys(known))
    same = [other for other in names if other.lower() == name.lower() and other != name]
    return tuple(dict.fromkeys([*same, *difflib.get_close_matches(name, names, most, 0.7)]))[:most]
