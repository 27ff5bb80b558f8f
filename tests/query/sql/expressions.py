"""Expressions made at random, typed by the tables of R4 and led by the columns that the data hold."""

from hypothesis import strategies as st

from shangyi.query.columns import Column
from shangyi.query.model import FHIR, Form, system_of
from shangyi.query.types import ItemType

STRINGS = ["official", "female", "http://loinc.org", "8302-2", "final", "a", "", "Patient/1", "cm", "kg"]
WHOLE = ["0", "1", "2", "7", "100", "-3"]
DECIMALS = ["0.0", "1.5", "72.25", "170.3", "0.001"]
DATES = ["@1950", "@1980-06", "@1974-12-25", "@2014-02-01", "@2020"]
MOMENTS = ["@2014-02-01T", "@2016-05-10T08:15:00Z", "@2019-03-01T00:00:00+08:00", "@2013-04-02T09:30:10"]
LITERALS = {
    "String": [f"'{text}'" for text in STRINGS],
    "Integer": WHOLE,
    "Decimal": DECIMALS + WHOLE,
    "Boolean": ["true", "false"],
    "Date": DATES,
    "DateTime": DATES + MOMENTS,
    "Time": ["@T08:30", "@T12:00:00"],
    "Quantity": ["5 'kg'", "170 'cm'", "1.7 'm'", "70000 'g'", "36.6 'Cel'", "2 'd'", "1 year", "3 'mg/dL'"],
}
EQUALITY, ORDER = ["=", "!="], ["<", "<=", ">", ">="]
SUBSETS = [".first()", ".last()", ".tail()", ".skip(1)", ".take(2)", "[0]", "[1]", ".distinct()"]
SORTS = [".sort()", ".sort($this)", ".sort(-$this)", ".sort($this desc)"]
ENDS = [
    ".children().count()",
    ".type().name",
    ".exists()",
    ".empty()",
    ".count()",
    ".isDistinct()",
    ".hasValue()",
    ".first()",
    "",
]
OF_TEXT = [
    ".length()",
    ".upper()",
    ".lower()",
    ".substring(1, 2)",
    ".indexOf('a')",
    ".startsWith('f')",
    ".endsWith('l')",
    ".contains('i')",
    ".replace('a', 'bc')",
    ".matches('^[a-f]')",
    ".toChars().count()",
    ".split('a').last()",
    ".toInteger()",
    ".toDate()",
    ".convertsToDecimal()",
    ".convertsToQuantity()",
    ".toQuantity()",
    ".replace('', 'x')",
    ".encode('urlbase64')",
    ".decode('hex')",
    ".decode('base64')",
    ".escape('html')",
    ".escape('json')",
    " ~ 'A'",
    " & 'x'",
    " + '-'",
]
OF_NUMBER = [
    " + 1",
    " - 2.5",
    " * 3",
    " / 4",
    " div 7",
    " mod 3",
    ".abs()",
    ".ceiling()",
    ".floor()",
    ".truncate()",
    ".round(1)",
    ".lowBoundary()",
    ".highBoundary(3)",
    ".precision()",
    " ~ 170.3",
    " ~ 1.50",
    ".toQuantity()",
    " + 2 '1'",
    " * 1.5 'm'",
]
OF_QUANTITY = [
    " + 2 'cm'",
    " - 10 'kg'",
    " * 2",
    " * 2.5 'm'",
    " / 4",
    " / 2 'm2'",
    " = 1.703 'm'",
    " ~ 170 'cm'",
    " ~ 1.7 'm'",
    " > 70 'kg'",
    ".abs()",
    ".round(1)",
    ".floor()",
    ".lowBoundary()",
    ".toQuantity('m')",
    ".toQuantity('kg')",
    ".comparable(1 'g')",
]
OF_MOMENT = [
    ".precision()",
    ".lowBoundary()",
    ".highBoundary()",
    " + 1 month",
    " - 3 days",
    " + 1 year",
    ".yearOf()",
    ".toString()",
]
FUNCTIONS = {
    "String": OF_TEXT,
    "Integer": OF_NUMBER,
    "Decimal": OF_NUMBER,
    "Quantity": OF_QUANTITY,
    "Date": OF_MOMENT,
    "DateTime": OF_MOMENT,
}
Fields = tuple[Column, ...]


class Made:
    """A path: its text, the type of its items, their columns (None of a value), whether there can be several."""

    def __init__(self, text: str, type: ItemType, fields: Fields, many: bool) -> None:
        self.text, self.type, self.fields, self.many = text, type, fields, many

    @property
    def kind(self) -> str:
        found = system_of(self.type.name)
        return found.name if found else ""


def elements(type_: ItemType, fields: Fields) -> list[tuple[str, tuple[Form, ...], dict[str, Column]]]:
    """The elements that some column holds."""
    columns = {f.name: f for f in fields}
    found = []
    for name in FHIR.elements(type_):
        forms = tuple(f for f in FHIR.forms(type_, name) if f.key in columns and f.type.name != "Resource")
        if forms:
            found.append((name, forms, columns))
    return found


