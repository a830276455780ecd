"""How prose, formulas and programs are spelled in each format; templates know only structure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import pairwise

from ..symbolic import escaping
from .content import Code, Display, Listing, Math, Prose, Ref, Relation, Run, Side, split

ROW = 84
"""How many characters of mathematics stand on a row before it is broken."""


class Markup:
    """One format.  `name` is what ``write_report`` calls it."""

    name = ""
    row = ROW
    matrices = True
    """Whether a formula may have rows of its own."""
    known: Collection[str] = ()
    """The numbers of equations that the document has, to which a reference may lead."""

    def prose(self, prose: Prose | str) -> str:
        if isinstance(prose, str):
            return self.text(prose)
        return "".join(map(self._run, prose))

    def _run(self, run: Run) -> str:
        if isinstance(run, Math):
            return self.inline(in_line(run.latex))
        if isinstance(run, Code):
            return self.code(run.text)
        if isinstance(run, Ref):
            return self.reference(run.label)
        return self.text(run)

    def text(self, text: str) -> str:
        """Text as it is to be read, with everything that has a meaning in the format escaped."""
        raise NotImplementedError

    def inline(self, latex: str) -> str:
        raise NotImplementedError

    def code(self, text: str) -> str:
        raise NotImplementedError

    def reference(self, label: str) -> str:
        """The number of an equation, as it is printed beside it."""
        return self.text(label)

    def display(self, display: Display) -> str:
        raise NotImplementedError

    def listing(self, listing: Listing) -> str:
        raise NotImplementedError


_DERIVATIVE = re.compile(r"\\frac\{(\\partial [^{}]*)\}\{((?:[^{}]|\{[^{}]*\})*)\}")


def in_line(latex: str) -> str:
    """With ∂L/∂w on one line, where a small fraction would be hard to read."""
    return _DERIVATIVE.sub(r"\1/\2", latex)


_NAMED = r"\{(\\?[a-zA-Z]+) _\{(\w)\}\}"
_RAISED = r"\^\{([(\[]\w+[)\]])\}"


def scripts_together(latex: str) -> str:
    """With the scripts of one letter above one another, where a formula that is read back keeps
    them apart.

    >>> scripts_together(r"{W _{o}}^{(1)} _{i j} {a^{o}} _{t} + {b _{f}}^{(2)}")
    'W _{o,i j}^{(1)} a^{o} _{t} + b _{f}^{(2)}'
    """
    latex = re.sub(_NAMED + _RAISED + r" _\{([^{}]*)\}", r"\1 _{\2,\4}^{\3}", latex)
    latex = re.sub(_NAMED + _RAISED, r"\1 _{\2}^{\3}", latex)
    return re.sub(r"\{([a-z]\^\{\w\})\}(?= _\{)", r"\1", latex)


# --- rows ---------------------------------------------------------------------------------------


def visible(latex: str) -> float:
    """About how many characters wide a formula is."""
    text = re.sub(r"\\frac\{((?:[^{}]|\{[^{}]*\})*)\}\{((?:[^{}]|\{[^{}]*\})*)\}",
                  lambda m: max(m[1], m[2], key=len), latex)
    text = re.sub(r"\\(?:mathrm|text|mathbf)\{([^}]*)\}", r"\1", text)
    text = re.sub(r"[_^]\{([^}]*)\}", lambda m: "s" * (2 * len(m[1].replace(" ", "")) // 3), text)
    text = re.sub(r"\\(?:left|right|bigl|bigr)", "", text)
    text = re.sub(r"\\(exp|log|tanh|max)", r"\1", text)
    text = re.sub(r"\\[a-zA-Z]+ ?", "x", text)
    return len(re.sub(r"[{}]", "", text)) - 0.5 * text.count(" ")


def rows(formula: Relation, width: float) -> list[tuple[str, str]]:
    """(what stands left of the alignment, what stands right of it), row by row."""
    if visible(formula.latex) <= width and formula.left:
        rest = " ".join(f"{side.relation} {side.latex}" for side in formula.sides)
        return [(formula.left, rest)]
    found: list[tuple[str, str]] = []
    indent = visible(formula.left)
    for side in formula.sides:
        text = f"{side.relation} {side.latex}"
        if found and visible(f"{found[-1][1]} {text}") + indent <= width:
            found[-1] = found[-1][0], f"{found[-1][1]} {text}"
            continue
        left = "" if found else formula.left
        for place, part in enumerate(_broken(side, width - indent)):
            found.append((left if place == 0 else "", part))
    return found


def _broken(side: Side, width: float) -> list[str]:
    """A side on as many rows as it needs, broken between its chunks."""
    chunks = [part for chunk in side.chunks for part in factors(chunk, width)]
    parts = [f"{side.relation} {chunks[0]}"]
    for chunk in chunks[1:]:
        if visible(parts[-1] + chunk) <= width:
            parts[-1] += chunk
        else:
            parts.append(r"\quad {}" + chunk)
    return parts


def factors(latex: str, width: float) -> list[str]:
    """A summand in pieces that begin with the sign of a product, for a row that has to be broken;
    one that fits stays whole, one that is wide still is broken within its brackets."""
    if visible(latex) <= width:
        return [latex]
    found: list[str] = []
    for part in split(latex, _FACTORS):
        if visible(part) > width and r"\left\lbrace" in part:
            found += _cases(part)
        elif visible(part) > width:  # brackets that grow with what is in them cannot be parted
            opened = part.replace(r"\left(", r"\Bigl(").replace(r"\right)", r"\Bigr)")
            found += split(opened, _FACTORS, 1)
        else:
            found.append(part)
    return found


def _cases(latex: str) -> list[str]:
    """Cases in a row, broken behind their commas where nothing is torn."""
    opened = (latex.replace(r"\left\lbrace", r"\Bigl\lbrace")
              .replace(r"\right\rbrace", r"\Bigr\rbrace"))
    parts = re.split(r"(?<=,)(?= )", opened)
    whole = all(part.count("{") == part.count("}") and part.count(r"\left") ==
                part.count(r"\right") for part in parts)
    return parts if whole else [latex]


_FACTORS = r"\\(?:odot|oslash|cdot)(?![a-z])|(?<= )[-+](?= )|^[-+](?= )"
"""Signs of products, and of sums within brackets."""


def aligned(formulas: Sequence[Relation], width: float) -> list[str]:
    """The rows of an aligned environment, without the breaks between them."""
    return [row for row, _ in tagged_rows(Display(tuple(formulas)), width)]


def tagged_rows(display: Display, width: float) -> list[tuple[str, str]]:
    """The same, each with the number that is printed beside it; a row that goes on with the one
    above it has nothing left of the alignment."""
    found = []
    lefts = max((visible(formula.left) for formula in display.formulas), default=0)
    for formula, label in display.tagged:
        # right sides begin behind the widest of the left ones
        room = width - (len(label) + 2 if label else 0) - (lefts - visible(formula.left))
        for place, (left, right) in enumerate(rows(formula, room)):
            found.append((f"{left} &{right}", "" if place else label))
    return found


# --- Markdown -----------------------------------------------------------------------------------


class Github(Markup):
    """GitHub's Markdown: mathematics in code spans and fences, which survive its parser as is."""

    name = "github"

    def text(self, text: str) -> str:
        return escaping.markdown(text)

    def inline(self, latex: str) -> str:
        return f"$`{latex}`$"

    def code(self, text: str) -> str:
        text = escaping.one_line(text)
        ticks = _ticks(text, 1)
        space = " " if text.startswith("`") or text.endswith("`") else ""
        return f"{ticks}{space}{text}{space}{ticks}"

    def display(self, display: Display) -> str:
        return f"```math\n{self.body(display)}\n```"

    def body(self, display: Display) -> str:
        """One row as it is, several in an aligned environment."""
        lines = [row + (rf" \qquad {label}" if label else "")
                 for row, label in tagged_rows(display, self.row)]
        if len(lines) == 1:
            return lines[0].replace(" &", " ", 1).strip()
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def listing(self, listing: Listing) -> str:
        text = escaping.lines(listing.text)
        ticks = _ticks(text, 3)
        return f"{ticks}{listing.language}\n{text.rstrip()}\n{ticks}"


