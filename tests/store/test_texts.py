"""Every text that the store can say to a person exists in Chinese."""

import ast
from pathlib import Path

import shangyi.store
from shangyi.i18n import catalogue

ROOT = Path(shangyi.store.__file__).parent
SAYING = set(
    "Misconfigured Invalid Conflict NotFound Gone PreconditionFailed Unavailable TooLarge NotSupported say".split()
)


def test_every_text_is_in_the_catalogue() -> None:
    said = {
        node.args[0].value
        for file in ROOT.rglob("*.py")
        if "search" not in file.relative_to(ROOT).parts
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") in SAYING
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }
    assert len(said) > 50
    assert said - catalogue("zh-CN").keys() == set()
