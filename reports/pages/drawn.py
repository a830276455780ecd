"""Drawings as SVG and as TikZ: the same text every time."""

from __future__ import annotations

import re
from collections.abc import Callable

from ...symbolic import escaping
from ..drawing import WIDTH, Curve, Drawing, Label

_PARTS = re.compile(r"^(?P<base>.+?)(?:\^\{(?P<up>[^}]*)\})?(?: _\{(?P<down>[^}]*)\})?$")
_LETTERS = {r"\alpha": "α", r"\beta": "β", r"\gamma": "γ", r"\delta": "δ", r"\theta": "θ",
            r"\lambda": "λ", r"\mu": "μ", r"\sigma": "σ", r"\phi": "φ", r"\omega": "ω",
            r"\eta": "η", r"\epsilon": "ε"}
_INK = {"": "1F2933", "forward": "1F5A96", "backward": "A8322A", "third": "2F7D4F",
        "faint": "C9CED6"}
_EDGE, _RIM = "7B8794", "3D4852"
_FILL = {"input": "E3EDF7", "hidden": "FFF4D6", "output": "E2F2E4"}


def svg(drawing: Drawing) -> str:
    """The drawing as SVG, with a background of its own, so that it reads on light and on dark."""
    height = _number(drawing.height)
    rows = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img">',
        f"<title>{escaping.html(drawing.title)}</title>",
        f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{_number(drawing.height - 1)}" '
        'rx="8" fill="#fdfdfb" stroke="#c9ced6"/>',
    ]
    strokes = [
        f'<line x1="{_number(e.x1)}" y1="{_number(e.y1)}" x2="{_number(e.x2)}" '
        f'y2="{_number(e.y2)}"{_stroke(e.ink)}/>'
        for e in drawing.lines
    ]
    circles = [
        f'<circle cx="{_number(c.x)}" cy="{_number(c.y)}" r="{_number(c.radius)}" '
        f'fill="#{_FILL[c.layer]}"/>'
        for c in drawing.circles
    ]
    rows += _group(f'stroke="#{_EDGE}" stroke-width="1.2"', strokes)
    rows += _group(f'stroke="#{_RIM}" stroke-width="1.5"', circles)
    rows += _group(f'fill="none" stroke="#{_INK[""]}" stroke-width="1.8" stroke-linejoin="round"',
                   [row for curve in drawing.curves for row in _svg_curve(curve)])
    rows += _group(f'fill="#{_INK[""]}" text-anchor="middle" font-family="sans-serif"',
                   [_svg_label(label) for label in drawing.labels])
    return "\n".join([*rows, "</svg>", ""])


def _group(attributes: str, rows: list[str]) -> list[str]:
    return [f"<g {attributes}>", *rows, "</g>"] if rows else []


def _stroke(ink: str) -> str:
    return f' stroke="#{_INK[ink]}"' if ink else ""


def _svg_curve(curve: Curve) -> list[str]:
    points = " ".join(f"{_number(x)},{_number(y)}" for x, y in curve.points)
    found = [f'<polyline points="{points}"{_stroke(curve.ink)}/>']
    if curve.dots:
        found += [f'<circle cx="{_number(x)}" cy="{_number(y)}" r="2.6" '
                  f'fill="#{_INK[curve.ink]}"/>' for x, y in curve.points]
    return found


def _svg_label(label: Label) -> str:
    start = f'<text x="{_number(label.x)}" y="{_number(label.y + label.size * 0.34)}"'
    if not label.is_math:
        start += _ANCHORS[label.side]
        fill = f' fill="#{_INK[label.ink]}"' if label.ink else ""
        return f'{start} font-size="{label.size}"{fill}>{escaping.html(label.text)}</text>'
    found = _PARTS.match(label.text)
    base, up, down = found.groups() if found else (label.text, None, None)
    small = round(label.size * 0.68)
    base = _LETTERS.get(base, re.sub(r"\\mathrm\{(.*)\}", r"\1", base))
    upright = ' font-style="normal" font-family="sans-serif"' if base.isdigit() else ""
    text = f"<tspan{upright}>{escaping.html(base)}</tspan>"
    shift = 0
    if down:
        text += (f'<tspan dy="4" font-size="{small}" font-style="normal">'
                 f"{escaping.html(down)}</tspan>")
        shift = 4
    if up:
        text += (f'<tspan dy="{-6 - shift}" font-size="{small}" font-style="normal">'
                 f"{escaping.html(up)}</tspan>")
    return f'{start} font-size="{label.size}" font-family="serif" font-style="italic">{text}</text>'


_ANCHORS = {"": "", "left": ' text-anchor="end"', "right": ' text-anchor="start"'}


def _number(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


# --- LaTeX --------------------------------------------------------------------------------------


def tikz(drawing: Drawing, escaped: Callable[[str], str], inline: Callable[[str], str]) -> str:
    """The drawing in TikZ; where that package is not loaded, a line that says so.

    `escaped` prepares plain text, `inline` a formula.
    """
    rows = [r"\ifdefined\tikzpicture", r"\begin{tikzpicture}[x=0.68pt,y=-0.68pt,line width=0.4pt]"]
    used = {*(e.ink for e in drawing.lines), *(c.ink for c in drawing.curves),
            *(label.ink for label in drawing.labels)} - {""}
    layers = sorted({c.layer for c in drawing.circles})
    colors = {"gpedge": _EDGE, **{f"gp{ink}": _INK[ink] for ink in sorted(used)},
              **{f"gp{layer}": _FILL[layer] for layer in layers}}
    rows += [rf"\definecolor{{{name}}}{{HTML}}{{{value}}}" for name, value in colors.items()]
    rows += [rf"\draw[gp{e.ink or 'edge'}] {_point(e.x1, e.y1)} -- {_point(e.x2, e.y2)};"
             for e in drawing.lines]
    rows += [rf"\filldraw[fill=gp{c.layer}] {_point(c.x, c.y)} "
             rf"circle[radius={0.68 * c.radius:.1f}pt];" for c in drawing.circles]
    for curve in drawing.curves:
        joined = " -- ".join(_point(x, y) for x, y in curve.points)
        rows.append(rf"\draw[gp{curve.ink},line width=0.8pt,line join=round] {joined};")
        rows += [rf"\fill[gp{curve.ink}] {_point(x, y)} circle[radius=1.6pt];"
                 for x, y in curve.points if curve.dots]
    rows += [_tikz_label(label, escaped, inline) for label in drawing.labels]
    return "\n".join([*rows, r"\end{tikzpicture}",
                      r"\else \textit{(The package tikz draws a figure here.)}\fi"])


def _point(x: float, y: float) -> str:
    return f"({_number(x)},{_number(y)})"


_DOTS = {"⋮": r"$\vdots$", "⋯": r"$\cdots$"}
_SIDES = {"": "", "left": "left", "right": "right"}


def _tikz_label(
    label: Label, escaped: Callable[[str], str], inline: Callable[[str], str]
) -> str:
    shown = inline(label.text) if label.is_math else _DOTS.get(label.text) or escaped(label.text)
    size = r"\small" if label.size > 13 else r"\scriptsize"
    options = [size_ for size_ in (_SIDES[label.side], "inner sep=0pt", rf"font={size}",
                                   f"text=gp{label.ink}" if label.ink else "") if size_]
    return rf"\node[{','.join(options)}] at {_point(label.x, label.y)} {{{shown}}};"
