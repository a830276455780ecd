"""Losses that are sums over their samples, and losses that are none, with what hinders them."""

import re

import gradproof as gp
from gradproof.symbolic.text.statements import parse_equations

SHAPES = {"X": "m n", "Y": "m k", "W": "n k", "v": "m", "b": "k"}


def stated(text, **shapes):
    """Equations, and the inputs that stand in them."""
    known = {**SHAPES, **shapes}
    used = {name: shape for name, shape in known.items() if re.search(rf"\b{name}\b", text)}
    return parse_equations(text, used)


def dense(**options):
    return gp.Network([3, 4, 2], activation="tanh", **options)


def layers(*table, loss="cross_entropy_from_logits", shape="m n"):
    return gp.Model(shape, list(table), loss=loss)


DENSE = {"type": "dense", "units": 3}
ADDITIVE = {
    "a mean": lambda: stated("D = X @ W - Y\nL = sum(D**2)/m"),
    "a sum": lambda: stated("D = X @ W - Y\nL = sum(D**2)"),
    "a mean over all entries": lambda: stated("D = X @ W - Y\nL = mean(D**2)"),
    "one over m - 1": lambda: stated("D = X @ W - Y\nL = sum(D**2)/(m - 1)"),
    "m inside each sample's term": lambda: stated("D = X @ W - Y\nL = sum(tanh(D/m)**2)*sqrt(m)"),
    "a term that is no sum": lambda: stated("D = X @ W - Y\nL = sum(D**2)/m + 0.1*sum(W**2)"),
    "a term that is one over m": lambda: stated("D = X @ W - Y\nL = (sum(D**2) + sum(W**2))/m"),
    "two sums": lambda: stated("D = X @ W - Y\nP = sum(D**2)/m\nL = 2*P + 3*sum(abs(D)) + sum(W)"),
    "a sum times what is free": lambda: stated("D = X @ W - Y\nP = mean(D**2)\nL = P*sum(W**2)"),
    "sums for each class": lambda: stated("D = (X @ W - Y)**2\nc = sum(D, axis=0)\nL = sum(c*b)"),
    "a parameter of the penalty alone": lambda: stated("L = sum((X @ W)**2)/m + sum(b**2)"),
    "an input that is called M": lambda: stated("D = X @ M - Y\nL = mean(D**2)", M="n k"),
    "weights of samples": lambda: stated("D = sum((X @ W - Y)**2, axis=1)\nL = sum(v*D)/m"),
    "m alone": lambda: stated("D = X @ W - Y\nL = sum(D**2) + m*sum(W**2)"),
    "what is solved for, for each sample": lambda: stated(
        "Z = fixed_point(tanh(0.2*(Z @ V) + X @ W), start=Y)\nL = sum((Z - Y)**2)/m", V="k k"),
    "places along another axis": lambda: stated("L = sum(X @ W * arange(k))"),
    "a softmax of each sample": lambda: dense(output="softmax", loss="cross_entropy"),
    "samples in columns": lambda: dense(output="softmax", loss="cross_entropy",
                                        convention="columns"),
    "penalties": lambda: dense(output="sigmoid", loss="binary_cross_entropy", l1=0.01, l2=0.3),
    "dropout": lambda: layers(DENSE, {"type": "dropout", "keep": 0.5}, DENSE),
    "layer norm": lambda: layers(DENSE, {"type": "layer_norm"}, DENSE),
    "an LSTM, with steps in front": lambda: layers(
        {"type": "lstm", "units": 2}, {"type": "last"}, DENSE, shape="T m n"),
    "a convolution": lambda: layers(
        {"type": "conv2d", "channels": 2, "kernel": 2, "activation": "relu"},
        {"type": "max_pool2d", "kernel": 2}, {"type": "flatten"}, DENSE, shape="m 1 5 5"),
}

