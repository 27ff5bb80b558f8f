"""Every text of an error of this package exists in Chinese with the same fields."""

import ast
import re
from pathlib import Path

import pytest

from shangyi.i18n import translate

API = Path(__file__).parents[2] / "src" / "shangyi" / "api"
RAISING = re.compile(
    r"Invalid|NotFound|NotSupported|Gone|Unprocessable|TooLarge|Unavailable|Unauthenticated|PreconditionFailed"
    r"|NotAcceptable|UnsupportedMediaType|PatchFailed|MethodNotAllowed|TooSlow|TooLong|_all_well"
)


def texts() -> set[str]:
    found = set()
    for file in API.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and RAISING.fullmatch(node.func.id)
            ):
                found |= {
                    a.value for a in node.args[:1] if isinstance(a, ast.Constant) and isinstance(a.value, str)
                }
    return found


@pytest.mark.parametrize("text", sorted(texts()))
def test_text_is_translated_with_its_fields(text: str) -> None:
    chinese = translate(text, "zh-CN")
    assert chinese != text
    assert set(re.findall(r"\{\w+\}", chinese)) == set(re.findall(r"\{\w+\}", text))
