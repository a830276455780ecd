"""Random and broken specs, equations, models, documents and claims, thrown at the public doors.

    python tests/fuzzing.py 100000          one seed after another, over all kinds
    python tests/fuzzing.py 20000 documents 7

An input passes when it is taken, or refused by a ValueError that says something; a document keeps
every byte outside of its markers. Anything else is printed, and kept as a file in
``tests/fuzz_cases`` (``KIND-NAME.json``), which the default tests run ever after.
"""

import json
import random
import re
import sys
import tempfile
import time
import warnings
from pathlib import Path

import gradproof as gp
from gradproof.embedding.documents import embed
from gradproof.reports.markers.document import _SCANS, syntax_of
from gradproof.reports.markers.marker import paired
from gradproof.symbolic.specs.reader import read_text

ROOT = Path(__file__).parent.parent
CASES = Path(__file__).parent / "fuzz_cases"
SLOW = 10.0

TOKENS = ["x", "y", "X", "W", "b", "c", "+", "-", "*", "/", "@", "**", "(", ")", "[", "]", ",",
          ":",
          ".T", "=", "<", ">", "==", "!=", "\n", ";", "0", "1", "2", "0.5", "1e9", "1e400",
          "18446744073709551616",
          "sum(", "mean(", "exp(", "log(", "tanh(", "sigmoid(", "softmax(", "relu(", "maximum(",
               "where(",
          "norm(", "axis=0", "keepdims=True", "h[t]", "h[-1]", "zeros(n)", "inv(", "outer(",
                "sqrt(",
          "abs(", "\u2028", "\0", '"', "'", "\\", "µ", "ﬁ", "𝐱", "#", "lambda",
               "__import__('os')"]
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


# --- inputs, each plain data that JSON can keep ---


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


def drawn_models(draw):
    types = ["dense", "tanh", "relu", "softmax", "flatten", "dropout", "layer_norm", "conv2d",
             "max_pool2d",
             "embedding", "rnn", "lstm", "residual", "attention", "batch_norm", "nothing", 3,
             None]
    keys = ["units", "channels", "kernel", "stride", "keep", "name", "axis", "size",
            "activation", "bias",
            "heads", "of", "padding"]
    values = [1, 2, 3, 0, -1, 2.5, "n", "same", "tanh", True, [], [1, 2], None, "µ", 10**30,
              "z*tanh(z)"]
    layers = [{"type": draw.choice(types), **{draw.choice(keys): draw.choice(values)
                                              for _ in range(draw.randint(0, 2))}}
              if draw.random() < 0.7 else draw.choice(types) for _ in range(draw.randint(0, 3))]
    return {"input": draw.choice(["m n", "m 4", "m 2 6 6", "m T n", "", "3", "m", "é 2", 7]),
            "layers": layers, "loss": draw.choice(["half_squared_error",
                                                  "cross_entropy_from_logits",
                                                   "hinge", "x", 3])}


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


# --- what is done with them ---


def try_equations(case, folder):
    derivation = gp.derive(gp.equations(case["text"], **case["shapes"]))
    str(derivation)
    derivation.numpy_source()


def try_specs(case, folder):
    network = read_text(case["text"], "fuzzed.toml", "fuzzed")
    network.system()


def try_models(case, folder):
    gp.Model(case["input"], case["layers"], loss=case["loss"])


def try_documents(case, folder):
    file = folder / f"page{case['suffix']}"
    before = case["text"].encode("utf-8", "surrogatepass")
    syntax = syntax_of(file)
    file.write_bytes(before)
    (document,) = embed([file], force=case["force"])
    after = file.read_bytes()
    if document.failed:
        assert after == before, "a document with an error was written"
    if syntax != "notebook":
        assert outside(after, syntax) == outside(before, syntax), "bytes outside changed"
    if document.changed and not document.failed and not case["force"]:
        assert not [p for p in embed([file], check=True)[0].problems if p.kind in ("stale",
                                     "error")]


def outside(data, syntax):
    """What stands outside of a document's markers."""
    text = data.decode("utf-8", "surrogatepass")
    place, parts = 0, []
    for marker in paired(_SCANS[syntax](text), text)[0]:
        parts.append(text[place : marker.opening.end])
        place = marker.closing.end
    return [*parts, text[place:]]


def try_claims(case, folder):
    from gradproof.reports.sections.claims import compare
    from gradproof.reports.worked.figures import evaluate
    from gradproof.reports.worked.lines import EntryNames

    if not KNOWN:
        derivation = gp.derive(gp.load("2-2-1"))
        figures = evaluate(derivation.chain.system, derivation.network.values,
                           [step.equation for step in derivation.chain.inlined.values()])
        KNOWN.append(EntryNames(derivation.writer, figures))
    compare([case], KNOWN[0])


KNOWN = []
KINDS = {
    "equations": (drawn_equations, try_equations), "specs": (drawn_specs, try_specs),
    "models": (drawn_models, try_models), "documents": (drawn_documents, try_documents),
    "claims": (drawn_claims, try_claims),
}
REFUSED = (ValueError, NotImplementedError)


def fault(kind, case, folder):
    """What is wrong with how an input is taken; "" where nothing is."""
    start = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            KINDS[kind][1](case, folder)
    except REFUSED as error:
        foreign = isinstance(error, UnicodeError) or (type(error) is ValueError and re.match(
            r"tuple\.index|min\(\) arg|max\(\) arg|.*is not in (list|tuple)|not enough values|"
            r"too many values|invalid literal|could not convert|substring|Exceeds the limit|"
            r"embedded null",
            str(error)))
        if foreign or not str(error).strip():
            return f"{type(error).__name__}: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    spent = time.process_time() - start
    return f"took {spent:.0f} s" if spent > SLOW else ""


def run(kind, seeds, folder):
    """(seed, input, what is wrong) for each input that is taken wrongly."""
    for seed in seeds:
        case = KINDS[kind][0](random.Random(f"{kind} {seed}"))
        wrong = fault(kind, case, folder)
        if wrong:
            yield seed, case, wrong


def main(count, kinds, first=0):
    """Runs `count` inputs over the kinds; returns how many were taken wrongly."""
    found = 0
    start = time.time()
    with tempfile.TemporaryDirectory() as folder:
        for kind in kinds:
            for seed, case, wrong in run(kind, range(first, first + count // len(kinds)),
                                         Path(folder)):
                found += 1
                print(f"{kind} {seed}: {wrong[:300]}\n    {json.dumps(case)[:300]}", flush=True)
                CASES.mkdir(exist_ok=True)
                name = re.sub(r"\W+", "-", wrong)[:40].strip("-").lower()
                (CASES / f"{kind}-{name}.json").write_text(json.dumps(case, indent=1) + "\n")
            print(f"{kind}: done after {time.time() - start:.0f} s", flush=True)
    return found


if __name__ == "__main__":
    COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    ASKED = [sys.argv[2]] if len(sys.argv) > 2 and sys.argv[2] != "all" else list(KINDS)
    sys.exit(bool(main(COUNT, ASKED, int(sys.argv[3]) if len(sys.argv) > 3 else 0)))
