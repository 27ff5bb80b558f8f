"""What the rules look at, as queries over a lake: ViewDefinitions, so that a column that a lake lacks is a null.

``standing.facts`` reads the same from one resident's bodies; a test holds the two equal.
"""

from collections.abc import Mapping
from typing import Any

from shangyi.care.standing.facts import GONE, REFUTED
from shangyi.care.standing.rules import Rule, measured
from shangyi.query import views
from shangyi.query.columns import Table

DIVISION = "https://shangyi.dev/fhir/StructureDefinition/division"
OFFICIAL = "name.where(use.exists().not() or use = 'official' or use = 'usual').first()"


def _view(resource: str, columns: Mapping[str, str], *more: Mapping[str, Any]) -> dict[str, Any]:
    """``columns``: paths by name; a name that ends with ``[]`` is a list."""
    own = [_column(name, path) for name, path in columns.items()]
    return {"resourceType": "ViewDefinition", "resource": resource, "select": [{"column": own}, *more]}


def _column(name: str, path: str) -> dict[str, Any]:
    return {"name": name.removesuffix("[]"), "path": path, "collection": name.endswith("[]")}


PATIENT = _view(
    "Patient",
    {
        "patient": "getResourceKey()",
        "divisions[]": f"address.extension('{DIVISION}').value.ofType(Coding).code",
        "sex": "gender",
        "birth_date": "birthDate",
        "active": "active",
        "dead": "deceased.ofType(boolean)",
        "died": "deceased.ofType(dateTime)",
        "official": f"{OFFICIAL}.exists()",
        "official_text": f"{OFFICIAL}.text",
        "official_family": f"{OFFICIAL}.family",
        "official_given[]": f"{OFFICIAL}.given",
        "any_text": "name.first().text",
        "any_family": "name.first().family",
        "any_given[]": "name.first().given",
    },
)
CONDITION = _view(
    "Condition",
    {
        "patient": "subject.getReferenceKey(Patient)",
        "system": "code.coding.first().system",
        "code": "code.coding.first().code",
        "display": "iif(code.text.exists(), code.text, iif(code.coding.first().display.exists(), code.coding.first().display, code.coding.first().code))",
        "categories[]": "category.coding.code",
        "clinical[]": "clinicalStatus.coding.code",
        "verification[]": "verificationStatus.coding.code",
        "onset": "onset.ofType(dateTime)",
        "onset_start": "onset.ofType(Period).start",
        "recorded": "recordedDate",
        "abated": "abatement.ofType(dateTime)",
    },
)
OBSERVATION = _view(
    "Observation",
    {
        "id": "getResourceKey()",
        "patient": "subject.getReferenceKey(Patient)",
        "status": "status",
        "at_time": "effective.ofType(dateTime)",
        "at_instant": "effective.ofType(instant)",
        "at_start": "effective.ofType(Period).start",
    },
    {
        "unionAll": [
            {
                "column": [
                    _column("value", "value.ofType(Quantity).value"),
                    _column("part[]", "code.coding.code"),
                ]
            },
            {
                "forEach": "component",
                "column": [
                    _column("value", "value.ofType(Quantity).value"),
                    _column("part[]", "code.coding.code"),
                ],
            },
        ]
    },
)
ORDER = _view(
    "MedicationRequest",
    {
        "patient": "subject.getReferenceKey(Patient)",
        "status": "status",
        "authored": "authoredOn",
    },
    {
        "forEach": "medication.ofType(CodeableConcept).coding",
        "column": [_column("system", "system"), _column("code", "code")],
    },
)
VISIT = _view(
    "Encounter",
    {
        "patient": "subject.getReferenceKey(Patient)",
        "status": "status",
        "started": "period.start",
    },
    {
        "forEachOrNull": "type.coding",
        "column": [_column("system", "system"), _column("code", "code")],
    },
)


def text(value: str) -> str:
    """A text in SQL."""
    return "'" + value.replace("'", "''") + "'"


def among(values: object) -> str:
    """A list of texts in SQL."""
    return ", ".join(text(str(value)) for value in sorted(values))  # type: ignore[call-overload]


