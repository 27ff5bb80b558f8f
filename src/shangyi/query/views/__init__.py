"""ViewDefinitions of SQL on FHIR v2: ``compile(resource, table).sql("duckdb")``."""

from shangyi.query.views.definition import View, parse
from shangyi.query.views.errors import ViewError
from shangyi.query.views.output import OutputColumn
from shangyi.query.views.plan import Plan, compile

__all__ = ["OutputColumn", "Plan", "View", "ViewError", "compile", "parse"]