@st.composite
def paths(draw: st.DrawFn, start: Made, depth: int = 3) -> Made:
    """A path from ``start`` down."""
    made = start
    for _ in range(draw(st.integers(1, depth))):
        known = elements(made.type, made.fields)
        if not known:
            break
        name, forms, columns = draw(st.sampled_from(known))
        form = draw(st.sampled_from(forms))
        text = f"{made.text}.{name}" if made.text else name
        if form.choice:
            text += f".ofType({form.type.name})"
        made = Made(text, form.type, columns[form.key].fields, made.many or form.many)
        if made.many and draw(st.integers(0, 3)) == 0:
            subset = draw(st.sampled_from(SUBSETS))
            one = subset in (".first()", ".last()", "[0]", "[1]")
            made = Made(made.text + subset, made.type, made.fields, made.many and not one)
        if depth > 1 and draw(st.integers(0, 4)) == 0:
            test = draw(criteria(Made("", made.type, made.fields, False), 1))
            made = Made(f"{made.text}.where({test})", made.type, made.fields, made.many)
    return made


@st.composite
def criteria(draw: st.DrawFn, start: Made, depth: int = 2) -> str:
    """Something that is true, false or empty."""
    if depth and draw(st.integers(0, 2)) == 0:
        one, other = draw(criteria(start, depth - 1)), draw(criteria(start, depth - 1))
        return f"({one}) {draw(st.sampled_from(['and', 'or', 'xor', 'implies']))} ({other})"
    if not elements(start.type, start.fields):
        return draw(st.sampled_from(["true", "$this.exists()", "$index > 0"]))
    made = draw(paths(start, 2))
    if made.kind:
        literal = draw(st.sampled_from(LITERALS[made.kind]))
        if made.many:
            forms = [
                f"{made.text} = {literal}",
                f"{literal} in {made.text}",
                f"{made.text}.exists($this = {literal})",
            ]
            return draw(st.sampled_from(forms))
        operators = EQUALITY + (ORDER if made.kind != "Boolean" else [])
        return f"{made.text} {draw(st.sampled_from(operators))} {literal}"
    return made.text + draw(st.sampled_from([".exists()", ".empty()", ".count() > 1", ".exists().not()"]))


@st.composite
def folds(draw: st.DrawFn, made: Made) -> str:
    """What goes through the items in order: sorted, or one after the other with a running value."""
    if made.kind == "String":
        folded = ".aggregate(iif($total.empty(), $this, $total & '+' & $this))"
        return draw(st.sampled_from([*SORTS, folded, ".aggregate($total + $this.length() + $index, 0)"]))
    if made.kind in ("Integer", "Decimal"):
        return draw(st.sampled_from([*SORTS, ".aggregate($this + $total, 0)"]))
    if made.kind or not made.fields:
        return draw(st.sampled_from(SORTS))
    key = draw(paths(Made("", made.type, made.fields, False), 1))
    one = f"{key.text}.first()" if key.many else key.text
    order = draw(st.sampled_from(["", " desc", " asc"]))
    keys = draw(st.sampled_from([f"{one}{order}", f"-{one}", f"{one}{order}, id desc"]))
    return draw(st.sampled_from([f".sort({keys})", f".aggregate($total | $this.{one})"]))


@st.composite
def expressions(draw: st.DrawFn, resource_type: str, columns: Fields) -> str:
    """An expression for a resource type over these columns."""
    start = Made("", ItemType("FHIR", resource_type), columns, False)
    shape = draw(st.integers(0, 11))
    if shape == 0:
        return draw(criteria(start))
    made = draw(paths(start))
    if shape == 1:
        inner = Made("", made.type, made.fields, False)
        test = draw(criteria(inner)) if made.fields else "$this.exists()"
        return f"{made.text}.{draw(st.sampled_from(['all', 'exists', 'where']))}({test})"
    if shape == 2 and made.fields:
        inner = draw(paths(Made("", made.type, made.fields, False), 2))
        return f"{made.text}.select({inner.text}){draw(st.sampled_from(ENDS))}"
    if shape == 3:
        other = draw(paths(start))
        operator = draw(st.sampled_from(["|", "=", "!=", "~", "!~"]))
        function = draw(
            st.sampled_from(["union", "combine", "intersect", "exclude", "subsetOf", "supersetOf"])
        )
        return draw(
            st.sampled_from([f"{made.text} {operator} {other.text}", f"{made.text}.{function}({other.text})"])
        )
    if shape == 4:
        return f"iif({draw(criteria(start))}, {made.text}, {draw(paths(start)).text}){draw(st.sampled_from(ENDS))}"
    if shape == 10 and made.many:
        return made.text + draw(folds(made))
    if made.kind in FUNCTIONS:
        one = made.text if not made.many else f"{made.text}.first()"
        if shape == 5 and made.kind == "String" and made.many:
            return f"{made.text}.join(', ')"
        if shape == 6 and made.kind in ("Integer", "Decimal"):
            return f"{made.text}.{draw(st.sampled_from(['sum', 'min', 'max', 'avg']))}()"
        return one + draw(st.sampled_from(FUNCTIONS[made.kind]))
    return made.text + draw(st.sampled_from(ENDS))
