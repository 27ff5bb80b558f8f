"""The one root of every error that crosses a package border, each knowing its OperationOutcome.

Codes and severities are those of FHIR R4 (http://hl7.org/fhir/R4/valueset-issue-type.html). The text of an
issue is an English template with named fields, so that a page can show the same issue in another language:
``translate(issue.text).format(**issue.args)``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Issue:
    """One OperationOutcome.issue.

    ``expression`` is the FHIRPath of the element at fault (``Patient.name[0].given[1]``), or None.
    ``text`` is an English template, ``args`` its fields.
    """

    severity: str
    code: str
    text: str
    args: Mapping[str, object] = field(default_factory=dict)
    expression: str | None = None
    place: str | None = None
    """Where in a source text: ``library:line:column``."""

    @property
    def diagnostics(self) -> str:
        """The English sentence."""
        return self.text.format(**self.args) if self.args else self.text

    def to_fhir(self) -> Resource:
        """The issue as an element of OperationOutcome."""
        told = f"{self.place}: {self.diagnostics}" if self.place else self.diagnostics
        issue: Resource = {"severity": self.severity, "code": self.code, "diagnostics": told}
        if self.expression:
            issue["expression"] = [self.expression]
        return issue


def operation_outcome(issues: Iterable[Issue]) -> Resource:
    """An OperationOutcome resource of these issues."""
    return {"resourceType": "OperationOutcome", "issue": [issue.to_fhir() for issue in issues]}


class ShangyiError(Exception):
    """The root. ``status`` is the HTTP status, ``code`` the issue type of a single-sentence error."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "exception"

    def __init__(self, text: str | Iterable[Issue], /, expression: str | None = None, **args: object) -> None:
        if isinstance(text, str):
            self.issues: tuple[Issue, ...] = (Issue("error", self.code, text, args, expression),)
        else:
            self.issues = tuple(text)
        super().__init__("; ".join(issue.diagnostics for issue in self.issues[:5]))

    def outcome(self) -> Resource:
        """The OperationOutcome to answer with."""
        return operation_outcome(self.issues)


class Invalid(ShangyiError):
    """What came in cannot be read: syntax, structure, an unknown parameter. Nothing was changed."""

    status, code = 400, "invalid"


class Unprocessable(ShangyiError):
    """Well-formed, but breaks a rule of the specification or of this server. Nothing was changed."""

    status, code = 422, "business-rule"


class NotFound(ShangyiError):
    """No such resource, type or operation."""

    status, code = 404, "not-found"


class Gone(ShangyiError):
    """The resource was deleted; its history remains."""

    status, code = 410, "deleted"


class NotSupported(ShangyiError):
    """A part of the standard that this server does not have."""

    status, code = 400, "not-supported"


class Conflict(ShangyiError):
    """Two writers on one resource; read it again, then write."""

    status, code = 409, "conflict"


class PreconditionFailed(ShangyiError):
    """If-Match names a version that is not the current one, or a condition matches several resources."""

    status, code = 412, "conflict"


class Unauthenticated(ShangyiError):
    """No account, session or token that is known and valid."""

    status, code = 401, "login"


class Forbidden(ShangyiError):
    """Known, but not allowed to do this."""

    status, code = 403, "forbidden"


class TooLarge(ShangyiError):
    """More bytes, elements or depth than this server takes at once."""

    status, code = 413, "too-long"


class Throttled(ShangyiError):
    """Too many requests or failed sign-ins; wait."""

    status, code = 429, "throttled"


class Unavailable(ShangyiError):
    """A part that is needed (the database) cannot be reached now."""

    status, code = 503, "transient"


class Misconfigured(ShangyiError):
    """A setting, the home directory or the database is not fit for use; the text says what to do."""

    status, code = 500, "exception"
