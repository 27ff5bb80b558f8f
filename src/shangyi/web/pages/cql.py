"""CQL at the bedside: write a library, see what is wrong where it stands, and what each definition gives for one resident."""

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from shangyi.errors import Forbidden, NotFound, ShangyiError
from shangyi.knowledge import installed
from shangyi.knowledge.terms import with_packages
from shangyi.query.cql.closures import Codes, Engine, Evaluation, Fault, Limits, Resources
from shangyi.query.cql.errors import CqlError, CqlErrors
from shangyi.query.cql.library import ExpressionDef, Program
from shangyi.query.cql.translate import translate
from shangyi.query.cql.translate.sources import Texts
from shangyi.query.cql.values import DateTime, Interval
from shangyi.query.errors import EvaluationError
from shangyi.terminology.service import Terminology
from shangyi.web import formats
from shangyi.web.components.combo import Option
from shangyi.web.context import Context
from shangyi.web.facts import Fact, facts
from shangyi.web.navigation import CLINICAL
from shangyi.web.pages.choices import options
from shangyi.web.pages.resident import MOST
from shangyi.web.residents import PersonLine, person_line

LIMITS = Limits(steps=1_000_000)
"""Of a run from the page: some seconds at most."""
LARGEST = 100_000
"""Characters of a library that the page takes."""
MOST_ERRORS = 50

START = """library Mine
using FHIR version '4.0.1'

include Hypertension version '0.1.0' called HTN

context Patient

define "Pressures of the last 12 months":
  [Observation: code in HTN."Blood Pressure Panels"] O
    where (O.effective as FHIR.dateTime) during Interval[Now() - 12 months, Now()]

define "Measured this year": exists "Pressures of the last 12 months"
define "Under management": HTN."Managed"
define "Last reading": HTN."Last Reading"
"""


