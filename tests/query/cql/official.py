"""The official CQL test suite (cqframework/cql-tests): its cases, and whether a value is the one expected."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from shangyi.query.cql.operators import PURE
from shangyi.query.cql.values import Interval, Tuple, Uncertainty

_PLACES = [Path(os.environ.get("SHANGYI_SHARED", "")), *(p / "shared" for p in Path(__file__).parents[3:6])]
SUITE = next((p for place in _PLACES if (p := place / "conformance/cql/tests/cql").is_dir()), Path())
_NAMESPACE = "{http://hl7.org/fhirpath/tests}"


@dataclass(frozen=True)
class Case:
    """One test. ``invalid``: the expression must be refused, when it is read or when it is run."""

    id: str
    expression: str
    expected: str | None
    invalid: bool


def cases() -> Iterator[Case]:
    """All, in the order of the files; ``id`` is file/group/name, with a number where a name comes again."""
    for file in sorted(SUITE.glob("Cql*.xml")) + sorted(SUITE.glob("Value*.xml")):
        seen: dict[str, int] = {}
        for group in ElementTree.parse(file).getroot().iter(f"{_NAMESPACE}group"):
            for test in group.iter(f"{_NAMESPACE}test"):
                name = f"{file.stem}/{group.get('name')}/{test.get('name')}"
                seen[name] = seen.get(name, 0) + 1
                expression = test.find(f"{_NAMESPACE}expression")
                output = test.find(f"{_NAMESPACE}output")
                assert expression is not None
                assert expression.text is not None
                yield Case(
                    name if seen[name] == 1 else f"{name}#{seen[name]}",
                    expression.text.strip(),
                    None if output is None else (output.text or "").strip(),
                    expression.get("invalid", "false") != "false",
                )


def same(actual: Any, expected: Any) -> bool:
    """Whether two values are the same to the suite; an uncertainty shows as an interval, as engines have it."""
    if type(actual) is Uncertainty:
        actual = Interval(actual.low, actual.high)
    if actual is None or expected is None:
        return actual is expected
    if isinstance(actual, list) and isinstance(expected, list):
        return len(actual) == len(expected) and all(map(same, actual, expected))
    if type(actual) is type(expected) is Tuple:
        return actual.elements.keys() == expected.elements.keys() and all(
            same(value, expected.elements[name]) for name, value in actual.elements.items()
        )
    return PURE["Equal"](actual, expected) is True or bool(actual == expected)
