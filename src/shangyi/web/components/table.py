"""Table: rows with sort, filter chips and keyset paging; stacks on a phone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Column:
    """``sort``: the address that sorts by this column, ``sorted`` its present direction; ``labelled``: named beside each
    value on a phone, where there is no head."""

    title: str
    number: bool = False
    sort: str = ""
    sorted: str = ""
    labelled: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """``cells`` are text or markup that a template made; ``href`` is where Enter or a click on the row leads."""

    cells: Sequence[Any]
    href: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One page of a list. ``next``: the address of the next page, ``first`` of the first, ``csv`` of the file."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    next: str = ""
    first: str = ""
    csv: str = ""
    empty: str = ""
    dense: bool = False
