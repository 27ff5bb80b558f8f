"""What a caller can ask of the resolver."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shangyi.query.types import Type


@dataclass(frozen=True, slots=True)
class Options:
    """``strict``: no criterion that is a System value but no Boolean; singleton evaluation would call it true.
    ``check_order``: no function that goes by order on a collection that has none. ``variables``: their types.
    """

    strict: bool = False
    check_order: bool = False
    variables: Mapping[str, Type] = field(default_factory=dict)
    resource: Type | None = None


DEFAULT = Options()
