"""What the direct back end leaves to the boxed one."""

from typing import Any

from shangyi.fhir import definitions
from shangyi.query import typed
from shangyi.query.closures import compile_tree
from shangyi.query.closures.evaluation import Evaluation, Scope
from shangyi.query.closures.values import Element
from shangyi.query.closures.values import resource as boxed
from shangyi.query.closures.values import truth as boxed_truth
from shangyi.query.direct.base import Resource
from shangyi.query.types import ItemType


class Boxed:
    """An expression by the boxed back end, called like the direct ones."""

    def __init__(self, node: typed.Node, this: ItemType, text: str) -> None:
        self.closure, self.type = compile_tree(node, text), this.name
        self.is_resource = definitions.structure(this.name).kind == "resource"

    def truth(self, value: Any, resource: Resource, root: Resource) -> bool | None:
        """The answer for a value, boxed for this once."""
        this = Element(value, value["resourceType"] if self.is_resource else self.type)
        around = this if value is resource else boxed(resource)
        outer = around if root is resource else boxed(root)
        items = [this]
        return boxed_truth(self.closure(Scope(Evaluation(items, around, outer, {}), items)))


def needs_outer_scope(node: typed.Node) -> bool:
    """Whether a node below a criterion looks at more than its item and the resources around it."""
    if isinstance(node, typed.Defined | typed.Define) or (
        isinstance(node, typed.Local) and node.name != "this"
    ):
        return True
    if isinstance(node, typed.External) and node.name not in ("resource", "rootResource"):
        return True
    return any(needs_outer_scope(child) for child in typed.children(node))
