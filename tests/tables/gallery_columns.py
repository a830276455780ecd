"""The columns of the gallery: how a row is derived, printed and measured."""

from __future__ import annotations

import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase as fnmatch
from functools import cache
from typing import Any

import numpy as np
from gallery_cases import CASES, WITHOUT_PEER, Case
from gallery_peers import LOSS_TERMS

import gradproof as gp
from gradproof.numeric import Comparison, compare_gradient
from gradproof.symbolic.equation import Size
from gradproof.symbolic.layers.losses import LOSSES

PRECISION = 1e-12
"""What gradients and second derivatives may differ by, relative to the array's largest entry."""

BUDGET = 600
"""Evaluations of a row's loss to spend on differences; a complex one counts four."""


@dataclass(frozen=True)
class Derived:
    """A row's model with its derivation, by X where that is real and by every parameter."""

    case: Case
    derivation: gp.Derivation
    wrt: tuple[str, ...]
    seconds: float


@cache
def derived(name: str) -> Derived:
    """The derivation of the row called `name`, and how long it took."""
    case = by_name()[name]
    start = time.perf_counter()
    model = case.model()
    wrt = (*(["X"] if case.kind == "real" else []), *model.parameters)
    derivation = gp.derive(model, wrt)
    return Derived(case, derivation, wrt, time.perf_counter() - start)


@cache
def by_name() -> Mapping[str, Case]:
    """The rows by their names."""
    return {case.name: case for case in (*CASES, *WITHOUT_PEER)}


def symbols(found: Derived) -> str:
    """The names of the sizes that are left symbolic."""
    names = {str(s) for a in found.derivation.system.inputs for n in a.shape
             for s in n.free_symbols}
    return " ".join(sorted(names))


def sums(found: Derived) -> tuple[list[str], list[str]]:
    """Over what formulas, other than the loss itself, are printed with a Σ as published ones are,
    and the formulas where published ones have none."""
    over, beyond = dict[str, None](), []
    for formula in found.derivation.shown():
        if "Σ" not in str(formula) or formula.array == "L":
            continue
        stated = next((text for text, arrays in found.case.sums.items()
                       if any(fnmatch(formula.array, a) for a in arrays.split())), None)
        if stated is None:
            beyond.append(str(formula))
        else:
            over[stated] = None
    return list(over), beyond


# --- numbers ------------------------------------------------------------------------------------


def values_for(found: Derived, seed: int = 0) -> dict[str, Any]:
    """Random sizes and arrays, targets as the loss assumes them."""
    rng = np.random.default_rng([seed, zlib.crc32(found.case.name.encode())])
    system, loss = found.derivation.system, LOSSES[found.case.loss]
    sizes = {name: int(rng.integers(7, 11) if name in ("h", "w") else rng.integers(3, 6))
             for name in symbols(found).split()}

    def number(size: Size) -> int:
        return int(size.subs({s: sizes[str(s)] for s in size.free_symbols}))

    values: dict[str, Any] = {}
    for array in system.inputs:
        shape = tuple(map(number, array.shape))
        if array.kind == "labels":
            values[array.name] = rng.integers(0, number(array.classes), shape)
        elif array.kind == "mask":
            values[array.name] = (rng.uniform(size=shape) < 0.7).astype(float)
        elif array.name == "sample_weights":
            values[array.name] = rng.uniform(0.5, 1.5, shape)
        elif array.name == "Y" and array.kind == "one_hot":
            values["Y"] = np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]
        elif array.name == "Y" and array.kind == "probability":
            values["Y"] = rng.dirichlet(np.ones(shape[-1]), shape[:-1])
        elif array.name == "Y" and loss.labels:
            values["Y"] = rng.choice(loss.labels, shape).astype(float)
        elif array.name == "Y" and "binary" in found.case.loss:
            values["Y"] = rng.uniform(size=shape)
        else:
            values[array.name] = rng.normal(size=shape)
    return values


def directions_for(found: Derived, values: Mapping[str, Any]) -> dict[str, Any]:
    """A random direction in every array that is differentiated by."""
    rng = np.random.default_rng(1)
    return {name: rng.normal(size=np.shape(values[name])) for name in found.wrt}


def second(
    found: Derived, values: Mapping[str, Any], along: Mapping[str, Any]
) -> dict[str, Any]:
    """H v for every block of rows: the gradient of the derivative in the direction v."""
    slope = found.derivation.jvp("L", *found.wrt)
    products = gp.derive(slope.system, found.wrt).compile()
    dots = {f"{name}_dot": v for name, v in along.items()}
    found_products: dict[str, Any] = products(**values, **dots)[1]
    return found_products


