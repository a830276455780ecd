r"""The grammar of the dialect: LaTeX as books write backpropagation, as trees.

    \delta^{(l)} = (W^{(l+1)})^\top \delta^{(l+1)} \odot \sigma'(z^{(l)})

Only the form is read here.  Whether f (x) is a call or a product, whether a superscript is a layer
or a power, is a matter of what the names mean (:mod:`meaning`); whatever stands side by side is one
product, in its order.  A parser of printed formulas of this program's own, which knows each
spelling beforehand, is :mod:`gradproof.symbolic.reread`.
"""

from __future__ import annotations

import re
from functools import cache

from lark import Lark, Token, Tree, UnexpectedCharacters, UnexpectedToken
from lark.exceptions import LarkError

from ..limits import MAX_DEPTH, MAX_DIGITS
from .masking import masked
from .trees import Kind, LatexError, Node, Source

MAX_LATEX = 4000
"""Characters of one formula."""

_GRAMMAR = r"""
start: chain (COMMA chain)* COMMA?
chain: [RELATION] sum (RELATION sum)*
sum: [SIGN] term (SIGN term)*
term: item+ | item* big
item: factor | OP | OP SIGN factor
big: BIG script* sum_body
sum_body: [SIGN] term
factor: atom script*
atom: NUMBER | NAME | WORD | FUNCTION | DNAME | accent | styled | fraction | root | group | matrix | words
accent: ACCENT (braced | NAME)
styled: STYLE (braced | NAME | NUMBER)
words: TEXT
fraction: FRAC braced braced | FRAC DIGITS2 | FRAC braced shortest | FRAC shortest braced | FRAC shortest shortest
shortest: NUMBER | NAME
root: ROOT braced | ROOT shortest
group: "(" list ")" -> round | "[" list "]" -> square | LCURLY list RCURLY -> curly
     | "⟦" list "⟧" -> bars | "⦃" list "⦄" -> norm | LANGLE list RANGLE -> angles
     | braced
braced: "{" list "}" | "{" "}" | "{" sum OVER sum "}" -> over
list: chain (listed chain)*
listed: COMMA | SEMI | MID
script: DOWN argument -> down | UP argument -> up | PRIME -> prime | RAISED -> raised | LOWERED -> lowered
argument: braced | NAME | NUMBER | STAR | FUNCTION | styled | OP
matrix: BEGIN row (ROWEND row)* ROWEND? END
row: [chain] (AMP [chain])*

RELATION: /:=|[<>=]=|=|≈|≡|≜|←|→|<|>|≤|≥|\\(?:approx|equiv|triangleq|coloneqq|leftarrow|gets|simeq|doteq|propto|to|rightarrow|mapsto|neq|ne|in|leqslant|geqslant|leq|geq|le|ge|lt|gt|Rightarrow|implies|iff)(?![a-zA-Z])/
SIGN.2: /[+\-]|\\pm(?![a-zA-Z])/
OP: /[*\/·×⊙∘⊗⊘@]|\\(?:cdot|times|odot|circ|otimes|oslash|ast|div|star|bullet|oplus)(?![a-zA-Z])/
STAR: /\\(?:dagger|prime)(?![a-zA-Z])/
BIG: /[Σ∑∏]|\\(?:sum|prod)(?![a-zA-Z])/
NUMBER: /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?!\.\d)|\.\d+|[½¼]/
DIGITS2.3: /(?<=frac)\s*\d\d/
FRAC: /\\[dtc]?frac(?![a-zA-Z])/
ROOT: /\\sqrt(?![a-zA-Z])|√/
ACCENT: /\\(?:hat|widehat|bar|overline|tilde|widetilde|dot|vec|check|underline)(?![a-zA-Z])/
STYLE: /\\(?:mathbf|boldsymbol|bm|mathcal|mathscr|mathbb|mathsf|mathit|mathrm|mathfrak|operatorname\*?|pmb|textbf|textrm|text|mbox|rm|bf|textit|vect|mat)(?![a-zA-Z])/
TEXT.3: /\\(?:text|mbox|textrm|textit|intertext)\s*\{[^{}]*[^{}\w\\^][^{}]*\}/
FUNCTION: /\\(?:exp|log|ln|tanh|sin|cos|tan|sinh|cosh|max|min|det|arctan|dim|operatorname)(?![a-zA-Z])|(?:sigmoid|softmax|softplus|logsumexp|[rR]e[lL][uU]|tanh|sinh|cosh|exp|log|ln|max|min|diag|[tT]r|det|sin|cos|sqrt|vec|sum|mean|sign|sgn|erf|swish|gelu|GELU|ELU|SiLU|logit)(?![a-zA-Z])/
DNAME: /d(?=[A-Za-zŷ]|\\(?:hat|mathbf|theta|boldsymbol|bm|delta))(?![a-z]{3})/
WORD.2: /(?:lr|loss|cost|Loss|MSE|CE|BCE|net|out|new|old|hidden|input|output|target|pred)(?![a-zA-Z])/
NAME: /[A-Za-zα-ωΑ-ΩŷŶẑ∂∇ℒℓ∞μ]\u0302?|\\(?:alpha|beta|gamma|delta|epsilon|varepsilon|zeta|eta|theta|vartheta|iota|kappa|lambda|mu|nu|xi|pi|rho|varrho|sigma|varsigma|tau|upsilon|phi|varphi|chi|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega|ell|partial|nabla|top|intercal|hbar|infty|mathds|cdots|ldots|dots|dotsc|vdots|ddots|prime|forall|T)(?![a-zA-Z])|…/
PRIME: /['’′]+/
RAISED: /[⁰¹²³⁴⁵⁶⁷⁸⁹ᵀ⁺⁻⁽⁾ˡᴸᵗˣ]+/
LOWERED: /[₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₗₘₙₚₜₓ]+/
OVER: /\\over(?![a-zA-Z])/
LCURLY: /\\\{|\\lbrace(?![a-zA-Z])/
RCURLY: /\\\}|\\rbrace(?![a-zA-Z])/
LANGLE: /\\langle(?![a-zA-Z])|⟨/
RANGLE: /\\rangle(?![a-zA-Z])|⟩/
BEGIN: /\\begin\s*\{(?:[bpvV]?matrix|smallmatrix|array|cases)\}(?:\s*\{[lcr| ]*\})?/
END: /\\end\s*\{(?:[bpvV]?matrix|smallmatrix|array|cases)\}/
ROWEND: /\\\\/
AMP: "&"
COMMA: ","
SEMI: ";"
MID: /\\mid(?![a-zA-Z])|:/
DOWN: "_"
UP: "^"
%ignore /\s+/
"""  # noqa: E501

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε",
    "zeta": "ζ", "eta": "η", "theta": "θ", "vartheta": "θ", "iota": "ι", "kappa": "κ",
    "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "varrho": "ρ",
    "sigma": "σ", "varsigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "φ", "varphi": "φ",
    "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ",
    "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Upsilon": "Υ", "Phi": "Φ", "Psi": "Ψ",
    "Omega": "Ω", "ell": "ℓ",
}
_SIGNS = {
    "partial": "∂", "nabla": "∇", "top": "⊤", "intercal": "⊤", "T": "⊤", "prime": "′",
    "infty": "∞", "cdots": "…", "ldots": "…", "dots": "…", "dotsc": "…", "vdots": "…",
    "ddots": "…",
}
_OPERATORS = {"cdot": "·", "times": "×", "odot": "⊙", "circ": "⊙", "∘": "⊙", "otimes": "⊗",
              "oslash": "⊘", "ast": "*", "div": "/", "star": "*", "bullet": "·"}
