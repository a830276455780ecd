"""Examples: a network, its data, one plan or several to be compared, and what is to be seen.

Each is a file of runs/, in TOML:

    title, teaches     what the page is called, and what it teaches
    data               the name of a set
    seeds              how many copies are trained at once, each from first values of its own
    [[hand]]           a hand-written backward pass of networks/ that is checked before: its file,
                       and the loss that it is held against where that is not the network's
    beside             "scikit-learn", whose network is trained on the same split
    [audit]            a network, and claims: formulas that its text states of it, each with the
                       verdict that is due
    slopes             true: a table of the slopes of the variants' activations
    any_depth          true: that layers without activations are one is proved for any depth
    [spec...]          a spec's tables
    [plan]             settings of the plan; batch = "all", rate for the learning rate
    [[variants]]       a label, and what is other in [plan], [network], the layers or the equations
    [[seen]]           what is `less` with one variant `than` with another, or `alike` within a part
    [due]              the figures that the first variant has to reach

or of a study, whose page is a spec's report behind a figure:

    title, teaches
    report             the spec's name
    [sweep]            over: the inputs that are multiplied by factors from start to end; log: these
                       are spaced evenly on a logarithm's scale; by_hand: a file of networks/ whose
                       loss is drawn beside the derived one
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.resources import files
from math import inf
from typing import Any, Literal

from gradproof.symbolic.limits import toml
from gradproof.symbolic.specs.reader import any_of

from .data import load
from .fitting import Trained
from .loop import Plan, Training
from .many import Many

Figure = Literal["loss", "test_loss", "accuracy", "first_gradient"]


@dataclass(frozen=True)
class Variant:
    """One of the runs that are compared."""

    label: str
    network: Trained
    plan: Plan


@dataclass(frozen=True)
class Seen:
    """A figure of one variant below that of another; or with `within` no further from it than
    that part of it."""

    of: Figure
    one: str
    other: str
    within: float | None = None

    def holds(self, runs: Mapping[str, Training]) -> bool:
        first, second = (figure(runs[name], self.of) for name in (self.one, self.other))
        if self.within is not None:
            return abs(first - second) <= self.within * abs(second)
        return first < second


@dataclass(frozen=True)
class Hand:
    """A hand-written backward pass, and the loss that it is held against, where it is another."""

    file: str
    loss: str = ""


@dataclass(frozen=True)
class Sweep:
    """Inputs that are multiplied by factors, one after the other."""

    over: tuple[str, ...]
    start: float
    end: float
    is_log: bool = False
    by_hand: str = ""


@dataclass(frozen=True)
class Study:
    """An example that is worked; see the module's head."""

    name: str
    title: str
    teaches: str
    spec: str
    sweep: Sweep


@dataclass(frozen=True)
class Example:
    """An example, ready to be run; see the module's head."""

    name: str
    title: str
    teaches: str
    data: str
    variants: tuple[Variant, ...]
    seen: tuple[Seen, ...] = ()
    due: Mapping[str, float] | None = None
    hand: tuple[Hand, ...] = ()
    seeds: int = 0
    beside: str = ""
    audit: Mapping[str, Any] = field(default_factory=dict)
    slopes: bool = False
    any_depth: bool = False

    def begun(self, variant: Variant) -> Training:
        """A variant's run before its first step; of many copies at once where there are seeds."""
        data = load(self.data, seed=variant.plan.seed)
        if self.seeds:
            return Many(variant.network, data, variant.plan, seeds=self.seeds)
        return Training(variant.network, data, variant.plan)

    def findings(self, runs: Mapping[str, Training]) -> list[str]:
        """What is not as the example says."""
        found = [f"{seen.of}: {seen.one} and {seen.other} are not as is said of them"
                 for seen in self.seen if not seen.holds(runs)]
        first = runs[self.variants[0].label]
        for name, least in (self.due or {}).items():
            value = figure(first, name)  # type: ignore[arg-type]
            if value < least:
                found.append(f"{name}: {value:.4g}, where {least:g} is due")
        return found


def figure(training: Training, of: Figure) -> float:
    """A figure of a run that is at its end; a loss of one that diverged is infinite."""
    if training.ended and of in ("loss", "test_loss"):
        return inf
    if of == "first_gradient":
        return training.history[0].gradient_norm
    value = getattr(training.history[-1], of)
    if value is None:
        raise ValueError(f"{of}: this run has none")
    return float(value)


def names() -> list[str]:
    """The examples there are."""
    return sorted(file.name.removesuffix(".toml") for file in _folder().iterdir()
                  if file.name.endswith(".toml"))


def chosen(name: str) -> Example | Study:
    """An example, or a study, by its name.  Raises ValueError for one that there is not."""
    if name not in names():
        near = get_close_matches(name, names(), 1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"example: expected one of {', '.join(names())}, got {name!r}{meant}")
    table = toml((_folder() / f"{name}.toml").read_bytes())
    if "report" in table:
        sweep = table["sweep"]
        return Study(name, table["title"], table["teaches"], table["report"], Sweep(
            tuple(sweep["over"]), float(sweep["start"]), float(sweep["end"]),
            sweep.get("log", False), sweep.get("by_hand", "")))
    base, plan = table["spec"], table["plan"]
    variants = tuple(_variant(name, base, plan, each) for each in table["variants"])
    return Example(name, table["title"], table["teaches"], table["data"], variants,
                   tuple(map(_seen, table.get("seen", []))),
                   {key: float(value) for key, value in table.get("due", {}).items()},
                   tuple(Hand(**hand) for hand in table.get("hand", [])),
                   table.get("seeds", 0), table.get("beside", ""), table.get("audit", {}),
                   table.get("slopes", False), table.get("any_depth", False))


def example(name: str) -> Example:
    """An example that is trained.  Raises ValueError for another name."""
    found = chosen(name)
    if isinstance(found, Study):
        raise ValueError(f"example: {name} is worked, not trained")
    return found


def _folder() -> Any:
    return files("gradproof.training") / "runs"


def _variant(
    name: str, base: Mapping[str, Any], plan: Mapping[str, Any], other: Mapping[str, Any]
) -> Variant:
    spec = {**base}
    if "network" in other:
        spec["network"] = {**base["network"], **other["network"]}
    spec |= {key: other[key] for key in ("layers", "equations", "parameters", "shapes")
             if key in other}
    return Variant(other["label"], any_of(spec, f"{name}.toml", name),
                   planned({**plan, **other.get("plan", {})}))


def planned(table: Mapping[str, Any]) -> Plan:
    """A plan of a table's settings."""
    known = dict(table)
    if known.get("batch") == "all":
        known["batch"] = None
    rate = known.pop("rate", None)
    for key in ("test", "clip"):
        if known.get(key) is not None:
            known[key] = float(known[key])
    return Plan(**known, learning_rate=None if rate is None else float(rate))


def _seen(table: Mapping[str, Any]) -> Seen:
    if "alike" in table:
        return Seen(table["of"], *_two(table["alike"]), float(table["within"]))
    return Seen(table["of"], table["less"], table["than"])


def _two(names: Sequence[str]) -> tuple[str, str]:
    one, other = names
    return one, other
