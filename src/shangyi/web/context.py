"""What a page handler gets: the request, the reader's session and language, and how to answer."""

import datetime as dt
import logging
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from shangyi.access import Access, Origin, Principal, Session
from shangyi.access.browser import CSRF_FIELD, check_csrf, cookie_name, csrf_token
from shangyi.errors import Issue, ShangyiError, Unauthenticated
from shangyi.i18n import translate
from shangyi.store.model import Scope, SearchRequest, Version
from shangyi.web import formats
from shangyi.web.answers import Answers
from shangyi.web.components.shell import Shell
from shangyi.web.memory import of_store
from shangyi.web.navigation import CLINICAL, WORKLIST, groups
from shangyi.web.rendering import language_of, render, render_text

log = logging.getLogger("shangyi.web")
Handler = Callable[["Context"], Response]
MOST_FIELDS, LARGEST_FIELD_BYTES = 500, 256 * 1024
"""Of a form; files apart."""

Resource = dict[str, Any]


@dataclass
class Context:
    """One request of a signed-in reader."""

    request: Request
    access: Access
    session: Session
    cookie: str
    form: FormData

    @property
    def principal(self) -> Principal:
        """Who reads."""
        return self.session.principal

    @cached_property
    def language(self) -> str:
        """zh-CN or en."""
        return language_of(self.request)

    def text(self, message: str, **fields: object) -> str:
        """A text in the reader's language."""
        translated = translate(message, self.language)
        return translated.format(**fields) if fields else translated

    def field(self, name: str) -> str:
        """A field of the form or the query, stripped; empty where absent or a file."""
        value = self.form.get(name, self.request.query_params.get(name, ""))
        return value.strip() if isinstance(value, str) else ""

    @property
    def answers(self) -> Answers:
        """What figures and lists are asked of."""
        found: Answers = self.request.app.state.answers
        return found

    def search(self, type: str, *parameters: tuple[str, str]) -> Any:
        """A search through the session."""
        return self.session.search(SearchRequest(type, parameters))

    def resources(self, type: str, *parameters: tuple[str, str]) -> list[Resource]:
        """The matches of one page of a search."""
        return [version.resource for version in self.search(type, *parameters).matches]

    @cached_property
    def csrf(self) -> str:
        """A token for the forms of this page."""
        return csrf_token(self.cookie)

    def shell(self, current: str, as_of: dt.datetime | None = None) -> Shell:
        """The frame around a page of what stood at an instant, else of now."""
        path = self.request.url.path + (f"?{self.request.url.query}" if self.request.url.query else "")
        return Shell(
            groups=groups(self.principal, self.text, due_count(self)),
            place=place_name(self),
            person=self.principal.display,
            role=self.text(self.principal.role.label),
            as_of=(as_of or dt.datetime.now(dt.UTC)).astimezone(formats.ZONE).strftime("%m-%d %H:%M"),
            path=path,
            csrf=self.csrf,
            current=current,
            searches=self.principal.role in CLINICAL,
        )

    def page(
        self,
        template: str,
        current: str,
        *,
        status: int = 200,
        as_of: dt.datetime | None = None,
        **context: Any,
    ) -> Response:
        """A whole page, of what stood at an instant, else of now."""
        shell = self.shell(current, as_of)
        return render(self.request, template, status=status, shell=shell, csrf=self.csrf, **context)

    def part(self, template: str, **context: Any) -> Response:
        """A part of a page, for a swap."""
        return render(self.request, template, csrf=self.csrf, **context)

    def markup(self, template: str, **context: Any) -> Markup:
        """A template as markup for a cell."""
        return render_text(self.language, template, **context)

    def division_names(self, codes: Iterable[int]) -> dict[int, str]:
        """Names of divisions by 12-digit code; the record is asked once for each and remembered by the process."""
        wanted, names = list(codes), of_store(self.access.records, Divisions).names
        missing = [f"div-{code:012}" for code in wanted if code not in names]
        for start in range(0, len(missing), 100):
            part = missing[start : start + 100]
            for found in self.resources("Location", ("_id", ",".join(part)), ("_count", "100")):
                names[int(found["id"].removeprefix("div-"))] = found.get("name", "")
        return {code: names[code] for code in wanted if code in names}

    @property
    def is_swap(self) -> bool:
        """Whether htmx asks for a part only."""
        return self.request.headers.get("hx-request") == "true"

    def sentences(self, error: ShangyiError) -> list[str]:
        """What went wrong, in the reader's language."""
        return [sentence(issue, self.language) for issue in error.issues]


def sentence(issue: Issue, language: str) -> str:
    """An issue in a language."""
    return (
        translate(issue.text, language).format(**issue.args)
        if issue.args
        else translate(issue.text, language)
    )


def place_name(context: Context) -> str:
    """The name of the account's area; the record is asked once and remembered by the process."""
    code = context.principal.area.code
    return _place(context, code) if code else context.text("All places")