_RELATIONS = {"approx": "≈", "equiv": "=", "≡": "=", "triangleq": "=", "≜": "=", "coloneqq": ":=",
              "leftarrow": "←", "gets": "←", "simeq": "≈", "doteq": "=", "propto": "∝"}
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹ᵀ⁺⁻⁽⁾ˡᴸᵗˣ", "0123456789T+-()lLtx", strict=True))
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₗₘₙₚₜₓ", "0123456789ijklmnptx", strict=True))
_FONTS = {"mathcal": "cal", "mathscr": "cal", "mathfrak": "cal", "mathbb": "bb"}
_BOLD = ("mathbf", "boldsymbol", "bm", "mathit", "mathsf", "pmb", "textbf", "bf", "vect", "mat")
_PLAIN = ("NAME", "WORD", "FUNCTION", "DNAME", "NUMBER", "SIGN", "OP")
_BUILT = ("script", "down", "up", "prime", "raised", "lowered", "fraction", "root", "group",
          "round", "square", "accent", "styled", "matrix", "big", "words", "listed")
_ACCENTS = {"widehat": "hat", "overline": "bar", "widetilde": "tilde", "vec": "", "underline": ""}


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", propagate_positions=True, maybe_placeholders=True)


def read(text: str) -> tuple[Node, ...]:
    r"""The formulas that a text states, each a side or a "chain" of sides and relations.

    >>> [node.kind for node in read(r"a = b, \quad c")]
    ['chain', 'name']

    Raises LatexError, with the column, for what is not of the dialect.
    """
    source = Source(text)
    if len(text) > MAX_LATEX:
        raise LatexError(f"a formula has at most {MAX_LATEX} characters, got {len(text)}")
    plain = masked(text)
    _check_nesting(plain, source)
    plain = re.sub(r"[\s.;,，。；]+$", lambda found: " " * len(found[0]), plain)
    thousands = re.search(r"(?<![\d_^{,])\d{1,3}(?:,\d{3})+(?![\d,])", plain)
    if thousands:
        source.fail(thousands.start(), f"{thousands[0]} may be one number or several; write a "
                                       "number without commas")
    if not plain.strip():
        raise LatexError("there is no formula: the text is empty", 1)
    try:
        tree = _parser().parse(plain)
    except UnexpectedCharacters as error:
        place = int(error.pos_in_stream or 0)
        command = re.compile(r"\\[A-Za-z]+").match(text, place)
        what = f"the command {command[0]}" if command else repr(text[place:place + 1])
        source.fail(place, f"{what} is not of the dialect that is read here")
    except UnexpectedToken as error:
        if error.token.type == "$END" or error.token.start_pos is None:
            source.fail(len(plain.rstrip()), "the formula ends in the middle: a part, or a "
                                             "closing bracket, is missing")
        source.fail(error.token.start_pos, f"{str(error.token)!r} is not expected here")
    except LarkError as error:
        raise LatexError(f"the formula cannot be read: {str(error)[:200]}", 1) from None
    return tuple(_node(part) for part in tree.children if isinstance(part, Tree))


