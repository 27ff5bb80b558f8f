"""Three-valued logic (http://hl7.org/fhirpath/N1/#boolean-logic); None stands for empty."""

from collections.abc import Callable

Answer = bool | None


def conjunction(a: Answer, b: Answer) -> Answer:
    """``and``."""
    if a is False or b is False:
        return False
    return True if a and b else None


def disjunction(a: Answer, b: Answer) -> Answer:
    """``or``."""
    if a or b:
        return True
    return False if a is False and b is False else None


def exclusive(a: Answer, b: Answer) -> Answer:
    """``xor``."""
    return None if a is None or b is None else a is not b


def implication(a: Answer, b: Answer) -> Answer:
    """``implies``."""
    return disjunction(negation(a), b)


def negation(a: Answer) -> Answer:
    """``not()``."""
    return None if a is None else not a


OPERATORS: dict[str, Callable[[Answer, Answer], Answer]] = {
    "and": conjunction,
    "or": disjunction,
    "xor": exclusive,
    "implies": implication,
}
DECIDED_BY_LEFT: dict[str, tuple[Answer, Answer]] = {
    "and": (False, False),
    "or": (True, True),
    "implies": (False, True),
}
"""The left answer that alone decides, and the result."""
