"""Where a parser stands among the tokens, and how it says what it expected."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Any

from shangyi.query.cql.errors import CqlSyntaxError, near
from shangyi.query.cql.lexer import RESERVED, WORDS, tokenize
from shangyi.query.cql.syntax import Node
from shangyi.query.errors import ParseError, excerpt
from shangyi.query.lexer import Token

DEPTH = 100
"""How deep expressions may nest."""
CHAIN = 1000
"""How many operators or members may follow each other without parentheses."""


class Lines:
    """Lines and columns of a text, found without counting from its start each time."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0]
        position = text.find("\n")
        while position >= 0:
            self._starts.append(position + 1)
            position = text.find("\n", position + 1)

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column from 1."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


class Cursor:
    """The tokens of one text."""

    def __init__(self, text: str, library: str = "") -> None:
        self.text, self.library = text, library
        self.lines = Lines(text)
        self.position = 0
        self.depth = 0
        try:
            self.tokens = tokenize(text)
        except ParseError as error:
            issue = error.issues[0]
            fields: dict[str, Any] = dict(issue.args)
            raise CqlSyntaxError(
                issue.text,
                library=library,
                line=error.line,
                column=error.column,
                context=error.context,
                **fields,
            ) from None
        self.token = self.tokens[0]
        self.closing = _closing(self.tokens)

    def error(
        self, template: str, start: int, end: int, near: tuple[str, ...] = (), **args: object
    ) -> CqlSyntaxError:
        """An error that marks ``text[start:end]``."""
        line, column = self.lines.place(start)
        end_line, end_column = self.lines.place(max(start, end - 1))
        return CqlSyntaxError(
            template,
            library=self.library,
            line=line,
            column=column,
            end_line=end_line,
            end_column=end_column,
            context=excerpt(self.text, start, end),
            near=near,
            **args,
        )

    def unexpected(self, expected: str = "", near_to: Iterable[str] = WORDS) -> CqlSyntaxError:
        """What stands here is not what was ``expected``."""
        token = self.token
        if token.kind == "end":
            template = (
                "{expected} is expected here, but the text ends" if expected else "The text ends too early"
            )
            return self.error(template, token.start, token.end, expected=expected)
        found = self.text[token.start : token.end]
        close = near(found, near_to) if token.kind == "name" and token.text not in WORDS else ()
        template = "{expected} is expected here, not {found}" if expected else "{found} is not expected here"
        return self.error(template, token.start, token.end, close, expected=expected, found=found)

    def move(self, to: int) -> None:
        """Stand at another token."""
        self.position = to
        self.token = self.tokens[to]

    def advance(self) -> Token:
        """The token here; stand at the next."""
        token = self.token
        if token.kind != "end":
            self.position += 1
            self.token = self.tokens[self.position]
        return token

    def peek(self, ahead: int = 1) -> Token:
        """A token further on."""
        return self.tokens[min(self.position + ahead, len(self.tokens) - 1)]

    def at(self, *texts: str) -> bool:
        """Whether this word or symbol stands here, unquoted."""
        return self.token.text in texts and self.token.kind in ("name", "symbol")

    def follows(self, *texts: str, ahead: int = 1) -> bool:
        """Whether this word or symbol stands further on."""
        token = self.peek(ahead)
        return token.text in texts and token.kind in ("name", "symbol")

    def accept(self, *texts: str) -> str:
        """The word or symbol, if it stands here, which is passed; else ""."""
        return self.advance().text if self.at(*texts) else ""

    def expect(self, text: str) -> None:
        """Pass a word or symbol, or say that it is missing."""
        if not self.accept(text):
            raise self.unexpected(text, [text])

    def accept_words(self, *words: str) -> bool:
        """Pass several words in a row (``such that``), or none."""
        if all(self.follows(word, ahead=index) for index, word in enumerate(words)):
            self.move(self.position + len(words))
            return True
        return False

    @property
    def end(self) -> int:
        """Where the token before this one ends."""
        return self.tokens[self.position - 1].end if self.position else 0

    def is_name(self, token: Token) -> bool:
        """Whether a token can be a name in an expression."""
        return token.kind == "quoted" or (token.kind == "name" and token.text not in RESERVED)

    def is_alias(self, token: Token) -> bool:
        """Whether a token can be an alias: no word of the language, unless it is quoted."""
        return token.kind == "quoted" or (token.kind == "name" and token.text not in WORDS)

    def name(self, expected: str = "a name") -> str:
        """A name, which is passed."""
        if not self.is_name(self.token):
            raise self.unexpected(expected, ())
        return self.advance().text

    def string(self) -> str:
        """A string, which is passed."""
        if self.token.kind != "string":
            raise self.unexpected("a string", ())
        return self.advance().text

    def deeper(self) -> None:
        """One level down; refused beyond ``DEPTH``."""
        self.depth += 1
        if self.depth > DEPTH:
            raise self.error("The expression is nested too deeply", self.token.start, self.token.end)

    def longer(self, count: int) -> None:
        """One more in a chain; refused beyond ``CHAIN``."""
        if count > CHAIN:
            raise self.error("The expression is too long", self.token.start, self.token.end)

    # Layers above say how; layers below ask for it.

    def expression(self, minimum: int = 0) -> Node:
        """An expression of operators that bind at least so tightly."""
        raise NotImplementedError

    def term(self, minimum: int = 0) -> Node:
        """An expression term."""
        raise NotImplementedError


def _closing(tokens: list[Token]) -> dict[int, int]:
    """For each opening bracket the index of its closing one; ``Interval[a, b)`` may close by another."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for index, token in enumerate(tokens):
        if token.kind == "symbol":
            if token.text in "([{":
                opened.append(index)
            elif token.text in ")]}" and opened:
                found[opened.pop()] = index
    return found