class Dollars(Github):
    """Dollars inline and around rows that are aligned: Jupyter, MyST, MkDocs with arithmatex."""

    name = "dollars"

    def inline(self, latex: str) -> str:
        return f"${self._safe(latex)}$"

    def display(self, display: Display) -> str:
        return f"$$\n{self._safe(self.body(display))}\n$$"

    @staticmethod
    def _safe(latex: str) -> str:
        """Without characters that mean something to a renderer that reads dollars late."""
        return latex.replace("<", r"\lt ").replace(">", r"\gt ").replace("|", r"\vert ")


class Portable(Github):
    """The subset that every renderer of Markdown takes: dollars, and one row at a time."""

    name = "portable"
    matrices = False

    def inline(self, latex: str) -> str:
        return f"${_portable(latex)}$"

    def display(self, display: Display) -> str:
        found = []
        for formula, label in display.tagged:
            parts = [formula]
            if visible(formula.latex) > self.row and formula.left and len(formula.sides) > 1:
                *first, last = formula.sides
                parts = [Relation(formula.left, (side,)) for side in first]
                parts[-1] = Relation(formula.left, (*parts[-1].sides, last))
            made = [_portable(part.latex) for part in parts]
            found += [made[0] + (rf" \qquad {label}" if label else ""), *made[1:]]
        return "\n\n".join(f"$$\n{row}\n$$" for row in found)


