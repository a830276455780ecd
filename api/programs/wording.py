"""What is said of a program: what was taken for what, what is missing, and the command to add."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from gradproof.checks.hand_files import HandError
from gradproof.programs.losses import Loss
from gradproof.programs.parameters import Parameter
from gradproof.programs.proposing import proposals
from gradproof.programs.statements import goes_down_in
from gradproof.programs.watching import Pass, Watcher
from gradproof.symbolic.places import said_place


class NoPassError(HandError):
    """A program that was not seen to train."""


def taken(
    seen: Pass, loss: Loss, found: Sequence[Parameter]
) -> list[str]:
    note = f" ({loss.note})" if loss.note else ""
    said = [f"the pass: {said_place(seen.site.file, seen.site.line)}, the first of the loop",
            f"the loss: {loss.text}, line {loss.line}{note}"]
    named = [one for one in found if not one.is_step]
    if named:
        said.append("the gradients: " + ", ".join(
            f"{'-' if one.sign < 0 else ''}{one.text} by {one.name}" for one in named))
    steps = [one for one in found if one.is_step]
    if steps:
        said.append("no gradients have a name: " * (not named) + ", ".join(
            one.text for one in steps))
    return said


def not_looked_at(watcher: Watcher) -> list[str]:
    """Other loops of the program, not run by then, that move something by a step."""
    lines = [str(site.line) for site in watcher.waiting if goes_down_in(site.body)]
    return [f"not looked at: the loop in line {line}, which takes steps, too (--line {line})"
            for line in lines]


def no_pass(watcher: Watcher, command: str) -> str:
    return (f"{watcher.file}: nothing to check: no loop was seen to move an array by a step "
            "(W -= lr * dW), no two functions are a pass and its backward pass by their names "
            "(f_forward and f_backward, f and f_prime), or a function and its derivative with "
            "arrays for both (nll and nll_grad, beside X, y and w0), no class is a layer, and no "
            "function is marked @gradproof.gradient_of(loss, X=\"m n\", "
            f"...). Add a line that trains, or give it:\n  {command} --call "
            f"\"{_proposed_call(watcher)}\"")


def no_parameters(seen: Pass) -> str:
    return (f"{said_place(seen.site.file, seen.site.line)}: no parameters were found in this "
            "loop; name them, as in --wrt W1,b1")


def no_loss(seen: Pass, command: str, found: str) -> str:
    """What is missing, and the command that says it.  found: a loss whose gradients these are."""
    where = said_place(seen.site.file, seen.site.line)
    text = found or next(proposals(seen), "np.sum((output - y)**2) / 2")
    means = ("The gradients are those of this one" if found else
             "Say what is minimised, as an expression of what the pass has, such as")
    return (f"{where}: no loss was found in this pass, nor a function called so. {means}:\n"
            f"  {command} --loss=\"{text}\"")


def _proposed_call(watcher: Watcher) -> str:
    for node in ast.walk(watcher.trees[0]):
        if isinstance(node, ast.ClassDef):
            methods = {part.name: part for part in node.body if isinstance(part, ast.FunctionDef)}
            train = next((methods[name] for name in ("train", "fit", "train_step", "learn")
                          if name in methods), None)
            if train is not None:
                made = f"{node.name}({', '.join(_arguments(methods.get('__init__')))})"
                call = f"{train.name}({', '.join(_arguments(train))})"
                if any(isinstance(part, ast.For | ast.While) for part in ast.walk(train)):
                    return f"{made}.{call}"
                return f"model = {made}\nfor i in range(3): model.{call}"
    return "train(X, y)"


def _arguments(function: ast.FunctionDef | None) -> list[str]:
    if function is None:
        return []
    names = [argument.arg for argument in function.args.args[1:]]
    return names[:len(names) - len(function.args.defaults)]
