"""Views as SQL of Spark: always computed, never as they are kept."""

from shangyi.lake import added
from shangyi.lake.row_view import DIVISION, REPORTED, RowView
from shangyi.query.columns import Table
from shangyi.query.sql import DIALECTS, ir
from shangyi.query.sql.ir import Expr

SPARK = DIALECTS["spark"]


def statement(view: RowView, source: str, patient: str) -> str:
    """The query of a view. ``source``: the relation of its type, ``patient``: that of the view of residents."""
    if not view.name:
        return view.plan.sql("spark", source)
    chosen = ", ".join(
        f"cast({SPARK.identifier(c.name)} as double) {SPARK.identifier(c.name)}"
        if c.sql_type.name.startswith("DECIMAL")
        else SPARK.identifier(c.name)
        for c in view.plan.columns
    )
    text = f"select {chosen} from ({view.plan.sql('spark', source)})"
    if view.name == REPORTED:
        return _reported(text, source, patient, view.table)
    return added.columns(text, [c.name for c in view.plan.columns], view.name, "spark")


def _reported(text: str, source: str, patient: str, table: Table) -> str:
    """With the person: the resident, else the Patient within the report."""
    person = ir.Member(ir.Name("c"), "person")
    found = ir.Name("contained") if table.column("contained") else ir.null(ir.list_of(ir.TEXT))
    within = f"select resource_key, {SPARK.write(_person(found))} person from {source}"
    born = SPARK.write(_json_text(person, "$.birthDate"))
    return (
        f"select v.*, coalesce(p.gender, {SPARK.write(_json_text(person, '$.gender'))}) gender,"
        f" coalesce(p.birth_year, try_cast(left({born}, 4) as integer)) birth_year,"
        f" coalesce(p.division, {SPARK.write(_division(person))}) division from ({text}) v"
        f" left join ({within}) c on c.resource_key = v.id"
        f" left join {patient} p on p.patient_id = v.patient_id"
    )


def _json_text(json: Expr, path: str) -> Expr:
    return ir.call("json_text", json, ir.text(path))


def _first(items: Expr, variable: str, condition: Expr) -> Expr:
    """The first item that a condition of the variable holds for; null where there is none."""
    kept = ir.call("list_filter", items, ir.Lambda((ir.Name(variable),), condition))
    return ir.call("list_at", kept, ir.number(0))


def _person(contained: Expr) -> Expr:
    """The Patient among contained resources, as JSON."""
    is_patient = ir.call("eq", _json_text(ir.Name("item"), "$.resourceType"), ir.text("Patient"))
    return _first(contained, "item", is_patient)


def _division(person: Expr) -> Expr:
    none = ir.Listed((), ir.TEXT)

    def listed(json: Expr, path: str) -> Expr:
        return ir.call("coalesce", ir.call("json_objects", json, ir.text(path)), none)

    addresses = listed(person, "$.address")
    of_each = ir.Lambda((ir.Name("address"),), listed(ir.Name("address"), "$.extension"))
    extensions = ir.call("flatten", ir.call("list_map", addresses, of_each))
    is_division = ir.call("eq", _json_text(ir.Name("part"), "$.url"), ir.text(DIVISION))
    return _json_text(_first(extensions, "part", is_division), "$.valueCoding.code")
