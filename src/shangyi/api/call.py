"""One request as an interaction sees it; parts are read from the headers when they are asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from shangyi.access import Session
from shangyi.api import body as bodies
from shangyi.api.negotiation import Format, UnsupportedMediaType, preferences, response_format
from shangyi.errors import Invalid
from shangyi.i18n import LANGUAGES
from shangyi.lake.asking import Analysts

if TYPE_CHECKING:
    from shangyi.api.reply import Reply

Resource = dict[str, Any]
Parameters = Sequence[tuple[str, str]]

FORM = "application/x-www-form-urlencoded"
CONTROL = frozenset({"_format", "_pretty"})
"""Parameters of the interface itself, which never reach the search."""


def parse_query(text: str) -> list[tuple[str, str]]:
    """The decoded parameters in their order; Invalid for bad escapes, encodings and NUL."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError as error:
        raise Invalid("The parameters cannot be read: {reason}", reason=type(error).__name__) from error
    if any("\x00" in name or "\x00" in value for name, value in pairs):
        raise Invalid("The parameters hold a NUL character")
    return pairs


@dataclass
class Call:
    """Method, place, headers (names in lower case), body as received, and whose session it is."""

    method: str
    base: str
    path: str
    query_string: str
    headers: Mapping[bytes, bytes]
    body: bytes
    request_id: str
    client: str | None = None
    limits: bodies.Limits = field(default_factory=bodies.Limits)
    route: str = "unmatched"
    """The template of the route, for the log."""

    place: Mapping[str, str] = field(default_factory=dict)
    """The fields of the route's template: type, id, version, operation."""

    run: "Callable[[Call], Reply]" = field(default=None, repr=False)  # type: ignore[assignment]
    """Answers another request as if it had come alone: the entries of a batch."""

    analysts: Analysts | None = field(default=None, repr=False)
    """Who asks the lake of this server; None where it has none."""

    in_batch: bool = False
    """An entry of a batch, which takes a resource for an answer."""

    session: Session = field(init=False)

    @property
    def origin(self) -> str:
        """Scheme and host: ``https://host[:port]``."""
        scheme, _, rest = self.base.partition("://")
        return f"{scheme}://{rest.partition('/')[0]}"

    def header(self, name: bytes) -> str | None:
        """A header's value, None where it is absent."""
        value = self.headers.get(name)
        return value.decode("latin-1") if value is not None else None

    @cached_property
    def query(self) -> Parameters:
        """The parameters of the URL, decoded, in their order."""
        return parse_query(self.query_string) if self.query_string else ()

    @cached_property
    def parameters(self) -> Parameters:
        """What is asked of the interaction: the URL's parameters, then a form's, without ``_format`` and such."""
        return [(name, value) for name, value in (*self.query, *self.form) if name not in CONTROL]

    @property
    def presentation(self) -> Parameters:
        """``_format`` and ``_pretty`` as asked, for the links of pages."""
        return [pair for pair in (*self.query, *self.form) if pair[0] in CONTROL]

    @cached_property
    def form(self) -> Parameters:
        """The fields of an ``application/x-www-form-urlencoded`` body (POST ``_search``)."""
        if self.method != "POST" or not self.body:
            return ()
        if not self._is_form:
            if self.path.endswith("/_search"):
                raise UnsupportedMediaType("The parameters of a search are sent as {type}", type=FORM)
            return ()
        try:
            return parse_query(self.body.decode("ascii"))
        except UnicodeDecodeError as error:
            raise Invalid("The parameters cannot be read: {reason}", reason="not ASCII") from error

    @property
    def _is_form(self) -> bool:
        kind = (self.header(b"content-type") or "").partition(";")[0]
        return kind.strip().lower() == FORM

    def one(self, name: str) -> str | None:
        """The value of a parameter that may be given once only."""
        values = [value for key, value in self.parameters if key == name]
        if len(values) > 1:
            raise Invalid("The parameter {name} may be given once only", name=name)
        return values[0] if values else None

    @cached_property
    def format(self) -> Format:
        """The format to answer in."""
        query = self.query if "format" in self.query_string else ()
        return response_format(self.header(b"accept"), (*query, *self.form))

    @cached_property
    def pretty(self) -> bool:
        """``_pretty=true``: indented for people."""
        return "pretty" in self.query_string and ("_pretty", "true") in self.query

    @property
    def prefer(self) -> Mapping[str, str]:
        """``Prefer`` as a dict."""
        text = self.header(b"prefer")
        return preferences(text) if text else {}

    @property
    def strict(self) -> bool:
        """Whether unknown search parameters are refused; strict unless ``handling=lenient`` is preferred.

        Strict by default: a mistyped filter that is ignored shows the wrong patients.
        """
        return self.prefer.get("handling") != "lenient"

    def resource(self) -> Resource:
        """The resource in the body."""
        return bodies.decode(self.body, self.header(b"content-type"), self.limits)

    @property
    def language(self) -> str:
        """The language for texts: the first of ours that ``Accept-Language`` names, English where none is."""
        for part in (self.header(b"accept-language") or "").split(","):
            name = part.partition(";")[0].strip().lower()
            for language in LANGUAGES:
                if name and language.lower().split("-")[0] == name.split("-")[0]:
                    return language
        return "en"
