"""What arrays are called in formulas: Z1 is z⁽¹⁾, dZ1 is δ⁽¹⁾, dW1 is ∂L/∂W⁽¹⁾.

    >>> Notation(adjoints={"dW1": "W1"}).text("dW1", ["j", "k"])
    '∂L/∂w⁽¹⁾ⱼₖ'

Everything about names is here; how operations are laid out is in :mod:`layout`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias
from unicodedata import normalize

from ..derive.steps import Chain

_NAME = re.compile(r"^(?P<stem>[A-Za-z_]+?)(?:(?P<number>\d*)|\((?P<layer>[^()]+)\))$")
_SUPERSCRIPTS = str.maketrans("0123456789()-+lLTt", "⁰¹²³⁴⁵⁶⁷⁸⁹⁽⁾⁻⁺ˡᴸᵀᵗ")
_SUBSCRIPTS = str.maketrans("0123456789aehijklmnoprstuvx+-",
                            "₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ₊₋")
_SUBSCRIPTABLE = frozenset("0123456789aehijklmnoprstuvx+-")
_GREEK = {"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ",
          "eta": "η", "theta": "θ", "kappa": "κ", "lambda": "λ", "lam": "λ", "eps": "ε", "mu": "μ",
          "nu": "ν", "xi": "ξ", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "chi": "χ",
          "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ",
          "Xi": "Ξ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω"}
"""Not π, which is a number, nor Π and Σ, which are a product and a sum."""
_COMMANDS = {"lam": "lambda", "eps": "epsilon"}
_LATIN = str.maketrans("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοАВЕКМНОРСТУХЅІЈаеорсухѕіј",
                       "ABEZHIKMNOPTYXoABEKMHOPCTYXSIJaeopcyxsij")
"""Greek and Cyrillic letters that cannot be told from Latin ones."""


Mark: TypeAlias = Literal["dot", "bar"]
Bars: TypeAlias = Literal["delta", "partial", "d"]
_MARKS: dict[Mark, str] = {"dot": "\u0307", "bar": "\u0304"}
_ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303"}


@dataclass(frozen=True)
class Name:
    """A name taken apart: a stem, a layer or number behind it, and whether it is an adjoint."""

    stem: str
    number: str = ""
    adjoint: int = 0


@dataclass(frozen=True)
class Notation:
    """How arrays are written.

    layers: numbers behind names are layers, written as superscripts (l); else subscripts.
    matrices: activations are matrices (a batch) and written upright capital; else small vectors.
    loss, target: symbols of the loss and of Y.
    symbols: array name -> the symbol to use for it instead ({"A1": "h", "A2": "o"}).
    adjoints: array name of each adjoint -> the array it belongs to.
    units: array name -> axes of size 1, which need no subscript in the name of an entry.
    entries: array name -> the array and the place in it that it stands for (h0 is h at -1).
    plain: arrays written as they are spelled: h0 beside h₀, which is h at step 0.
    levels: the arrays that are log Σ exp, written Λ; S, S1, ... where it is None.
    counted: arrays whose number tells them from others of that name and is no layer's.
    marked: arrays written as another one with a mark above it, a dot or a bar: ẋ, z̄₁.
    lettered: arrays written as a letter, with a number or without.
    brackets: what a layer's number stands in where it is raised, in LaTeX: "()", "[]" or ""; with
        "_" it is a subscript.
    bars: adjoints of net inputs as δ ("delta"), or as the derivatives they are ("partial"); or all
        adjoints as d with the array behind it ("d").
    first: the number of the first layer with weights.
    """

    layers: bool = True
    matrices: bool = True
    loss: str = "L"
    target: str = "y"
    symbols: Mapping[str, str] = field(default_factory=dict)
    adjoints: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, Sequence[int]] = field(default_factory=dict)
    entries: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    plain: Collection[str] = ()
    levels: Collection[str] | None = None
    counted: Collection[str] = ()
    marked: Mapping[str, tuple[str, Mark]] = field(default_factory=dict)
    lettered: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    brackets: str = "()"
    bars: Bars = "delta"
    first: int = 1

    @classmethod
    def asked(cls, asked: Mapping[str, Any], chain: Chain, **more: Any) -> Notation:
        """The notation that a network or a model asks for (`loss`, `target`, `symbols`), for the
        adjoints of a chain; `more` are further fields."""
        return cls(
            loss=asked.get("loss", "L"), target=asked.get("target", "y"),
            symbols=asked.get("symbols", {}),
            adjoints={bar: name for name, bar in chain.of.items()}, **more,
        )

    # --- whole arrays ---------------------------------------------------------------------------

    def latex(self, name: str, at: Sequence[str] = ()) -> str:
        """An array, or its entry at the subscripts `at`, in LaTeX."""
        return self._written(name, at, latex=True)

    def text(self, name: str, at: Sequence[str] = ()) -> str:
        """The same in Unicode."""
        return self._written(name, at, latex=False)

    def _written(self, name: str, at: Sequence[str], latex: bool) -> str:
        if name in self.lettered:
            letter, number = self.lettered[name]
            places = [number, *at] if number else at
            return _subscripted(letter, places) if latex else (
                letter + subscript(number) + _entry(at))
        if name in self.marked:
            marked = _with_mark(self._plain(self.marked[name][0], at, latex),
                                self.marked[name][1], latex)
            return marked or self._plain(name, at, latex)
        primal = self.adjoints.get(name)
        name, at = self._taken_apart(name, at)
        if primal is None:
            return self._plain(name, at, latex)
        primal, at = self._taken_apart(primal, at)
        stem, number = self._split(primal)
        if self.layers and stem == "Z" and self.bars == "delta":
            return self._of_layer(r"\delta" if latex else "δ", number, at, latex)
        inner = self._written(primal, at, latex)
        if self.bars == "d":
            return rf"\mathrm{{d}}{inner}" if latex else f"d{inner}"
        if latex:
            return rf"\frac{{\partial {self.loss}}}{{\partial {inner}}}"
        return f"∂{self.loss}/∂{inner}"

    def clashing(self, names: Iterable[str]) -> set[str]:
        """Those of the arrays that would be written alike: lam and lambda, x1 and x_1; or look
        alike: mu and the micro sign, phi and its other form, a Latin A and a Greek one."""
        found: dict[str, list[str]] = {}
        for name in names:
            seen = normalize("NFKC", self.text(name)).translate(_LATIN)
            found.setdefault(seen, []).append(name)
        return {name for alike in found.values() if len(alike) > 1 for name in alike}

    # --- parts ----------------------------------------------------------------------------------

    def _taken_apart(self, name: str, at: Sequence[str]) -> tuple[str, Sequence[str]]:
        """W1[0,1] as W1 with the subscripts 1 and 2: entries are counted from 0 in names, from 1
        in formulas."""
        if name in self.entries:
            array, place = self.entries[name]
            return array, [place, *at]
        if not name.endswith("]"):
            return name, at
        stem, _, places = name[:-1].partition("[")
        hidden = self.units.get(stem, ())
        return stem, [str(int(place) + 1) for axis, place in enumerate(places.split(","))
                      if axis not in hidden]

    def _split(self, name: str) -> tuple[str, str]:
        found = _NAME.match(name)
        if found and found["number"] and not self.layers:  # x_1 is x₁
            return found["stem"].rstrip("_") or found["stem"], found["number"]
        return (found["stem"], found["number"] or found["layer"] or "") if found else (name, "")

    def _stem(self, name: str, stem: str, entry: bool) -> str:
        """The letter: capital for a matrix, small for a vector or an entry."""
        if name in self.symbols:
            symbol = self.symbols[name]
            return symbol.upper() if self._is_matrix(stem, entry) else symbol
        if not self.layers:
            return stem
        if stem == "Y":
            return self.target.upper() if self._is_matrix(stem, entry) else self.target
        if stem == "L":
            return self.loss
        if stem in ("X", "Z", "A", "W"):
            return stem if self._is_matrix(stem, entry) else stem.lower()
        return stem

    def _is_level(self, name: str, stem: str) -> bool:
        """Whether this is log Σ exp, which is written Λ."""
        return stem == "S" and self.layers and (self.levels is None or name in self.levels)

    def _is_matrix(self, stem: str, entry: bool) -> bool:
        return not entry and (stem == "W" or self.matrices)

    def _plain(self, name: str, at: Sequence[str], latex: bool) -> str:
        """What is no adjoint."""
        if name in self.plain:
            name = "".join(_told(letter) for letter in name)
            spelled = name.replace("_", r"\_")
            return subscripted(rf"\mathrm{{{spelled}}}" if latex else name, at, latex)
        stem, number = self._split(name)
        letter = self._stem(name, stem, bool(at))
        if self._is_level(name, stem):
            letter = r"\Lambda" if latex else "Λ"
        shown = _latex_letter(letter, self.layers) if latex else _text_letter(letter)
        if name in self.symbols or not number:
            return subscripted(shown, at, latex)
        if self.layers and name not in self.counted:
            return self._of_layer(shown, number, at, latex)
        return _subscripted(shown, [number, *at]) if latex else (
            shown + subscript(number) + _entry(at))

    def _of_layer(self, shown: str, number: str, at: Sequence[str], latex: bool) -> str:
        """With the number of a layer, and subscripts behind it."""
        if number.isdecimal():
            number = str(int(number) + self.first - 1)
        if not latex:  # Unicode raises round brackets alone
            return shown + superscript(f"({number})") + _entry(at)
        if self.brackets == "_":
            below = ",".join([number, _joined(at)] if at else [number])
            return f"{shown} _{{{below}}}"
        return _subscripted(f"{shown}^{{{self.brackets[:1]}{number}{self.brackets[1:]}}}", at)


def _with_mark(shown: str, mark: Mark, latex: bool) -> str:
    """x₁ as ẋ₁; empty for what is no letter by itself with subscripts behind it."""
    if latex:
        letter, space, below = shown.partition(" _")
        plain = len(letter) == 1 or letter.removeprefix("\\") in _GREEK
        return rf"\{mark}{{{letter}}}{space}{below}" if plain else ""
    letter, rest = shown[:1], shown[1:]
    behind = rest.lstrip("".join(map(chr, _SUBSCRIPTS.values())))
    plain = letter.isalpha() and (not behind or behind[0] == "[")
    return letter + _MARKS[mark] + rest if plain else ""


def general_notation(of: Notation) -> Notation:
    """δ⁽ˡ⁾ and the rest for the general rule, as another notation has them; the depth is L, so the
    loss is not."""
    layers = ("l", "l+1", "l-1", "L")
    adjoints = {f"d{name}({at})": f"{name}({at})" for name in "ZAWb" for at in layers}
    return Notation(
        matrices=False, loss="C" if of.loss == "L" else of.loss,
        adjoints={**adjoints, "gradient": "A(L)"},
        brackets=of.brackets, bars=of.bars,
    )


def _greek_and_rest(letter: str) -> tuple[str, str]:
    """gamma and gammaF as a Greek letter and what stands behind it; empty where there is none."""
    for greek in _GREEK:
        rest = letter.removeprefix(greek)
        if rest != letter and (not rest or rest.isupper()):
            return greek, rest
    return "", letter


_GATED = re.compile(r"([WUb])([a-zA-Z])|([a-z])_([a-z])")
"""What layers call their arrays: the weights Wi, Ui, bi of a gate, WQ of a head; a gate's a_i."""

