"""What a statement gives."""

from dataclasses import dataclass

from shangyi.query.sql.ir import SqlType


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """A column of the result: its FHIR or System type, whether it is a list, its SQL type."""

    name: str
    type: str
    collection: bool
    sql_type: SqlType
