import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from shangyi.cli import codes, text, usage
from shangyi.cli.main import of_the_system, run
from shangyi.i18n import translate

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


@pytest.mark.parametrize(
    ("typed", "english", "chinese", "see"),
    [
        (("token", "create"), "label is missing", "缺少 label", "shangyi token create --help"),
        (
            ("load", "--workers", "x", "a"),
            "--workers must be a whole number",
            "--workers 应为整数",
            "shangyi load",
        ),
        (("load", "--nope"), "there is no option --nope", "没有 --nope 这个选项", "shangyi load"),
        (
            ("serve", "--port", "99999"),
            "--port must be at most 65535",
            "--port 不能大于 65535",
            "shangyi serve",
        ),
        (("get", "a", "b"), "b is too much", "b 是多余的", "shangyi get"),
        (
            ("synth", "--until", "2026-13-01"),
            "written like 2026-03-31",
            "写成 2026-03-31 的形式",
            "shangyi synth",
        ),
    ],
)
def test_what_is_typed_wrongly_is_said_in_the_language(
    typed: tuple[str, ...], english: str, chinese: str, see: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for language, said in (("en", english), ("zh-CN", chinese)):
        monkeypatch.setattr(text, "language", lambda language=language: language)
        assert run(list(typed)) == codes.USAGE
        told = capsys.readouterr().err
        assert said in told
        assert see in told


def test_every_sentence_about_what_is_typed_has_a_chinese_one() -> None:
    assert [ours for _, ours in usage.SAID if translate(ours, "zh-CN") == ours] == []


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EACCES, errno.ENOSPC, errno.EROFS, errno.EADDRINUSE])
def test_what_the_system_refuses_is_said_in_chinese(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "language", lambda: "zh-CN")
    [issue] = of_the_system(OSError(number, os.strerror(number), "/x")).issues
    assert not re.search("[a-z]{3}", text.sentence(issue))
