"""Text that comes from outside, as it may stand in each medium: one function a medium.

A spec (its name above all), a formula, a document, a file's name or a user's program may hold
anything. Whatever of it reaches Python source, LaTeX, HTML, SVG, Markdown, reStructuredText, a
terminal or a workflow command goes through a function of this file, and nothing else escapes: no
text ends the string, the line, the environment or the command that it stands in. What a spec may
be *called* is checked by :func:`checked_name`.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

_HIDDEN = frozenset("\u200e\u200f\u061c\ufeff\u2060\u180e")
"""Format characters that turn the reading order, or that nobody sees."""
_LONGEST_NAME = 200


def _is_control(character: str) -> bool:
    """Whether a character does something to what shows it, rather than being seen: controls,
    surrogates, ends of lines and of paragraphs, and what turns the reading order."""
    if " " <= character <= "~":
        return False
    category = unicodedata.category(character)
    return (category in ("Cc", "Cs", "Zl", "Zp") or character in _HIDDEN
            or (category == "Cf" and "\u202a" <= character <= "\u2069"))


def one_line(text: str) -> str:
    """Text on one line: white space of any kind as one blank, other controls as U+FFFD."""
    joined = re.sub(r"[\s\u0085\u2028\u2029]+", " ", text)
    return "".join("\ufffd" if _is_control(c) else c for c in joined)


def lines(text: str) -> str:
    """Lines of a program or a table, each ended by LF alone; tabs are blanks, other controls (ends
    of lines of other kinds among them, which some readers take for such) U+FFFD."""
    plain = re.sub("\r\n?", "\n", text).expandtabs(4)
    return "".join("\ufffd" if c != "\n" and _is_control(c) else c for c in plain)


def checked_name(name: object) -> str:
    """A name as it is shown, in Unicode's form NFC.

    Raises ValueError for what is no line of 1 to 200 characters that are seen.

    >>> checked_name("re\u0301seau") == "r\u00e9seau"
    True
    >>> checked_name("a" + chr(10) + "b")
    Traceback (most recent call last):
    ValueError: expected a name on one line, without control characters, got 'a\\nb'
    """
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"expected a text, got {name!r:.60}")
    if len(name) > _LONGEST_NAME:
        raise ValueError(f"expected a name of at most {_LONGEST_NAME} characters, got {len(name)}")
    made = unicodedata.normalize("NFC", name)
    if any(map(_is_control, name + made)):
        raise ValueError(f"expected a name on one line, without control characters, got "
                         f"{name!a}")
    return made


# --- Python source ------------------------------------------------------------------------------


def python(text: str) -> str:
    """Text as it may stand in a string or in a comment of Python code: no quote, no backslash and
    no character that does not print, such as the end of a line, is left as it is.

    >>> python('net "a"') == 'net ' + chr(92) + '"a' + chr(92) + '"'
    True
    """
    return "".join(
        "\\" + c if c in "\"\\" else c if c.isprintable() else
        c.encode("unicode_escape").decode("ascii")
        for c in text
    )


# --- terminals and workflow commands ------------------------------------------------------------


def terminal(text: str) -> str:
    """Text for a terminal: ends of lines and tabs stay; what would steer it is spelled out.

    >>> print(terminal("a" + chr(27) + "[2J"))
    a\\x1b[2J
    """
    return "".join(
        c if c in "\n\t" or not _is_control(c) else c.encode("unicode_escape").decode("ascii")
        for c in text
    )


def workflow_data(text: str) -> str:
    """The message of a GitHub workflow command, which ends with its line."""
    return terminal(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def workflow_property(text: str) -> str:
    """A property of a GitHub workflow command (``file=...``)."""
    return workflow_data(text).replace(":", "%3A").replace(",", "%2C")


def printed(text: str) -> str:
    """Lines for a terminal or a log, none of which is a workflow command (a runner reads these in
    whatever is printed: ``::error ...`` at the start of a line, ``##[...]`` anywhere).

    >>> print(printed("::set-output name=a::b"))
    \\::set-output name=a::b
    """
    return re.sub(r"(?m)^(\s*)::", r"\1\\::", terminal(text)).replace("##[", "##\\[")


def path(name: object) -> str:
    """A file's name on one line, as it may be printed anywhere.

    >>> print(path("a" + chr(10) + "::error::b.md"))
    a\\n::error::b.md
    """
    return "".join(c.encode("unicode_escape").decode("ascii") if _is_control(c) else c
                   for c in str(name))


def json_text(data: Any) -> str:
    """JSON that is read the same, in which nothing steers a terminal."""
    text = json.dumps(data, ensure_ascii=False, indent=2)
    return "".join(f"\\u{ord(c):04x}" if c != "\n" and _is_control(c) else c for c in text)


# --- HTML and SVG -------------------------------------------------------------------------------


def html(text: str) -> str:
    """Text, or the value of an attribute, in HTML and in XML, which has no control characters."""
    kept = "".join("\ufffd" if (c not in "\n\t" and _is_control(c)) or c in "\ufffe\uffff" else c
                   for c in text)
    return (kept.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            .replace('"', "&quot;").replace("'", "&#x27;"))


# --- Markdown -----------------------------------------------------------------------------------

_MARKDOWN = re.compile(r"([\\`*_\[\]|<>&$~])")
_BLOCK_START = re.compile(r"^(\s*(?:\d+(?=[.)](?:\s|$)))?)([-+#=.)](?=[-=#\s]|$))")
"""What would open a list, a heading or a rule at the start of a line."""


def markdown(text: str) -> str:
    """Text of a line of Markdown."""
    escaped = _MARKDOWN.sub(r"\\\1", one_line(text))
    # Renderers look for dollars after Markdown has dropped its escapes.
    plain = escaped.replace(r"\$", "<span>$</span>")
    return _BLOCK_START.sub(r"\1\\\2", plain)


# --- reStructuredText ---------------------------------------------------------------------------

_RST_START = re.compile(r"^(\s*\(?(?:#|\w+))([.)])(?=\s|$)|^(\s*)([^\w\s\\\ufffd])")


def rst(text: str) -> str:
    """Text of a line of reStructuredText: no markup, no address that would become a link, and
    nothing at its start that would open a list or a directive."""
    escaped = re.sub(r"([\\`*|_])", r"\\\1", one_line(text))
    escaped = re.sub(r"(?<=[\w+.-]):(?=\S)", r"\\:", escaped)
    return _RST_START.sub(
        lambda found: f"{found[1]}\\{found[2]}" if found[2] else f"{found[3]}\\{found[4]}",
        escaped)


# --- LaTeX --------------------------------------------------------------------------------------

_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "`": r"\textasciigrave{}",
    '"': "''", "–": "--", "—": "---", "…": r"\ldots{}",
    "“": "``", "”": "''", "‘": "`", "’": "'", "·": r"$\cdot$", "×": r"$\times$", "⊙": r"$\odot$",
    "½": r"$\frac{1}{2}$", "¼": r"$\frac{1}{4}$", "²": r"$^{2}$", "³": r"$^{3}$", "Σ": r"$\Sigma$",
    "Λ": r"$\Lambda$", "∂": r"$\partial$", "ᵀ": r"$^{\top}$", "≈": r"$\approx$", "≤": r"$\le$",
    "≥": r"$\ge$", "≠": r"$\ne$", "−": "$-$", "±": r"$\pm$", "→": r"$\to$", "←": r"$\leftarrow$",
    "∞": r"$\infty$", "√": r"$\surd$", "′": r"$'$", "∘": r"$\circ$", "∈": r"$\in$",
    "⁽": r"$^{(}$", "⁾": r"$^{)}$", "⁻": r"$^{-}$", "¹": r"$^{1}$", "⁰": r"$^{0}$",
    "Δ": r"$\Delta$", "⊘": r"$\oslash$",
}
_LATEX |= {c: rf"$^{{{i}}}$" for i, c in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹") if c not in _LATEX}
_LATEX |= {c: rf"$_{{{i}}}$" for i, c in enumerate("₀₁₂₃₄₅₆₇₈₉")}
_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta",
    "θ": "theta", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi",
    "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega",
}
_LATEX |= {letter: rf"$\{name}$" for letter, name in _GREEK.items()}
_TYPEWRITER = {c: rf"\char{ord(c)}{{}}" for c in "\\{}_^~<>|$&#%\"-"}
_TYPEWRITER |= {"'": r"\straightquote{}", "`": r"\straightgrave{}"}
_LATEX |= {"ς": r"$\varsigma$", "ο": "$o$", "«": r"$\ll$", "»": r"$\gg$"}
_LATEX |= {
    name[0]: rf"$\{name[1:]}$" for name in (
        "ΓGamma", "ΘTheta", "ΞXi", "ΠPi", "ΥUpsilon", "ΦPhi", "ΨPsi", "ΩOmega", "ϑvartheta",
        "ϕphi", "ϖvarpi", "ϱvarrho", "ϵepsilon", "ℓell",
    )
}
_LATEX |= {greek: rf"$\mathrm{{{latin}}}$"  # capitals that look like Latin ones have no command
           for greek, latin in zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧ", "ABEZHIKMNOPTX", strict=True)}
_LATIN = re.compile(r"[ -~\u00a1-\u017f]")
_NOT_IN_FONT = frozenset("ĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲųſÐðÞþ")
"""Latin letters that the encoding of LaTeX's own fonts has not."""


def latex(text: str) -> str:
    """Text of a paragraph of LaTeX; a minus before a digit is a minus sign."""
    shown = re.sub(r"(?<![\w.\])-])-(?=\d)", "−", one_line(text))
    return "".join(map(_latex_character, shown))


def latex_typewriter(text: str) -> str:
    """Text of one line in LaTeX's typewriter font."""
    return "".join(_TYPEWRITER.get(c) or _latex_character(c) for c in text)


def latex_symbols(formula: str) -> str:
    """A formula, its symbols outside ASCII as LaTeX names them."""
    return re.sub(r"[^\x00-\x7f]", lambda found: _latex_symbol(found[0]), formula)


def latex_verbatim(text: str) -> str:
    """Lines between \\begin{verbatim} and \\end{verbatim}, which none of them is."""
    return re.sub(r"\\end(?=\s*\{)", r"\\end ", lines(text))


def _latex_symbol(character: str) -> str:
    shown = _latex_character(character)
    return rf"\ensuremath{{{shown[1:-1]}}}" if shown.startswith("$") else rf"\text{{{shown}}}"


def _latex_character(character: str) -> str:
    if character in _LATEX:
        return _LATEX[character]
    if _LATIN.match(character) and character not in _NOT_IN_FONT:
        return character
    if character == "\ufffd" or _is_control(character):
        return "?"
    # Engines that read Unicode print it; the others name the code point.
    return rf"\otherscript{{{ord(character):04X}}}{{{character}}}"
