"""Timing phrases between two expressions (https://cql.hl7.org/02-authorsguide.html#timing-and-interval-operators)."""

from dataclasses import replace

from shangyi.query.cql.lexer import PRECISIONS
from shangyi.query.cql.parser.terms import Terms
from shangyi.query.cql.syntax import Phrase

_FIRST = {
    "same",
    "includes",
    "during",
    "included",
    "before",
    "after",
    "on",
    "within",
    "less",
    "more",
    "properly",
}
_EDGES = {"starts": "start", "ends": "end", "occurs": ""}


class Timing(Terms):
    """Phrases."""

    def phrase(self) -> Phrase | None:
        """The phrase that begins here, which is passed; None where none does."""
        if self.token.kind == "number":
            return self.relative(Phrase("relative"))
        if self.token.kind != "name":
            return None
        word = self.token.text
        if word in _EDGES:
            following = self.peek()
            if word == "occurs" or following.kind == "number" or self.follows(*_FIRST):
                self.advance()
                found = self.relation(Phrase("", left=_EDGES[word]))
                if found is None:
                    raise self.unexpected("a timing phrase")
                return found
            self.advance()
            return Phrase(word, precision=self.precision_of())
        if word in ("meets", "overlaps"):
            self.advance()
            relation = self.accept("before", "after")
            return Phrase(word, relation=relation, precision=self.precision_of())
        return self.relation(Phrase(""))

    def relation(self, phrase: Phrase) -> Phrase | None:
        """What follows ``starts``, ``ends``, ``occurs`` or nothing."""
        if self.at("same"):
            return self.same(phrase)
        properly = False
        if self.at("properly"):
            if not self.follows("includes", "during", "included", "within"):
                return None
            self.advance()
            properly = True
        phrase = replace(phrase, properly=properly)
        if self.accept("includes"):
            return replace(phrase, kind="includes", precision=self.precision_of(), right=self.edge())
        if self.accept("during") or self.accept_words("included", "in"):
            return replace(phrase, kind="during", precision=self.precision_of())
        if self.accept("within"):
            offset = self.quantity()
            self.expect("of")
            return replace(phrase, kind="within", offset=offset, right=self.edge())
        if self.token.kind == "number" or self.at("before", "after", "on", "less", "more"):
            return self.relative(replace(phrase, kind="relative"))
        return None

    def same(self, phrase: Phrase) -> Phrase:
        """``same day as``, ``same day or before``."""
        self.advance()
        precision = self.advance().text if self.at(*PRECISIONS) else None
        relation = "as"
        if self.accept("or"):
            relation = self.accept("before", "after")
            if not relation:
                raise self.unexpected("before or after", ["before", "after"])
        else:
            self.expect("as")
        inclusive = relation != "as"
        return replace(
            phrase,
            kind="same",
            relation=relation,
            inclusive=inclusive,
            precision=precision,
            right=self.edge(),
        )

    def relative(self, phrase: Phrase) -> Phrase:
        """``3 days or more on or before``, ``less than 2 hours after``, ``before``."""
        bound = self.accept("less", "more")
        offset = None
        if bound:
            self.expect("than")
            bound += " than"
        if self.token.kind == "number" or bound:
            offset = self.quantity()
            if not bound and self.at("or") and self.follows("more", "less"):
                self.advance()
                bound = "or " + self.advance().text
        inclusive = self.accept_words("on", "or")
        relation = self.accept("before", "after")
        if not relation:
            raise self.unexpected("before or after", ["before", "after"])
        inclusive = inclusive or self.accept_words("or", "on")
        precision = self.precision_of()
        return replace(
            phrase,
            relation=relation,
            inclusive=inclusive,
            offset=offset,
            bound=bound,
            precision=precision,
            right=self.edge(),
        )

    def precision_of(self) -> str | None:
        """``day of``, if it is here."""
        if self.at(*PRECISIONS) and self.follows("of"):
            word = self.advance().text
            self.advance()
            return word
        return None

    def edge(self) -> str:
        """``start`` or ``end`` before the right side; ``start of`` belongs to that side itself."""
        if self.at("start", "end") and not self.follows("of", ".", ")", ",", "]", "}"):
            return self.advance().text
        return ""
