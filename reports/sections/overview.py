"""The section of the network or model itself: figure, shapes, layers, functions, conventions."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature

import sympy as sp

from ...symbolic.derive.steps import Chain
from ...symbolic.display.definitions import definition, slope_identity
from ...symbolic.display.layout import ATOM, MUL, Piece, body
from ...symbolic.display.notation import general_notation, letter
from ...symbolic.display.text_and_latex import LatexStyle
from ...symbolic.display.writer import Writer
from ...symbolic.equation import INDEX_VALUE, Array, Guard, Read, Size, Within, slot
from ...symbolic.layers.losses import LOSSES
from ...symbolic.specs.model import LayerSummary, Model
from ...symbolic.specs.network import Network
from ...symbolic.specs.program import Program, Spec
from ...symbolic.specs.stated import Stated
from ..content import (
    Block,
    Bullets,
    Code,
    Display,
    Math,
    Picture,
    Prose,
    Relation,
    Run,
    Section,
    Table,
    equation,
)
from ..worked.figures import Figures
from .figure import draw
from .narration import all_functions


def overview(
    spec: Spec, chain: Chain, writer: Writer, figures: Figures | None = None
) -> Section:
    """The first section of a report."""
    if isinstance(spec, Network):
        return _of_network(spec, chain, writer, figures)
    if isinstance(spec, Stated):
        return _of_equations(spec, chain, writer)
    if isinstance(spec, Program):
        return _of_program(spec, chain, writer)
    return _of_model(spec, chain, writer)


def _of_network(
    network: Network, chain: Chain, writer: Writer, figures: Figures | None
) -> Section:
    *sizes, last = map(str, network.sizes)
    caption = f"The network {network.name}, with layers of {', '.join(sizes)} and {last} units."
    blocks: list[Block] = [
        Picture((caption,), draw(network, writer, figures)),
        _shapes(network, chain, writer),
        Bullets(tuple(_conventions(network, writer))),
    ]
    return Section(("The network",), (*blocks, *named_functions(chain)), name="network")


def _of_model(model: Model, chain: Chain, writer: Writer) -> Section:
    header: tuple[Prose, ...] = (("layer",), ("type",), ("reads",), ("output",), ("parameters",))
    rows = tuple(_row(layer) for layer in model.summary)
    loss = writer.name("L", latex=True)
    blocks: list[Block] = [
        Table(header, rows, "lllll", tuple(
            tuple(array.name for array in layer.parameters) for layer in model.summary)),
        Bullets((
            ("The input ", Code("X"), " is ", *_shape(model.shapes()["X"]), "; samples are "
             "rows, and a layer's number is its place in the list."),
            ("Loss ", Math(loss), ": ", *_loss_told(model, writer), "."),
            (_subscripts(chain),),
            (*_adjoints(model, writer), *_SIGNS),
        )),
    ]
    return Section(("The model",), (*blocks, *named_functions(chain)), name="network")


def _of_equations(spec: Stated, chain: Chain, writer: Writer) -> Section:
    """Inputs with what is known of them, what is computed, and how it is written."""
    inputs = {array.name: array for array in chain.system.inputs}

    def what(name: str) -> str:
        return "loss" if name == chain.loss else "computed" if name not in inputs else \
            "parameter" if name in chain.wrt else "input"

    blocks: list[Block] = [
        _arrays(chain, writer, lambda name: (f"{what(name)}{_kind(inputs.get(name))}",)),
        Bullets(((f"A vector is a column. {_subscripts(chain)}",),
                 (*_SIGNS[:-2], Math(r"\mathbf{1}"), " is a column of ones, ", Math("I"),
                  " the identity.")))]
    return _section("The equations", chain, blocks)


def _of_program(spec: Program, chain: Chain, writer: Writer) -> Section:
    """Inputs and parameters by what they are called in the program, and what is computed."""
    inputs = {array.name: array for array in chain.system.inputs}
    behind = set(spec.upstream.values())

    def what(name: str) -> Prose:
        if name in spec.paths:
            return ("buffer " if name in spec.buffers else "parameter ", Code(spec.paths[name]))
        if name in behind:
            return ("gradient of a loss behind the output",)
        if name in inputs:
            return (f"input{_kind(inputs[name])}",)
        return ("output" if name in spec.upstream else "loss" if name == chain.loss else
                "computed",)

    vectors = "A sample is a row; what is computed for each sample is a column. " if spec.rows \
        else "A vector is a column. "
    told: list[Prose] = [
        (f"{vectors}{_subscripts(chain)}",),
        (*_SIGNS[:-2], Math(r"\mathbf{1}"), " is a column of ones, ", Math("I"),
         " the identity.")]
    for output, name in spec.upstream.items():
        told.append(("There is no loss: ", Math(writer.notation.loss), " is one behind the output ",
                     Math(writer.name(output, latex=True)), ", whose gradient ",
                     Math(writer.name(name, latex=True)), ", in code ", Code(name),
                     ", is handed in."))
    title = "The module" if spec.kind == "module" else "The function"
    return _section(title, chain, [_arrays(chain, writer, what), Bullets(tuple(told))])


def _subscripts(chain: Chain) -> str:
    """From where subscripts count.  Equations count from 0, which is seen where a subscript is a
    number, is calculated, looked up or compared with one: x[t - 1], E[word], [t >= 1].  Worked
    numbers name entries as print does, from 1."""
    shapes = chain.system.shapes

    def seen(read: Read) -> bool:
        return read.array == INDEX_VALUE or any(
            not isinstance(subscript, sp.Symbol) and size != 1
            for subscript, size in zip(read.at, shapes[read.array], strict=True))

    def compared(guard: Guard) -> bool:
        return isinstance(guard, Within) or not (
            isinstance(guard.left, sp.Symbol) and isinstance(guard.right, sp.Symbol))

    forward = [step.equation for step in chain.steps if step.role == "forward"]
    if any(map(seen, (read for one in forward for read in one.reads))) or any(
            map(compared, (guard for one in forward for term in one.terms
                           for guard in term.guards))):
        return ("In formulas subscripts count from 0, in worked numbers from 1; an axis of size 1 "
                "has none.")
    return "Subscripts count from 1; an axis of size 1 has none."


def _kind(array: Array | None) -> str:
    """What is known of an input, behind a comma."""
    return "" if array is None or array.kind == "real" else f", {array.kind.replace('_', '-')}"


def _arrays(chain: Chain, writer: Writer, what: Callable[[str], Prose]) -> Table:
    """Inputs and what is computed of them: their names, their shapes and what they are."""
    names = [*(array.name for array in chain.system.inputs),
             *(step.name for step in chain.steps if step.role == "forward")]
    rows = tuple(((Code(name),), (Math(writer.name(name, latex=True)),),
                  _shape(chain.system.shapes[name]), what(name)) for name in names)
    header: tuple[Prose, ...] = (("in code",), ("in formulas",), ("shape",), ("what it is",))
    return Table(header, rows, "llll", tuple((name,) for name in names))


def _section(title: str, chain: Chain, blocks: list[Block]) -> Section:
    return Section((title,), (*blocks, *named_functions(chain)), name="network")


def _row(layer: LayerSummary) -> tuple[Prose, ...]:
    outputs: list[Run] = []
    for output in layer.outputs:
        outputs += [", " if outputs else "", Code(output.name), ": ", *_shape(output.shape)]
    parameters: list[Run] = []
    for array in layer.parameters:
        parameters += [", " if parameters else "", Code(array.name)]
    reads: list[Run] = []
    for name in layer.reads:
        reads += [", " if reads else "", Code(name)]
    return ((str(layer.place),), (layer.type,), tuple(reads),
            tuple(run for run in outputs if run), tuple(run for run in parameters if run))


def _shapes(network: Network, chain: Chain, writer: Writer) -> Table:
    meanings = {"X": "input", "Y": "target", "L": "loss", "S": "log of the sum of exponentials"}
    for layer, activation in enumerate(network.activations, 1):
        meanings |= {
            f"W{layer}": f"weights of layer {layer}",
            f"b{layer}": f"biases of layer {layer}",
            f"Z{layer}": f"net input of layer {layer}",
            f"A{layer}": f"output of layer {layer}: {activation}",
            f"S{layer}": "log of the sum of exponentials",
        }
    names = [name for name in chain.system.shapes if name in meanings]
    rows = [
        ((Code(name),), (Math(writer.name(name, latex=True)),), _shape(chain.system.shapes[name]),
         (meanings[name],))
        for name in names
    ]
    header: tuple[Prose, ...] = (("in code",), ("in formulas",), ("shape",), ("what it is",))
    return Table(header, tuple(rows), "llll", tuple((name,) for name in names))


def _shape(shape: tuple[Size, ...]) -> Prose:
    """m × n, or the number of entries."""
    if not shape:
        return ("a number",)
    style = LatexStyle()
    sizes = [style.size(size) if size.is_Symbol else str(size) for size in shape]
    return (Math(r" \times ".join(sizes)),) if len(sizes) > 1 else (
        Math(sizes[0]), " entry" if sizes[0] == "1" else " entries")


def _conventions(network: Network, writer: Writer) -> list[Prose]:
    weight = writer.name("W1", ["i", "j"], latex=True)
    first = writer.name("Z1", latex=True)
    single = network.batch is False
    items: list[Prose] = []
    if network.convention == "rows":
        product = rf"{first} = {writer.name('X', latex=True)} {writer.name('W1', latex=True)}" \
            rf" + {writer.name('b1', latex=True)}"
        joins = (Math(weight), " joins unit ", Math("i"), " of the layer before to unit ",
                 Math("j"))
        sample = "a vector is a row" if single else "each sample is a row"
    else:
        product = rf"{first} = {writer.name('W1', latex=True)} {writer.name('X', latex=True)}" \
            rf" + {writer.name('b1', latex=True)}"
        joins = (Math(weight), " joins unit ", Math("j"), " of the layer before to unit ",
                 Math("i"))
        sample = "a vector is a column" if single else "each sample is a column"
    items.append((f"Convention: {sample}, ", Math(product), "; ", *joins,
                  ". Subscripts count from 1; an axis of size 1 has none."))
    batch = "a single sample, without a batch axis" if single else "a batch of "
    size: Prose = () if network.batch_size is None else (
        Math(str(network.batch_size)), " samples; biases are added to every one of them")
    items.append((f"Data: {batch}", *size, "."))
    loss = writer.name("L", latex=True)
    items.append(("Loss ", Math(loss), ": ", *_loss_told(network, writer), "."))
    items.append((*_adjoints(network, writer), *_SIGNS))
    return items


_SIGNS: Prose = (Math(r"\odot"), " multiplies and ", Math(r"\oslash"), " divides entry by entry, ",
                 Math(r"\top"), " transposes, ", Math(r"\mathbf{1}"), " is a column of ones.")


def _adjoints(network: Network | Model, writer: Writer) -> Prose:
    """What the adjoints are called, where that is not the derivative that they are."""
    general = general_notation(writer.notation)
    if general.bars == "partial":
        return ()
    loss = writer.name("L", latex=True)

    def said(array: str) -> Math:
        return Math(rf"{general.latex('d' + array)} = \frac{{\partial {loss}}}"
                    rf"{{\partial {general.latex(array)}}}")

    kept = isinstance(network, Network) and network.delta == "sample"
    per = " times the batch size, that is, per sample" if kept else ""
    weights: Prose = (said("W(l)"), "; ") if general.bars == "d" else ()
    return (said("Z(l)"), f"{per}; ", *weights)


def _loss_told(network: Network | Model, writer: Writer) -> Prose:
    """What the loss is: its formula, what is averaged, what target and output have to be."""
    loss = LOSSES[network.loss]
    notation = writer.notation
    letters = list(signature(loss.body).parameters)[:2]
    asked = "target" in network.notation or notation.target != "y"
    target = notation.target if asked else letters[0]
    output = letter(notation.symbols.get(network.prediction, letters[1]))
    level = rf"\log \sum \exp {output}" if loss.row == "logsumexp" else "s"
    leaves = [Piece(target, ATOM), Piece(output, ATOM), Piece(level, MUL)]
    summand = body(loss.body(*map(slot, range(2 + bool(loss.row)))), leaves, LatexStyle())
    means = {"samples": ", mean over the samples", "entries": ", mean over all entries",
             None: ", over all entries"}
    runs: list[Run] = [Math(summand.text if loss.mean == "entries"
                           else rf"\sum {LatexStyle().hold(summand, MUL)}"),
                       means[loss.mean]]
    if loss.row == "score":
        runs += [", over the classes other than the sample's own, whose score is ",
                 Math(rf"s = \sum {target} {output}")]
    asked_of = _TARGETS.get(network.loss, _TARGETS.get(loss.target, ""))
    runs += ["; ", Math(target), f" is the target{asked_of}"]
    if loss.labels:
        runs += [", ", Math(r",\ ".join(map(str, loss.labels)))]
    role = _OUTPUTS.get(network.loss, _OUTPUTS.get(loss.output, ""))
    return (*runs, ", ", Math(output), f" the output{role}")


_TARGETS = {"probability": " (rows sum to one)", "one_hot": " (rows are one-hot)",
            "poisson": " (a count)"}
_OUTPUTS = {"logits": " (logits)", "probability": " (probabilities)",
            "distribution": " (rows are probabilities)",
            "poisson": " (the logarithm of the rate)"}
"""What is said of target and output: by loss, else by what a loss asks of them."""


def named_functions(chain: Chain) -> tuple[Display, ...]:
    """Definitions of the named functions in the equations, each followed by its slope; none where
    the equations have no such function."""
    found: dict[str, Relation] = {}
    for function in dict.fromkeys(f.base for f in all_functions(chain).values()):
        found[function.title] = equation(f"{function.latex_name}(z)", definition(function, True)[1])
        slope = slope_identity(function, f"{function.latex_name}(z)", latex=True)
        if slope is not None:
            left, right = slope.split(" = ", 1)
            found[function.title + "'"] = equation(left, right)
    return (Display(tuple(found.values())),) if found else ()
