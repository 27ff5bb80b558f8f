"""Is a lake whole, and does it say what its store said? By counts and content hashes of each type.

The hash of a type is the sum of those of its resources, so that order does not count; the hash of a resource is over
its meaning: names sorted, null properties left out, digits of decimals as they are.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import msgspec

from shangyi.fhir import json
from shangyi.lake import snapshot
from shangyi.lake.catalog import Lake
from shangyi.store.exports import Source

EVERY = 1000
Progress = Callable[[int], None]
_encoder = msgspec.json.Encoder(decimal_format="number", order="sorted")


@dataclass(frozen=True, slots=True)
class Content:
    """How many resources, and the sum of their hashes (64 bits, hexadecimal)."""

    resources: int
    hash: str


@dataclass(slots=True)
class Verified:
    """By type: what the lake holds and, where it was built of a store, what that held; ``problems`` in English."""

    lake: dict[str, Content] = field(default_factory=dict)
    store: dict[str, Content] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def meaning(resource: Any) -> bytes:
    """The bytes that two resources of the same meaning share."""
    written = _encoder.encode(resource)
    return _encoder.encode(_without_null(resource)) if b"null" in written else written


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_null(inner) for name, inner in value.items() if inner is not None}
    return [_without_null(item) for item in value] if isinstance(value, list) else value


def content(resources: Iterable[Any]) -> Content:
    """Of resources in any order."""
    count = total = 0
    for resource in resources:
        count += 1
        total += int.from_bytes(blake2b(meaning(resource), digest_size=8).digest(), "big")
    return Content(count, f"{total % 2**64:016x}")


def verify(lake: Lake, source: Source | None = None, progress: Progress | None = None) -> Verified:
    """Read all of a lake, rebuild every resource, and hold it against the store that it was built of."""
    found, done = Verified(), 0

    def counted(resources: Iterable[Any]) -> Iterator[Any]:
        nonlocal done
        for resource in resources:
            done += 1
            if progress and not done % EVERY:
                progress(done)
            yield resource

    for type_ in lake.tables():
        try:
            found.lake[type_] = content(counted(lake.resources(type_)))
        except (OSError, ValueError) as error:
            found.problems.append(f"{type_}: a file cannot be read: {error}")
            continue
        if found.lake[type_].resources != lake.rows(type_):
            found.problems.append(
                f"{type_}: {found.lake[type_].resources:,} rows, the manifest says {lake.rows(type_):,}"
            )
    if source is not None:
        then = snapshot.then(source, lake.manifest)
        for type_ in sorted({*then.types(), *lake.tables()}):
            found.store[type_] = content(counted(json.decode(line) for line in then.lines(type_)))
            mine = found.lake.get(type_, Content(0, content(()).hash))
            if mine != found.store[type_]:
                found.problems.append(
                    f"{type_}: the lake has {mine.resources:,} ({mine.hash}),"
                    f" the record had {found.store[type_].resources:,} ({found.store[type_].hash})"
                )
    return found