def product(found: Derived, values: Mapping[str, Any], along: Mapping[str, Any]) -> Any:
    """The first diagonal block of H times v, forward over reverse: :meth:`Derivation.hvp`."""
    name = found.wrt[0]
    return found.derivation.hvp(name).compile()(**values, **{f"{name}_dot": along[name]})


def differences(found: Derived, seed: int = 0) -> dict[str, Comparison]:
    """Each gradient held against differences of the loss."""
    loss, values = found.derivation.loss_function(), values_for(found, seed)
    _, gradients = found.derivation.compile()(**values)
    return compare_gradient(lambda at: loss(**at), values, gradients, budget=BUDGET)


# --- PyTorch ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Peers:
    """What PyTorch's autograd finds: loss, gradients, H v in every block, and the first block of
    H times the first direction alone."""

    loss: float
    gradients: Mapping[str, Any]
    products: Mapping[str, Any]
    product: Any


def peers(found: Derived, values: Mapping[str, Any], along: Mapping[str, Any], torch: Any) -> Peers:
    """First and second derivatives by autograd and double backward, in float64."""
    arrays = {name: torch.tensor(value, requires_grad=name in found.wrt)
              for name, value in values.items()}
    by = [arrays[name] for name in found.wrt]
    loss = _peer_loss(found.case, arrays, torch)
    gradients = torch.autograd.grad(loss, by, create_graph=True)
    vectors = [torch.tensor(along[name]) for name in found.wrt]

    def curved(slopes: Any, by: Any) -> list[Any]:
        """The gradient of the sum of the slopes; zero where they do not depend."""
        total = sum(slopes)
        if not total.requires_grad:
            return [np.zeros(x.shape) for x in by]
        made = torch.autograd.grad(total, by, retain_graph=True, allow_unused=True)
        return [np.zeros(x.shape) if g is None else g.numpy()
                for g, x in zip(made, by, strict=True)]

    slopes = [(g * v).sum() for g, v in zip(gradients, vectors, strict=True)]
    return Peers(
        float(loss.detach()),
        {name: g.detach().numpy() for name, g in zip(found.wrt, gradients, strict=True)},
        dict(zip(found.wrt, curved(slopes, by), strict=True)),
        curved(slopes[:1], by[:1])[0],
    )


def _peer_loss(case: Case, arrays: Mapping[str, Any], torch: Any) -> Any:
    """The row's loss with its options, in PyTorch."""
    output, target = case.peer(arrays, torch), arrays["Y"]
    smoothing = case.options.get("label_smoothing", 0.0)
    terms = LOSS_TERMS[case.loss](output, target, torch.nn.functional, smoothing)
    samples = target.numel() // target.shape[-1]
    count = {None: 1, "samples": samples, "entries": target.numel()}[LOSSES[case.loss].mean]
    if "sample_weights" in arrays:
        weights = arrays["sample_weights"]
        terms = terms * (weights if terms.ndim == weights.ndim else weights[..., None])
    loss = terms.sum() / count
    if "l1" in case.options:
        loss = loss + arrays["lam"] * arrays["W1"].abs().sum()
        loss = loss + case.options["l2"] * (arrays["W1"] ** 2).sum() / 2
    return loss


def gradient_error(found: Derived, torch: Any, seed: int = 0) -> float:
    """How far loss and gradients are from PyTorch's."""
    values = values_for(found, seed)
    loss, gradients = found.derivation.compile()(**values)
    expected = peers(found, values, directions_for(found, values), torch)
    reference = {"L": np.asarray(expected.loss), **expected.gradients}
    return largest_error({"L": loss, **gradients}, reference)


def product_error(found: Derived, torch: Any, seed: int = 0) -> float:
    """How far second derivatives are from PyTorch's."""
    values = values_for(found, seed)
    along = directions_for(found, values)
    expected = peers(found, values, along, torch)
    return largest_error(
        {**second(found, values, along), "first": product(found, values, along)},
        {**expected.products, "first": expected.product},
    )


def largest_error(found: Mapping[str, Any], expected: Mapping[str, Any]) -> float:
    """The largest difference, relative to the largest entry of each array; infinite for a shape
    that differs or a value that is none."""
    errors = [0.0]
    for name, reference in expected.items():
        value = np.asarray(found[name])
        if value.shape != reference.shape:
            return float("inf")
        scale = np.max(np.abs(reference), initial=0.0) or 1.0
        error = float(np.max(np.abs(value - reference), initial=0.0)) / scale
        errors.append(error if error == error else float("inf"))
    return max(errors)
