"""Signing in and out, and choosing the language."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from shangyi.access import Access
from shangyi.access.browser import check_same_origin, cookie_attributes, cookie_name
from shangyi.errors import ShangyiError
from shangyi.i18n import LANGUAGES
from shangyi.web.context import Context, is_secure, origin_of, own_origin, sentence
from shangyi.web.rendering import LANGUAGE_COOKIE, language_of, render

YEAR_S = 365 * 24 * 3600


def local_path(target: str) -> str:
    """``target`` where it is a path of this server, else the overview: never a way to another site."""
    fine = (
        target.startswith("/")
        and not target.startswith(("//", "/\\"))
        and "\n" not in target
        and "\r" not in target
    )
    return target if fine else "/"


async def sign_in(request: Request) -> Response:
    """GET and POST /sign-in."""
    if request.method != "POST":
        return render(
            request, "pages/sign_in.html", problem="", name="", next=request.query_params.get("next", "/")
        )
    form = await request.form(max_files=0, max_fields=20, max_part_size=16 * 1024)
    name, password, target = (str(form.get(key, "")) for key in ("name", "password", "next"))
    return await run_in_threadpool(_sign_in, request, name, password, local_path(target))


def _sign_in(request: Request, name: str, password: str, target: str) -> Response:
    access: Access = request.app.state.access
    secure = is_secure(request)
    try:
        check_same_origin(request.method, request.headers, own_origin(request))
        signed_in = access.sign_in(
            name, password, origin_of(request), previous=request.cookies.get(cookie_name(secure))
        )
    except ShangyiError as error:
        problem = sentence(error.issues[0], language_of(request))
        return render(
            request, "pages/sign_in.html", status=error.status, problem=problem, name=name, next=target
        )
    response = RedirectResponse(target, status_code=303)
    response.set_cookie(value=signed_in.cookie, **cookie_attributes(secure))
    if LANGUAGE_COOKIE not in request.cookies:
        response.set_cookie(
            LANGUAGE_COOKIE, signed_in.principal.language, max_age=YEAR_S, samesite="lax", httponly=True
        )
    return response


def sign_out(context: Context) -> Response:
    """POST /sign-out."""
    context.access.sign_out(context.cookie, origin_of(context.request))
    response = RedirectResponse("/sign-in", status_code=303)
    response.delete_cookie(cookie_name(is_secure(context.request)), path="/")
    return response


def still_here(context: Context) -> Response:
    """GET /still-here: whether the session holds and the record can be reached; a fresh token for a form."""
    context.session.ready()
    return JSONResponse({"csrf": context.csrf}, headers={"Cache-Control": "no-store"})


def choose_language(request: Request) -> Response:
    """GET /language/{language}: remembers it in a cookie, which holds nothing else."""
    response = RedirectResponse(local_path(request.query_params.get("next", "/")), status_code=303)
    if request.path_params["language"] in LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE, request.path_params["language"], max_age=YEAR_S, samesite="lax", httponly=True
        )
    return response
