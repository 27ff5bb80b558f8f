"""Templates to responses: language, formats, security headers."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from shangyi.i18n import DEFAULT_LANGUAGE, LANGUAGES, translate
from shangyi.web import formats
from shangyi.web.components.chart import chart_json
from shangyi.web.static_files import static_url

LANGUAGE_COOKIE = "language"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def language_of(request: Request) -> str:
    """The reader's language: chosen before (cookie), else the browser's, else Chinese."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return chosen
    for part in request.headers.get("accept-language", "").split(","):
        name = part.partition(";")[0].strip().lower()
        if name.startswith("zh"):
            return "zh-CN"
        if name.startswith("en"):
            return "en"
    return DEFAULT_LANGUAGE


@cache
def environment(language: str) -> Environment:
    """The Jinja environment of a language; every value is escaped, an unknown name is an error."""
    env = Environment(
        loader=PackageLoader("shangyi.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def text(message: str, **fields: object) -> str:
        translated = translate(message, language)
        return translated.format(**fields) if fields else translated

    env.globals.update(_=text, static=static_url, language=language)
    env.filters.update(
        chart_json=chart_json,
        date=lambda value: formats.date(value, language),
        day=lambda value: formats.day(value, language),
        instant=lambda value: formats.instant(value, language),
        number=formats.number,
    )
    return env


def render_text(language: str, template: str, **context: Any) -> Markup:
    """A template as markup, for a cell or a part of a page."""
    return Markup(environment(language).get_template(template).render(**context))


def render(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A page or a part of one, with the headers that every page carries."""
    language = language_of(request)
    html = environment(language).get_template(template).render(request=request, **context)
    return HTMLResponse(html, status_code=status, headers=HEADERS | {"Content-Language": language})