def _check_nesting(text: str, source: Source) -> None:
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign in "({[⟦⦃") - (sign in ")}]⟧⦄")
        if depth > MAX_DEPTH:
            source.fail(place, f"brackets are nested deeper than {MAX_DEPTH}")
    if len(re.findall(r"\\begin", text)) > MAX_DEPTH:
        source.fail(0, f"there are more than {MAX_DEPTH} matrices")


def _place(part: Tree[Token] | Token) -> tuple[int, int]:
    if isinstance(part, Token):
        return part.start_pos or 0, part.end_pos or 0
    return getattr(part.meta, "start_pos", 0), getattr(part.meta, "end_pos", 0)


def _node(part: Tree[Token] | Token) -> Node:
    start, end = _place(part)
    if isinstance(part, Token):
        return _leaf(part, start, end)
    kept = [child for child in part.children if child is not None]
    rule = str(part.data)
    if rule in ("item", "atom", "sum_body", "argument", "factor") and len(kept) == 1:
        return _node(kept[0])
    if rule in ("round", "square", "curly", "bars", "norm", "angles"):
        (inner,) = (child for child in kept if isinstance(child, Tree))
        return Node("group", rule, start, end, (_node(inner),))
    if rule == "over":
        above, below = (_node(child) for child in kept if isinstance(child, Tree))
        return Node("fraction", "", start, end, (above, below))
    if rule in ("accent", "styled", "fraction", "matrix", "words", "root"):
        return _special(rule, kept, start, end)
    kinds: dict[str, Kind] = {"down": "down", "up": "up", "prime": "prime", "raised": "up",
                              "lowered": "down"}
    if rule in ("down", "up"):
        return Node(kinds[rule], "", start, end, (_node(kept[-1]),))
    if rule in ("prime", "raised", "lowered"):
        return _raised(kinds[rule], kept[0], start, end)
    parts = tuple(_node(child) for child in kept if not _is_bracket(child))
    return _gathered(rule, parts, start, end)


