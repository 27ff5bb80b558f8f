"""URIs (http://hl7.org/fhir/R4/search.html#uri): whole and exact, ``:below`` and ``:above`` by their path."""

from collections.abc import Sequence

from shangyi.store import keys
from shangyi.store.model import Version
from shangyi.store.search.catalogue import Parameter
from shangyi.store.search.conditions.base import Condition, any_token, not_supported, present, split, unescape
from shangyi.store.search.path import values as at


def condition(type: str, parameter: Parameter, modifier: str, value: str) -> Condition:
    """A uri parameter."""
    wanted = [unescape(one) for one in split(value)]
    match modifier:
        case "":
            found = wanted
        case "above":
            found = [place for one in wanted for place in above(one)]
        case "below":
            return _below(parameter, wanted)
        case _:
            raise not_supported(modifier, parameter)
    return any_token([keys.token(type, home, one) for home in parameter.homes for one in found])


def above(text: str) -> list[str]:
    """``http://a/b/c``, ``http://a/b``, ``http://a``; each with and without a slash at its end."""
    head, mark, rest = text.partition("://")
    if not mark:
        return [text]
    parts = rest.rstrip("/").split("/")
    places = [f"{head}://{'/'.join(parts[:count])}" for count in range(len(parts), 0, -1)]
    return list(dict.fromkeys([text, *(spelled for place in places for spelled in (place, f"{place}/"))]))


def _below(parameter: Parameter, wanted: Sequence[str]) -> Condition:
    def below(versions: Sequence[Version]) -> list[bool]:
        return [
            any(
                value == one or value.startswith(one.rstrip("/") + "/")
                for path in parameter.paths
                for value in at(path, version.resource)
                if isinstance(value, str)
                for one in wanted
            )
            for version in versions
        ]

    there = present(parameter)
    return Condition(there.sql, there.values, recheck=below)
