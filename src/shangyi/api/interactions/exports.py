"""GET and DELETE of an export that was begun by $viewdefinition-export, and GET of its files.

Whoever began it, and nobody else, asks for it, as long as their role exports and their area holds what it is of.
"""

from shangyi.access import Area, Session
from shangyi.access.audit.event import EXPORT
from shangyi.api import reply
from shangyi.api.call import Call, Resource
from shangyi.api.headers import http_date
from shangyi.api.operations import tabular
from shangyi.api.operations.viewdefinition_export import NAME, address, parameters
from shangyi.api.reply import NO_STORE, Reply
from shangyi.errors import Forbidden, NotFound, NotSupported
from shangyi.lake.export_job import COMPLETED, FAILED, ExportJobs, Request, State

RETRY_S = 2


def status(call: Call) -> Reply:
    """202 with how far it is; 200 with its files; 202 with what went wrong (as the specification has it)."""
    jobs, request = _found(call, "R")
    state = jobs.state(request.id)
    location = address(call, request.id)
    more: list[Resource] = []
    if state.started:
        more.append({"name": "exportStartTime", "valueInstant": state.started})
    if state.ended:
        more.append({"name": "exportEndTime", "valueInstant": state.ended})
        more.append({"name": "exportDuration", "valueInteger": round(state.seconds)})
    if state.status == COMPLETED:
        assert state.expires is not None
        more += [_output(call, request, number) for number in range(len(request.outputs))]
        content = parameters(request, COMPLETED, location, *more)
        return reply.resource(call, content, 200, [(b"expires", http_date(state.expires).encode())])
    if state.status == FAILED:
        outcome = reply.outcome_of(state.issues, call.language)
        content = parameters(request, FAILED, location, *more, {"name": "error", "resource": outcome})
        return reply.resource(call, content, 202)
    if state.remaining is not None:
        more.append({"name": "estimatedTimeRemaining", "valueInteger": state.remaining})
    content = parameters(request, state.status, location, *more)
    return reply.resource(call, content, 202, _progress(state))


def _progress(state: State) -> list[tuple[bytes, bytes]]:
    return [(b"retry-after", b"%d" % RETRY_S), (b"x-progress", f"{state.share:.0%}".encode())]


def _output(call: Call, request: Request, number: int) -> Resource:
    output = request.outputs[number]
    return {
        "name": "output",
        "part": [
            {"name": "name", "valueString": output.name},
            {"name": "location", "valueUri": address(call, request.id, output.file)},
        ],
    }


def cancel(call: Call) -> Reply:
    """202: it is not there any more, nor are its files."""
    jobs, request = _found(call, "D")
    jobs.remove(request.id)
    return Reply(202, b"", [NO_STORE])


def file(call: Call) -> Reply:
    """The rows of one view."""
    jobs, request = _found(call, "R")
    named = call.place["file"]
    output = next((output for output in request.outputs if output.file == named), None)
    if output is None or jobs.state(request.id).status != COMPLETED:
        raise NotFound("There is nothing at this address")
    kind = tabular.MEDIA_TYPES[request.format].encode()
    disposition = f'attachment; filename="{output.file}"'.encode()
    headers = [(b"content-type", kind), (b"content-disposition", disposition), NO_STORE]
    return Reply(200, b"", headers, file=jobs.place(request.id) / "files" / output.file)


def _found(call: Call, action: str) -> tuple[ExportJobs, Request]:
    """The export that the address names, recorded. NotFound for everybody else's."""
    if call.in_batch:
        raise NotSupported("This operation cannot stand in a batch")
    id_ = call.place["export"]
    entity = f"{id_}/{call.place['file']}" if "file" in call.place else id_
    with call.session.recording(NAME, action, type=EXPORT, query=entity):
        call.session.require_use("export")
        if call.analysts is None:
            raise NotFound("There is nothing at this address")
        jobs = call.analysts.exports.jobs
        request = jobs.request(id_)
        _decide(call.session, request)
        return jobs, request


def _decide(session: Session, request: Request) -> None:
    """As long as it is theirs, and of nothing that they may not see now."""
    if session.principal.id != request.who:
        raise NotFound("There is no such export: it was cancelled, its time is over, or it never was")
    if not Area(request.area).within(session.principal.area):
        raise Forbidden("This export is of an area that is not yours any more: begin it again")
    for output in request.outputs:
        session.require("search", output.type)
