"""Loading files: drop them, watch, read what was refused."""

from itertools import islice
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from shangyi.access import Access, Session
from shangyi.access.browser import CSRF_FIELD, check_csrf, check_same_origin, cookie_name
from shangyi.errors import Issue, ShangyiError, Unauthenticated
from shangyi.web import csv
from shangyi.web.context import Context, error_page, is_secure, origin_of, own_origin, sentence
from shangyi.web.loading.jobs import Job
from shangyi.web.loading.loads import Loads
from shangyi.web.loading.upload import Upload
from shangyi.web.rendering import language_of

STATUS = {
    "waiting": "Waits for another load",
    "running": "Runs",
    "done": "Done",
    "cancelled": "Stopped by hand",
    "failed": "Failed",
}
SHOWN = 50


def loads_of(request: Request) -> Loads:
    """The loads of this server."""
    loads: Loads = request.app.state.loads
    return loads


def load(context: Context) -> Response:
    """GET /load: where files are dropped, and the loads so far."""
    context.session.require_use("load")
    loads = loads_of(context.request)
    return context.page(
        "pages/load.html",
        "load",
        jobs=[(job, context.text(STATUS[job.status])) for job in loads.jobs.every()[:20]],
        limit_mb=loads.limit_bytes >> 20,
    )


async def upload(request: Request) -> Response:
    """POST /load: files to disk as they come, then the load starts."""
    try:
        session, cookie = await run_in_threadpool(_enter, request)
        loads = loads_of(request)
        job = loads.create(session.principal)
        try:
            await _receive(request, loads, job, cookie)
        except BaseException:
            loads.jobs.discard(job.id)
            raise
        await run_in_threadpool(loads.start, job)
    except Unauthenticated:
        return RedirectResponse("/sign-in?next=%2Fload", status_code=303)
    except ShangyiError as error:
        if "application/json" in request.headers.get("accept", ""):
            text = sentence(error.issues[0], language_of(request))
            return JSONResponse({"problem": text}, status_code=error.status)
        return error_page(request, error)
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"href": f"/load/{job.id}"}, headers={"Cache-Control": "no-store"})
    return RedirectResponse(f"/load/{job.id}", status_code=303)


async def _receive(request: Request, loads: Loads, job: Job, cookie: str) -> None:
    def admit(fields: dict[str, str]) -> None:
        check_csrf("POST", request.headers, own_origin(request), cookie, fields.get(CSRF_FIELD))

    upload = Upload(loads.jobs.place(job.id) / "files", loads.limit_bytes, admit)
    await upload.receive(request)
    job.files = upload.files


def _enter(request: Request) -> tuple[Session, str]:
    access: Access = request.app.state.access
    check_same_origin("POST", request.headers, own_origin(request))
    cookie = request.cookies.get(cookie_name(is_secure(request)), "")
    session = access.browser_session(cookie, origin_of(request))
    session.require_use("load")
    return session, cookie


def progress(context: Context) -> Response:
    """GET /load/{id}: a load as it stands; the part of the page that is asked for again while it runs."""
    context.session.require_use("load")
    loads = loads_of(context.request)
    job = loads.jobs.read(context.request.path_params["id"])
    loads.watch(job)
    shown: dict[str, Any] = {
        "job": job,
        "state": context.text(STATUS[job.status]),
        "problem": context.text(job.problem),
        "percent": None if job.share is None else round(100 * job.share),
        "rate": round(job.resources / job.seconds) if job.seconds else 0,
        "refusals": list(islice(_rows(context, loads, job), SHOWN)),
        "stopping": job.running and loads.jobs.cancelled(job.id),
    }
    if context.is_swap:
        return context.part("parts/load.html", **shown)
    return context.page("pages/load_progress.html", "load", **shown)


def _rows(context: Context, loads: Loads, job: Job) -> Any:
    for row in loads.jobs.refused(job.id):
        for issue in row["issues"] or [{"text": "", "args": {}, "expression": ""}]:
            said = sentence(Issue("error", "invalid", issue["text"], issue["args"]), context.language)
            yield row["source"], row["place"], row["reference"], said, issue["expression"]


def refused(context: Context) -> Response:
    """GET /load/{id}/refused.csv: everything that was refused."""
    context.session.require_use("load")
    loads = loads_of(context.request)
    job = loads.jobs.read(context.request.path_params["id"])
    titles = ("File", "Line or entry", "Resource", "Why it was refused", "Element")
    columns = [context.text(t) for t in titles]
    return csv.answer(csv.Sheet(f"refused-{job.id}", columns, _rows(context, loads, job)))


def cancel(context: Context) -> Response:
    """POST /load/{id}/cancel."""
    context.session.require_use("load")
    id = context.request.path_params["id"]
    loads_of(context.request).jobs.cancel(id)
    return RedirectResponse(f"/load/{id}", status_code=303)
