"""What a field offers as one types."""

from starlette.responses import Response

from shangyi.access import masking
from shangyi.store.merging import replaced_by
from shangyi.web import choices
from shangyi.web.components.combo import Option
from shangyi.web.context import Context
from shangyi.web.resident.reading import person_name
from shangyi.web.residents import person_line

MOST = 8


def choose(context: Context) -> Response:
    """POST /choices/{kind}?field=…: options for what stands in the field of that name."""
    kind, field = context.request.path_params["kind"], context.field("field")
    typed = context.field(field)
    found = options(context, kind, typed) if typed else []
    nothing = (
        context.text("Nothing fits; it is kept as you write it")
        if kind in choices.KINDS
        else context.text("Nobody found for “{query}”", query=typed)
    )
    return context.part("parts/options.html", options=found, field=field, nothing=nothing)


def options(context: Context, kind: str, typed: str) -> list[Option]:
    """Codes, residents of the area, or doctors."""
    if kind == "resident":
        lines = [
            person_line(v.resource, {}, context.text, context.language)
            for v in context.session.suggest(typed, MOST)
            if replaced_by(v.resource) is None
        ]
        return [Option(p.id, p.name, f"{p.sex} {p.age} · {p.place} · {p.resident_id}") for p in lines]
    if kind == "doctor":
        found = context.resources("Practitioner", ("name", typed), ("_count", str(MOST)))
        return [Option(f"Practitioner/{d['id']}", person_name(d), _staff_number(d)) for d in found]
    return [option(choice, context.language) for choice in choices.matching(kind, typed)]


def option(choice: choices.Choice, language: str) -> Option:
    """A code as an option."""
    return Option(choice.value, choice.label(language), choice.code, choice.dosage)


def _staff_number(practitioner: dict[str, object]) -> str:
    found = practitioner.get("identifier")
    first = found[0] if isinstance(found, list) and found else {}
    return str(first.get("value", "")) if first.get("system") != masking.RESIDENT_ID else ""
