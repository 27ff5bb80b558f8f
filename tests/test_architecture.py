"""Packages import one way only: a package may import those above it in this list (docs/architecture.md)."""

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "shangyi"
ORDER = (
    "errors i18n settings logs fhir terminology query store jobs access lake knowledge care signals surveillance"
    " synth api web wiring cli"
).split()


def imported_packages(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            module = node.module or ""
            names |= {f"{module}.{alias.name}" for alias in node.names} if module == "shangyi" else {module}
    return {name.split(".")[1] for name in names if name.startswith("shangyi.")} - {"__version__"}


@pytest.mark.parametrize("file", sorted(SRC.rglob("*.py")), ids=lambda f: str(f.relative_to(SRC)))
def test_imports_go_one_way(file: Path) -> None:
    package = file.relative_to(SRC).parts[0].removesuffix(".py")
    if package == "__init__":
        return
    assert package in ORDER, f"{package} has no place in the order"
    rank = ORDER.index(package)
    wrong = {name for name in imported_packages(file) if name in ORDER and ORDER.index(name) > rank}
    assert not wrong, f"{file.relative_to(SRC)} imports {sorted(wrong)}, which stand below {package}"


ENGINES = frozenset({"duckdb", "pyarrow", "pyspark"})


def test_only_the_lake_imports_engines() -> None:
    """Nothing outside ``lake`` executes on an engine by another way (docs/lake.md)."""
    wrong = []
    for file in SRC.rglob("*.py"):
        if file.relative_to(SRC).parts[0] == "lake":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            wrong += [f"{file.relative_to(SRC)}: {name}" for name in names if name.split(".")[0] in ENGINES]
    assert not wrong
