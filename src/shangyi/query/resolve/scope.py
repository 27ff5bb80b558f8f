"""What names mean at a place of an expression."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from shangyi.query.types import INTEGER, Type, one


@dataclass(frozen=True, slots=True)
class Scope:
    """``this``: the type of ``$this``. ``defined``: variables by name, with their site. ``root``: whether ``this`` is
    where the whole expression starts, so that a path may begin with its type.
    """

    this: Type
    root: bool = True
    index: Type | None = None
    total: Type | None = None
    defined: Mapping[str, tuple[int, Type]] = field(default_factory=dict)

    def of(self, this: Type, *, index: bool = True, total: Type | None = None) -> "Scope":
        """The scope inside an argument that is evaluated for each item."""
        return replace(
            self,
            this=this,
            root=False,
            index=one(INTEGER) if index else self.index,
            total=total if total is not None else self.total,
        )

    def define(self, name: str, site: int, type_: Type) -> "Scope":
        """With one variable more."""
        return replace(self, defined={**self.defined, name: (site, type_)})