def _is_bracket(child: Tree[Token] | Token) -> bool:
    return isinstance(child, Token) and child.type in (
        "LBRACE", "RBRACE", "COMMA", "LPAR", "RPAR", "AMP")


def _gathered(rule: str, parts: tuple[Node, ...], start: int, end: int) -> Node:
    """A node of what its parts make; one part alone is itself."""
    if rule == "factor":
        return Node("scripts", "", start, end, parts)
    if rule == "braced":
        return Node("list", "", start, end) if not parts else Node(
            parts[0].kind, parts[0].text, start, end, parts[0].parts, parts[0].font)
    kinds: dict[str, Kind] = {"chain": "chain", "sum": "sum", "sum_body": "sum", "term": "product",
                              "item": "product", "list": "list", "row": "row", "big": "big"}
    kind = kinds.get(rule, "list")
    if rule == "listed":
        return Node("op", parts[0].text if parts else ",", start, end)
    if kind == "big":
        return Node("big", parts[0].text, start, end, parts[1:])
    if kind == "list":
        parts = tuple(part for part in parts if not (part.kind == "op" and part.text == ","))
    if kind == "product":
        parts = tuple(inner for part in parts for inner in
                      (part.parts if part.kind == "product" and rule == "term" and
                       part.start == part.parts[0].start and part.parts[0].kind == "op"
                       else (part,)))
    if len(parts) == 1 and kind != "row":
        return parts[0]
    return Node(kind, "", start, end, parts)


def _leaf(token: Token, start: int, end: int) -> Node:
    text = str(token)
    name = text.lstrip("\\")
    match token.type:
        case "NUMBER":
            if len(text) > MAX_DIGITS:
                raise LatexError(f"a number has at most {MAX_DIGITS} digits", start + 1)
            return Node("number", {"½": "1/2", "¼": "1/4"}.get(text, text), start, end)
        case "SEMI" | "MID":
            return Node("op", name, start, end)
        case "OP":
            return Node("op", _OPERATORS.get(name, text if text != "\\" else name), start, end)
        case "RELATION":
            return Node("relation", _RELATIONS.get(name, name), start, end)
        case "SIGN":
            return Node("sign", name, start, end)
        case "BIG":
            return Node("op", "prod" if name in ("prod", "∏") else "sum", start, end)
        case "FUNCTION" | "WORD" | "DNAME":
            return Node("name", name, start, end, font="word" if token.type != "DNAME" else "")
        case "STAR":
            return Node("name", "*", start, end)
        case "PRIME":
            return Node("prime", "'" * len(text), start, end)
    plain = {"ŷ": "y_hat", "Ŷ": "Y_hat", "ẑ": "z_hat", "ℒ": "L"}
    stem = {**GREEK, **_SIGNS}.get(name, name) if text.startswith("\\") else plain.get(text, text)
    if len(stem) == 2 and stem[1] == "\u0302":
        stem = stem[0] + "_hat"
    return Node("name", stem, start, end, font="cal" if text == "ℒ" else "")


