"""Random and broken inputs of every kind, each plain data that JSON can keep.

Half of what is drawn is meant to be taken and half to be refused; the texts that are broken are
the project's own specs and documents.
"""

import json
from pathlib import Path

from random_models import drawn_model

ROOT = Path(__file__).parents[2]

CANARY = "__import__('os').system('touch fuzzed-canary')"
"""What nobody may run."""

TOKENS = ["x", "y", "X", "W", "b", "c", "+", "-", "*", "/", "@", "**", "(", ")", "[", "]", ",",
          ":",
          ".T", "=", "<", ">", "==", "!=", "\n", ";", "0", "1", "2", "0.5", "1e9", "1e400",
          "18446744073709551616",
          "sum(", "mean(", "exp(", "log(", "tanh(", "sigmoid(", "softmax(", "relu(", "maximum(",
               "where(",
          "norm(", "axis=0", "keepdims=True", "h[t]", "h[-1]", "zeros(n)", "inv(", "outer(",
                "sqrt(",
          "abs(", "\u2028", "\0", '"', "'", "\\", "µ", "ﬁ", "𝐱", "#", "lambda",
               "__import__('os')", CANARY]
SHAPES = ["", "n", "m", "m n", "n n", "3", "2 3", "T n", "m n k", "n+1", "0", "-1", "n n n n",
          "é"]
BODIES = ["x", "y", "X @ x", "X * x", "tanh(x)", "exp(-x)", "X.T @ (X @ x)", "sigmoid(X @ x)",
          "maximum(x, 0.5)", "where(x > 0, x, y)", "softmax(X)", "x**2", "1/(1 + x**2)", "X[0]",
          "sum(X, axis=1)", "mean(X, axis=0)", "log(1 + exp(x))", "abs(x - y)", "x - mean(x)",
          "relu(X)", "norm(x)", "outer(x, y)", "sqrt(1 + x*x)", "x / norm(x)", "2**x", "x*1e300"]
HOSTILE = ['"', "\\", "\n", "\0", "\u2028", "{", "}", "]", "<!--", "-->", "[[", "= =", "'''",
           "nan",
           "1e999999999", "9" * 80, "-0", "true", '"x"', "[]", "{}", "\x1b[2J", "\u202e", "💥"]


def corpus(*patterns):
    """The project's own texts, to be broken."""
    return [file.read_text(encoding="utf-8") for pattern in patterns
            for file in sorted(ROOT.glob(pattern))]


SPECS = corpus("api/networks/*.toml", "examples/*/*.toml")
DOCUMENTS = corpus("README.md", "docs/embedding.md", "examples/sphinx-site/*.rst",
                   "examples/mkdocs-site/docs/*.md")
REQUESTS = ["2-2-1 L = .3f", "2-2-1 W1.gradient", "2-2-1 dZ2[1]", "2-2-1 A2 * (1 - A2) = .2f",
            "2-2-1 figure",
            "2-2-1 numpy", "2-2-1 table", "xor L", "moons forward format=text", "2-2-1 L = ",
            "2-2-1",
            "verify 2-2-1 L", "verify 2-2-1 dZ2", "2-2-1 exp(L)/(L-L) = .1f", "2-2-1 claims",
            "2-2-1 backward",
            "nothing L", "2-2-1 delta1 flavor=portable", "2-2-1 Z1.worked", "2-2-1 W1.steps"]


def broken(text, draw, most=4):
    """A text with some pieces cut, doubled, swapped or replaced."""
    for _ in range(draw.randint(1, most)):
        at, to = sorted(draw.randint(0, len(text)) for _ in range(2))
        to = min(to, at + draw.choice([1, 3, 20, 200]))
        piece = draw.choice([*HOSTILE, *TOKENS, "", text[at:to] * 2, text[at:to][::-1],
                             str(draw.randint(-3, 300))])
        text = text[:at] + piece + text[to:]
    return text


def drawn_equations(draw):
    names = draw.sample(["x", "y", "X", "W", "b", "c", "µ", "ﬁ", "lambda", "sum", "L", "e", "n"],
                        draw.randint(1, 4))
    shapes = {name: draw.choice(SHAPES[:9] if draw.random() < 0.9 else SHAPES) for name in names}
    kind = draw.random()
    if kind < 0.6:
        shapes = {"x": "n", "y": "n", "X": draw.choice(["m n", "n n", "2 3"])}
        text = f"L = sum({draw.choice(BODIES)} {draw.choice('+-*/')} {draw.choice(BODIES)})"
        text = text if draw.random() < 0.6 else broken(text, draw)
    else:
        text = "".join(draw.choice(TOKENS) for _ in range(draw.randint(1, 25)))
        text = f"L = sum({text})" if draw.random() < 0.5 else text
    return {"text": text, "shapes": shapes}


def drawn_specs(draw):
    text = draw.choice([s for s in SPECS if len(s) < 1500])
    return {"text": broken(text, draw, 3)}


SECOND = [*BODIES, "X @ X.T @ outer(x, y)[0]", "cumsum(x)", "prod(x)", "max(x)", "x[::-1]",
          "concatenate([x, y])", "softplus(y)", "h[-1]", "log_softmax(X)", "x[0]*y", "swish(x)",
          "x*y*y", "inv(X @ X.T + 3)", "gelu(x)", "L1", "norm(x)*y"]


