r"""Formulas in Typst, from what is written in LaTeX: one notation, a third spelling.

    \frac{\partial L}{\partial W^{(1)}} = 2 A^{\top} u   ->   frac(∂ L, ∂ W^((1))) = 2 A^(⊤) u

Formulas use a small part of LaTeX, which this reads token by token; what it does not know is an
error, never passed on. Letters and signs are written in Unicode, which Typst reads as mathematics,
and every name of several letters is text in quotes: no name can become one of Typst's own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

GREEK = {
    name: unicodedata.lookup(f"GREEK {case} LETTER {name.upper().replace('LAMBDA', 'LAMDA')}")
    for case, names in (
        ("SMALL", "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho "
                  "sigma tau upsilon phi chi psi omega"),
        ("CAPITAL", "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"))
    for name in names.split()
}
_SIGNS = {
    **GREEK, "varepsilon": "ε", "varsigma": "ς", "vartheta": "ϑ", "varphi": "φ", "phi": "ϕ",
    "epsilon": "ϵ", "varrho": "ϱ", "varpi": "ϖ", "ell": "ℓ", "partial": "∂", "nabla": "∇",
    "odot": "⊙", "oslash": "⊘", "otimes": "⊗", "oplus": "⊕", "circ": "∘", "cdot": "⋅",
    "times": "×", "ast": "∗", "pm": "±", "top": "⊤", "le": "≤", "ge": "≥", "lt": "<", "gt": ">",
    "ne": "≠", "approx": "≈", "in": "∈", "to": "→", "leftarrow": "←", "rightarrow": "→",
    "infty": "∞", "surd": "√", "ll": "≪", "gg": "≫", "dots": "…", "ldots": "…", "cdots": "⋯",
    "lbrace": "{", "rbrace": "}", "lvert": "abs(", "rvert": ")", "sum": "∑", "prod": "∏",
    "quad": "quad", "qquad": "wide", "left": "", "right": "", "displaystyle": "", "textstyle": "",
    "bigl": "", "bigr": "", "Bigl": "", "Bigr": "",
    ",": "thin", ";": "thick", " ": "space", "!": "", "{": "{", "}": "}", "_": '"_"', "&": '"&"',
    "$": r"\$", "#": r"\#", "%": "%", "\\": "\\\n",
}
_FUNCTIONS = frozenset({
    "exp", "log", "tanh", "sin", "cos", "tan", "sinh", "cosh", "arcsin", "arccos", "arctan", "max",
    "min", "arg", "det", "ln", "lim", "sup", "inf",
})
_AROUND = {"hat": "hat", "tilde": "tilde", "bar": "macron", "dot": "dot", "mathbf": "bold",
           "mathcal": "cal", "boldsymbol": "bold", "sqrt": "sqrt", "overline": "overline"}
_WORDS = frozenset({"mathrm", "text", "operatorname", "mathsf", "textrm", "mbox"})
_QUIET = {"aligned", "split"}
"""Environments whose rows Typst aligns without being told."""
_TOKEN = re.compile(r"\\(?:[A-Za-z]+|.)|\d+(?:\.\d+)?|'+|\S", re.DOTALL)


class TypstError(ValueError):
    """LaTeX with something in it that formulas here do not use; the message names it."""


def typst(latex: str) -> str:
    r"""A formula in Typst's mathematics, without the signs $ around it.

    latex: a formula as this package writes them, without delimiters.  Raises TypstError.

    >>> typst(r"\frac{\partial L}{\partial W^{(1)}} = X^{\top} \delta _{i j} \odot \mathrm{a\_b}")
    'frac(∂ L, ∂ W^((1))) = X^(⊤) δ_(i j) ⊙ "a_b"'
    """
    return _Walk(latex).whole()


class _Walk:
    """One walk over a formula, from `place` on; `depth` calls of Typst's are open, in which a bare
    comma would part two arguments."""

    def __init__(self, latex: str) -> None:
        self.latex = latex
        self.place = 0
        self.depth = 0

    def whole(self) -> str:
        shown = _set(self.until(""))
        if self.place < len(self.latex.rstrip()):
            raise self.fail("a brace too many")
        return shown

    def fail(self, what: str) -> TypstError:
        return TypstError(f"{what} at place {self.place} of {self.latex!r}")

    def peek(self) -> str:
        found = self.following()
        return found[0] if found else ""

    def following(self) -> re.Match[str] | None:
        space = re.compile(r"[\s~]*").match(self.latex, self.place)
        return _TOKEN.match(self.latex, space.end() if space else self.place)

    def take(self) -> str:
        found = self.following()
        if found is None:
            raise self.fail("the formula ends where more was expected")
        self.place = found.end()
        return found[0]

    def until(self, end: str) -> Iterator[str]:
        """The pieces up to a closing token, or to the formula's end."""
        while (token := self.peek()) != end and token not in ("}", ""):
            yield self.piece()
        if self.peek() != end:
            raise self.fail(f"expected {end or 'the end'!r}")
        if end:
            self.take()

    def argument(self) -> str:
        """A group in braces, or one token, as Typst."""
        if self.peek() != "{":
            return self.piece()
        self.take()
        return _set(self.until("}"))

    def inside(self, count: int, name: str) -> str:
        """A call of Typst's with arguments that are groups here."""
        self.depth += 1
        shown = ", ".join(self.argument() for _ in range(count))
        self.depth -= 1
        return f"{name}({shown})"

    def word(self) -> str:
        """Text in braces, as a string of Typst's."""
        if self.take() != "{":
            raise self.fail("expected a brace")
        end = re.compile(r"(?:[^{}\\]|\\.)*").match(self.latex, self.place)
        found = end[0] if end else ""
        self.place += len(found) + 1
        if self.latex[self.place - 1:self.place] != "}":
            raise self.fail("text that is not closed, or holds a formula")
        plain = re.sub(r"\\([A-Za-z]+)|\\(.)", self._letter, found.replace("~", " "))
        return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def _letter(self, found: re.Match[str]) -> str:
        if found[2]:
            return found[2]
        if found[1] in _FUNCTIONS:
            return found[1]
        if found[1] in GREEK:
            return GREEK[found[1]]
        raise self.fail(f"nothing here is written \\{found[1]} in a name")

    def piece(self) -> str:
        token = self.take()
        if token in "_^":
            return f"\0{token}({self.argument()})"
        if token == "{":
            return self.group()
        if token[0] == "'":
            return "\0" + token
        if token[0] == "\\":
            return self.command(token[1:])
        if token in ",;" and self.depth:
            return {",": "comma", ";": "semi"}[token]
        return {"/": "slash", "*": "∗", "#": r"\#", '"': r"\"", "|": "bar.v", "`": r"\`",
                "@": r"\@", "$": r"\$"}.get(token, token)

    def group(self) -> str:
        """A group in braces; one with scripts in it stays one where further scripts follow, which
        would else be those of its own last script."""
        start = self.place
        shown = _set(self.until("}"))
        if not re.search("[_^]", shown) or self.peek() not in ("_", "^"):
            return shown
        self.place = start
        self.depth += 1
        shown = _set(self.until("}"))
        self.depth -= 1
        return f'class("normal", {shown})'

    def command(self, name: str) -> str:
        if name == "frac":
            return self.inside(2, "frac")
        if name in _AROUND:
            return self.inside(1, _AROUND[name])
        if name in _WORDS:
            return self.word()
        if name in _FUNCTIONS:
            return name
        if name == "begin":
            return self.environment()
        if name == "arg":
            return "arg"
        if name not in _SIGNS:
            raise self.fail(f"nothing here is written \\{name}")
        if name == "lvert":
            self.depth += 1
        elif name == "rvert":
            self.depth -= 1
        return _SIGNS[name]

    def array(self) -> str:
        """The rows of an array, without what stands around it."""
        self.argument()
        self.depth += 1
        rows: list[list[list[str]]] = [[[]]]
        for piece in self.until(r"\end"):
            if piece == _SIGNS["\\"]:
                rows.append([[]])
            elif piece == "&":
                rows[-1].append([])
            else:
                rows[-1][-1].append(piece)
        self.depth -= 1
        body = "; ".join(", ".join(_set(iter(cell)) for cell in row) for row in rows)
        return f"mat(delim: #none, align: #right, {body})"

    def environment(self) -> str:
        name = self.word().strip('"')
        if name == "array":
            shown = self.array()
        elif name in _QUIET:
            shown = _set(self.until(r"\end"))
        else:
            raise self.fail(f"no environment here is called {name}")
        if self.word().strip('"') != name:
            raise self.fail(f"{name} is not closed")
        return shown


def _set(pieces: Iterator[str]) -> str:
    """Pieces side by side: scripts and primes at what they stand behind, all else apart, but for
    brackets and the commas between arguments."""
    text = ""
    for piece in pieces:
        if not piece:
            continue
        if piece[0] == "\0":
            text += piece[1:] if text else f'""{piece[1:]}'
        elif not text or text[-1] in "([{\n" or piece[0] in ")]},;" or (
                piece == "(" and text[-1] == '"'):  # a space beside text would be seen
            text += piece
        else:
            text += f" {piece}"
    return text
