"""What is wrong with a package: each fault with its file and, where it has one, its line and column."""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from shangyi.errors import Invalid, Issue


class PackageError(Invalid):
    """A file of a package that cannot be used."""

    code: ClassVar[str] = "structure"

    def __init__(
        self,
        text: str,
        /,
        *,
        file: Path | str,
        line: int = 0,
        column: int = 0,
        near: tuple[str, ...] = (),
        **args: object,
    ):
        self.file, self.line, self.column, self.near = str(file), line, column, near
        super().__init__(text, self.place, **args)

    @property
    def place(self) -> str:
        """``file``, or ``file:line:column``."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def __str__(self) -> str:
        hint = f" ({', '.join(self.near)}?)" if self.near else ""
        return f"{self.place}: {self.issues[0].diagnostics}{hint}"


class PackageErrors(PackageError):
    """All that is wrong with a package; ``errors`` has each."""

    def __init__(self, errors: Iterable[PackageError]):
        self.errors = tuple(errors)
        first = self.errors[0]
        text = "\n".join(map(str, self.errors))
        super().__init__("{errors}", errors=text, file=first.file, line=first.line, column=first.column)
        self.issues: tuple[Issue, ...] = tuple(issue for error in self.errors for issue in error.issues)

    def __str__(self) -> str:
        return "\n".join(map(str, self.errors))
