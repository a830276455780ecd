r"""LaTeX as the tokens of the same formula in Unicode.

    \frac{\partial L}{\partial W^{(1)}} = x _{2i}^{\top}   ->   name ∂L/∂ W 1, op =, name x, ...
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .text_tokens import Token, parted
from .trees import ReadBackError

_COMMANDS = {
    "odot": "⊙", "oslash": "⊘", "otimes": "⊗", "le": "≤", "ge": "≥", "lt": "<", "gt": ">",
    "ne": "≠", "lbrace": "{", "rbrace": "}", "lvert": "|", "rvert": "|",
}
_FUNCTIONS = {"exp", "log", "tanh", "sin", "cos", "tan", "sinh", "cosh", "arcsin", "arccos",
              "arctan", "max", "min", "det"}
_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ",
    "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "φ", "chi": "χ",
    "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ",
    "Pi": "Π", "Sigma": "Σ", "Upsilon": "Υ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
    "varepsilon": "ε", "ell": "ℓ",
}
_ACCENTS = {"hat": "\u0302", "tilde": "\u0303", "bar": "\u0304", "dot": "\u0307"}
_SPACES = re.compile(r"(?: |~|\\,|\\left|\\right)+")


def tokens(latex: str) -> list[Token]:
    """The tokens of a formula.  Raises ReadBackError for a command that there is not."""
    return [*_Scan(latex).all(), Token("end")]


class _Scan:
    """One walk over a formula, from `place` on."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def fail(self, what: str) -> ReadBackError:
        return ReadBackError(f"{self.text!r}: {what}")

    def all(self) -> Iterator[Token]:
        while self.place < len(self.text):
            spaces = _SPACES.match(self.text, self.place)
            if spaces:
                self.place = spaces.end()
                continue
            yield from self.next()

    def take(self, pattern: str) -> re.Match[str] | None:
        found = re.compile(pattern).match(self.text, self.place)
        if found:
            self.place = found.end()
        return found

    def group(self) -> str:
        """What stands in the braces that begin here."""
        depth, start = 0, self.place
        for end in range(start, len(self.text)):
            depth += (self.text[end] == "{") - (self.text[end] == "}")
            if depth == 0:
                self.place = end + 1
                return self.text[start + 1:end]
        raise self.fail("a brace is not closed")

    def next(self) -> Iterator[Token]:
        if number := self.take(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"):
            yield Token("number", number[0])
        elif self.take(r"_(?=\{)"):
            yield self.at(self.group())
        elif self.take(r"\^(?=\{)"):
            yield from self.raised(self.group())
        elif self.take(r"\\mathbf\{1\}(?=\[)"):
            return  # 1[z > 0] is [z > 0]
        elif self.take(r"\\mathbf\{1\}"):
            yield Token("ones")
        elif self.take(r"\\mathcal\{K\}"):
            yield Token("name", "𝒦")
        elif self.take(r"\\frac"):
            yield from self.fraction(self.group(), self.group())
        elif self.take(r"\\sqrt"):
            yield Token("op", "√")
            yield from self.bracketed(self.group())
        elif self.take(r"\\sum _"):
            yield Token("over", "Σ", places=(self.below(self.group()),))
        elif most := self.take(r"(\\arg)?\\max _"):
            yield from self.most("argmax" if most[1] else "max")
        elif word := self.take(r"\\text\{ ?(\w+) ?\}"):
            yield Token("op", word[1])
        else:
            yield self.named() or self.sign()

    def most(self, word: str) -> Iterator[Token]:
        below = self.group()
        names, _, where = below.partition(":")
        yield Token("over", word, places=tuple(map(self.below, parted(names))))
        if where:
            yield Token("op", ":")
            yield from _Scan(where).all()

    def below(self, text: str) -> str:
        """u<2, for an index that stays below a bound."""
        return text.replace(r" \lt ", "<")

    def bracketed(self, text: str) -> Iterator[Token]:
        yield Token("op", "(")
        yield from _Scan(text).all()
        yield Token("op", ")")

    def fraction(self, above: str, below: str) -> Iterator[Token]:
        if above.startswith(r"\partial "):
            name, *more = _Scan(below.removeprefix(r"\partial ")).all()
            (loss,) = _Scan(above.removeprefix(r"\partial ")).all()
            yield Token("name", name.text, loss.text, name.layer)
            yield from more
            return
        yield Token("op", "(")
        yield from self.bracketed(above)
        yield Token("op", "/")
        yield from self.bracketed(below)
        yield Token("op", ")")

    def at(self, below: str) -> Token:
        places = list(parted(below))
        if len(places) == 1 and "_{" not in below:  # s _{0} is one place
            places = below.split()
        return Token("at", " ".join(places), places=tuple(places), run="," not in below)

    def raised(self, above: str) -> Iterator[Token]:
        if above == r"\top":
            yield Token("post", "T")
        elif above == "-1":
            yield Token("post", "inv")
        else:
            exponent = above.removeprefix(r"\circ ")
            yield Token("post", "∘^" if exponent != above else "^")
            yield from self.bracketed(exponent)

    def named(self) -> Token | None:
        stem = self.stem()
        if stem is None:
            return None
        if layer := self.take(r"\^\{\(([^()]*)\)\}"):
            return Token("name", stem, layer=layer[1])
        marks = self.take(r"'*")
        stem += marks[0] if marks else ""
        called = re.compile(r"(?:\\left)?\(").match(self.text, self.place)
        return Token("call" if called else "name", stem)

    def stem(self) -> str | None:
        if word := self.take(r"\\mathrm\{((?:[^{}\\]|\\_)*)\}"):
            below = self.take(r"_\{\\?(\w+)\}")  # of a name, as no space is before it
            return word[1].replace(r"\_", "_") + (f"_{below[1]}" if below else "")
        if word := self.take(r"\\(hat|tilde|bar|dot)(?=\{)"):
            inner = _Scan(self.group()).stem()
            return None if inner is None else inner + _ACCENTS[word[1]]
        if word := self.take(r"\{([A-Za-z])(?: _|(\^))\{([A-Za-z])\}\}"):  # of a gate
            return word[1] + ("_" if word[2] else "") + word[3]
        if word := self.take(r"\{(\\?)([A-Za-z]+) _\{\\mathrm\{((?:\w|\\_)+)\}\}\}"):  # W_up
            letter = _GREEK[word[2]] if word[1] else word[2]
            return f"{letter}_{word[3]}".replace(r"\_", "_")
        if word := self.take(r"\{\\([A-Za-z]+) _(?=\{)"):
            shown = _GREEK[word[1]] + self.group()
            self.take(r"\}")
            return shown
        command = re.compile(r"\\([A-Za-z]+)").match(self.text, self.place)
        if command and (command[1] in _GREEK or command[1] in _FUNCTIONS):
            self.place = command.end()
            return _GREEK.get(command[1], command[1])
        letter = self.take(r"[^\W\d_]")
        return letter[0] if letter else None

    def sign(self) -> Token:
        if command := self.take(r"\\([A-Za-z]+)"):
            if command[1] not in _COMMANDS:
                raise self.fail(f"nothing is written \\{command[1]}")
            return Token("op", _COMMANDS[command[1]])
        sign = self.take(r"[-+/()\[\],;=|:<>]")
        if not sign:
            raise self.fail(f"nothing is written {self.text[self.place]!r}")
        return Token("op", sign[0])
