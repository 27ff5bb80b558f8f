"""What a query is refused for is said in Chinese too, with its place."""

import ast
from pathlib import Path

from shangyi.i18n import translate

LAKE = Path(__file__).parents[2] / "src" / "shangyi" / "lake"
POSITION = {"fault": 3, "refuse": 1}
PLACE = " (line {line}, column {column})"


def sentences() -> set[str]:
    found = {"The query cannot be run: {reason}"}
    for file in (LAKE / "statement.py", LAKE / "groups.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            name = (
                getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""
            )
            if isinstance(node, ast.Call) and name in POSITION and len(node.args) > POSITION[name]:
                text = node.args[POSITION[name]]
                if isinstance(text, ast.Constant):
                    found.add(text.value)
    return found


def test_every_refusal_has_a_chinese_text() -> None:
    assert len(sentences()) > 20
    missing = [text + PLACE for text in sentences() if translate(text + PLACE, "zh-CN") == text + PLACE]
    assert not missing, "\n".join(missing)
