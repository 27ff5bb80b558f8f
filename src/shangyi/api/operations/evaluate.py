"""$cql and Library/$evaluate of the CQL IG (http://hl7.org/fhir/uv/cql): definitions for one resident, or for none."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from shangyi.access import Session
from shangyi.access.whole_record import whole_record
from shangyi.api import reply
from shangyi.api.call import Call, Resource
from shangyi.api.operations.definition import Input, Operation, Parameter
from shangyi.api.operations.subject import subject_of
from shangyi.api.reply import Reply
from shangyi.care.measures import parameters
from shangyi.care.measures.content import Content, with_packages
from shangyi.care.standing.facts import ZONE
from shangyi.errors import Invalid
from shangyi.query.cql.closures import Codes, Engine, Evaluation, Resources
from shangyi.query.cql.library import Program
from shangyi.query.cql.translate import translate
from shangyi.query.cql.values import DateTime

CQL_OPERATION = "http://hl7.org/fhir/uv/cql/OperationDefinition/cql-cql"
EVALUATE = "http://hl7.org/fhir/uv/cql/OperationDefinition/cql-library-evaluate"


def invoke_cql(call: Call, given: Input) -> Reply:
    """The value of one expression."""
    if "expression" not in given:
        raise Invalid("Give an expression")
    content = Content(call.session)
    includes = "".join(_include(line) for line in given.get("library", ()))
    text = (
        f"library Expression\nusing FHIR version '4.0.1'\n{includes}context Patient\n"
        f'define "return": {given["expression"][0]}\n'
    )
    return _answer(call, given, translate(text, content, "Expression"), ["return"])


def _include(line: str) -> str:
    """``Name|version``, or ``Name|version called Alias``."""
    named, _, alias = line.partition(" called ")
    name, _, version = named.partition("|")
    if not all(
        part.replace(".", "").replace("_", "").replace("-", "").isalnum() for part in (name, version or "0")
    ):
        raise Invalid("The parameter {name} is no {type}", name="library", type="Name|version")
    said = f" version '{version}'" if version else ""
    called = alias.strip().strip('"') or name.rpartition(".")[2]
    if not called.replace("_", "").isalnum():
        raise Invalid("The parameter {name} is no {type}", name="library", type="Name|version")
    return f"include {name}{said} called {called}\n"


def invoke_evaluate(call: Call, given: Input) -> Reply:
    """The values of a library's definitions, of all or of those asked for."""
    content = Content(call.session)
    if call.place.get("id"):
        program = content.typed(call.session.read("Library", call.place["id"]).resource)
    elif "library" in given:
        program = content.typed(given["library"][0])
    elif "url" in given:
        program = content.program(given["url"][0])
    else:
        raise Invalid("Name the library: url, library in the body, or Library/<id>/$evaluate")
    return _answer(call, given, program, given.get("expression"))


def _answer(call: Call, given: Input, program: Program, names: Sequence[str] | None) -> Reply:
    engine = Engine(program)
    unknown = [name for name in names or () if not engine.has(name) or engine.is_function(name)]
    if unknown:
        raise Invalid("There is no definition {name}", name=", ".join(unknown))
    resources = list(_resources(call.session, given, call.base))

    def work(terminology: Any) -> Resource:
        now = DateTime.of(datetime.now(ZONE))
        values = parameters.read(given["parameters"][0], now.offset or 0) if "parameters" in given else {}
        at = Evaluation(Resources(resources), Codes(with_packages(terminology)), values, now)
        return parameters.written(dict(engine.run(at, names)))

    return reply.resource(call, call.session.consult("Library", "evaluate", work))


def _resources(session: Session, given: Input, base: str) -> Iterable[Resource]:
    """The subject's record, unless the server's data are not to be used, and what the body brings."""
    if "subject" in given and given.get("useServerData", ["true"])[0] == "true":
        yield from whole_record(session, subject_of(given["subject"][0], base))
    for bundle in given.get("data", ()):
        yield from (entry["resource"] for entry in bundle.get("entry") or () if "resource" in entry)


_INPUT = {
    "subject": Parameter("Reference"),
    "expression": Parameter("string", many=True),
    "parameters": Parameter("Resource"),
    "useServerData": Parameter("boolean"),
    "data": Parameter("Resource"),
}
_UNSUPPORTED = frozenset(
    {"prefetchData", "dataEndpoint", "contentEndpoint", "terminologyEndpoint", "modelParameters", "context"}
)
CQL = Operation(
    name="cql",
    definition=CQL_OPERATION,
    documentation="library: Name|version, or Name|version called Alias, each included.",
    handler=invoke_cql,
    types=frozenset({"Library"}),
    levels=frozenset({"system"}),
    parameters={**_INPUT, "expression": Parameter("string"), "library": Parameter("string", many=True)},
    unsupported=_UNSUPPORTED,
)
OPERATION = Operation(
    name="evaluate",
    definition=EVALUATE,
    documentation="The library's CQL, else its ELM with result types. A definition that fails is an OperationOutcome.",
    handler=invoke_evaluate,
    types=frozenset({"Library"}),
    levels=frozenset({"type", "instance"}),
    parameters={**_INPUT, "url": Parameter("uri"), "library": Parameter("Resource")},
    unsupported=_UNSUPPORTED,
)
