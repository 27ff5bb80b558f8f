"""Queries and retrieves."""

from dataclasses import replace

from shangyi.query.cql import syntax, tree
from shangyi.query.cql.model import ClassInfo
from shangyi.query.cql.translate.scope import Frame
from shangyi.query.cql.translate.timing import Timing
from shangyi.query.cql.types import (
    ANY,
    BOOLEAN,
    CODE,
    CONCEPT,
    STRING,
    VOCABULARY,
    ListOf,
    Type,
    options,
    tuple_of,
)
from shangyi.query.types import ItemType


class Queries(Timing):
    """Queries."""

    def query(self, node: syntax.Query) -> tree.Node:
        """A query."""
        frame = Frame()
        sources = tuple(self._source(source, frame) for source in node.sources)
        self.frames.append(frame)
        try:
            return self._clauses(node, sources, frame)
        finally:
            self.frames.pop()

    def _source(self, node: syntax.Source, frame: Frame) -> tree.Source:
        expression = self.expression(node.expression)
        if node.alias in frame.names:
            raise self.error(node, "{name} is given twice", name=node.alias)
        item = expression.type.element if isinstance(expression.type, ListOf) else expression.type
        frame.names[node.alias] = tree.AliasRef(node.alias, type=item)
        return tree.Source(node.alias, expression, type=item, place=self.place(node))

    def _clauses(self, node: syntax.Query, sources: tuple[tree.Source, ...], frame: Frame) -> tree.Node:
        lets = []
        for let in node.lets:
            value = self.expression(let.value)
            frame.names[let.name] = tree.QueryLetRef(let.name, type=value.type)
            lets.append(tree.Let(let.name, value, type=value.type, place=self.place(let)))
        relationships = tuple(map(self._relationship, node.relationships))
        where = None
        if node.where is not None:
            where = self.convert(self.expression(node.where), BOOLEAN, node.where)
        many = any(isinstance(s.expression.type, ListOf) for s in sources)
        item = sources[0].type if len(sources) == 1 else tuple_of({s.alias: s.type for s in sources})
        returns, aggregate = None, None
        type_: Type = ListOf(item) if many else item
        if node.aggregate is not None:
            aggregate = self._aggregate(node.aggregate, frame)
            type_ = aggregate.type
        elif node.returns is not None:
            value = self.expression(node.returns.expression)
            returns = tree.Return(
                value, node.returns.distinct, type=value.type, place=self.place(node.returns)
            )
            item = value.type
            type_ = ListOf(item) if many else item
        sort = self._sort(node.sort, item) if node.sort else ()
        return tree.Query(
            sources,
            tuple(lets),
            relationships,
            where,
            returns,
            aggregate,
            sort,
            type=type_,
            place=self.place(node),
        )

    def _relationship(self, node: syntax.Relationship) -> tree.Relationship:
        frame = Frame()
        source = self._source(node.source, frame)
        self.frames.append(frame)
        try:
            condition = self.convert(self.expression(node.condition), BOOLEAN, node.condition)
        finally:
            self.frames.pop()
        return tree.Relationship(
            source.alias, source.expression, condition, node.negated, type=source.type, place=self.place(node)
        )

    def _aggregate(self, node: syntax.Aggregate, frame: Frame) -> tree.AggregateClause:
        """The value so far has the type of ``starting``; without one, that of the expression."""
        place = self.place(node)
        starting: tree.Node = tree.Null(type=ANY, place=place)
        if node.starting is not None:
            starting = self.expression(node.starting)
        type_ = starting.type
        for _ in range(3):
            frame.names[node.name] = tree.QueryLetRef(node.name, type=type_)
            expression = self.expression(node.expression)
            if expression.type == type_:
                break
            type_ = expression.type
        starting = self.types.to_type(starting, type_) or starting
        del frame.names[node.name]
        return tree.AggregateClause(node.name, expression, starting, node.distinct, type=type_, place=place)

    def _sort(self, nodes: tuple[syntax.SortItem, ...], item: Type) -> tuple[tree.SortItem, ...]:
        self.frames.append(Frame(this=item, implicit=True))
        try:
            found = []
            for node in nodes:
                key = None if node.expression is None else self.expression(node.expression)
                type_ = item if key is None else key.type
                found.append(tree.SortItem(key, node.descending, type=type_, place=self.place(node)))
            return tuple(found)
        finally:
            self.frames.pop()

    # Retrieves

    def retrieve(self, node: syntax.Retrieve) -> tree.Node:
        """``[Type: path in codes]``; where codes may be of several kinds, the union of one retrieve for each."""
        type_ = self.named_type(node.type)
        info = self.types.info(type_)
        assert info is not None
        if not info.retrievable:
            raise self.error(node.type, "{type} cannot be retrieved", type=type_)
        context = None if node.context is None else self.expression(node.context)
        bare = self._bare(info, node, context)
        if node.codes is None:
            return bare
        path = node.path or info.code_path
        if not path:
            raise self.error(node, "{type} has no element for codes: name one", type=type_)
        element: Type | None = type_
        for name in path.split("."):
            inner = element.element if isinstance(element, ListOf) else element
            found = self.types.element(inner, name) if inner is not None else None
            if found is None:
                raise self.error(
                    node, "{type} has no element {name}", self.near(name, type_), type=type_, name=path
                )
            element = found.type
        assert element is not None
        codes = self.expression(node.codes)
        kinds = options(element) if node.comparator is None else (element,)
        parts = [self._coded(bare, path, kind, codes, node) for kind in kinds]
        known = [part for part in parts if part is not None]
        if not known:
            text = f"A {codes.type} is no code of {path}, which is a {element}"
            return self._fault(bare, text, node.codes)
        result: tree.Node = known[0]
        for part in known[1:]:
            result = tree.Operator("Union", (result, part), type=bare.type, place=bare.place)
        return result

    def _fault(self, bare: tree.Retrieve, text: str, node: syntax.Node) -> tree.Node:
        """A retrieve that cannot be told by its codes: an error for whoever asks for it, and for nobody else.

        The official translator takes it with a warning, and published libraries hold one that nothing uses.
        """
        place = self.place(node)
        said = [tree.Literal(part, type=STRING, place=place) for part in ("retrieve", "Error", text)]
        always = tree.Literal(True, type=BOOLEAN, place=place)
        return tree.Operator("Message", (bare, always, *said), type=bare.type, place=place)

    def _bare(self, info: ClassInfo, node: syntax.Retrieve, context: tree.Node | None) -> tree.Retrieve:
        model = self.types.models[info.type.namespace]
        name = info.target or info.type.name
        return tree.Retrieve(
            ItemType(model.target_name, name),
            info.identifier or None,
            context=context,
            type=ListOf(info.type),
            place=self.place(node),
        )

    def _coded(
        self, bare: tree.Retrieve, path: str, kind: Type, codes: tree.Node, node: syntax.Retrieve
    ) -> tree.Retrieve | None:
        """The retrieve by codes of one kind; None where an element of that kind has no such codes."""
        item = kind.element if isinstance(kind, ListOf) else kind
        vocabulary = self.types.subtype(codes.type, VOCABULARY)
        if self.types.subtype(item, VOCABULARY):
            comparator = "~" if vocabulary else None
        else:
            comparator = node.comparator or ("in" if vocabulary or isinstance(codes.type, ListOf) else "~")
            if not self._is_coded(item):
                return None
        if comparator is None:
            return None
        if not vocabulary and not isinstance(codes.type, ListOf):
            single = self.types.to_type(codes, CODE) or self.types.to_type(codes, CONCEPT)
            if single is None:
                return None
            if isinstance(codes, tree.Node) and single.type == CONCEPT:
                codes_of = tree.Property(single, "codes", type=ListOf(CODE), place=single.place)
                return replace(bare, code_property=path, comparator=comparator, codes=codes_of)
            codes = tree.Operator("ToList", (single,), type=ListOf(single.type), place=codes.place)
        return replace(bare, code_property=path, comparator=comparator, codes=codes)

    def _is_coded(self, type_: Type) -> bool:
        targets = [type_, *self.types.targets(type_)]
        return any(
            self.types.conversion(t, CONCEPT) or str(t) in ("System.String", "System.Code") for t in targets
        )
