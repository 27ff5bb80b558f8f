"""What names mean: aliases, definitions, members of classes, tuples, lists and libraries."""

from dataclasses import replace

from shangyi.query.cql import library as lib
from shangyi.query.cql import syntax, tree
from shangyi.query.cql.errors import near
from shangyi.query.cql.translate import targets
from shangyi.query.cql.translate.scope import Scope
from shangyi.query.cql.types import (
    ANY,
    BOOLEAN,
    CODE,
    CODESYSTEM,
    CONCEPT,
    VALUESET,
    ListOf,
    Type,
)


class Names(Scope):
    """Identifiers and members."""

    def expression(self, node: syntax.Node) -> tree.Node:
        """The typed tree of an expression; the layers above say how."""
        raise NotImplementedError

    def definition(self, name: str) -> lib.Definition | None:
        """A definition of this library, translated if it was not yet."""
        raise NotImplementedError

    def included(self, local: str) -> lib.Library | None:
        """The library of an include."""
        raise NotImplementedError

    def known(self) -> list[str]:
        """All names of this library, for hints."""
        raise NotImplementedError

    def identifier(self, node: syntax.Identifier) -> tree.Node:
        """A bare name."""
        place = self.place(node)
        for frame in reversed(self.frames):
            if node.name in frame.names:
                return replace(frame.names[node.name], place=place)
            if frame.implicit and frame.this is not None:
                element = self.types.element(frame.this, node.name)
                if element is not None:
                    return self.member_of(tree.Current(type=frame.this, place=place), node.name, node)
        defined = self.definition(node.name)
        if defined is None:
            raise self.unknown(node, node.name, [*self.local_names(), *self.known()])
        return self.reference("", defined, node)

    def reference(self, library: str, found: lib.Definition, at: syntax.Node) -> tree.Node:
        """A reference to a definition of a library."""
        place = self.place(at)
        match found:
            case lib.ExpressionDef():
                type_ = found.type
                if self.context == "Unfiltered" and found.context != "Unfiltered":
                    type_ = ListOf(type_)
                return tree.ExpressionRef(library, found.name, type=type_, place=place)
            case lib.ParameterDef():
                return tree.ParameterRef(library, found.name, type=found.type, place=place)
            case lib.ValueSetDef():
                return tree.ValueSetRef(library, found.name, type=VALUESET, place=place)
            case lib.CodeSystemDef():
                return tree.CodeSystemRef(library, found.name, type=CODESYSTEM, place=place)
            case lib.CodeDef():
                return tree.CodeRef(library, found.name, type=CODE, place=place)
            case lib.ConceptDef():
                return tree.ConceptRef(library, found.name, type=CONCEPT, place=place)
        raise self.error(at, "{name} is a library or a model, not a value", name=found.name)

    def member(self, node: syntax.Member) -> tree.Node:
        """``source.name``."""
        if isinstance(node.source, syntax.Identifier) and self.local(node.source.name) is None:
            library = self.included(node.source.name)
            if library is not None:
                found = library.named.get(node.name)
                if found is None or isinstance(found, lib.Include | lib.Using):
                    raise self.unknown(node, node.name, library.named)
                if found.private:
                    raise self.error(
                        node, "{name} is private to {owner}", name=node.name, owner=library.identifier
                    )
                return self.reference(node.source.name, found, node)
        return self.member_of(self.expression(node.source), node.name, node)

    def member_of(self, source: tree.Node, name: str, at: syntax.Node) -> tree.Node:
        """An element of a value; of a list that of each item."""
        place = self.place(at)
        if isinstance(source.type, ListOf):
            return self._member_of_each(source, name, at)
        element = self.types.element(source.type, name)
        if element is None:
            if source.type == ANY and self.errors:
                return tree.Property(source, name, type=ANY, place=place)
            raise self.error(
                at,
                "{type} has no element {name}",
                self.near(name, source.type),
                type=source.type,
                name=name,
            )
        value = tree.Property(source, name, type=element.type, place=place)
        return targets.apply(element.target, value, element.type) if element.target else value

    def near(self, name: str, type_: Type) -> tuple[str, ...]:
        """Elements that are like a name."""
        return near(name, self.types.elements(type_))

    def _member_of_each(self, source: tree.Node, name: str, at: syntax.Node) -> tree.Node:
        place = self.place(at)
        assert isinstance(source.type, ListOf)
        item = tree.AliasRef("$this", type=source.type.element, place=place)
        value = self.member_of(item, name, at)
        test = tree.Operator("IsNull", (value,), type=BOOLEAN, place=place)
        query = tree.Query(
            (tree.Source("$this", source, type=source.type.element, place=place),),
            where=tree.Operator("Not", (test,), type=BOOLEAN, place=place),
            returns=tree.Return(value, False, type=value.type, place=place),
            type=ListOf(value.type),
            place=place,
        )
        if isinstance(value.type, ListOf):
            return tree.Operator("Flatten", (query,), type=value.type, place=place)
        return query

    def system_of(self, name: syntax.Name) -> tree.CodeSystemRef:
        """A reference to a code system."""
        found = self.terminology(name)
        if not isinstance(found, tree.CodeSystemRef):
            raise self.error(name, "{name} is no code system", name=name.name)
        return found

    def terminology(self, name: syntax.Name) -> tree.Node:
        """A reference to a code system or code."""
        if not name.library:
            return self.identifier(syntax.Identifier(name.name, start=name.start, end=name.end))
        source = syntax.Identifier(name.library, start=name.start, end=name.end)
        return self.member(syntax.Member(source, name.name, start=name.start, end=name.end))