@dataclass(frozen=True, slots=True)
class Piece:
    """Text of a line; ``wrong`` where it is part of an error."""

    text: str
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """One error. ``line`` 0 where it has no place."""

    line: int
    column: int
    sentence: str
    near: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A text held against the language: its program, or what is wrong and where."""

    program: Program | None = None
    problems: Sequence[Problem] = ()
    lines: Sequence[Sequence[Piece]] = field(default_factory=tuple)

    @property
    def definitions(self) -> int:
        """How many definitions it has."""
        return len(self.program.main.expressions) if self.program else 0


@dataclass(frozen=True, slots=True)
class Value:
    """What a definition gave; ``fault`` where it gave nothing because it failed."""

    name: str
    facts: Sequence[Fact]
    fault: str = ""


def check(context: Context, source: str) -> Checked:
    """Translate, with the libraries of the packages at hand."""
    if len(source) > LARGEST:
        raise Forbidden("A library on this page may have {n} characters", n=LARGEST)
    sources = Texts(text for package in installed() for text in package.texts.values())
    try:
        return Checked(translate(source, sources, "CQL"))
    except CqlErrors as error:
        found: list[CqlError] = list(error.errors[:MOST_ERRORS])
    except CqlError as error:
        found = [error]
    problems = [
        Problem(
            error.line,
            error.column,
            context.sentences(error)[0],
            ", ".join(error.near),
        )
        for error in found
    ]
    return Checked(None, problems, marked(source, found))


def marked(source: str, errors: Sequence[CqlError]) -> list[list[Piece]]:
    """The text line by line, with what is wrong apart."""
    lines = source.splitlines() or [""]
    spans: dict[int, list[tuple[int, int]]] = {}
    for error in errors:
        last = error.end_line or error.line
        for number in range(error.line, min(last, len(lines)) + 1):
            width = len(lines[number - 1]) if 0 < number <= len(lines) else 0
            start = error.column - 1 if number == error.line else 0
            end = error.end_column if number == last else width
            spans.setdefault(number, []).append((start, max(end, start + 1)))
    return [list(_pieces(line, sorted(spans.get(number, ())))) for number, line in enumerate(lines, 1)]


def _pieces(line: str, spans: Sequence[tuple[int, int]]) -> list[Piece]:
    pieces, at = [], 0
    for start, end in spans:
        if end <= at:
            continue
        start = max(start, at)
        if start > at:
            pieces.append(Piece(line[at:start]))
        pieces.append(Piece(line[start:end] or " ", wrong=True))
        at = end
    return [*pieces, Piece(line[at:])]


def period() -> Interval:
    """The twelve months up to now, as a measurement period."""
    now = dt.datetime.now(formats.ZONE)
    start = now.replace(year=now.year - 1, day=min(now.day, 28))
    return Interval(DateTime.of(start), DateTime.of(now), True, True, "DateTime")


def values(
    context: Context, program: Program, resources: Sequence[dict[str, Any]], terminology: Terminology
) -> list[Value]:
    """Each definition of the library for these resources."""
    engine = Engine(program)
    at = Evaluation(
        Resources(resources),
        Codes(with_packages(terminology)),
        {"Measurement Period": period()},
        DateTime.of(dt.datetime.now(formats.ZONE)),
        LIMITS,
    )
    found = []
    for name, value in engine.run(at, own(program)):
        if isinstance(value, Fault):
            found.append(Value(name, (), fault(context, value.error)))
        else:
            found.append(Value(name, facts(value, context.text, context.language)))
    return found


def own(program: Program) -> list[str]:
    """The definitions that somebody wrote: all but ``Patient`` itself."""
    return [d.name for d in program.main.expressions if isinstance(d, ExpressionDef) and d.name != "Patient"]


def fault(context: Context, error: EvaluationError) -> str:
    """A fault in words, with its place."""
    place = f"{error.library}:{error.line}:{error.column} " if error.line else ""
    return place + context.sentences(error)[0]


def cql(context: Context) -> Response:
    """GET /cql?resident_value=…, POST /cql: the library goes by POST and stands in no address."""
    if context.principal.role not in CLINICAL:
        raise Forbidden("Your role does not read residents' records")
    text = context.form.get("source")
    source = text.replace("\r\n", "\n") if isinstance(text, str) else START
    checked = check(context, source)
    problem, person, milliseconds, status = "", None, 0.0, 200
    found: list[Value] = []
    several: list[Option] = []
    try:
        person, several = who(context)
        if person is not None and checked.program is not None and context.request.method == "POST":
            found, milliseconds = run(context, checked.program, person.id)
    except ShangyiError as error:
        problem, status = " ".join(context.sentences(error)), error.status
    return context.page(
        "pages/cql.html",
        "cql",
        status=status,
        source=source,
        rows=max(source.count("\n") + 2, 12),
        checked=checked,
        problem=problem,
        person=person,
        form={
            "resident": person.name if person else context.field("resident"),
            "resident_value": person.id if person else "",
        },
        options={"resident": several},
        values=found,
        milliseconds=milliseconds,
        libraries=[
            (name, package.manifest.title_in(context.language))
            for package in installed()
            for name in package.programs
        ],
    )


def run(context: Context, program: Program, id: str) -> tuple[list[Value], float]:
    """The values for a resident of the record, and how long they took without reading it, in ms."""
    page = context.session.everything("Patient", id, count=MOST)
    resources = [version.resource for version in (*page.matches, *page.included)]
    started = time.perf_counter()
    found = context.session.consult(
        "ValueSet", "expand", lambda codes: values(context, program, resources, codes)
    )
    return found, 1000 * (time.perf_counter() - started)


def who(context: Context) -> tuple[PersonLine | None, list[Option]]:
    """The resident that the form or the address names; several where what was typed may mean them. NotFound."""
    id = context.field("resident_value") or context.field("resident_chosen")
    typed = context.field("resident")
    if not id and typed:
        found = options(context, "resident", typed)
        if len(found) > 1:
            return None, found
        if not found:
            raise NotFound("Nobody found for “{query}”", query=typed)
        id = found[0].value
    if not id:
        return None, []
    return person_line(context.session.read("Patient", id).resource, {}, context.text, context.language), []


def checking(context: Context) -> Response:
    """POST /cql/check: what is wrong, as one types."""
    text = context.form.get("source")
    source = text.replace("\r\n", "\n") if isinstance(text, str) else ""
    return context.part("parts/cql_check.html", checked=check(context, source))
