"""JSON Patch, RFC 6902, on a resource: every operation or none; the given resource is left as it is."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shangyi.errors import Invalid, Unprocessable

LARGEST = 1000
MOST_COPIED = 1000
"""Values that one ``copy`` may copy: each could double what is there, and thirty would fill any memory."""


class PatchFailed(Unprocessable):
    """An operation does not fit the resource: a place that is not there, or a ``test`` that does not hold."""

    code = "processing"


def apply(document: Any, operations: object) -> Any:
    """The document after all operations. Invalid for a patch that is not one, PatchFailed where it does not fit."""
    if not isinstance(operations, list):
        raise Invalid("A JSON Patch is an array of operations")
    if len(operations) > LARGEST:
        raise Invalid("A JSON Patch has at most {limit} operations here", limit=LARGEST)
    document = copy.deepcopy(document)
    for number, operation in enumerate(operations):
        document = _apply_one(document, operation, number)
    return document


def _apply_one(document: Any, operation: object, number: int) -> Any:
    if not isinstance(operation, dict):
        raise Invalid("Operation {number} of the patch is not an object", number=number)
    name = operation.get("op")
    action = OPERATIONS.get(name) if isinstance(name, str) else None
    if action is None:
        raise Invalid("Operation {number} of the patch has no known op", number=number)
    try:
        return action(document, operation)
    except (KeyError, IndexError):
        raise PatchFailed(
            "Operation {number} of the patch names a place that is not there", number=number
        ) from None
    except ValueError as error:
        raise Invalid("Operation {number} of the patch: {reason}", number=number, reason=str(error)) from None
    except AssertionError:
        raise PatchFailed(
            "The test of operation {number} of the patch does not hold", number=number
        ) from None


def parse_pointer(operation: Mapping[str, Any], member: str = "path") -> list[str]:
    """A JSON Pointer (RFC 6901) as its unescaped parts; ValueError where it is none."""
    text = operation.get(member)
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise ValueError(f"{member} is not a JSON Pointer")
    parts = text.split("/")[1:]
    if any("~" in part.replace("~0", "").replace("~1", "") for part in parts):
        raise ValueError(f"{member} has a ~ that is not ~0 or ~1")
    return [part.replace("~1", "/").replace("~0", "~") for part in parts]


def _index(part: str, length: int) -> int:
    """An array index below ``length``."""
    if not (part == "0" or (part.isascii() and part.isdigit() and part[0] != "0")):
        raise ValueError("an array index is a whole number without leading zeros")
    if len(part) > 9 or int(part) >= length:
        raise IndexError(part)
    return int(part)


def _get(document: Any, parts: Sequence[str]) -> Any:
    for part in parts:
        if isinstance(document, dict):
            document = document[part]
        elif isinstance(document, list):
            document = document[_index(part, len(document))]
        else:
            raise KeyError(part)
    return document


def _value(operation: Mapping[str, Any]) -> Any:
    if "value" not in operation:
        raise ValueError("value is missing")
    return copy.deepcopy(operation["value"])


def _insert(document: Any, parts: Sequence[str], value: Any) -> Any:
    if not parts:
        return value
    parent, last = _get(document, parts[:-1]), parts[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif isinstance(parent, list):
        parent.insert(len(parent) if last == "-" else _index(last, len(parent) + 1), value)
    else:
        raise KeyError(last)
    return document


def _delete(document: Any, parts: Sequence[str]) -> Any:
    if not parts:
        raise ValueError("the whole resource cannot be removed by a patch")
    parent, last = _get(document, parts[:-1]), parts[-1]
    if isinstance(parent, dict):
        del parent[last]
    elif isinstance(parent, list):
        del parent[_index(last, len(parent))]
    else:
        raise KeyError(last)
    return document


def _add(document: Any, operation: Mapping[str, Any]) -> Any:
    return _insert(document, parse_pointer(operation), _value(operation))


def _remove(document: Any, operation: Mapping[str, Any]) -> Any:
    return _delete(document, parse_pointer(operation))


def _replace(document: Any, operation: Mapping[str, Any]) -> Any:
    parts, value = parse_pointer(operation), _value(operation)
    _get(document, parts)
    if not parts:
        return value
    parent, last = _get(document, parts[:-1]), parts[-1]
    if isinstance(parent, list):
        parent[_index(last, len(parent))] = value
    else:
        parent[last] = value
    return document


def _move(document: Any, operation: Mapping[str, Any]) -> Any:
    source, target = parse_pointer(operation, "from"), parse_pointer(operation)
    if target[: len(source)] == source and len(target) > len(source):
        raise ValueError("a place cannot be moved into itself")
    value = _get(document, source)
    if source == target:
        return document
    return _insert(_delete(document, source), target, value)


def _copy(document: Any, operation: Mapping[str, Any]) -> Any:
    value = _get(document, parse_pointer(operation, "from"))
    if _count(value) > MOST_COPIED:
        raise ValueError(f"a copy of more than {MOST_COPIED} values")
    return _insert(document, parse_pointer(operation), copy.deepcopy(value))


def _count(value: Any) -> int:
    """How many values there are in it, at most a little over MOST_COPIED."""
    todo, count = [value], 0
    while todo and count <= MOST_COPIED:
        item = todo.pop()
        count += 1
        todo += item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
    return count


def _test(document: Any, operation: Mapping[str, Any]) -> Any:
    found, value = _get(document, parse_pointer(operation)), _value(operation)
    if not _equal(found, value):
        raise AssertionError
    return document


def _equal(a: Any, b: Any) -> bool:
    """Equality of RFC 6902 section 4.6: numbers by value, and true is not 1."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_equal, a, b))
    return bool(a == b)


OPERATIONS: Mapping[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}
