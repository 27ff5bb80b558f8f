"""The code that judges objects of one shape, written for that shape alone.

A *shape* is the tuple of an object's member names. ``fast`` has judged the names and has a check for each member;
what is left is to ask them. A loop over the checks spends most of its time on calling them, so the code of a shape
that comes again and again asks what it can without a call: is it of a known set, is it a plain text, of which shape
is the object below. Its source holds positions only (``v0``, ``c0``), nothing of a resource or a definition.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Check = Callable[[Any], Any]
"""Truthy where a value is sound. May raise TypeError for a value that is not even of the right JSON kind."""

MEETINGS = 8
"""How often a shape is met before code is written for it, which takes as long as some hundred looks."""


class Question(NamedTuple):
    """How a check is asked: an expression of the value ``v``, of something known ``k`` and of the check ``c``."""

    expression: str
    known: object = None


CALL = "{c}({v})"
NOTHING = "True"
BOOLEAN = "type({v}) is bool"
KNOWN = "{v} in {k} or {c}({v})"
TEXT = '{v} >= "!" and {v}.isprintable() and len({v}) <= {k} or {c}({v})'
"""From "!" on: not empty, and does not begin with a blank."""
SHAPED = "type({v}) is dict and ({k}(tuple({v})) or {c})({v})"
"""``k`` gives the code of a shape, None where there is none."""

_questions: dict[Check, Question] = {}
_items: dict[Check, tuple[Check, int]] = {}


def ask(check: Check, expression: str, known: object = None) -> Check:
    """The same check, which code of shapes asks by this expression."""
    _questions[check] = Question(expression, known)
    return check


def each(one: Check, most: int) -> Check:
    """The check of an array of at least one item and at most ``most`` (0: of any number), each sound by ``one``."""

    def many(value: Any) -> bool:
        if type(value) is not list or not value or (most and len(value) > most):
            return False
        return all(map(one, value))

    _items[many] = one, most
    return many


def judge(checks: Sequence[Check], keep: Callable[[Check], None]) -> Check:
    """The check of objects whose members are judged by ``checks``, in their order.

    ``keep`` is given the code of the shape once it has been met often enough.
    """
    left = MEETINGS

    def one_by_one(value: Any) -> bool:
        nonlocal left
        left -= 1
        if left <= 0:  # two threads may have counted at once
            keep(written(checks))
        return all(check(item) for check, item in zip(checks, value.values(), strict=True))

    return one_by_one


def written(checks: Sequence[Check]) -> Check:
    """The same as a function without a loop over the members."""
    scope: dict[str, Any] = {}
    lines = [
        "def sound(value):",
        "    " + "".join(f"v{n}, " for n in range(len(checks))) + "= value.values()",
    ]
    for n, check in enumerate(checks):
        one, most = _items.get(check, (check, 0))
        question = _questions.get(one, Question(CALL))
        scope[f"c{n}"], scope[f"k{n}"] = one, question.known
        if check in _items:
            longer = f" or len(v{n}) > {most}" if most else ""
            lines += [
                f"    if type(v{n}) is not list or not v{n}{longer}: return False",
                f"    for item in v{n}:",
                f"        if not ({question.expression.format(v='item', c=f'c{n}', k=f'k{n}')}): return False",
            ]
        else:
            asked = question.expression.format(v=f"v{n}", c=f"c{n}", k=f"k{n}")
            lines.append(f"    if not ({asked}): return False")
    lines.append("    return True")
    exec("\n".join(lines), scope)  # noqa: S102 — of positions only, see above
    sound: Check = scope["sound"]
    return sound
