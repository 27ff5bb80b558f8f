"""Published eCQMs, each population of each test patient as its report expects.

    ./shangyi test --ecqm DIR [--ecqm-models DIR] tests/care/measures/test_ecqm.py

DIR: a checkout of https://github.com/cqframework/ecqm-content-qicore-2024 or …/ecqm-content-r4-2021. The models are ModelInfo
files, of QI-Core 4.1.1 for the former (clinical_quality_language, Src/java/quick). What differs stands in
``ecqm_exclusions.yaml``, each with its reason.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.care.measures.ecqm import Content, differences

from shangyi.care.measures import Bedside, Period

EXCLUSIONS: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("ecqm_exclusions.yaml").read_text("utf-8")
)


def content(config: pytest.Config) -> Content | None:
    root, models = config.getoption("--ecqm"), config.getoption("--ecqm-models")
    return Content(Path(root), Path(models) if models else None) if root else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    found = content(metafunc.config)
    folders = found.folders() if found else [Path()]
    metafunc.parametrize("folder", folders, ids=lambda folder: folder.name)


@pytest.fixture(scope="module")
def ecqm(request: pytest.FixtureRequest) -> Content:
    found = content(request.config)
    if found is None:
        pytest.skip("--ecqm DIR: a checkout of https://github.com/cqframework/ecqm-content-qicore-2024")
    return found


def test_every_population_is_as_expected(ecqm: Content, folder: Path) -> None:
    evaluators: dict[Period, Bedside] = {}
    unexpected, passing, checked = [], [], 0
    for case in ecqm.cases(folder):
        period = Period.parse(*(case.expected["period"][end][:10] for end in ("start", "end")))
        if period not in evaluators:
            evaluators[period] = ecqm.evaluator(ecqm.measure(folder), period)
        found = evaluators[period].result(case.subject, case.resources)
        problems = differences(evaluators[period].definition, found, case.expected)
        excluded = _excluded(folder.name, case.name)
        if problems and not excluded and not _lacks(folder.name, found.faults):
            unexpected.append(f"{case.name}: {'; '.join(problems)}")
        if excluded and not problems:
            passing.append(case.name)
        checked += 1
    assert not unexpected, "\n".join(unexpected)
    assert not passing, f"as expected by now: {passing}"
    assert checked


def _excluded(measure: str, patient: str) -> bool:
    return any(
        entry["measure"] == measure and any(patient.startswith(name) for name in entry.get("patients", ()))
        for entry in EXCLUSIONS
    )


def _lacks(measure: str, faults: tuple[str, ...]) -> bool:
    """Whether what is missing in the content is all that is at fault."""
    missing = [url for e in EXCLUSIONS if e["measure"] == measure for url in e.get("missing", ())]
    resolved = [fault for fault in faults if "is not known here" in fault]
    return bool(resolved) and all(any(url in fault for url in missing) for fault in resolved)