_ACCENTED = re.compile(
    rf"(x(?=hat)|(?:[A-Za-z]|{'|'.join(_GREEK)})(?=_))_?(hat|bar|tilde)", re.ASCII)
"""A letter with a word behind it that names a mark above it: x_hat, mu_bar, and the norms' xhat."""
_SCRIPTED = re.compile(rf"([A-Za-z]|{'|'.join(_GREEK)})_([A-Za-z]\w*)", re.ASCII)
"""A letter with a word behind it: W_up, x_new, gamma_q."""


def _latex_letter(letter: str, layers: bool) -> str:
    if layers and (gated := _GATED.fullmatch(letter)):
        weight, which, value, gate = gated.groups()
        return rf"{{{weight} _{{{which}}}}}" if weight else rf"{{{value}^{{{gate}}}}}"
    taken_apart = normalize("NFD", letter)
    if taken_apart[1:] == "\u0302":  # ŷ
        return rf"\hat{{{taken_apart[0]}}}"
    if accented := _ACCENTED.fullmatch(letter):
        return rf"\{accented[2]}{{{_latex_letter(accented[1], False)}}}"
    if scripted := _SCRIPTED.fullmatch(letter):  # W_up: upright, as a word and no index
        stem, below = _latex_letter(scripted[1], False), scripted[2].replace("_", r"\_")
        return rf"{{{stem} _{{\mathrm{{{below}}}}}}}"
    greek, rest = _greek_and_rest(letter)
    if greek:
        command = _COMMANDS.get(greek, greek)
        return rf"{{\{command} _{{{rest}}}}}" if rest else f"\\{command}"
    if len(letter) > 1 and not letter.startswith("\\"):
        return rf"\mathrm{{{letter}}}".replace("_", r"\_")
    return letter


