"""How prose, formulas and programs are spelled in each format; templates know only structure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..symbolic import escaping
from .content import Code, Display, Listing, Math, Prose, Relation, Side

ROW = 84
"""How many characters of mathematics stand on a row before it is broken."""


class Markup:
    """One format.  `name` is what ``write_report`` calls it."""

    name = ""
    row = ROW

    def prose(self, prose: Prose | str) -> str:
        if isinstance(prose, str):
            return self.text(prose)
        return "".join(map(self._run, prose))

    def _run(self, run: str | Math | Code) -> str:
        if isinstance(run, Math):
            return self.inline(in_line(run.latex))
        if isinstance(run, Code):
            return self.code(run.text)
        return self.text(run)

    def text(self, text: str) -> str:
        """Text as it is to be read, with everything that has a meaning in the format escaped."""
        raise NotImplementedError

    def inline(self, latex: str) -> str:
        raise NotImplementedError

    def code(self, text: str) -> str:
        raise NotImplementedError

    def display(self, display: Display) -> str:
        raise NotImplementedError

    def listing(self, listing: Listing) -> str:
        raise NotImplementedError


_DERIVATIVE = re.compile(r"\\frac\{(\\partial [^{}]*)\}\{((?:[^{}]|\{[^{}]*\})*)\}")


def in_line(latex: str) -> str:
    """With ∂L/∂w on one line, where a small fraction would be hard to read."""
    return _DERIVATIVE.sub(r"\1/\2", latex)


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
    parts = [f"{side.relation} {side.chunks[0]}"]
    for chunk in side.chunks[1:]:
        if visible(parts[-1] + chunk) <= width:
            parts[-1] += chunk
        else:
            parts.append(r"\quad {}" + chunk)
    return parts


def aligned(formulas: Sequence[Relation], width: float) -> list[str]:
    """The rows of an aligned environment, without the breaks between them."""
    return [
        f"{left} &{right}" for formula in formulas for left, right in rows(formula, width)
    ]


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
        lines = aligned(display.formulas, self.row)
        label = rf" \qquad {display.label}" if display.label else ""
        if len(lines) == 1:
            body = lines[0].replace(" &", " ", 1).strip() + label
        else:
            lines[0] += label
            body = "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"
        return f"```math\n{body}\n```"

    def listing(self, listing: Listing) -> str:
        text = escaping.lines(listing.text)
        ticks = _ticks(text, 3)
        return f"{ticks}{listing.language}\n{text.rstrip()}\n{ticks}"


class Portable(Github):
    """The subset that every renderer of Markdown takes: dollars, and one row at a time."""

    name = "portable"

    def inline(self, latex: str) -> str:
        return f"${_portable(latex)}$"

    def display(self, display: Display) -> str:
        found = []
        for formula in display.formulas:
            parts = [formula]
            if visible(formula.latex) > self.row and formula.left:
                parts = [Relation(formula.left, (side,)) for side in formula.sides[:-1]]
                last = formula.sides[-1]
                parts[-1] = Relation(formula.left, (*parts[-1].sides, last)) if parts else formula
            found += [_portable(part.latex) for part in parts or [formula]]
        if display.label:
            found[0] += rf" \qquad {display.label}"
        return "\n\n".join(f"$$\n{row}\n$$" for row in found)


def _portable(latex: str) -> str:
    """Without what Markdown's parser would take for an escape."""
    return (latex.replace(r"\_", r"\text{-}").replace("<", r"\lt ").replace(">", r"\gt ")
            .replace("*", r"\ast ").replace("|", r"\vert "))


def _ticks(text: str, least: int) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)


# --- LaTeX --------------------------------------------------------------------------------------

class Latex(Markup):
    """LaTeX for pdflatex, xelatex and lualatex, with amsmath alone."""

    name = "latex"
    row = 80

    def mathematics(self, latex: str) -> str:
        """A formula whose symbols may be of any script; \\text and \\mathrm in it stay right."""
        return escaping.latex_symbols(latex)

    def text(self, text: str) -> str:
        return escaping.latex(text)

    def inline(self, latex: str) -> str:
        return f"${self.mathematics(latex)}$"

    def code(self, text: str) -> str:
        return rf"\texttt{{{escaping.latex_typewriter(text)}}}"

    def display(self, display: Display) -> str:
        lines = [self.mathematics(line) for line in aligned(display.formulas, self.row)]
        tag = rf" \tag*{{{display.label}}}" if display.label else ""
        if len(lines) == 1:
            body = lines[0].replace(" &", " ", 1).strip()
            return f"\\begin{{equation*}}\n{body}{tag}\n\\end{{equation*}}"
        lines[0] += tag
        return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}"

    def listing(self, listing: Listing) -> str:
        found = []
        for line in escaping.lines(listing.text).rstrip().split("\n"):
            indent = len(line) - len(line.lstrip())
            shown = "~" * indent + escaping.latex_typewriter(line.strip()).replace("  ", "~~")
            found.append(shown or "~")
        rows_ = "\\\\\n".join(rf"\mbox{{{row}}}" for row in found)
        return f"\\begin{{program}}\n{rows_}\n\\end{{program}}"


FLAVORS: dict[str, type[Markup]] = {"github": Github, "portable": Portable, "latex": Latex}
