"""What holds during one evaluation, and what holds at a place in it."""

from collections.abc import Callable, Mapping
from typing import Any

from shangyi.query import temporal
from shangyi.query.closures.values import Collection, Element

Resolver = Callable[[str], dict[str, Any] | None]
"""A resource by its reference, None where there is none."""
Membership = Callable[[Any, str], bool | None]
"""Whether a code, Coding or CodeableConcept (as JSON) is in a value set; None where that is not known."""
Sink = Callable[[str, Collection], None]


class Evaluation:
    """One evaluation: its instant does not change, its variables come from outside."""

    __slots__ = (
        "_now",
        "context",
        "member_of",
        "resolver",
        "resource",
        "root",
        "sites",
        "trace",
        "variables",
    )

    def __init__(
        self,
        context: Collection,
        resource: Element | None,
        root: Element | None,
        variables: Mapping[str, Collection],
        resolver: Resolver | None = None,
        member_of: Membership | None = None,
        trace: Sink | None = None,
        now: temporal.DateTime | None = None,
    ) -> None:
        self.context, self.resource, self.root = context, resource, root
        self.variables, self.resolver, self.member_of, self.trace = variables, resolver, member_of, trace
        self.sites: dict[int, Collection] = {}
        self._now = now

    @property
    def now(self) -> temporal.DateTime:
        """The instant of this evaluation."""
        if self._now is None:
            self._now = temporal.now()
        return self._now


class Scope:
    """``$this``, ``$index``, ``$total`` at a place."""

    __slots__ = ("at", "index", "this", "total")

    def __init__(
        self, at: Evaluation, this: Collection, index: int | None = None, total: Collection | None = None
    ) -> None:
        self.at, self.this, self.index, self.total = at, this, index, total

    def item(self, item: Any, index: int | None) -> "Scope":
        """The scope of one item."""
        return Scope(self.at, [item], index, self.total)


Closure = Callable[[Scope], Collection]
