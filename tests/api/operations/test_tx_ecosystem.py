"""The terminology ecosystem's test suite (https://github.com/HL7/fhir-tx-ecosystem-ig), its general cases, over HTTP.

    ./shangyi test --tx-suite DIR tests/api/operations/test_tx_ecosystem.py

Compared: the codes of an expansion with display and flags, its parameters; result, code, system, version and display of
a validation, and of each issue severity, type, kind and place. Not compared: sentences, which are ours, and where the
suite says ``$optional$``. Cases that do not pass stand in ``tx_exclusions.yaml``, each with its reason.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.api.conftest import Client

Json = dict[str, Any]
OPERATIONS = {
    "expand": "ValueSet/$expand",
    "validate-code": "ValueSet/$validate-code",
    "cs-validate-code": "CodeSystem/$validate-code",
    "lookup": "CodeSystem/$lookup",
    "translate": "ConceptMap/$translate",
}
REASONS: dict[str, str] = {
    name: reason
    for reason, names in yaml.safe_load(
        Path(__file__).with_name("tx_exclusions.yaml").read_text("utf-8")
    ).items()
    for name in names
}
PLACEHOLDER = re.compile(r"\$(choice:)?([^$]+)\$")


def cases(folder: Path) -> Iterator[tuple[Json, list[Json], Json]]:
    """Each general case, with the definitions that it stands on."""
    for suite in read(folder, "test-cases.json")["suites"]:
        if suite.get("mode") == "general":
            setup = [read(folder, name) for name in suite["setup"]]
            for test in suite["tests"]:
                if not test.get("mode") and test["operation"] in OPERATIONS:
                    yield test, setup, read(folder, test["request"])


def read(folder: Path, name: str) -> Json:
    found: Json = json.loads((folder / "tests" / name).read_text(encoding="utf-8-sig"))
    return found


def test_the_suite(http: Client, request: pytest.FixtureRequest) -> None:
    option = request.config.getoption("--tx-suite")
    if not option:
        pytest.skip("--tx-suite DIR: a checkout of https://github.com/HL7/fhir-tx-ecosystem-ig")
    folder, failed, passed = Path(option), {}, 0
    for test, setup, asked in cases(folder):
        problem = difference(answer(http, folder, test, setup, asked), read(folder, test["response"]))
        passed += problem is None
        if problem is not None:
            failed[test["name"]] = problem
    unexpected = {name: problem for name, problem in failed.items() if name not in REASONS}
    assert not unexpected, "\n".join(f"{n}: {p}" for n, p in unexpected.items())
    assert not REASONS.keys() - failed.keys(), "these pass by now"
    assert passed > 500


def answer(http: Client, folder: Path, test: Json, setup: list[Json], asked: Json) -> Json:
    given = asked["parameter"]
    names = {item["name"] for item in given}
    profile = read(folder, test["profile"])["parameter"] if "profile" in test else []
    more = [item for item in profile if item["name"] not in names | {"uuid"}]
    brought = [{"name": "tx-resource", "resource": resource} for resource in setup]
    headers = {"accept-language": test["Accept-Language"]} if "Accept-Language" in test else {}
    body = {"resourceType": "Parameters", "parameter": [*given, *more, *brought]}
    found: Json = http.post(f"/fhir/{OPERATIONS[test['operation']]}", body, headers=headers).json()
    return found


def difference(got: Json, wanted: Json) -> str | None:
    """What is not as it should be; None where all is well."""
    if got["resourceType"] != wanted["resourceType"]:
        return f"{got['resourceType']}: {json.dumps(got)[:200]}"
    match wanted["resourceType"]:
        case "OperationOutcome":
            known = [issue["code"] for issue in got["issue"]]
            wrong = [i["code"] for i in wanted["issue"] if i["severity"] == "error"]
            return None if all(any(same(w, k) for k in known) for w in wrong) else f"{known}, not {wrong}"
        case "ValueSet":
            return of_expansion(got["expansion"], wanted["expansion"])
    return of_parameters(items(got), items(wanted))


def same(wanted: Any, got: Any) -> bool:
    """Equal, but for the suite's placeholders: ``$choice:a|b$``, and ``$kind$`` for any."""
    if not isinstance(wanted, str) or "$" not in wanted:
        return bool(wanted == got)
    pattern, last = "", 0
    for found in PLACEHOLDER.finditer(wanted):
        options = found[2].split("|")
        pattern += re.escape(wanted[last : found.start()])
        pattern += f"({'|'.join(map(re.escape, options))})" if found[1] else ".+"
        last = found.end()
    return re.fullmatch(pattern + re.escape(wanted[last:]), str(got)) is not None


def of_expansion(got: Json, wanted: Json) -> str | None:
    have, want = sorted(codes(got), key=str), sorted(codes(wanted), key=str)
    if have != want:
        return f"codes {have}, not {want}"
    known = [(p["name"], value(p)) for p in got.get("parameter", ())]
    for item in wanted.get("parameter", ()):
        stands = any(name == item["name"] and same(value(item), found) for name, found in known)
        if "$optional$" not in item and not stands:
            return f"no {item['name']} {value(item)} in {known}"
    return None if wanted.get("total", got.get("total")) == got.get("total") else f"total {got.get('total')}"


def codes(expansion: Json) -> Iterator[tuple[Any, ...]]:
    """The codes, those nested too: nesting is optional in FHIR."""
    for item in expansion.get("contains", ()):
        yield (
            item["system"],
            item["code"],
            item.get("display"),
            bool(item.get("inactive")),
            bool(item.get("abstract")),
        )
        yield from codes(item)


def items(parameters: Json) -> dict[str, Json]:
    return {item["name"]: item for item in parameters["parameter"]}


def value(item: Json) -> Any:
    return next((v for k, v in item.items() if k.startswith("value")), None)


def of_parameters(got: dict[str, Json], wanted: dict[str, Json]) -> str | None:
    for name in ("result", "code", "system", "version", "display", "inactive"):
        item = wanted.get(name)
        if item is None and name in got:
            return f"{name} {value(got[name])}, not none"
        if item is not None and "$optional$" not in item and not same(value(item), value(got.get(name, {}))):
            return f"{name} {value(got.get(name, {}))}, not {value(item)}"
    have, want = (sorted(issues(p.get("issues", {}).get("resource", {})), key=str) for p in (got, wanted))
    return None if have == want else f"issues {have}, not {want}"


def issues(outcome: Json) -> Iterator[tuple[Any, ...]]:
    for issue in outcome.get("issue", ()):
        kind = issue.get("details", {}).get("coding", [{}])[0].get("code")
        yield issue["severity"], issue["code"], kind, issue.get("expression", [None])[0]
