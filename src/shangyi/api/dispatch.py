"""From an HTTP request to an interaction and back: raw ASGI, one place, little work on the event loop.

Interactions run in a worker thread. One that has ``steps`` runs on the event loop where all that it waits for is the
answers to its questions (``store.pipeline``): handing a request of 100 µs to a thread and back costs as much again.
What takes long there (a large body, XML, a part of a resource) is handed to a worker all the same.
"""

import asyncio
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from shangyi.access import Access
from shangyi.api import errors
from shangyi.api.authentication import authenticate, remembered
from shangyi.api.body import ClientGone, Limits, declared_size, receive_body, unpack
from shangyi.api.budget import Budget, Share
from shangyi.api.call import Call
from shangyi.api.middleware import request_id
from shangyi.api.negotiation import Format
from shangyi.api.reply import Reply
from shangyi.api.workers import Workers
from shangyi.errors import Invalid, NotFound, ShangyiError
from shangyi.fhir import definitions
from shangyi.lake.asking import Analysts
from shangyi.store.pipeline import Broken
from shangyi.store.questions import Question, Row, Steps

Handler = Callable[[Call], Reply]
BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
SMALL_BYTES = 64 * 1024
"""A body up to this size is received before it is asked whose it is; a larger one, or one of unknown size, after."""
LIGHT_BYTES = 16 * 1024
"""What is packed into no more is unpacked, and may be packed for the client, on the event loop."""

PIECE_BYTES = 1024 * 1024
"""Of a file, held at a time."""

FIELDS = {
    "type": r"[A-Z][A-Za-z]*",
    "logical": "ViewDefinition",  # of SQL on FHIR: no type of R4, and nothing of it is stored
    "view": r"[A-Za-z0-9_\-.]{1,64}",
    "member": r"[A-Z][A-Za-z]*|\*",
    "id": r"[^/$_][^/]*",
    "version": r"[^/]+",
    "operation": r"\$[^/]+",
    "export": r"[0-9a-f\-]{1,64}",
    "file": r"[A-Za-z0-9_.\-]{1,80}",
}
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


@dataclass(frozen=True, slots=True)
class Interaction:
    """One row of the table of what is served. ``code`` is FHIR's name of it; ``public``: without signing in.

    ``steps``: the same as ``handler``, for who waits on the event loop.
    """

    code: str
    method: str
    template: str
    handler: Handler
    public: bool = False
    steps: Callable[[Call], Steps[Reply]] | None = None


def template_pattern(template: str) -> re.Pattern[str]:
    """``/{type}/{id}`` as a regular expression."""
    parts = re.split(r"\{(\w+)\}", template)
    pieces = [f"(?P<{part}>{FIELDS[part]})" if i % 2 else re.escape(part) for i, part in enumerate(parts)]
    return re.compile("".join(pieces))


class TooLong(ShangyiError):
    """A question took longer than this server gives it."""

    status, code = 503, "timeout"


