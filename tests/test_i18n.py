"""Every text that a person sees has a hand-written Chinese one. Texts are found in the source, not listed here."""

import ast
import re
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from shangyi.i18n import parse_po, translate

SRC = Path(__file__).parents[1] / "src" / "shangyi"
CATALOGUES = sorted((SRC / "locale" / "zh_CN" / "LC_MESSAGES").glob("*.po"))
PACKAGES = sorted(
    p.name.removesuffix(".py") for p in SRC.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()
)
TRANSLATING = {"translate", "t", "_", "gettext", "N_"}
READERS = {"web": {"text"}}
"""By package: methods and functions that give a text in the reader's language (``context.text``)."""
TEMPLATE_CALL = re.compile(r"""\b(?:_|t|translate)\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""")
CHINESE = re.compile(r"[㐀-鿿]")


@cache
def trees() -> dict[Path, ast.Module]:
    return {file: ast.parse(file.read_text(encoding="utf-8")) for file in sorted(SRC.rglob("*.py"))}


def name_of(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


@cache
def error_classes() -> frozenset[str]:
    """ShangyiError and whatever derives from it, in any package."""
    bases = {
        node.name: {name_of(base) for base in node.bases}
        for tree in trees().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {"ShangyiError"}
    while more := {name for name, parents in bases.items() if parents & found} - found:
        found |= more
    return frozenset(found)


def text_argument(call: ast.Call, package: str) -> ast.expr | None:
    name = name_of(call.func)
    first = name in TRANSLATING or name in error_classes() or name in READERS.get(package, ())
    position = 0 if first else 2 if name == "Issue" else None
    if position is None:
        return None
    keyword = next((k.value for k in call.keywords if k.arg == "text"), None)
    return call.args[position] if len(call.args) > position else keyword


def literals(node: ast.expr | None) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from literals(node.body)
        yield from literals(node.orelse)


def texts(package: str) -> dict[str, str]:
    """Each text of a package, and the file that says it."""
    found: dict[str, str] = {}
    for file, tree in trees().items():
        place = str(file.relative_to(SRC))
        if file.relative_to(SRC).parts[0].removesuffix(".py") != package:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                found |= dict.fromkeys(literals(text_argument(node, package)), place)
    for file in (SRC / package).rglob("*.html") if (SRC / package).is_dir() else ():
        for double, single in TEMPLATE_CALL.findall(file.read_text(encoding="utf-8")):
            found[ast.literal_eval(f'"{double}"') if double else single] = str(file.relative_to(SRC))
    return {text: place for text, place in found.items() if re.search("[A-Za-z]{2}", text)}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_text_has_a_chinese_one(package: str) -> None:
    missing = {text: place for text, place in texts(package).items() if translate(text, "zh-CN") == text}
    assert not missing, "\n".join(f"{place}: {text}" for text, place in missing.items())


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda f: f.stem)
def test_translations_keep_the_fields_of_their_texts(file: Path) -> None:
    def fields(text: str) -> set[str]:
        return {name.partition("!")[0] for _, name, _, _ in string.Formatter().parse(text) if name}

    for text, said in parse_po(file.read_text(encoding="utf-8")).items():
        assert fields(said) == fields(text), f"{file.name}: {text}"
        assert CHINESE.search(said) or not re.search("[a-z]{3}", re.sub(r"\{[^}]*\}", "", said)), (
            f"not Chinese: {text} → {said}"
        )


def test_a_text_that_stands_in_two_catalogues_is_translated_the_same() -> None:
    seen: dict[str, tuple[str, str]] = {}
    for file in CATALOGUES:
        for text, said in parse_po(file.read_text(encoding="utf-8")).items():
            other, before = seen.setdefault(text, (file.stem, said))
            assert before == said, f"{text!r}: {other} says {before}, {file.stem} says {said}"


def test_every_column_of_the_views_is_described_in_chinese() -> None:
    from shangyi.lake import library, relations

    texts = {column.description for name in library.names() for column in relations.columns(name)}
    assert not [text for text in texts if text and not CHINESE.search(translate(text, "zh-CN"))]
