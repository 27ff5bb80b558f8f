"""Which resources a retrieve of a profile is about: the rules of ``query.cql.profiles`` over columns."""

from shangyi.query.cql.profiles import BASES, FIXED, NEGATIONS, Sign, is_general, of_profile
from shangyi.query.cql.sql.population import elements
from shangyi.query.cql.sql.population.items import Element, Elements, Side
from shangyi.query.cql.sql.values import Scalar
from shangyi.query.sql import ir
from shangyi.query.sql.ir import Expr


def of(item: Element, template: str | None) -> Expr:
    """Whether a resource is of a profile."""
    if template is None or of_profile(template, item.type) is None:
        return ir.TRUE
    negations = tuple(url for url, (type_, _) in NEGATIONS.items() if type_ == item.type)
    if is_general(template, item.type):
        declared = _declared(item, ())
        signs = sorted({NEGATIONS[url][1] for url in negations}, key=str)
        borne = ir.either(*(_borne(item, sign) for sign in signs))
        if declared is None:
            return ir.negated(borne)
        negated = ir.either(*(_holds(declared, url) for url in negations))
        denied = ir.both(negated, ir.negated(_holds(declared, template)))
        return ir.negated(ir.when(_some(declared), denied, borne))
    found = (NEGATIONS.get(template) or FIXED.get(template) or (None, None))[1]
    sign = ir.TRUE if found is None else _borne(item, found)
    declared = _declared(item, _general(item.type))
    return sign if declared is None else ir.when(_some(declared), _holds(declared, template), sign)


def _general(type_name: str) -> tuple[str, ...]:
    names = {f"{prefix}{type_name.lower()}" for prefix in ("", "qicore-", "us-core-", "qicore-us-core-")}
    return tuple(f"{base}{name}" for base in BASES for name in sorted({*names, type_name}))


def _some(declared: Expr) -> Expr:
    return ir.certain(ir.call("gt", ir.call("list_length", declared), ir.number(0)))


def _holds(declared: Expr, url: str) -> Expr:
    return ir.certain(ir.call("list_contains", declared, ir.text(url)))


def _declared(item: Element, without: tuple[str, ...]) -> Expr | None:
    """The profiles that models know, without their versions; None where nothing declares any."""
    meta = elements.prop(item, "meta", 0)
    profiles = elements.prop(meta, "profile", 0) if isinstance(meta, Element) else None
    if not isinstance(profiles, Elements):
        return None
    each = ir.Name("profile")
    bare = ir.call("list_at", ir.call("split", each, ir.text("|")), ir.number(0))
    known = ir.either(
        *(ir.call("starts_with", each, ir.text(base)) for base in BASES),
        ir.call("in", each, *map(ir.text, FIXED)),
    )
    if without:
        known = ir.both(known, ir.negated(ir.call("in", each, *map(ir.text, without))))
    mapped = ir.call("list_map", profiles.sql, ir.Lambda((each,), bare))
    return ir.call("list_filter", mapped, ir.Lambda((each,), known))


def _borne(item: Element, sign: Sign) -> Expr:
    """Whether the element that tells a profile has the value that it fixes, whatever the system."""
    found = elements.prop(item, sign.element, 0)
    options = found.options if isinstance(found, Side) else (found,)
    return ir.either(*(_equals(option, sign.value) for option in options))


def _equals(option: object, value: str | bool) -> Expr:
    if isinstance(option, Elements):
        each = ir.Name("bearer")
        one = Element(option.type, each, option.fields, option.path, option.beyond)
        tests = ir.call("list_map", option.sql, ir.Lambda((each,), _equals(one, value)))
        return ir.certain(ir.call("list_contains", tests, ir.TRUE))
    if not isinstance(option, Element):
        return ir.FALSE
    if option.type == "CodeableConcept":
        return _has_code(option, str(value))
    plain = elements.system(option, 0)
    if not isinstance(plain, Scalar):
        return ir.FALSE
    return ir.certain(ir.call("eq", plain.sql, ir.Literal(value)))


def _has_code(concept: Element, code: str) -> Expr:
    codings = elements.prop(concept, "coding", 0)
    if not isinstance(codings, Elements):
        return ir.FALSE
    each = ir.Name("coding")
    one = Element("Coding", each, codings.fields, codings.path, codings.beyond)
    found = elements.prop(one, "code", 0)
    if not isinstance(found, Element):
        return ir.FALSE
    codes = ir.call("list_map", codings.sql, ir.Lambda((each,), found.sql))
    return ir.certain(ir.call("list_contains", codes, ir.text(code)))