class FhirRoute(BaseRoute):
    """Everything under ``prefix``: finds the interaction, runs it in a worker, sends what it answers."""

    def __init__(
        self,
        access: Access,
        interactions: Sequence[Interaction],
        prefix: str = "/fhir",
        limits: Limits | None = None,
        workers: Workers | None = None,
        analysts: Analysts | None = None,
    ) -> None:
        self.access = access
        self.prefix, self.analysts = prefix, analysts
        self.limits = limits or Limits()
        self.workers = workers or Workers()
        self.budget = Budget(self.limits.body_bytes)
        self._table: dict[int, dict[re.Pattern[str], dict[str, Interaction]]] = {}
        """By the number of slashes, then by template in the order of the table, then by method."""
        self._stepped = {row.template.count("/") for row in interactions if row.steps is not None}
        for row in interactions:
            templates = self._table.setdefault(row.template.count("/"), {})
            templates.setdefault(template_pattern(row.template), {}).setdefault(row.method, row)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Every HTTP path at or below the prefix."""
        path: str = scope["path"]
        mine = path.startswith(self.prefix) and path[len(self.prefix) : len(self.prefix) + 1] in ("", "/")
        return (Match.FULL if mine and scope["type"] == "http" else Match.NONE), {}

    def find(self, method: str, path: str) -> tuple[Interaction, dict[str, str]]:
        """The interaction for a path below the base; NotFound, or MethodNotAllowed where other methods exist."""
        asked = "GET" if method == "HEAD" else method
        allowed: set[str] = set()
        for pattern, methods in self._table.get(path.count("/"), {}).items():
            if (match := pattern.fullmatch(path)) is None:
                continue
            if (row := methods.get(asked)) is not None:
                return row, match.groupdict()
            allowed |= methods.keys() | ({"HEAD"} if "GET" in methods else set())
        if allowed:
            raise errors.MethodNotAllowed(method, allowed)
        raise NotFound("There is nothing at this address")

    def answer(self, call: Call) -> Reply:
        """The reply to a request, packed; runs in a worker thread, never raises."""
        return self.run(call).packed(call.headers.get(b"accept-encoding", b""))

    def run(self, call: Call) -> Reply:
        """The reply to a request, or to an entry of a batch, which has its session already."""
        try:
            return self.admit(call).handler(call)
        except Exception as error:
            return errors.answer(call, error)

    def admit(self, call: Call) -> Interaction:
        """Which interaction this is, for whom it is served. Raises NotFound, Unauthenticated …"""
        interaction = self._place(call)
        if not interaction.public and not hasattr(call, "session"):
            call.session = authenticate(self.access, call)
        return interaction

    def _place(self, call: Call) -> Interaction:
        interaction, call.place = self.find(call.method, call.path)
        call.route = self.prefix + interaction.template
        call.run = self.run
        check_place(call)
        return interaction

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        call = self._call(scope)
        # a write is never given up half-way: its client has to learn what became of it
        seconds = self.limits.read_seconds if call.method in ("GET", "HEAD") else None
        try:
            async with asyncio.timeout(seconds):
                steps = self._steps(call) if seconds else None
                if steps is not None:
                    reply = await self._on_loop(call, steps)
                else:
                    reply = await self._in_worker(call, receive)
        except ClientGone:
            return
        except TimeoutError:
            late = TooLong("This took longer than {seconds} s", seconds=self.limits.read_seconds)
            reply = errors.answer(call, late)
        call.body = b""
        scope["shangyi.route"] = call.route
        if reply.file is not None:
            await self._send_file(call, reply, reply.file, send)
            return
        headers = [*reply.headers, (b"content-length", b"%d" % len(reply.body))]
        if reply.status in (204, 304):
            headers = reply.headers
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if call.method == "HEAD" else reply.body})

    async def _send_file(self, call: Call, reply: Reply, path: Path, send: Send) -> None:
        """A file as it is, read by a worker a piece at a time; what is removed meanwhile stays readable to its end."""
        try:
            file = await self.workers.run(partial(path.open, "rb"))
        except OSError:
            gone = errors.answer(call, NotFound("There is nothing at this address"))
            await send({"type": "http.response.start", "status": gone.status, "headers": gone.headers})
            await send({"type": "http.response.body", "body": gone.body})
            return
        with file:
            size = b"%d" % os.fstat(file.fileno()).st_size
            headers = [*reply.headers, (b"content-length", size)]
            await send({"type": "http.response.start", "status": reply.status, "headers": headers})
            while call.method != "HEAD" and (
                piece := await self.workers.run(partial(file.read, PIECE_BYTES))
            ):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    async def _in_worker(self, call: Call, receive: Receive) -> Reply:
        """The reply to a request; its body is taken first."""
        with self.budget.share() as share:
            try:
                if call.method in BODY_METHODS:
                    await self._receive(call, receive, share)
                async with self.budget.turn(share.held):
                    return await self.workers.run(partial(self.answer, call))
            except ShangyiError as error:
                reply = errors.answer(call, error)
                reply.headers.append((b"connection", b"close"))  # the rest of the body may be on its way
                return reply

    def _steps(self, call: Call) -> Steps[Reply] | None:
        """The interaction in steps; None where it has none, or where they would keep the loop waiting."""
        if call.query_string or call.path.count("/") not in self._stepped:
            return None
        try:
            interaction = self._place(call)
            if interaction.steps is None or call.format is not Format.JSON:
                return None
            session = remembered(self.access, call)
        except ShangyiError:
            return None  # the worker comes to the same, and answers
        if session is None or not session.only_steps(call.place["type"]):
            return None
        call.session = session
        return interaction.steps(call)

    async def _on_loop(self, call: Call, steps: Steps[Reply]) -> Reply:
        """The reply to a request, packed, as ``answer`` has it."""
        try:
            found = _advance(partial(next, steps))
            while isinstance(found, Question):
                try:
                    rows = await self._rows(found)
                except BaseException as error:  # the steps record that they failed
                    found = _advance(partial(steps.throw, error))
                    continue
                step = partial(_advance, partial(steps.send, rows))
                found = step() if _light(rows) else await self.workers.run(step)
            pack = partial(found.packed, call.headers.get(b"accept-encoding", b""))
            return pack() if len(found.body) <= LIGHT_BYTES else await self.workers.run(pack)
        except Exception as error:
            return errors.answer(call, error)

    async def _rows(self, question: Question) -> list[Row]:
        reader = self.access.records.reader
        try:
            return await reader.pipeline.rows(question)
        except Broken:
            return await self.workers.run(partial(reader.rows, *question))

    async def _receive(self, call: Call, receive: Receive, share: Share) -> None:
        """The body of a request, unpacked; a large one only from whom it will be taken."""
        declared = declared_size(call.headers)
        encoding = call.header(b"content-encoding")
        if declared is None or declared > SMALL_BYTES or encoding:
            await self.workers.run(partial(self.admit, call))
        call.body = await receive_body(receive, call.headers, self.limits, share)
        if encoding:
            async with self.budget.turn(self.limits.body_bytes):  # however small it is packed
                call.body = await self.workers.run(partial(unpack, call.body, encoding, self.limits))
                share.take(len(call.body))

    def _call(self, scope: Scope) -> Call:
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"localhost").decode("latin-1")
        root: str = scope.get("root_path", "")
        path: str = scope["path"][len(self.prefix) :]
        client = scope.get("client")
        return Call(
            method=scope["method"],
            base=f"{scope['scheme']}://{host}{root}{self.prefix}",
            path=path.rstrip("/") or "/",
            query_string=scope["query_string"].decode("latin-1"),
            headers=headers,
            body=b"",
            request_id=request_id(scope),
            client=client[0] if client else None,
            limits=self.limits,
            analysts=self.analysts,
        )


def _advance(step: Callable[[], Question]) -> Question | Reply:
    """The next question, or what the steps have come to."""
    try:
        return step()
    except StopIteration as end:
        reply: Reply = end.value
        return reply


def _light(rows: list[Row]) -> bool:
    """Whether going on from here takes no longer than handing it to a worker."""
    return all(value is None or len(value) <= LIGHT_BYTES for row in rows for value in row)


def check_place(call: Call) -> None:
    """The type is one of R4's and the id is formed as an id (http://hl7.org/fhir/R4/datatypes.html#id)."""
    for name in ("type", "member"):
        type_ = call.place.get(name)
        if type_ is not None and type_ != "*" and not definitions.is_resource_type(type_):
            raise NotFound("{type} is not a resource type of FHIR R4", type=type_)
    id_ = call.place.get("id")
    if id_ is not None and not ID.fullmatch(id_):
        raise Invalid("An id has 1 to 64 characters of A-Z, a-z, 0-9, - and .")
