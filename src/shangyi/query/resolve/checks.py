"""What every part of the resolver asks: errors with their place, types by name, what can become what."""

from difflib import get_close_matches

from shangyi.query import tree, typed, types
from shangyi.query.errors import SemanticError, excerpt
from shangyi.query.model import Form, Model
from shangyi.query.resolve import operators
from shangyi.query.resolve.options import Options
from shangyi.query.types import BOOLEAN, ItemType, Type


class Checks:
    """An expression's text, the type of its root, and the model that it speaks of."""

    def __init__(self, text: str, root: Type, options: Options, model: Model) -> None:
        self.text, self.root, self.options, self.model = text, root, options, model

    def error(self, node: tree.Node, template: str, /, **args: object) -> SemanticError:
        """An error that points at a node."""
        span = _place(node)
        context = excerpt(self.text, span.start, span.end) if self.text else ""
        return SemanticError(template, line=span.line, column=span.column, context=context, **args)

    def unknown(self, node: tree.Member, type_: Type) -> SemanticError:
        """No such element, and which one is near."""
        names = [
            name
            for item in type_.items or ()
            if item.namespace != "System"
            for name in self.model.elements(item)
        ]
        owner = " | ".join(item.name for item in type_.items or ())
        near = get_close_matches(node.name, names, 1)
        if near:
            return self.error(
                node,
                "{type} has no element {name}; did you mean {near}?",
                type=owner,
                name=node.name,
                near=near[0],
            )
        return self.error(node, "{type} has no element {name}", type=owner, name=node.name)

    def mismatch(self, node: tree.Binary, left: typed.Node, right: typed.Node) -> SemanticError:
        """Operands that can never go together."""
        return self.error(
            node,
            "{operator} does not go between {left} and {right}",
            operator=node.operator,
            left=str(left.type),
            right=str(right.type),
        )

    def found(self, source: Type, name: str) -> tuple[Form, ...]:
        """The forms of an element in any of the alternatives."""
        return tuple(form for item in source.items or () for form in self.model.forms(item, name))

    def type_name(self, node: tree.TypeName, source: Type) -> ItemType:
        """The type that a specifier means: of the model first, of System where only that has it."""
        system = types.SYSTEM_TYPES.get(node.name)
        found = self.model.find(node.name)
        if node.namespace == "System":
            found = system or ItemType("System", node.name) if system or found else None
        elif node.namespace not in ("", "FHIR"):
            found = None
        elif not node.namespace and system:
            of_system = source.items and all(item.namespace == "System" for item in source.items)
            found = system if found is None or of_system else found
        if found is None:
            raise self.error(node, "There is no type {name}", name=node.name)
        return found

    def is_a(self, item: ItemType, target: ItemType) -> bool:
        """Whether a type is ``target`` or specialises it."""
        return item == target or target in self.model.ancestors(item)

    def narrow(self, source: Type, target: ItemType) -> Type:
        """What of ``source`` can be of ``target``."""
        if source.items is None:
            return Type((target,), 0, source.max, source.ordered)
        kept: list[ItemType] = []
        for item in source.items:
            if self.is_a(item, target):
                kept.append(item)
            elif item in self.model.ancestors(target):
                kept.append(target)
        if not kept:
            return types.NOTHING
        least = source.min if len(kept) == len(source.items) and target not in kept else 0
        if all(self.is_a(item, target) for item in source.items):
            least = source.min
        return Type(tuple(dict.fromkeys(kept)), least, source.max, source.ordered)

    def kinds(self, type_: Type) -> operators.Kinds:
        """System types that a value can have after implicit conversion from the model; None where that is open."""
        if type_.items is None:
            return None
        found: set[ItemType] = set()
        for item in type_.items:
            if self.model.subtypes(item):
                return None
            system = self.model.system(item)
            if system is not None:
                found.add(system)
        return frozenset(found)

    def check_kind(self, node: tree.Node, type_: Type, needs: tuple[ItemType, ...], what: str) -> None:
        """Refuse what can never be, or become, one of ``needs``."""
        kinds = self.kinds(type_)
        if kinds is None or type_.max == 0:
            return
        widened = kinds.union(*(types.WIDENS.get(kind, ()) for kind in kinds))
        if not widened & set(needs):
            wanted = " or ".join(need.name for need in needs)
            raise self.error(
                node, "{what} needs {wanted}, not {type}", what=what, wanted=wanted, type=str(type_)
            )

    def check_criterion(self, node: tree.Node, type_: Type, what: str) -> None:
        """Refuse what can never be one Boolean."""
        if type_.min > 1:
            raise self.error(node, "{what} needs one Boolean, not {type}", what=what, type=str(type_))
        if self.options.strict and type_.items and all(i.namespace == "System" for i in type_.items):
            self.check_kind(node, type_, (BOOLEAN,), what)


def _place(node: tree.Node) -> tree.Span:
    """Where to point: at the name of a member or a function, not at all the path in front of it."""
    if isinstance(node, tree.Member | tree.Call) and node.place is not tree.NOWHERE:
        return node.place
    return node.span