def letter(symbol: str) -> str:
    """A symbol of a notation in LaTeX."""
    return _latex_letter(symbol, True)


def _text_letter(letter: str) -> str:
    if accented := _ACCENTED.fullmatch(letter):
        return normalize("NFC", _GREEK.get(accented[1], accented[1]) + _ACCENTS[accented[2]])
    if scripted := _SCRIPTED.fullmatch(letter):
        return f"{_GREEK.get(scripted[1], scripted[1])}_{scripted[2]}"
    greek, rest = _greek_and_rest(letter)
    return _GREEK[greek] + rest if greek else letter


def _told(letter: str) -> str:
    """A letter of a name that looks like another name; with its number where it looks Latin, or is
    another form of a letter.

    >>> _told("x"), _told("\u0445"), _told("\u00b5")
    ('x', 'х_U0445', 'µ_U00B5')
    """
    same = normalize("NFKC", letter)
    is_other = ord(letter) in _LATIN or (same != letter and same in _GREEK.values())
    return f"{letter}_U{ord(letter):04X}" if is_other else letter


def subscripted(shown: str, at: Sequence[str], latex: bool) -> str:
    """Something written with subscripts behind it."""
    return _subscripted(shown, at) if latex else shown + _entry(at)


def _subscripted(shown: str, at: Sequence[str]) -> str:
    # A space before the underscore keeps GitHub's Markdown from reading an emphasis.
    if not at:
        return shown
    return f"{shown} _{{{_joined(at)}}}"


def _joined(at: Sequence[str]) -> str:
    return (" " if all(len(a) == 1 and a != ":" for a in at) else ",").join(at)


def _entry(at: Sequence[str]) -> str:
    if not at:
        return ""
    joined = "".join(at)
    if set(joined) <= _SUBSCRIPTABLE and (len(at) == 1 or all(len(e) == 1 for e in at)):
        return joined.translate(_SUBSCRIPTS)
    return f"[{','.join(at)}]"


def superscript(text: str) -> str:
    return text.translate(_SUPERSCRIPTS)


def subscript(text: str) -> str:
    return text.translate(_SUBSCRIPTS)
