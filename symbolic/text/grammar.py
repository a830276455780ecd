"""Text to trees: a small grammar of formulas, read by hand so that hostile text cannot hurt.

    statement  = [name ["[" sum "]"] "="] comparison ["for" name "in" "range" "(" sum ")"]
    comparison = sum [("<" | "<=" | ">" | ">=" | "==" | "!=") sum]
    sum        = product {("+" | "-") product}
    product    = unary {("*" | "/" | "@") unary}
    unary      = ("-" | "+") unary | power
    power      = primary [("**" | "^") unary]
    primary    = number | text in quotes | name | name "(" arguments ")" | "(" ... ")" | "[" ... "]"
                 with any number of ".T", of methods ".name(arguments)", which are name(x, ...), and
                 of subscripts: "[" (sum | [sum] ":" [sum] [":" [sum]] | "...") {"," ...} "]"

What the names mean is not decided here.  Length, depth and the digits of a number are bounded, so
every text gives a tree or a :class:`FormulaError` that points at a column:

    >>> parse_expression("X @ W * ")
    Traceback (most recent call last):
    gradproof.symbolic.text.trees.FormulaError: column 9: expected a number, ...
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..limits import MAX_DEPTH, MAX_LENGTH
from .trees import FormulaError, Kind, Node, Source, Statement, Token

PRECEDENCE = {
    "<": 1, "<=": 1, ">": 1, ">=": 1, "==": 1, "!=": 1,
    "+": 2, "-": 2, "*": 3, "/": 3, "@": 3,
}  # fmt: skip
COMPARISONS = frozenset(operator for operator, level in PRECEDENCE.items() if level == 1)

MODULES = frozenset(("np", "numpy"))
SUBMODULES = frozenset(("linalg",))
"""`np.linalg.inv(A)` is `inv(A)`."""

_TOKEN = re.compile(
    r"(?P<space>[ \t\r\f]+|#[^\n]*)|(?P<end>[;\n])"
    r'|"(?P<string>[^"\n]*)"'
    r"|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[^\W\d]\w*)|(?P<operator>\*\*|<=|>=|==|!=|\.{3}|[-+*/@^()<>,=.:\[\]])"
)


def checked_text(text: object) -> str:
    """The text itself, when it is a string of bearable length with something in it."""
    if not isinstance(text, str):
        raise FormulaError(f"a formula is text, got {type(text).__name__}: {_short(repr(text))}")
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"a formula has at most {MAX_LENGTH} characters, got {len(text)}")
    if not text.strip():
        raise FormulaError('expected a formula such as "max(0, z)", got empty text')
    return text


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."


def parse_statements(text: str) -> tuple[Statement, ...]:
    """The statements of a text, which are separated by ``;`` or a new line outside parentheses."""
    return tuple(_Parser(checked_text(text)).statements())


def parse_expression(text: str) -> Node:
    """The one expression that a text consists of."""
    parser = _Parser(checked_text(text))
    found = list(parser.statements())
    if not found:
        raise FormulaError('expected a formula such as "max(0, z)", got only a comment')
    first = found[0]
    if first.name:
        parser.source.fail(first, f"expected an expression, got an assignment to {first.name!r}; "
                                  f"leave out '{first.name} ='")
    if len(found) > 1:
        parser.source.fail(found[1], "expected one expression, got a second one here")
    return first.value


class _Parser:
    """Precedence climbing: one recursive function, so that depth costs few frames."""

    def __init__(self, text: str) -> None:
        self.source = Source(text)
        self.tokens = list(self._tokens(text))
        self.place = 0
        self.depth = 0

    def _tokens(self, text: str) -> Iterator[Token]:
        place, line, start, open_parentheses = 0, 1, 0, 0
        while place < len(text):
            match = _TOKEN.match(text, place)
            column = place - start + 1
            if match is None:
                character = Token("character", text[place], line, column)
                self.source.fail(character, f"unexpected character {text[place]!r}"
                                            + _ADVICE.get(text[place], ""))
            kind = str(match.lastgroup)
            token = Token(kind, match.group(), line, column)
            place = match.end()
            if kind == "number" and re.match(r"\w", text[place : place + 1]):
                self.source.fail(token, f"a number runs into a name: write "
                                        f"{token.text}*{text[place]}... for a product")
            open_parentheses += {"(": 1, ")": -1, "[": 1, "]": -1}.get(token.text, 0)
            if token.text == "\n":
                line, start = line + 1, place
            if kind != "space" and not (token.text == "\n" and open_parentheses > 0):
                yield token
        yield Token("stop", "", line, len(text) - start + 1)

    @property
    def token(self) -> Token:
        return self.tokens[self.place]

    def _next(self) -> Token:
        token = self.token
        self.place += 1
        return token

    def _at(self, *texts: str) -> bool:
        return self.token.kind == "operator" and self.token.text in texts

    def _expect(self, text: str, why: str) -> None:
        if not self._at(text):
            self.source.fail(self.token, f"expected {text!r} {why}, got {self.token}")
        self.place += 1

    def statements(self) -> Iterator[Statement]:
        while self.token.kind != "stop":
            if self.token.kind == "end":
                self.place += 1
                continue
            first = self.token
            name = ""
            if first.kind == "name" and self.tokens[self.place + 1].text == "=":
                name = first.text
                self.place += 2
            value = self._expression(1)
            at = None
            if self._at("=") and not name and _is_step(value):
                name, at = value.arguments[0].text, value.arguments[1]
                self.place += 1
                value = self._expression(1)
            if self._at("="):
                self.source.fail(self.token, "only a name, or a name with one subscript such as "
                                             "h[t], can stand left of '='")
            steps = self._steps() if self.token.text == "for" and at is not None else None
            if self.token.kind not in ("end", "stop"):
                unbalanced = " (there is no open parenthesis)" if self._at(")") else ""
                self.source.fail(self.token, f"expected an operator or the end, got {self.token}"
                                             + unbalanced)
            yield Statement(name, value, first.line, first.column, at, steps)

    def _steps(self) -> tuple[str, Node]:
        """``for t in range(T)``"""
        words = [self._next() for _ in range(4)]
        if [word.text for word in words[::2]] != ["for", "in"] or words[3].text != "range":
            self.source.fail(words[0], "expected the steps as `for t in range(T)`")
        self._expect("(", "behind range")
        size = self._expression(1)
        self._expect(")", "behind the number of steps; a loop begins later where values such as "
                          "h[0] are stated")
        return words[1].text, size

    def _node(self, token: Token, kind: Kind, *arguments: Node, text: str | None = None) -> Node:
        # A chain of left-associative operators is walked in a loop, so only the rest is depth.
        depths = [argument.depth + 1 for argument in arguments]
        if kind == "binary":
            depths[0] -= 1
        return self._bounded(
            Node(kind, token.text if text is None else text, token.line, token.column, arguments,
                 (), max(depths, default=0))
        )

    def _bounded(self, node: Node) -> Node:
        if node.depth > MAX_DEPTH:
            self.source.fail(node, f"nested deeper than {MAX_DEPTH} levels; name a part of it")
        return node

    def _expression(self, level: int) -> Node:
        self.depth += 1
        if self.depth > 2 * MAX_DEPTH:
            self.source.fail(self.token, f"nested deeper than {MAX_DEPTH} levels; name a part")
        left = self._prefixed()
        while self.token.kind == "operator" and PRECEDENCE.get(self.token.text, 0) >= level:
            operator = self._next()
            own = PRECEDENCE[operator.text]
            right = self._expression(own + 1)
            if own == 1:
                if left.kind == "compare":
                    self.source.fail(operator, "comparisons do not chain; multiply two of them")
                left = self._node(operator, "compare", left, right)
            else:
                left = self._node(operator, "binary", left, right)
        self.depth -= 1
        return left

    def _prefixed(self) -> Node:
        signs = []
        while self._at("-", "+"):
            signs.append(self._next())
        node = self._power()
        if sum(sign.text == "-" for sign in signs) % 2:
            node = self._node(signs[0], "unary", node, text="-")
        return node

    def _power(self) -> Node:
        base = self._primary()
        if not self._at("**", "^"):
            return base
        operator = self._next()
        self.depth += 1
        if self.depth > 2 * MAX_DEPTH:
            self.source.fail(operator, f"nested deeper than {MAX_DEPTH} levels; name a part")
        exponent = self._prefixed()
        self.depth -= 1
        return self._node(operator, "binary", base, exponent, text="**")

    def _primary(self) -> Node:
        token = self._next()
        if token.kind == "number":
            node = self._node(token, "number")
        elif token.kind == "string":
            node = self._node(token, "string", text=token.text[1:-1])
        elif token.kind == "name":
            node = self._call(token) if self._at("(") else self._node(token, "name")
        elif token.kind == "operator" and token.text in ("(", "["):
            node = self._several(token)
        else:
            self.place -= 1
            self.source.fail(token, f"expected a number, a name or '(', got {token}")
        while self._at(".", "["):
            if self._at("["):
                node = self._subscript(node)
                continue
            node = self._attribute(node)
        if self._at("("):
            self.source.fail(self.token, "only a name can be called; write * for a product")
        return node

    def _attribute(self, base: Node) -> Node:
        """x.T; x.sum(axis=0), which is sum(x, axis=0); np.sum(x), which is sum(x)."""
        dot = self._next()
        attribute = self._next()
        if attribute.kind == "name" and self._at("("):
            module = base.kind == "name" and base.text in MODULES
            return self._call(attribute, *([] if module else [base]))
        if base.kind == "name" and base.text in MODULES and attribute.text in SUBMODULES:
            return base
        if attribute.text != "T":
            self.source.fail(dot, "expected '.T' (the transpose) or a method such as .sum(axis=0), "
                                  f"got .{attribute.text}")
        return self._node(dot, "transpose", base)

    def _subscript(self, base: Node) -> Node:
        bracket = self._next()
        entries = []
        while not self._at("]"):
            entries.append(self._slice())
            if not self._at(","):
                break
            self.place += 1
        self._expect("]", f"or ',' for the '[' in column {bracket.column}")
        if not entries:
            self.source.fail(bracket, "a subscript is an entry such as [0], a range such as [1:n], "
                                      "or several of them")
        return self._node(bracket, "subscript", base, *entries)

    def _slice(self) -> Node:
        first = self.token
        if self._at("..."):
            return self._node(self._next(), "name")
        parts = [self._bound(":")]
        if not self._at(":"):
            return parts[0]
        while self._at(":") and len(parts) < 3:
            self.place += 1
            parts.append(self._bound(":", ",", "]"))
        return self._node(first, "slice", *parts)

    def _bound(self, *ends: str) -> Node:
        return self._node(self.token, "nothing") if self._at(*ends) else self._expression(1)

    def _several(self, token: Token) -> Node:
        """What stands in parentheses, or several values in either kind of brackets."""
        end = ")" if token.text == "(" else "]"
        entries = [self._expression(1)]
        while self._at(","):
            self.place += 1
            if not self._at(end):
                entries.append(self._expression(1))
        comma = self.tokens[self.place - 1].text == ","
        self._expect(end, f"for the {token.text!r} in column {token.column}")
        several = comma or len(entries) > 1 or end == "]"
        return self._node(token, "tuple", *entries) if several else entries[0]

    def _call(self, name: Token, *first: Node) -> Node:
        self.place += 1
        arguments: list[Node] = [*first]
        keywords: list[tuple[str, Node]] = []
        while not self._at(")"):
            token = self.token
            if token.kind == "name" and self.tokens[self.place + 1].text == "=":
                self.place += 2
                if token.text in dict(keywords):
                    self.source.fail(token, f"{token.text!r} is given twice")
                keywords.append((token.text, self._expression(1)))
            elif keywords:
                self.source.fail(token, f"expected a keyword after {keywords[-1][0]}=...")
            else:
                arguments.append(self._expression(1))
            if not self._at(","):
                break
            self.place += 1
        self._expect(")", f"or ',' for the '(' of {name.text} in column {name.column}")
        every = (*arguments, *(value for _, value in keywords))
        depth = max((argument.depth + 1 for argument in every), default=0)
        return self._bounded(Node("call", name.text, name.line, name.column, tuple(arguments),
                                  tuple(keywords), depth))


def _is_step(node: Node) -> bool:
    """Whether a node is a name with one subscript, as h[t]."""
    return (node.kind == "subscript" and len(node.arguments) == 2
            and node.arguments[0].kind == "name")


_ADVICE = {
    "&": "; multiply two conditions instead",
    "|": "; use max(condition, condition)",
    "'": "; a transpose is written .T",
    "·": "; a product is written *",
    "×": "; a product is written *",
    "−": "; a minus is written -",
    "{": "; use parentheses",
}
