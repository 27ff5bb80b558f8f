"""FHIRPath: ``compile(text, root)`` once, ``evaluate(resource)`` often."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from shangyi.fhir import definitions
from shangyi.query import typed
from shangyi.query.closures import compile_tree
from shangyi.query.closures.evaluation import Evaluation, Membership, Resolver, Scope, Sink
from shangyi.query.closures.values import Collection, Element, system, truth
from shangyi.query.closures.values import resource as boxed
from shangyi.query.errors import EvaluationError, ParseError
from shangyi.query.parser import parse
from shangyi.query.resolve import DEFAULT, Options, resolve
from shangyi.query.temporal import DateTime
from shangyi.query.types import ANYTHING, ItemType, Type, one


class Expression:
    """A compiled expression. ``tree``: its typed tree; ``type``: what it can give; ``root``: the type it is for."""

    def __init__(self, text: str, root: Type, options: Options = DEFAULT) -> None:
        self.text, self.root = text, root
        written = parse(text)
        try:
            self.tree: typed.Node = resolve(written, root, text=text, options=options)
            self._closure = compile_tree(self.tree, text)
        except RecursionError:
            raise ParseError("The expression is nested too deeply", line=1, column=1) from None
        self.type = self.tree.type

    def __repr__(self) -> str:
        return f"Expression({self.text!r}, {self.root})"

    def evaluate(
        self,
        context: Any,
        *,
        resource: dict[str, Any] | None = None,
        root: dict[str, Any] | None = None,
        resolver: Resolver | None = None,
        member_of: Membership | None = None,
        trace: Sink | None = None,
        now: DateTime | None = None,
        **variables: object,
    ) -> Collection:
        """The items that the expression gives; EvaluationError where the data do not allow it.

        ``context``: a resource as a dict, or an ``Element``. ``resource`` and ``root``: the nearest and the outermost
        resource around a context that is none itself. ``variables``: what ``%name`` means, an item or a list.
        ``resolver`` finds references outside, ``member_of`` answers for value sets, ``trace`` is told of ``trace()``.
        """
        start = self._start(context)
        around = boxed(resource) if resource is not None else start
        outer = boxed(root) if root is not None else _outermost(around)
        given = {name: value if isinstance(value, list) else [value] for name, value in variables.items()}
        items = [] if start is None else [start]
        at = Evaluation(items, around, outer, given, resolver, member_of, trace, now)
        try:
            return self._closure(Scope(at, items))
        except RecursionError:
            raise EvaluationError("The data are nested too deeply for {text}", text=self.text) from None

    def values(self, context: Any, **around: Any) -> list[Any]:
        """The same as plain Python: System values, and what has none as in JSON."""
        found = [(item, system(item)) for item in self.evaluate(context, **around)]
        return [item.value if isinstance(value, Element) or value is None else value for item, value in found]

    def holds(self, context: Any, **around: Any) -> bool:
        """Whether the expression is true: as an invariant, where empty is not true."""
        return truth(self.evaluate(context, **around)) is True

    def _start(self, context: Any) -> Any:
        if isinstance(context, dict):
            if "resourceType" in context:
                return boxed(context)
            only = self.root.only
            return Element(context, only.name if only else "Element")
        return context


def _outermost(element: Any) -> Element | None:
    found = element if isinstance(element, Element) else None
    while found is not None and found.parent is not None:
        found = found.parent
    return found


def compile(
    text: str, root: str | Type | None = None, variables: Mapping[str, Type] | None = None
) -> Expression:
    """An expression for a context of type ``root`` (``Patient``, ``Patient.contact``; None for any).

    ParseError or SemanticError with line and column. The last thousand are kept.
    """
    if variables:
        return Expression(text, _root(root), Options(variables=variables))
    return _compiled(text, _root(root))


@lru_cache(maxsize=1024)
def _compiled(text: str, root: Type) -> Expression:
    return Expression(text, root)


def _root(root: str | Type | None) -> Type:
    if isinstance(root, Type):
        return root
    if root is None:
        return ANYTHING
    definitions.structure(root)
    return one(ItemType("FHIR", root))