def _special(rule: str, kept: list[Tree[Token] | Token], start: int, end: int) -> Node:
    first = str(kept[0]).lstrip("\\").strip()
    if rule == "words":
        return Node("words", re.sub(r"^\w+\s*\{|\}$", "", first).strip(), start, end)
    if rule == "accent":
        inner = _node(kept[1])
        mark = _ACCENTS.get(first, first)
        stem = inner.text if inner.kind == "name" else ""
        if not stem:
            raise LatexError(f"column {start + 1}: \\{first} stands over one letter", start + 1)
        return Node("name", f"{stem}_{mark}" if mark else stem, start, end, font=inner.font)
    if rule == "styled":
        return _styled(first, kept[1:], start, end)
    if rule == "matrix":
        kind = re.sub(r".*\{(\w+)\}.*", r"\1", re.sub(r"\s", "", first))
        rows = tuple(_node(child) for child in kept if isinstance(child, Tree))
        return Node("matrix", kind.split("}")[0].split("{")[-1], start, end, rows)
    if rule == "fraction" and len(kept) == 2:  # \frac12
        above, below = list(str(kept[1]).strip())
        at = _place(kept[1])[0]
        return Node("fraction", "", start, end,
                    (Node("number", above, at, at + 1), Node("number", below, at + 1, at + 2)))
    return Node("fraction" if rule == "fraction" else "root", "", start, end,
                tuple(_node(child) for child in kept[1:]))


def _styled(style: str, kept: list[Tree[Token] | Token], start: int, end: int) -> Node:
    r"""\mathbf{W}, \mathrm{softmax}, \mathcal{L}: a name, or a number in bold (the ones).

    Letters in bold that are together no name, \mathbf{S F}, keep their parts: they may be factors.
    What stands in bold with its scripts, \boldsymbol{x_i}, is what it is without.
    """
    inner = kept[0]
    leaves, plain = _letters(inner)
    style = style.rstrip("*")
    if not plain and style in _BOLD:
        return _node(inner)
    if not plain or not leaves:
        raise LatexError(f"column {start + 1}: \\{style} stands around a name", start + 1)
    nodes = [_node(leaf) for leaf in leaves]
    text = "".join(node.text for node in nodes)
    if len(nodes) == 1 and nodes[0].kind == "number":
        return Node("name", f"{'bb' if style == 'mathbb' else 'bold'} {text}", start, end)
    font = _FONTS.get(style, "word" if len(text) > 1 else "")
    factors = tuple(
        Node("name", f"bold {node.text}", node.start, node.end) if node.kind == "number" else node
        for node in nodes) if style in _BOLD and len(nodes) > 1 and all(
        node.kind in ("name", "number") for node in nodes) else ()
    return Node("name", text, start, end, factors, font)


def _letters(inner: Tree[Token] | Token) -> tuple[list[Token], bool]:
    """The letters of what stands in a font, and whether there is nothing but letters."""
    if isinstance(inner, Token):
        return [inner], inner.type in _PLAIN
    leaves = [leaf for leaf in inner.scan_values(lambda _: True) if leaf is not None]
    return leaves, all(leaf.type in _PLAIN for leaf in leaves) and not any(
        each.data in _BUILT for each in inner.iter_subtrees())


def _raised(rule: Kind, token: Tree[Token] | Token, start: int, end: int) -> Node:
    text = str(token)
    if rule == "prime":
        return Node("prime", "'" * len(text), start, end)
    table = _SUPERSCRIPTS if rule == "up" else _SUBSCRIPTS
    found = "".join(table[sign] for sign in text)
    try:
        (inner,) = read(found)
    except LatexError:
        raise LatexError(f"column {start + 1}: {text!r} is no exponent", start + 1) from None
    return Node(rule, text, start, end, (_moved(inner, start),))


def _moved(node: Node, start: int) -> Node:
    return Node(node.kind, node.text, start, start + 1,
                tuple(_moved(part, start) for part in node.parts), node.font)