REFUSED = {
    "batch norm": (
        lambda: layers(DENSE, {"type": "batch_norm"}, DENSE),
        r"reads mu, which was summed over m before: var\["),
    "a root of a mean": (
        lambda: stated("D = X @ W - Y\nq = mean(D**2)\nL = sqrt(q)"), r"not linear in q.*L\[\]"),
    "weights that are divided by their sum": (
        lambda: stated("D = sum((X @ W - Y)**2, axis=1)\nL = sum(v*D)/sum(v)"),
        "summed over m before"),
    "a mean whose number is counted": (
        lambda: stated("D = sum((X @ W - Y)**2, axis=1)\np = sum(v*D)\nq = sum(v)\nr = p/q\n"
                       "L = r + q"), "before|not linear"),
    "a product of two sums": (
        lambda: stated("p = sum(X @ W)\nq = sum(Y)\nL = p*q"), r"not linear in p, q"),
    "what is constant on either side": (
        lambda: stated("q = sum(X @ W)\nL = sign(q) + sum(W)"), r"not linear in q"),
    "the larger of a sum and 0": (
        lambda: stated("q = sum(X @ W)\nL = maximum(q, 0)"), r"not linear in q"),
    "a softmax over the batch": (
        lambda: stated("P = softmax(X @ W, axis=0)\nL = sum(P*Y)"), r"summed|logsumexp"),
    "the largest of the batch": (
        lambda: stated("c = max(X @ W, axis=0)\nL = sum(c)"), "max over m"),
    "log Σ exp over the batch": (
        lambda: stated("c = logsumexp(X @ W, axis=0)\nL = sum(c)"), "logsumexp over m"),
    "pairs of samples": (
        lambda: stated("S = X @ W @ W.T @ X.T\nL = sum(S**2)"), "pair|all of them"),
    "a covariance that is inverted": (
        lambda: stated("C = X.T @ X + W @ W.T\nL = trace(inv(C))"), r"inv|not linear|another way"),
    "neighbours": (
        lambda: stated("A = X @ W\nD = A[1:] - A[:-1]\nL = sum(D**2)"), "m - 1|another place"),
    "one place": (lambda: stated("A = X @ W\nL = sum(A[0]**2) + sum(A)"), "another place"),
    "the place in the batch": (
        lambda: stated("L = sum((X @ W)[:, 0] * arange(m))"), "where in the batch"),
    "turned around": (lambda: stated("L = sum((X @ W)[::-1] * Y)"), "another place"),
    "sums up to each sample": (lambda: stated("L = sum(cumsum(X @ W, axis=0))"), "pairs"),
    "samples flattened with classes": (
        lambda: stated("L = sum((X @ W).reshape(m*k)**2)/m"), r"an axis of length k\*m"),
    "a variance": (lambda: stated("L = sum(var(X @ W, axis=0))"), "summed over m before"),
    "a graph": (lambda: stated("A = G @ X @ W\nL = sum(A**2)", G="m m"), "shape"),
    "no samples": (lambda: stated("L = sum(W**2)"), "reads no input"),
    "no sum over them": (
        lambda: stated("c = mean(X, axis=0)\nD = X @ W - c @ W\nL = sum(D**2)"), "summed over m"),
    "a loss of what was summed": (
        lambda: stated("q = sum(X @ W)\nL = exp(q)"), r"not linear in q.*L\[\]"),
}


def sized(system, samples, rng):
    """Values of all inputs, for some number of samples."""
    numbers = {"m": samples, "n": 3, "k": 2, "T": 4}

    def number(size):
        return int(size.xreplace({s: numbers[str(s)] for s in size.free_symbols}))

    values = {}
    for array in system.inputs:
        shape = tuple(map(number, array.shape))
        value = rng.uniform(0.1, 0.9, shape)
        if array.kind in ("probability", "one_hot"):
            value = value / value.sum(axis=array.along, keepdims=True)
        if array.name.startswith("mask"):
            value = (value > 0.5).astype(float)
        values[array.name] = value
    return values


def derived(make):
    source = make()
    if not isinstance(source, gp.Network | gp.Model):
        names = [array.name for array in source.inputs if array.name in ("W", "b", "M")]
        return gp.derive(source, wrt=names)
    return gp.derive(source)
