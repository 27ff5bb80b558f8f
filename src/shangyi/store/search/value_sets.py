"""The codes of a value set, for ``:in``: of R4's own definitions, or of a stored ValueSet that lists them.

Filters and nested concepts of code systems need a terminology service, which is not here: they are refused.
"""

from collections.abc import Callable, Collection, Iterator
from typing import Any

from shangyi.errors import NotSupported
from shangyi.fhir import definitions

Resource = dict[str, Any]
Find = Callable[[str], Resource | None]
"""The stored ValueSet of a canonical URL."""

MOST_CODES, DEEPEST = 20_000, 8


def expand(url: str, find: Find, depth: int = 0) -> set[tuple[str, str]]:
    """The codes (system, code); ("system", "") stands for every code of a system. NotSupported."""
    if depth > DEEPEST:
        raise NotSupported("The value set {url} is nested too deeply", url=url[:200])
    stored = find(url)
    if stored is None:
        listed = definitions.codes(url)
        if listed is None:
            raise NotSupported(
                "The value set {url} is not known here; store a ValueSet that lists its codes", url=url[:200]
            )
        return {(system, code) for system, codes in listed.items() for code in codes}
    if "expansion" in stored:
        found = set(_contained(stored["expansion"].get("contains", ())))
    else:
        compose = stored.get("compose", {})
        found = set[tuple[str, str]]()
        for part in compose.get("include", ()):
            found |= _part(url, part, find, depth)
        for part in compose.get("exclude", ()):
            found -= _part(url, part, find, depth)
    if len(found) > MOST_CODES:
        raise NotSupported("The value set {url} has more than {n} codes", url=url[:200], n=MOST_CODES)
    return found


def _contained(contains: Collection[Resource]) -> Iterator[tuple[str, str]]:
    for item in contains:
        if "code" in item and not item.get("abstract"):
            yield item.get("system", ""), item["code"]
        yield from _contained(item.get("contains", ()))


def _part(url: str, part: Resource, find: Find, depth: int) -> set[tuple[str, str]]:
    if part.get("filter"):
        raise NotSupported(
            "The value set {url} is made by a filter, which needs a terminology service", url=url[:200]
        )
    system = part.get("system")
    sets: list[set[tuple[str, str]]] = []
    if system and part.get("concept"):
        sets.append({(system, concept["code"]) for concept in part["concept"] if "code" in concept})
    elif system:
        sets.append({(system, "")})
    sets += [expand(canonical, find, depth + 1) for canonical in part.get("valueSet", ())]
    if not sets:
        return set()
    if len(sets) > 1 and any(code == "" for one in sets for _, code in one):
        raise NotSupported(
            "The value set {url} is made by a filter, which needs a terminology service", url=url[:200]
        )
    return set.intersection(*sets)