COUNT_S = 20.0


@dataclass
class Divisions:
    """Names of divisions by code, as far as they were asked for."""

    names: dict[int, str] = field(default_factory=dict)


@dataclass
class DueCounts:
    """How many residents of a scope are due, by kind, and when that was counted."""

    counted: dict[Scope, tuple[float, dict[str, int]]] = field(default_factory=dict)


def due_count(context: Context) -> dict[str, int]:
    """How many residents are due, by kind, for the rail; asked again after 20 seconds, empty for other roles."""
    if context.principal.role not in WORKLIST:
        return {}
    session = context.session.panel() if context.principal.practitioner else context.session
    counted = of_store(context.access.records, DueCounts).counted
    kept = counted.get(session.population)
    if kept is None or time.monotonic() - kept[0] > COUNT_S:
        kept = counted[session.population] = (
            time.monotonic(),
            session.aggregate("standing=due", context.answers.due),
        )
    return kept[1]


def _place(context: Context, code: str) -> str:
    whole = code.ljust(12, "0")
    return context.division_names([int(whole)]).get(int(whole), code)


def origin_of(request: Request) -> Origin:
    """Where a request comes from, for the audit."""
    return Origin.of(
        request.client.host if request.client else None,
        request.headers.get("user-agent"),
        request.headers.get("x-request-id"),
    )


def own_origin(request: Request) -> str:
    """``https://host[:port]`` of this server as the browser sees it."""
    return f"{request.url.scheme}://{request.headers.get('host', '')}"


def is_secure(request: Request) -> bool:
    """Whether the browser came by https."""
    return request.url.scheme == "https"


OPEN_TO_ALL = ("/settings", "/sign-out", "/still-here")
"""What somebody may open whose password was given by another and is still to be changed."""


def page(handler: Handler, *, purpose: str = "TREAT") -> Callable[[Request], Any]:
    """An endpoint of ``handler``: signs the reader in by cookie, checks forms, maps errors to pages."""

    async def endpoint(request: Request) -> Response:
        form = FormData()
        if request.method == "POST":
            # Signed in first: what a stranger sends is not even read.
            refused = await run_in_threadpool(_answer, None, request, form)
            if refused is not None:
                return refused
            form = await request.form(max_files=50, max_fields=MOST_FIELDS, max_part_size=LARGEST_FIELD_BYTES)
        answer = await run_in_threadpool(_answer, handler, request, form)
        assert answer is not None
        return answer

    endpoint.__name__ = handler.__name__
    endpoint.__doc__ = handler.__doc__
    return endpoint


def _answer(handler: Handler | None, request: Request, form: FormData) -> Response | None:
    """The page, or what is answered instead; None where there is no handler and nothing to refuse."""
    access: Access = request.app.state.access
    cookie = request.cookies.get(cookie_name(is_secure(request)), "")
    try:
        session = access.browser_session(cookie, origin_of(request))
        if handler is None:
            return None
        if request.method == "POST":
            token = form.get(CSRF_FIELD)
            headers: Mapping[str, str] = request.headers
            check_csrf(
                request.method,
                headers,
                own_origin(request),
                cookie,
                token if isinstance(token, str) else None,
            )
        if session.principal.must_change_password and request.url.path not in OPEN_TO_ALL:
            return RedirectResponse("/settings", status_code=303)
        return handler(Context(request, access, session, cookie, form))
    except Unauthenticated:
        target = quote(request.url.path + (f"?{request.url.query}" if request.url.query else ""), safe="")
        if request.headers.get("hx-request"):
            return Response(status_code=204, headers={"HX-Redirect": "/sign-in"})
        return RedirectResponse(f"/sign-in?next={target}", status_code=303)
    except ShangyiError as error:
        return error_page(request, error)
    except Exception as error:
        # the log names the place only: what the error says may hold data of a resident
        frame = traceback.extract_tb(error.__traceback__)[-1]
        log.error("%s at %s:%s", type(error).__name__, frame.filename, frame.lineno)
        return error_page(request, ShangyiError("Something went wrong"))


TITLES = {
    403: "You may not see this",
    404: "There is no such page",
    410: "This record was deleted",
    413: "That is too large",
    429: "Too many attempts",
    500: "Something went wrong",
    503: "The record cannot be reached now",
}


def error_page(request: Request, error: ShangyiError) -> Response:
    """What went wrong as a page in the reader's language; it says what to do, and shows no data."""
    language = language_of(request)
    title = translate(TITLES.get(error.status, "This could not be done"), language)
    sentences = [] if error.status == 500 else [sentence(issue, language) for issue in error.issues]
    return render(request, "pages/error.html", status=error.status, title=title, sentences=sentences)


def by_reference(versions: list[Version]) -> dict[str, Resource]:
    """Resources by ``Type/id``."""
    return {version.reference: version.resource for version in versions}