def day(column: str) -> str:
    """The day in the county's zone of a date, dateTime or instant as it was written; null where there is none to read."""
    instant = f"make_date(cast(epoch_us(try_cast({column} as timestamptz) + interval 8 hours) // 86400000000 as integer))"
    first = f"try_cast(left({column} || '-01-01', case length({column}) when 4 then 10 when 7 then 10 else length({column}) end) as date)"
    return (
        f"case when {column} like '%T%+08:00' then try_cast(left({column}, 10) as date)"
        f" when contains({column}, 'T') then {instant} else {first} end"
    )


def _query(view: Mapping[str, Any], table: Table, source: str = "") -> str:
    return views.compile(view, table).sql("duckdb", source or f'main."{view["resource"]}"')


def sources(table: Mapping[str, Table], rules: tuple[Rule, ...]) -> dict[str, str]:
    """Queries by name: ``person`` (also the dead), ``problem``, ``reading``, ``ordered``, ``visit``.

    ``table``: the columns of each type. A reading has a column for each value that a rule compares.
    """
    codes = f"[{among(measured())}]"
    observed = f'(select * from main."Observation" where list_has_any(codes, {codes}))'
    parts = ", ".join(
        f"last(value order by id) filter (where list_contains(part, {text(code)})) {name}"
        for code, name in values(rules).items()
    )
    return {
        "person": (
            "select patient, coalesce(try_cast(rpad(list_filter(divisions, lambda c: regexp_full_match(c, '[0-9]{1,12}'))[1],"
            f" 12, '0') as bigint), 0) area, coalesce(sex, 'unknown') sex, {day('birth_date')} born,"
            " coalesce(active, true) and not coalesce(dead, false) and died is null counts,"
            " case when official then coalesce(official_text, trim(concat_ws(' ', official_family, array_to_string(official_given, ' '))))"
            " else coalesce(any_text, trim(concat_ws(' ', any_family, array_to_string(any_given, ' ')))) end name"
            f" from ({_query(PATIENT, table['Patient'])})"
        ),
        "problem": (
            f"select *, case when {day('abated')} is not null then {day('abated')}"
            " when list_has_any(clinical, ['resolved', 'remission', 'inactive']) then begins else date '9999-12-31' end ends from"
            f" (select patient, coalesce(system, '') system, code, coalesce(display, code) display, clinical, abated,"
            " coalesce(list_contains(categories, 'problem-list-item'), false) listed,"
            f" coalesce({day('coalesce(onset, onset_start)')}, {day('recorded')}) begins"
            f" from ({_query(CONDITION, table['Condition'])}) where code is not null"
            f" and not coalesce(list_has_any(verification, [{among(REFUTED)}]), false)"
            " and not coalesce(list_contains(categories, 'notifiable-case'), false)) where begins is not null"
        ),
        "measured": (
            f"select id, patient, coalesce(at_time, at_instant, at_start) taken, value, part, keys from"
            f" ({_query(OBSERVATION, table['Observation'], observed)}) join"
            f" (select resource_key id, list_distinct(codes) keys from {observed}) using (id)"
            f" where coalesce(status, '') not in ({among(GONE)})"
        ),
        "reading": (
            f"select patient, key, day, {', '.join(values(rules).values())} from"
            f" (select patient, unnest(keys) as key, {day('taken')} as day, taken, id, {parts} from measured"
            " group by patient, keys, taken, id having count(value) > 0)"
            f" where key in ({among(measured())}) and day is not null"
            " qualify row_number() over (partition by patient, key, day order by taken desc, id desc) = 1"
        ),
        "ordered": (
            f"select distinct patient, system, code, {day('authored')} as day from ({_query(ORDER, table['MedicationRequest'])})"
            f" where coalesce(status, '') not in ({among(GONE)}) and {day('authored')} is not null"
        ),
        "visit": (
            f"select distinct patient, coalesce(system, '') || '|' || code as code, {day('started')} as day"
            f" from ({_query(VISIT, table['Encounter'])})"
            f" where coalesce(status, '') not in ({among(GONE)}) and {day('started')} is not null"
        ),
    }  # fmt: skip


def values(rules: tuple[Rule, ...]) -> dict[str, str]:
    """The column of each value that a rule compares, by its code."""
    codes = {
        code
        for rule in rules
        if rule.latest
        for limit in rule.latest.limits
        for code in (*limit.below, *limit.at_least, *limit.at_most)
    }
    return {code: f"value_{number}" for number, code in enumerate(sorted(codes))}
