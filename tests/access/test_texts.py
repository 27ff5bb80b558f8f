import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import shangyi.access
from shangyi.access.model import LABELS
from shangyi.i18n import translate


def texts() -> Iterator[str]:
    """Every text that an error of this package can show, and the names of the roles."""
    yield from LABELS.values()
    for file in Path(next(iter(shangyi.access.__path__))).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                first = node.exc.args[0]
                if isinstance(first, ast.Constant) and " " in str(first.value):
                    yield str(first.value)


def test_every_text_is_there_in_chinese_with_the_same_fields() -> None:
    found = sorted(set(texts()))
    assert len(found) > 50
    missing = [text for text in found if translate(text, "zh-CN") == text]
    assert missing == []
    for text in found:
        fields = [{name for _, name, _, _ in Formatter().parse(t) if name} for t in (text, translate(text))]
        assert fields[0] == fields[1], text
