"""The limited XHTML of a narrative (http://hl7.org/fhir/R4/narrative.html, invariants txt-1 and txt-2)."""

from functools import lru_cache
from xml.parsers import expat

ELEMENTS = frozenset(
    "a abbr acronym address article aside b bdi bdo big blockquote br caption cite code col colgroup dd del dfn div dl dt "
    "em figcaption figure footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li nav ol p pre q s samp section small span "
    "strike strong sub sup table tbody td tfoot th thead time tr tt u ul var".split()
)
ATTRIBUTES = frozenset(
    "abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff charset class "
    "cite colspan compact coords dir frame headers height href hreflang hspace id lang longdesc name nowrap rel rev rowspan "
    "rules scope shape span src start style summary tabindex title type valign value vspace width xml:lang xmlns".split()
)
NAMESPACE = "http://www.w3.org/1999/xhtml"
SCHEMES = ("javascript:", "vbscript:", "data:text")


class _Refused(Exception):
    pass


@lru_cache(maxsize=1024)
def problem(div: str) -> str | None:
    """What is wrong with a ``Narrative.div`` (an English sentence), or None. No DTD, entities, scripts or forms."""
    depth, content = 0, False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, content
        if depth == 0 and (name != "div" or attributes.get("xmlns") != NAMESPACE):
            raise _Refused("The root must be a div in the namespace of XHTML")
        if name not in ELEMENTS:
            raise _Refused("Elements other than basic formatting are not allowed")
        for key, value in attributes.items():
            if key not in ATTRIBUTES or value.lstrip().lower().startswith(SCHEMES):
                raise _Refused("Attributes other than basic formatting are not allowed")
        content = content or name == "img"
        depth += 1

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    def characters(text: str) -> None:
        nonlocal content
        content = content or not text.isspace()

    def refuse(*_: object) -> None:
        raise _Refused("Document types and entities are not allowed")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = refuse
    parser.ProcessingInstructionHandler = refuse
    try:
        parser.Parse(without_named_entities(div), True)
    except expat.ExpatError:
        return "Not well-formed XML"
    except _Refused as refused:
        return str(refused)
    return None if content else "There must be some text or an image"


def without_named_entities(div: str) -> str:
    """HTML's named characters (``&nbsp;``), which XML does not know, as the characters themselves."""
    if "&" not in div:
        return div
    import html
    import re

    keep = {"amp", "lt", "gt", "quot", "apos"}
    return re.sub(r"&([A-Za-z]\w*);", lambda m: m[0] if m[1] in keep else html.unescape(m[0]), div)
