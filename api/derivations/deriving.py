"""From equations, a trace, a network or a model to the derivation of its loss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeVar

from gradproof.derivations.derivation import Derivation
from gradproof.derivations.sources import WAYS_IN, rows_asked, traced_loss
from gradproof.symbolic.derive.chain import differentiate
from gradproof.symbolic.display.notation import Notation
from gradproof.symbolic.display.pen import Setting
from gradproof.symbolic.display.temporaries import inlined
from gradproof.symbolic.display.writer import Writer
from gradproof.symbolic.equation import EquationError, System
from gradproof.symbolic.matrices.loop_ends import initial_names, numbered_like_entries
from gradproof.symbolic.matrices.orientation import beside_rows
from gradproof.symbolic.specs.model import Model
from gradproof.symbolic.specs.network import Network
from gradproof.symbolic.specs.stated import Stated
from gradproof.symbolic.tracing.run import Trace


def derive(
    source: Network | Model | Stated | System | Trace, wrt: Iterable[str] | None = None, *,
    vectors: Literal["columns", "rows"] | None = None,
) -> Derivation:
    """The gradients of a network's or model's loss, or of the last equation of a system or trace.

    wrt: names to differentiate by; by default all parameters of a network or model, all real
    inputs of a system.

    vectors: what an array with one axis is in the formulas of equations and traces.  "columns", the
    default: A x, and X W + 1 bᵀ, nothing is repeated without a word.  "rows", for batches with a
    sample in each row, as networks and models have them: x W, and X W + b, where a row beside a
    matrix stands for one with equal rows; what is computed for each sample is a column.

    Raises EquationError for an unknown name or a last equation that is no scalar, ValueError for
    `vectors` of something that has a convention of its own, TypeError for what holds no equations.
    """
    rows = rows_asked(vectors, source)
    if isinstance(source, Trace):
        source = traced_loss(source)
    if isinstance(source, Stated):
        wrt, source = wrt or source.parameters or None, source.system()
    if isinstance(source, Network):
        return _derive_network(source, wrt)
    if isinstance(source, Model):
        return _derive_model(source, wrt)
    if not isinstance(source, System):
        raise TypeError("derive: expected a network, a model, equations or a trace, got "
                        f"{source!r}; " + WAYS_IN)
    if not source.items:
        raise EquationError("there is no equation to differentiate")
    output = list(source.equations)[-1].name
    names = list(wrt) if wrt is not None else [a.name for a in source.inputs if not a.is_integer]
    return of_equations(source, output, names, rows)


Made = TypeVar("Made", bound=Derivation)


def of_equations(
    system: System, output: str, names: Sequence[str], rows: bool, *,
    upstream: Mapping[str, str] | None = None, named: Sequence[str] = (),
    into: type[Made] = Derivation,  # type: ignore[assignment]
) -> Made:
    """The derivation of an output of a system by the arrays `names`, written with vectors as rows
    or as columns.

    upstream: of an output that is no scalar, the name of the input that is its adjoint.
    named: arrays whose adjoints keep a line of their own.
    """
    given = dict(upstream or {})
    chain = differentiate(system, output, names, named=named, rows=rows,
                          cotangent=given.get(output))
    setting = Setting.of(chain.system)
    bars = {bar: name for name, bar in (*chain.of.items(), *given.items())}
    notation = Notation(
        layers=False, loss="L" if given else output, adjoints=bars,
        entries=initial_names(setting.loops),
        plain=numbered_like_entries(chain.system, setting.loops),
    )
    notation = replace(notation, plain={*notation.plain, *notation.clashing(chain.system.shapes)})
    writer = Writer(notation, rows, chain.system.shapes, setting=setting, repeats=rows,
                    upright=beside_rows(chain.system, chain.forward) & {*chain.forward}
                    if rows else ())
    kept = [output, *(chain.of[name] for name in names)]
    steps = [step.equation for step in chain.steps]
    return into(chain, inlined(writer, steps, kept, {*chain.forward} - system.names))


def _derive_network(network: Network, wrt: Iterable[str] | None) -> Derivation:
    names = network.parameters if wrt is None else tuple(wrt)
    per_sample = network.batch_size if network.delta == "sample" else None
    deltas = [f"Z{layer}" for layer in range(1, network.depth + 1)]
    chain = differentiate(network.system(), "L", names, named=deltas, per_sample=per_sample)
    notation = Notation.asked(network.notation, chain, matrices=network.batch is not False)
    writer = Writer(notation, network.convention == "rows", chain.system.shapes,
                    setting=Setting.of(chain.system))
    return Derivation(chain, writer, network)


def _derive_model(model: Model, wrt: Iterable[str] | None) -> Derivation:
    names = model.parameters if wrt is None else tuple(wrt)
    system = model.system()
    deltas = [name for name in system.shapes if name[0] == "Z" and name[1:].isdigit()]
    layered = {array.name for array in system.inputs} | {
        name for name in system.shapes if name[0] in "AZ" and name[1:].isdigit()
    }
    chain = differentiate(system, "L", names, named=deltas)
    notation = Notation.asked(
        model.notation, chain,
        levels=[e.name for e in system.equations if e.reduction == "logsumexp"],
        counted=system.shapes.keys() - layered,
    )
    writer = Writer(notation, True, chain.system.shapes, setting=Setting.of(chain.system),
                    upright=beside_rows(chain.system, chain.forward))
    return Derivation(chain, writer, model)
