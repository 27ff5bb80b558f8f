"""SQL over the population: the views, a query, its rows and a chart, within what the reader may see."""

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from shangyi.errors import ShangyiError
from shangyi.lake.asking import Analysts
from shangyi.web.components.bars import Bar, Bars
from shangyi.web.components.table import Column, Row, Table
from shangyi.web.context import Context
from shangyi.web.rendering import HEADERS
from shangyi.web.saved_queries import LONGEST_NAME, SavedQueries

if TYPE_CHECKING:
    from shangyi.lake.analysis import Analyst
    from shangyi.lake.answer import Answer

SHOWN, IN_FILE = 200, 100_000
"""Rows on the page, and in the file."""
MOST_BARS = 20
BOM = "\ufeff".encode()
"""So that a spreadsheet reads UTF-8."""

COHORT = """select d.name as town, p.gender, count(distinct patient_id) as residents
from patient p
join condition c using (patient_id)
join division d on d.division = left(p.division, 9) || '000'
where c.category = 'problem-list-item' and c.code like 'I10%' and p.birth_year <= 1961
group by all
having count(distinct patient_id) >= 5
order by residents desc"""
CONTROL = """select d.name || case when b.systolic < 140 and b.diastolic < 90 then ' < 140/90' else ' >= 140/90' end as town,
  count(distinct patient_id) as residents, count(*) as measurements
from patient p
join condition c using (patient_id)
join blood_pressure b using (patient_id)
join division d on d.division = left(p.division, 9) || '000'
where c.category = 'problem-list-item' and c.code like 'I10%'
group by all
having count(distinct patient_id) >= 5
order by town"""
COST = """select left(e.created, 4) as year, round(sum(e.submitted) / count(distinct patient_id)) as per_resident,
  count(distinct patient_id) as residents, round(sum(e.submitted)) as charged, round(sum(e.benefit)) as insurance
from claim e
join condition c using (patient_id)
where c.category = 'problem-list-item' and c.code like 'E11%'
group by all
having count(distinct patient_id) >= 5
order by year"""
EXAMPLES = {
    "cohort": ("Cohort: over 65 with hypertension, by town and sex", COHORT),
    "control": ("Hypertension: measurements under and over 140/90 mmHg, by town", CONTROL),
    "cost": ("Cost of residents with type 2 diabetes, by year", COST),
}
"""Each runs for every role."""


def analyst(context: Context) -> "Analyst":
    """The reader, asking."""
    analysts: Analysts = context.request.app.state.analysis
    return analysts.of(context.session)


def analysis(context: Context) -> Response:
    """GET /analysis?example=… or ?saved=…, POST /analysis: the query goes by POST and stands in no address."""
    who = analyst(context)
    kept = SavedQueries(context.request.app.state.settings.home, context.session.principal)
    action = context.field("as") if context.request.method == "POST" else ""
    answer, problems, status, text, name, done = None, [], 200, context.field("query"), "", ""
    views: list[dict[str, Any]] = []
    try:
        views = who.describe()
        if context.request.method != "POST":
            name, text = opened(context, kept)
        elif action == "save":
            name = kept.keep(context.field("name"), text).name
            done = context.text("Saved")
        elif action == "forget":
            kept.remove(number(context.field("saved")))
            done = context.text("Removed")
        elif text and action == "csv":
            return sheet(who.sql(text, limit=IN_FILE))
        elif text:
            name, answer = context.field("name"), who.sql(text, limit=SHOWN)
    except ShangyiError as error:
        problems, status, name = context.sentences(error), error.status, context.field("name")
    return context.page(
        "pages/analysis.html",
        "analysis",
        status=status,
        query=text,
        name=name,
        done=done,
        saved=kept.every(),
        longest_name=LONGEST_NAME,
        problems=problems,
        views=views,
        persons=who.reach.persons,
        examples=[(name, context.text(title)) for name, (title, _) in EXAMPLES.items()],
        table=table(context, answer) if answer is not None else None,
        bars=bars(answer) if answer is not None else None,
        more=answer is not None and not answer.whole,
        shown=SHOWN,
        in_file=IN_FILE,
        seconds=context.request.app.state.settings.lake_seconds,
        chinese=context.language == "zh-CN",
    )


def opened(context: Context, kept: SavedQueries) -> tuple[str, str]:
    """The name and text of what the address asks for: one of the reader's own, or an example, which has no name."""
    if context.field("saved"):
        saved = kept.get(number(context.field("saved")))
        return saved.name, saved.text
    example = EXAMPLES.get(context.field("example"))
    return "", example[1] if example else ""


def number(text: str) -> int:
    """A number in an address; 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def sheet(answer: "Answer") -> Response:
    """The rows as a file."""
    headers = HEADERS | {"Content-Disposition": 'attachment; filename="analysis.csv"'}
    return Response(BOM + answer.bytes("csv"), media_type="text/csv; charset=utf-8", headers=headers)


def shown(value: Any) -> str:
    """A value in a cell."""
    from shangyi.lake.answer import cell, plain

    value = plain(value)
    if isinstance(value, float):
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    if isinstance(value, str):
        return value
    return cell(value)


def is_number(value: Any) -> bool:
    """Whether it is a figure."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def table(context: Context, answer: "Answer") -> Table:
    """The rows."""
    rows = [list(row.values()) for row in answer.rows()]
    numbers = [
        bool(rows) and all(is_number(row[i]) or row[i] is None for row in rows)
        for i in range(len(answer.columns))
    ]
    return Table(
        caption=context.text("Result"),
        columns=[Column(name, number) for name, number in zip(answer.columns, numbers, strict=True)],
        rows=[Row([shown(value) for value in row]) for row in rows],
        empty=context.text("The query has no rows"),
        dense=True,
    )


def bars(answer: "Answer") -> Bars | None:
    """The first column of figures against what stands before it; None where that is no chart."""
    rows = [list(row.values()) for row in answer.rows()]
    width = len(answer.columns)
    figure = next(
        (i for i in range(1, width) if rows and all(is_number(row[i]) and row[i] >= 0 for row in rows)), None
    )
    if figure is None or not 1 < len(rows) <= MOST_BARS * 3:
        return None
    return Bars(
        [
            Bar(
                " ".join(shown(value) for value in row[:figure]) or "—",
                float(row[figure]),
                shown(row[figure]),
            )
            for row in rows[:MOST_BARS]
        ]
    )
