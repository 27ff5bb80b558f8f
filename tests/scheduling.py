"""Which worker of xdist runs what, and in which order: a module's fixtures are made once, and no worker is left over.

xdist's own groups (``xdist_group``) say nothing any more since pytest 9.2, which does not let it rename tests.
"""

from typing import Any

import pytest

TOGETHER = {
    **{f"tests/synth/test_{name}.py": "charts" for name in ("care", "control", "lives")},
    **{f"tests/{name}.py": "spark" for name in ("lake/test_spark_engine", "query/views/test_spark")},
}
"""Modules that share what is made for all of them: ``tests.synth.charts``, a Spark."""

ALONE = ("tests/fhir/", "tests/query/cql/", "tests/query/closures/", "tests/query/sql/", "tests/query/test_")
"""Tests that share nothing of cost: any worker may run each."""

ORDER = (
    "tests/cli/test_faults", "tests/cli/test_disk_full", "tests/cli/test_demo",
    "tests/web/", "tests/synth/", "tests/cli/", "tests/lake/", "tests/store/", "tests/care/", "tests/access/", "tests/api/",
)  # fmt: skip
"""What takes long comes first, so that what is left at the end is short."""


def turn(nodeid: str) -> int:
    """When a test has its turn."""
    return next((place for place, start in enumerate(ORDER) if nodeid.startswith(start)), len(ORDER))


def together(nodeid: str) -> str:
    """What has to run on one worker has one name."""
    module = nodeid.partition("::")[0]
    return TOGETHER.get(module, nodeid if module.startswith(ALONE) else module)


def by_module(config: pytest.Config, log: Any) -> Any:
    """A scheduler that gives whole modules to a worker, in the order of the collection."""
    from xdist.scheduler import LoadScopeScheduling

    class ByModule(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return together(nodeid)

    config.option.loadscopereorder = False
    return ByModule(config, log)
