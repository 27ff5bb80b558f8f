"""What of CQL SQL has no form for."""

from typing import ClassVar

from shangyi.query.cql.errors import CqlError


class NoForm(CqlError):
    """The node is right, but cannot be written as SQL; said before any data is read."""

    code: ClassVar[str] = "not-supported"
