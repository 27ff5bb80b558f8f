import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def shangyi(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("SHANGYI_", "LC_", "LANG"))}
    env |= {"PYTHONPATH": str(ROOT / "src"), **environment}
    command = [sys.executable, "-m", "shangyi.cli", *arguments]
    return subprocess.run(command, capture_output=True, env=env, text=True, encoding="utf-8", timeout=120)


def test_help_in_both_languages() -> None:
    assert "Usage: shangyi COMMAND" in shangyi("--help").stdout
    assert "用法：shangyi 命令" in shangyi("--help", LANG="zh_CN.UTF-8").stdout
    assert "用法：shangyi 命令" in shangyi(SHANGYI_LANGUAGE="zh-CN").stdout


def test_an_unknown_command_is_a_usage_error() -> None:
    answer = shangyi("srve")
    assert answer.returncode == 2
    assert "There is no command 'srve'" in answer.stderr


@pytest.mark.parametrize("heavy", ["typer", "rich", "psycopg", "starlette", "numpy"])
def test_the_overview_imports_nothing_heavy(heavy: str) -> None:
    program = (
        "import sys; from shangyi.cli.main import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, env=env, text=True, check=True
    )
    assert heavy not in answer.stderr.split()