def _portable(latex: str) -> str:
    """Without what Markdown's parser would take for an escape."""
    latex = re.sub(r"(?<! )_\{", " _{", latex)  # which could end an emphasis
    return (latex.replace(r"\_", r"\text{-}").replace("<", r"\lt ").replace(">", r"\gt ")
            .replace("*", r"\ast ").replace("|", r"\vert "))


def _ticks(text: str, least: int) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)


# --- LaTeX --------------------------------------------------------------------------------------

class Latex(Markup):
    """LaTeX for pdflatex, xelatex and lualatex, with amsmath and longtable."""

    name = "latex"
    row = 70
    code_row = 96
    """Characters of the typewriter font on a line."""
    small_row = 108
    """The same in the smaller size of a program with longer lines."""
    with_han = False
    """Whether the document's class has fonts for Chinese."""
    prefix = "gradproof:"
    """What the labels of equations begin with."""

    def mathematics(self, latex: str) -> str:
        """A formula whose symbols may be of any script; \\text and \\mathrm in it stay right."""
        return self._han(escaping.latex_symbols(scripts_together(latex)))

    def text(self, text: str) -> str:
        return self._han(escaping.latex(text))

    def _han(self, text: str) -> str:
        """Chinese characters as they are, where the document has fonts for them."""
        return _OTHER_HAN.sub(r"\1", text) if self.with_han else text

    def inline(self, latex: str) -> str:
        return f"${self.mathematics(latex)}$"

    def code(self, text: str) -> str:
        return rf"\texttt{{{self._han(escaping.latex_typewriter(text))}}}"

    def display(self, display: Display) -> str:
        lines = [self.mathematics(row) + self._tag(label)
                 for row, label in tagged_rows(display, self.row)]
        if len(lines) == 1:
            body = lines[0].replace(" &", " ", 1).strip()
            return f"\\begin{{equation*}}\n{body}\n\\end{{equation*}}"
        last = len(lines) - 2
        breaks = [_break(above, below, place in (0, last))
                  for place, (above, below) in enumerate(pairwise(lines))]
        rows_ = "".join(f" {mark}\n{line}" for mark, line in zip(breaks, lines[1:], strict=True))
        return f"\\begin{{align*}}\n{lines[0]}{rows_}\n\\end{{align*}}"

    def reference(self, label: str) -> str:
        return rf"\hyperref[{self._anchor(label)}]{{{label}}}" if label in self.known else label

    def _anchor(self, label: str) -> str:
        """What \\ref calls an equation by its number."""
        return f"{self.prefix}eq{label.strip('()')}"

    def _tag(self, label: str) -> str:
        marked = rf"\label{{{self._anchor(label)}}}" if label in self.known else ""
        return rf" \tag*{{{label}}}{marked}" if label else ""

    def listing(self, listing: Listing) -> str:
        found = []
        lines = escaping.lines(listing.text).rstrip().split("\n")
        wide = any(len(line) > self.code_row for line in lines)
        row, size = (self.small_row, r"\scriptsize") if wide else (self.code_row, "")
        for line in lines:
            for part in _folded(line, row):
                indent = len(part) - len(part.lstrip())
                shown = "~" * indent + escaping.latex_typewriter(part.strip()).replace("  ", "~~")
                found.append(shown or "~")
        rows_ = "\\\\\n".join(rf"\mbox{{{row}}}" for row in found)
        return f"\\begin{{program}}{size}\n{rows_}\n\\end{{program}}"


def _break(above: str, below: str, end: bool) -> str:
    """What ends a row: no page ends between the rows of one formula, nor with the first or before
    the last of all (at an `end`); fractions that stand one below the other have some room."""
    held = "*" if end or below.startswith(" &") else ""
    tall = all(r"\frac" in row or r"\sum" in row for row in (above, below))
    return r"\\" + held + ("[4pt]" if tall else "")


_OTHER_HAN = re.compile(r"\\otherscript\{[0-9A-F]+\}\{([\u3000-\u9fff\uff00-\uffef])\}")


def _folded(line: str, width: int) -> list[str]:
    """A line of a program as lines that are no wider, broken behind a blank; what continues is
    indented by eight more."""
    indent = len(line) - len(line.lstrip())
    deeper = " " * min(indent + 8, width // 2)
    found, rest = [], line
    while len(rest) > width:
        least = len(rest) - len(rest.lstrip())
        space = rest.rfind(" ", least + 1, width)
        cut = space + 1 if space > least else width
        found.append(rest[:cut].rstrip())
        rest = deeper + rest[cut:].lstrip()
    return [*found, rest]


FLAVORS: dict[str, type[Markup]] = {"github": Github, "portable": Portable, "latex": Latex}
