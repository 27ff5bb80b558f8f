from shangyi.web.components.bars import Bar, Bars
from shangyi.web.components.chart import Series, TimeChart
from shangyi.web.components.table import Column, Row, Table
from shangyi.web.components.trend import HEIGHT, WIDTH, Trend
from shangyi.web.rendering import environment


def test_bars_are_drawn_against_the_longest() -> None:
    bars = Bars([Bar("a", 200, "200"), Bar("b", 50, "50")])
    assert [bars.width(bar) for bar in bars.bars] == [100.0, 25.0]
    assert Bars([Bar("none", 0, "0")]).width(Bar("none", 0, "0")) == 0


def test_a_trend_stays_in_its_box() -> None:
    trend = Trend("LDL-C", "3.6", "mmol/L", [(0, 2.0), (10, 3.6), (20, 1.1)])
    points = [tuple(map(float, point.split(","))) for point in trend.path.split()]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert points[1][1] < points[0][1] < points[2][1], "the highest value is drawn highest"


def test_a_charts_table_holds_every_point_newest_first() -> None:
    chart = TimeChart(
        "BP", ["2026-01-01", "2026-02-01"], [Series("systolic", [150, None]), Series("diastolic", [90, 85])]
    )
    assert chart.rows == [["2026-02-01", None, 85], ["2026-01-01", 150, 90]]


def test_a_column_is_named_beside_its_values_where_a_phone_shows_no_head() -> None:
    shown = Table(
        "Reports", [Column("Disease"), Column("Onset", labelled=True)], [Row(["Influenza", "11-21"])]
    )
    template = environment("en").from_string(
        '{% from "components/table.html" import table with context %}{{ table(t) }}'
    )
    assert '<td data-label="Onset">11-21</td>' in template.render(t=shown)
    assert "<td>Influenza</td>" in template.render(t=shown)
