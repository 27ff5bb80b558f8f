"""Everything that can be set, called or imported is documented."""

import ast
from pathlib import Path

import pytest

from shangyi.cli.main import GROUPS, commands
from shangyi.settings import describe

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "shangyi"
PACKAGES = sorted(p.parent.name for p in SRC.glob("*/__init__.py"))


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("setting", describe(), ids=lambda s: s.name)
def test_every_setting_is_documented_with_its_default(setting) -> None:
    row = next(
        (line for line in page("settings.md").splitlines() if line.startswith(f"| `{setting.name}` |")), ""
    )
    assert row, f"{setting.name} is not in docs/settings.md"
    if setting.default is not None:
        assert f"`{setting.default}`" in row.split("|")[2]


def test_no_setting_is_documented_that_does_not_exist() -> None:
    documented = {
        line.split("`")[1] for line in page("settings.md").splitlines() if line.startswith("| `SHANGYI_")
    }
    assert documented == {setting.name for setting in describe()}


@pytest.mark.parametrize("command", commands())
def test_every_command_is_documented(command: str) -> None:
    assert f"| `shangyi {command}" in page("cli.md")
    assert (SRC / "cli" / f"{command}.py").exists()


def test_every_command_has_a_chinese_summary() -> None:
    from shangyi.i18n import translate

    texts = [heading for heading, _ in GROUPS] + [summary for _, group in GROUPS for _, summary in group]
    assert not [text for text in texts if translate(text, "zh-CN") == text]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_says_what_it_is_for(package: str) -> None:
    said = ast.get_docstring(ast.parse((SRC / package / "__init__.py").read_text(encoding="utf-8")))
    assert said, f"src/shangyi/{package}/__init__.py has no docstring"
