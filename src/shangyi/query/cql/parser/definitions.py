"""Libraries: what stands at the top of a text."""

from shangyi.query.cql import syntax
from shangyi.query.cql.errors import CqlErrors, CqlSyntaxError
from shangyi.query.cql.lexer import tags
from shangyi.query.cql.parser.queries import Queries

_DEFINING = (
    "using include codesystem valueset code concept parameter context define public private library".split()
)


def parse(text: str, name: str = "") -> syntax.Library:
    """The syntax tree of a library; CqlErrors with all that is wrong. ``name``: what errors call the text."""
    try:
        parser = Definitions(text, name)
    except CqlSyntaxError as error:
        raise CqlErrors([error]) from None
    return parser.library_text()


def parse_expression(text: str, name: str = "") -> syntax.Node:
    """The syntax tree of one expression; CqlSyntaxError."""
    parser = Definitions(text, name)
    node = parser.expression()
    if parser.token.kind != "end":
        raise parser.unexpected()
    return node


class Definitions(Queries):
    """Definitions and statements."""

    def library_text(self) -> syntax.Library:
        """A whole text."""
        name, version = "", None
        errors: list[CqlSyntaxError] = []
        found: list[syntax.Definition] = []
        contexts: list[tuple[str, str]] = []
        self.context = "Unfiltered"
        try:
            if self.accept("library"):
                name = self.dotted()
                version = self.version()
                self.library = self.library or name
        except CqlSyntaxError as error:
            errors.append(error)
            self.recover()
        while self.token.kind != "end":
            self.depth = 0
            try:
                if self.accept("context"):
                    model, self.context = "", self.name("a context")
                    if self.accept("."):
                        model, self.context = self.context, self.name("a context")
                    contexts.append((model, self.context))
                else:
                    found.append(self.definition())
            except CqlSyntaxError as error:
                errors.append(error)
                self.recover()
        if errors:
            raise CqlErrors(errors)
        return syntax.Library(name, version, tuple(found), tuple(contexts), start=0, end=len(self.text))

    def recover(self) -> None:
        """Go on at the next definition after an error, so that one text tells all its errors."""
        if self.token.kind != "end":
            self.advance()
        while self.token.kind != "end" and not (self.at(*_DEFINING) and self._first_on_line()):
            self.advance()

    def _first_on_line(self) -> bool:
        start = self.token.start
        return not self.text[self.text.rfind("\n", 0, start) + 1 : start].strip()

    def definition(self) -> syntax.Definition:
        """A definition or statement."""
        start = self.token.start
        comment = self.text[self.end : start]
        noted = tags(comment) if "@" in comment else ()
        private = self.accept("public", "private") == "private"
        word = self.accept(*_DEFINING[:7], "define")
        if word in ("using", "include"):
            return self.used(word, start, noted)
        if word == "define":
            return self.defined(start, noted)
        if word == "parameter":
            name = self.name()
            type_ = None
            if not self.at("default") and self.token.kind != "end" and not self.at(*_DEFINING):
                type_ = self.type_specifier()
            default = self.expression() if self.accept("default") else None
            return syntax.Parameter(
                name=name,
                private=private,
                tags=noted,
                type=type_,
                default=default,
                start=start,
                end=self.end,
            )
        if not word:
            raise self.unexpected("a definition", _DEFINING)
        return self.terminology(word, start, private, noted)

    def used(self, word: str, start: int, noted: tuple[tuple[str, str], ...]) -> syntax.Definition:
        """``using``, ``include``."""
        name = self.dotted()
        version = self.version()
        local = self.name() if self.accept("called") else name.rpartition(".")[2]
        if word == "using":
            return syntax.Using(
                name=local, tags=noted, model=name, version=version, start=start, end=self.end
            )
        return syntax.Include(
            name=local, tags=noted, library=name, version=version, start=start, end=self.end
        )

    def terminology(
        self, word: str, start: int, private: bool, noted: tuple[tuple[str, str], ...]
    ) -> syntax.Definition:
        """``codesystem``, ``valueset``, ``code``, ``concept``."""
        name = self.name()
        self.expect(":")
        if word == "codesystem":
            id_, version = self.string(), self.version()
            return syntax.CodeSystem(
                name=name, private=private, tags=noted, id=id_, version=version, start=start, end=self.end
            )
        if word == "valueset":
            id_, version = self.string(), self.version()
            systems = self.names() if self.accept("codesystems") else ()
            return syntax.ValueSet(
                name=name,
                private=private,
                tags=noted,
                id=id_,
                version=version,
                systems=systems,
                start=start,
                end=self.end,
            )
        if word == "code":
            id_ = self.string()
            self.expect("from")
            system, display = self.qualified(), self.display()
            return syntax.CodeDefinition(
                name=name,
                private=private,
                tags=noted,
                id=id_,
                system=system,
                display=display,
                start=start,
                end=self.end,
            )
        codes, display = self.names(), self.display()
        return syntax.ConceptDefinition(
            name=name, private=private, tags=noted, codes=codes, display=display, start=start, end=self.end
        )

    def names(self) -> tuple[syntax.Name, ...]:
        """``{ a, b.c }``."""
        self.expect("{")
        found = [self.qualified()]
        while self.accept(","):
            found.append(self.qualified())
        self.expect("}")
        return tuple(found)

    def defined(self, start: int, noted: tuple[tuple[str, str], ...]) -> syntax.Definition:
        """``define``, ``define function``."""
        private = self.accept("public", "private") == "private"
        fluent = self.at("fluent") and self.follows("function")
        if fluent:
            self.advance()
        if fluent or (self.at("function") and not self.follows(":")):
            self.advance()
            return self.function(start, private, fluent, noted)
        name = self.name()
        self.expect(":")
        expression = self.expression()
        return syntax.Expression(
            name=name,
            private=private,
            tags=noted,
            context=self.context,
            expression=expression,
            start=start,
            end=self.end,
        )

    def function(
        self, start: int, private: bool, fluent: bool, noted: tuple[tuple[str, str], ...]
    ) -> syntax.Function:
        """What follows ``define function``."""
        if self.token.kind not in ("name", "quoted"):
            raise self.unexpected("a name", ())
        name = self.advance().text
        self.expect("(")
        operands: list[tuple[str, syntax.TypeSpecifier]] = []
        if not self.at(")"):
            operands.append((self.name(), self.type_specifier()))
            while self.accept(","):
                operands.append((self.name(), self.type_specifier()))
        self.expect(")")
        returns = self.type_specifier() if self.accept("returns") else None
        self.expect(":")
        external = self.at("external") and not self.follows(".", "(")
        if external:
            self.advance()
        body = None if external else self.expression()
        return syntax.Function(
            name=name,
            private=private,
            tags=noted,
            context=self.context,
            operands=tuple(operands),
            returns=returns,
            body=body,
            fluent=fluent,
            start=start,
            end=self.end,
        )

    def dotted(self) -> str:
        """``org.example.Common``."""
        parts = [self.name()]
        while self.accept("."):
            parts.append(self.name())
        return ".".join(parts)

    def version(self) -> str | None:
        """``version '1'``, if it is here."""
        return self.string() if self.accept("version") else None
