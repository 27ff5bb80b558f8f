"""``Filter``, ``ForEach``, ``Repeat``, ``Aggregate`` and what they are over."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shangyi.query.cql import tree
from shangyi.query.cql.closures.evaluation import Closure, Frame
from shangyi.query.cql.closures.faults import placed
from shangyi.query.cql.closures.scope import Names
from shangyi.query.cql.operators.equality import Members

if TYPE_CHECKING:
    from shangyi.query.cql.closures.compiler import Compiler


def _current(compiler: "Compiler", node: tree.Current, names: Names) -> Closure:
    slot = names.items[node.scope][0]
    return lambda frame: frame[slot]


def _iteration(compiler: "Compiler", node: tree.Iteration, names: Names) -> Closure:
    slot = names.items[node.scope][1]
    return lambda frame: frame[slot]


def _total(compiler: "Compiler", node: tree.Total, names: Names) -> Closure:
    slot = names.items[node.scope][2]
    return lambda frame: frame[slot]


def _filter(compiler: "Compiler", node: tree.Filter, names: Names) -> Closure:
    source = compiler.node(node.source, names)
    inner = names.with_item(node.scope)
    condition = compiler.node(node.condition, inner)
    item, index, _ = inner.items[node.scope]

    def run(frame: Frame) -> Any:
        items = source(frame)
        if items is None:
            return None
        frame[0].spend(len(items))
        found = []
        for frame[index], value in enumerate(items):
            frame[item] = value
            if condition(frame):
                found.append(value)
        return found

    return placed(run, node.place)


def _for_each(compiler: "Compiler", node: tree.ForEach, names: Names) -> Closure:
    source = compiler.node(node.source, names)
    inner = names.with_item(node.scope)
    element = compiler.node(node.element, inner)
    item, index, _ = inner.items[node.scope]

    def run(frame: Frame) -> Any:
        items = source(frame)
        if items is None:
            return None
        frame[0].spend(len(items))
        found = []
        for frame[index], frame[item] in enumerate(items):
            found.append(element(frame))
        return found

    return placed(run, node.place)


def _repeat(compiler: "Compiler", node: tree.Repeat, names: Names) -> Closure:
    source = compiler.node(node.source, names)
    inner = names.with_item(node.scope)
    element = compiler.node(node.element, inner)
    item = inner.items[node.scope][0]

    def run(frame: Frame) -> Any:
        items = source(frame)
        if items is None:
            return None
        found, waiting = Members(), list(items)
        while waiting:
            frame[0].spend(len(waiting))
            given: list[Any] = []
            for frame[item] in waiting:
                value = element(frame)
                given += value if isinstance(value, list) else [value]
            waiting = [new for new in given if new is not None and found.add(new)]
        return found.items

    return placed(run, node.place)


def _aggregate(compiler: "Compiler", node: tree.Aggregate, names: Names) -> Closure:
    source = compiler.node(node.source, names)
    initial = None if node.initial is None else compiler.node(node.initial, names)
    inner = names.with_item("$this")
    iteration = compiler.node(node.iteration, inner)
    item, index, total = inner.items["$this"]

    def run(frame: Frame) -> Any:
        items = source(frame)
        if items is None:
            return None
        frame[0].spend(len(items))
        value = None if initial is None else initial(frame)
        for frame[index], frame[item] in enumerate(items):
            frame[total] = value
            value = iteration(frame)
        return value

    return placed(run, node.place)


BUILDERS: dict[type[tree.Node], Callable[..., Closure]] = {
    tree.Current: _current,
    tree.Iteration: _iteration,
    tree.Total: _total,
    tree.Filter: _filter,
    tree.ForEach: _for_each,
    tree.Repeat: _repeat,
    tree.Aggregate: _aggregate,
}
