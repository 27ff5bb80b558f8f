"""The command line's own language."""

import os
from functools import cache

from shangyi.errors import Issue
from shangyi.i18n import LANGUAGES, translate
from shangyi.settings import default_language


@cache
def language() -> str:
    """``SHANGYI_LANGUAGE``, else the locale's."""
    asked = os.environ.get("SHANGYI_LANGUAGE", "")
    return asked if asked in LANGUAGES else default_language()


def t(text: str, /, **args: object) -> str:
    """``text`` (English, the key) in the language of the person at the keyboard, its fields filled in."""
    translated = translate(text, language())
    return translated.format(**args) if args else translated


def sentence(issue: Issue) -> str:
    """An issue as one line: where, then what. Reasons of the system and what a parser expected are said in the language, too."""
    args = {
        name: t(value) if name in ("reason", "expected") and isinstance(value, str) else value
        for name, value in issue.args.items()
    }
    said = t(issue.text, **args) if args else t(issue.text)
    return f"{issue.expression}: {said}" if issue.expression else said
