"""What was taken from elsewhere is named: by the file itself, or in NOTICE where a file cannot speak."""

import hashlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "shangyi"
NOTICE = (ROOT / "NOTICE").read_text(encoding="utf-8")
SPEAKS = ("source", "assumption", "after ", "After ")


def files(*endings: str) -> list[Path]:
    return sorted(
        f for f in SRC.rglob("*") if f.is_file() and f.suffix in endings and "locale" not in f.parts
    )


@pytest.mark.parametrize(
    "file", files(".yaml", ".yml", ".csv", ".tsv", ".txt"), ids=lambda f: str(f.relative_to(SRC))
)
def test_every_data_file_names_its_source(file: Path) -> None:
    head = file.read_text(encoding="utf-8")[:2000]
    assert any(word in head for word in SPEAKS), f"{file.relative_to(ROOT)} says nowhere what it is after"


PACKAGES = SRC / "knowledge" / "packages"
"""Written for the platform; each names its sources in its Measures, which tests/knowledge holds it to."""


@pytest.mark.parametrize(
    "file",
    [f for f in files(".json", ".gz", ".zst", ".bin") if PACKAGES not in f.parents],
    ids=lambda f: str(f.relative_to(SRC)),
)
def test_every_table_without_comments_is_named_in_notice(file: Path) -> None:
    assert f"src/shangyi/{file.parent.relative_to(SRC).as_posix()}/" in NOTICE
    assert file.name in NOTICE


@pytest.mark.parametrize("file", sorted((SRC / "web" / "static" / "vendor").iterdir()), ids=lambda f: f.name)
def test_every_vendored_file_is_named_with_its_hash(file: Path) -> None:
    assert hashlib.sha256(file.read_bytes()).hexdigest() in NOTICE


def test_nothing_in_notice_is_gone() -> None:
    for place in (
        line.split("(")[1].split(")")[0]
        for line in NOTICE.splitlines()
        if line.endswith("/)") or "(src/" in line
    ):
        assert (ROOT / place.split(":")[0]).exists(), place
