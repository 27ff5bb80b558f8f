"""$validate-code of ValueSet and CodeSystem: whether a code is one, and in the value set.

http://hl7.org/fhir/R4/valueset-operation-validate-code.html and …/codesystem-operation-validate-code.html; ``issues``
is the terminology ecosystem's.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from shangyi.api import reply
from shangyi.api.call import Call, Resource
from shangyi.api.operations import terminology as asked
from shangyi.api.operations.definition import Input, Operation, Parameter
from shangyi.api.reply import Reply
from shangyi.errors import Invalid, Issue
from shangyi.i18n import translate
from shangyi.terminology import validation
from shangyi.terminology.definitions import Definition
from shangyi.terminology.library import Library
from shangyi.terminology.service import Terminology
from shangyi.terminology.validation import KINDS, Problem, Validator, Verdict


def of_value_set(call: Call, given: Input) -> Reply:
    """Against a value set."""

    def work(terminology: Terminology) -> Resource:
        library = asked.library(terminology, given)
        definition = asked.value_set(call, given, library)
        if definition is None:
            raise Invalid("$validate-code needs a value set: url, valueSet in the body, or ValueSet/<id>")
        return _answer(call, given, library, definition)

    return reply.resource(call, call.session.consult("ValueSet", "validate-code", work))


def of_code_system(call: Call, given: Input) -> Reply:
    """Against the code systems alone."""
    system = asked.one(given, "url")
    if call.place.get("id"):
        system = call.session.read("CodeSystem", call.place["id"]).resource.get("url")
    given = {**given, "system": [system]} if system and "code" in given else given
    return reply.resource(
        call,
        call.session.consult(
            "CodeSystem",
            "validate-code",
            lambda terminology: _answer(call, given, asked.library(terminology, given), None),
        ),
    )


def _answer(call: Call, given: Input, library: Library, definition: Definition | None) -> Resource:
    request = validation.Request(
        abstract=asked.true(given, "abstract", otherwise=True),
        active_only=asked.true(given, "activeOnly"),
        lenient=asked.true(given, "lenient-display-validation"),
        languages=asked.one(given, "displayLanguage") or call.header(b"accept-language"),
        infer_system=asked.true(given, "inferSystem") or "code" in given,
        supplements=asked.supplements(given),
        versions=asked.asked_versions(given),
    )
    validator = Validator(library, definition, request)
    coding = asked.coding(given)
    concept = asked.one(given, "codeableConcept")
    if (coding is None) == (concept is None):
        raise Invalid("Give one code: code and system, coding, or codeableConcept")
    if concept is not None:
        return _of_concept(call, concept, validator)
    assert coding is not None
    place = "Coding" if "coding" in given else ""
    verdict = validator.coding(coding, place)
    return _said(call, verdict, verdict.valid, verdict.problems)


def _of_concept(call: Call, concept: dict[str, Any], validator: Validator) -> Resource:
    """One coding that holds is enough; what else is wrong with the others counts as well."""
    verdicts = validator.concept(concept)
    if not verdicts:
        raise Invalid("The concept has no coding", expression="CodeableConcept.coding")
    best = next((v for v in verdicts if v.member is not None), None)
    problems: list[Problem] = []
    if best is None and any(p.kind == "not-in-vs" for v in verdicts for p in v.problems):
        assert validator.definition is not None
        text = "None of the codes is in the value set {url}"
        issue = Issue("error", "code-invalid", text, {"url": validator.definition.canonical})
        problems.append(Problem(issue, "not-in-vs"))
    for verdict in verdicts:
        problems += [validation.softened(p) if p.kind == "not-in-vs" else p for p in verdict.problems]
    valid = best is not None and all(p.issue.severity != "error" for p in problems)
    return _said(call, best, valid, problems, concept)


def _said(
    call: Call,
    verdict: Verdict | None,
    valid: bool,
    problems: Sequence[Problem],
    concept: Resource | None = None,
) -> Resource:
    """The Parameters of the answer, in the reader's language."""
    coding = verdict.coding if verdict is not None else None
    member = verdict.member if verdict is not None else None
    wrong = [p.issue for p in problems if p.issue.severity in ("error", "warning")]
    message = "; ".join(_sentence(call, issue) for issue in wrong)
    issues = [_issue(call, problem) for problem in problems]
    answer = asked.parameters(
        [
            ("result", "valueBoolean", valid),
            ("code", "valueCode", coding.code if coding else None),
            ("system", "valueUri", coding.system if coding else None),
            ("version", "valueString", member.version if member else None),
            ("display", "valueString", verdict.display if verdict is not None else None),
            ("inactive", "valueBoolean", True if member and member.inactive else None),
            ("codeableConcept", "valueCodeableConcept", concept),
            ("message", "valueString", message),
        ]
    )
    if issues:
        outcome = {"resourceType": "OperationOutcome", "issue": issues}
        answer["parameter"].append({"name": "issues", "resource": outcome})
    return answer


def _sentence(call: Call, issue: Issue) -> str:
    return translate(issue.text, call.language).format(**issue.args)


def _issue(call: Call, problem: Problem) -> Resource:
    issue = problem.issue
    found: Resource = {
        "severity": issue.severity,
        "code": issue.code,
        "details": {"coding": [{"system": KINDS, "code": problem.kind}], "text": _sentence(call, issue)},
    }
    if issue.expression:
        place = issue.expression.lstrip(".")
        found |= {"location": [place], "expression": [place]}
    return found


_INPUT = {
    **asked.VERSIONS,
    "url": Parameter("uri"),
    "code": Parameter("code"),
    "display": Parameter("string"),
    "coding": Parameter("Coding"),
    "codeableConcept": Parameter("CodeableConcept"),
    "abstract": Parameter("boolean"),
    "displayLanguage": Parameter("string"),
    "activeOnly": Parameter("boolean"),
    "lenient-display-validation": Parameter("boolean"),
}

_VALUE_SET = Operation(
    name="validate-code",
    definition="http://hl7.org/fhir/OperationDefinition/ValueSet-validate-code",
    handler=of_value_set,
    types=frozenset({"ValueSet"}),
    levels=frozenset({"type", "instance"}),
    parameters={
        **_INPUT,
        "system": Parameter("uri"),
        "systemVersion": Parameter("string"),
        "inferSystem": Parameter("boolean"),
        "valueSet": Parameter("Resource"),
        "valueSetVersion": Parameter("string"),
        "context": Parameter("uri"),
        "default-valueset-version": Parameter("uri", many=True),
        "check-valueset-version": Parameter("uri", many=True),
        "force-valueset-version": Parameter("uri", many=True),
    },
    unsupported=frozenset({"date"}),
)

OPERATIONS = (
    _VALUE_SET,
    replace(
        _VALUE_SET,
        definition="http://hl7.org/fhir/OperationDefinition/CodeSystem-validate-code",
        handler=of_code_system,
        types=frozenset({"CodeSystem"}),
        parameters={**_INPUT, "version": Parameter("string")},
        unsupported=frozenset({"date", "codeSystem"}),
    ),
)