def drawn_second(draw):
    """A loss, and the arrays to differentiate it by twice, or another array once."""
    given = drawn_equations(draw)
    if draw.random() < 0.7:
        lines = []
        if draw.random() < 0.3:
            lines.append(f"u = {draw.choice(SECOND)}")
        if draw.random() < 0.2:
            lines.append(draw.choice(["h[-1] = x[0]\nh[t] = tanh(y[t]*h[t-1] + x[t])",
                                      "h[-1] = x\nh[t] = sigmoid(x*h[t-1] + y[t])",
                                      "h[-1] = y\nv[t] = X[t]*h[t-1]\nh[t] = v[t] + h[t-1]"]))
        of = [*SECOND, *["u", "h"] * 4] if lines else SECOND
        lines.append(f"L = sum(({draw.choice(of)}) {draw.choice('+-*/')} "
                     f"{draw.choice(SECOND)}){draw.choice(['', '**2', '/n', ' + sum(x*x)'])}")
        given = {"text": "\n".join(lines), "shapes": given["shapes"] if draw.random() < 0.1 else {
            "x": "n", "y": "n", "X": draw.choice(["m n", "n n", "2 3"])}}
        if draw.random() < 0.15:
            given["text"] = broken(given["text"], draw, 1)
    names = [*given["shapes"], "L", "u", "q"] if draw.random() < 0.2 else [*given["shapes"]]
    return {**given, "of": draw.choice(["hessian", "hvp", "jacobian", "jvp", "vjp"]),
            "one": draw.choice(names), "other": draw.choice(names)}


ODD = [0, -1, 2.5, "n", "same", True, [], [1, 2], None, "µ", 10**30, "z*tanh(z)", 1e-320, "1/0",
       CANARY, {"a": 1}, "x" * 300, [[1]], "input", "m"]


def drawn_models(draw):
    """Layers in sequence, with options; most of the time something in them is odd."""
    made = drawn_model(draw, draw.choice([2, 4, 8]))
    for _ in range(draw.choice([0, 0, 0, 1, 1, 2, 3])):
        place = draw.randrange(len(made["layers"]))
        layer = made["layers"][place]
        what = draw.random()
        if what < 0.35 and isinstance(layer, dict):
            made["layers"][place] = {**layer, draw.choice([*layer]): draw.choice(ODD)}
        elif what < 0.5:
            key = draw.choice(["units", "kernel", "stride", "name", "axis", "inputs", "eps", "of"])
            layer = layer if isinstance(layer, dict) else {"type": layer}
            made["layers"][place] = {**layer, key: draw.choice(ODD)}
        elif what < 0.6:
            del made["layers"][place]
        elif what < 0.75:
            other = draw.choice(made["layers"] or ["tanh"])
            made["layers"].insert(place, dict(other) if isinstance(other, dict) else other)
        elif what < 0.8:
            made["layers"][place] = draw.choice(ODD)
        elif what < 0.9:
            made["input"] = draw.choice(["m n", "m 4", "", "3", "m", "é 2", 7, "m 0", "n n n n n",
                                         "m L", "W1 2", "m n*n", "m 1"])
        else:
            made[draw.choice(["loss", "l1", "l2", "kind", "name", "label_smoothing"])
                 ] = draw.choice([*ODD, "hinge", "labels 3", "x", 0.5])
        if not made["layers"]:
            break
    return {**made, "derive": draw.random() < 0.3}


def drawn_documents(draw):
    """A text in a kind of document, with markers in it, broken or not."""
    suffix = draw.choice([".md", ".html", ".rst", ".tex", ".ipynb"])
    opening, closing = {".rst": (".. gradproof: {}\n", ".. /gradproof\n"),
                        ".tex": ("% gradproof: {}\n", "% /gradproof\n")}.get(
        suffix, ("<!-- gradproof {} -->", "<!-- /gradproof -->"))
    parts = []
    for _ in range(draw.randint(1, 4)):
        request = draw.choice(REQUESTS)
        request = request if draw.random() < 0.6 else broken(request, draw, 1)
        parts += [draw.choice(["word ", "\n\n", "- ", "> ", "    ", "```\n", "`", "\r\n", "\t",
                               draw.choice(HOSTILE), draw.choice(DOCUMENTS)[:300]]),
                  opening.format(request), draw.choice(["", "", "\n", "0.5", "`A2 - Y`", "x"]),
                                 closing,
                  draw.choice(["\n", " end\n", "", "\r\n"])]
    text = "".join(parts)
    text = text if draw.random() < 0.6 else broken(text, draw)
    if suffix == ".ipynb":
        text = json.dumps({"cells": [{"cell_type": "markdown", "source": [text]}], "nbformat": 4})
        text = text if draw.random() < 0.7 else broken(text, draw)
    return {"text": text, "suffix": suffix, "force": draw.random() < 0.3}


def drawn_claims(draw):
    """Quantities and stated figures, in a spec."""
    quantity = draw.choice(["L", "A1[1]", "W1[1,1]", "dW2[1]", "log(L)", "1/L", "L - L",
                           "b1[9]", "Q"])
    quantity = quantity if draw.random() < 0.5 else broken(quantity, draw, 2)
    stated = draw.choice(["0.5", "1e5", "-3", "0.12345678901234567890", "x", "1e999999", "nan",
                         ".", "1/3"])
    stated = stated if draw.random() < 0.6 else broken(stated, draw, 1)
    return {"quantity": quantity, "stated": stated, "where": broken("page 3", draw, 2)}
