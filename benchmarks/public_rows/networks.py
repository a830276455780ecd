"""Rows of small neural network packages: activations, layers, losses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradproof as gp

from .row import Row

REAL = gp.Array("m n")
UNIT = gp.Array("m n", kind="interval", low=0, high=1)
CLIP = ": grad = np.clip(grad, -10, 10)"
CLIPPED = gp.Array("m n", kind="interval", low=0.05, high=0.95)
ROWS_TO_1 = gp.Array("m n", kind="probability")
ONE_HOT = gp.Array("m n", kind="one_hot")
MASK = gp.Array("m n", kind="mask")
GIVEN = gp.Array("m n", kind="constant")

ML = "numpy_ml.neural_nets"


def rows() -> Iterator[Row]:
    for table in (numpy_ml, maji, mpneuralnetwork, nimblenet, neuralnetlib):
        yield from table()


def activation(package: str, module: str, name: str, of: str, derivative: str, x: str) -> Row:
    return Row(package, f"{name}.{derivative}", module,
               lambda found: gp.check_derivative(getattr(getattr(found, name)(), of),
                                                 getattr(getattr(found, name)(), derivative),
                                                 **{x: REAL}))


def numpy_ml() -> Iterator[Row]:
    for name in ("Sigmoid", "ReLU", "LeakyReLU", "Tanh", "Affine", "ELU", "Exponential", "SELU",
                 "HardSigmoid", "SoftPlus"):
        for of, derivative, x in (("fn", "grad", "z"), ("grad", "grad2", "x")):
            yield activation("numpy-ml", f"{ML}.activations.activations", name, of, derivative, x)

    def layer(what: str, make: Callable[[Any], Any], **shapes: Any) -> Row:
        return Row("numpy-ml", what, f"{ML}.layers.layers",
                   lambda module: gp.check_layer(lambda: make(module), **shapes))

    yield layer("FullyConnected", lambda layers: layers.FullyConnected(3, "tanh"), X="m 4")
    yield layer("FullyConnected, sigmoid", lambda layers: layers.FullyConnected(2, "sigmoid"),
                X="m 5")
    yield layer("Softmax", lambda layers: layers.Softmax(), X="3 4")
    yield layer("BatchNorm1D", lambda layers: layers.BatchNorm1D(), X="m 3")
    yield layer("LayerNorm1D", lambda layers: layers.LayerNorm1D(), X="m 3")
    yield layer("BatchNorm2D", lambda layers: layers.BatchNorm2D(), X="2 3 3 2")
    yield layer("Flatten", lambda layers: layers.Flatten(), X="2 3 2")
    yield layer("Conv2D", lambda layers: layers.Conv2D(2, (2, 2), pad=0, stride=1), X="2 4 4 2")
    yield layer("Conv1D", lambda layers: layers.Conv1D(2, 2, pad=0, stride=1), X="2 5 2")
    yield layer("Pool2D, mean", lambda layers: layers.Pool2D((2, 2), mode="average"), X="2 4 4 2")
    yield layer("DotProductAttention", lambda layers: layers.DotProductAttention(),
                Q="2 3 4", K="2 3 4", V="2 3 4")


def maji() -> Iterator[Row]:
    def layer(what: str, make: Callable[[Any], Any], **shapes: Any) -> Row:
        def check(module: Any) -> Any:
            def forward(inputs: Any) -> Any:
                made = make(module)
                made.forward(inputs, training=True)
                return made.output, made

            def backward(dvalues: Any, made: Any) -> Any:
                made.backward(dvalues)
                return made.dinputs

            return gp.check_layer(forward, backward, **shapes)

        return Row("maji-nn", what, "maji.neural_network", check)

    yield layer("ReLU", lambda module: module.ReLU(), inputs=REAL)
    yield layer("Sigmoid", lambda module: module.Sigmoid(), inputs=REAL)
    yield layer("Softmax", lambda module: module.Softmax(), inputs="3 n")

    def loss(name: str, **kinds: Any) -> Row:
        def check(module: Any) -> Any:
            def value(y_pred: Any, y_true: Any) -> Any:
                return getattr(module, name)().calculate(y_pred, y_true)

            def gradient(y_pred: Any, y_true: Any) -> Any:
                made = getattr(module, name)()
                made.backward(y_pred, y_true)
                return made.dinputs

            return gp.check(value, gradient, wrt=["y_pred"], **kinds)

        known = ("change the sign",) if "Absolute" in name else ()
        return Row("maji-nn", name, "maji.neural_network", check, known=known)

    yield loss("CategoricalCrossEntropyLoss", y_pred=ROWS_TO_1, y_true=ONE_HOT)
    yield loss("BinaryCrossEntropyLoss", y_pred=UNIT, y_true=MASK)
    yield loss("MeanSquaredErrorLoss", y_pred=REAL, y_true=REAL)
    yield loss("MeanAbsoluteErrorLoss", y_pred=REAL, y_true=REAL)  # of the wrong sign


def mpneuralnetwork() -> Iterator[Row]:
    package, top = "mpneuralnetwork", "mpneuralnetwork"
    for name in ("Tanh", "Sigmoid", "ReLU", "PReLU", "Swish", "Softmax"):
        yield Row(package, name, f"{top}.activations",
                  lambda module, n=name: gp.check_layer(getattr(module, n), input_batch=REAL))
    for name, target in (("MSE", REAL), ("BinaryCrossEntropy", MASK),
                         ("CategoricalCrossEntropy", ONE_HOT)):
        yield Row(package, f"{name}.prime", f"{top}.losses",
                  lambda module, n=name, t=target: gp.check(
                      getattr(module, n)().direct, getattr(module, n)().prime, wrt=["output"],
                      output=REAL, output_expected=t))
    yield Row(package, "Dense", f"{top}.layers.layer1d",
              lambda module: gp.check_layer(lambda: module.Dense(3, 4, "he"), input_batch="m 4"))

    def normalization(module: Any) -> Any:
        made = module.BatchNormalization()
        made.build(3)
        return made

    yield Row(package, "BatchNormalization", f"{top}.layers.layer1d",
              lambda module: gp.check_layer(lambda: normalization(module), input_batch="m 3"))


def nimblenet() -> Iterator[Row]:
    def function(name: str, known: tuple[str, ...] = ()) -> Row:
        def check(module: Any) -> Any:
            def derivative(signal: Any) -> Any:
                return getattr(module, name)(signal, derivative=True)
            return gp.check_derivative(getattr(module, name), derivative, signal=REAL,
                                       constants={"derivative": False})
        return Row("nimblenet", name, "nimblenet.activation_functions", check, known=known)

    for name in ("sigmoid", "elliot", "symmetric_elliot", "ReLU", "LReLU", "tanh", "linear",
                 "softplus", "softsign"):
        yield function(f"{name}_function")

    def cost(name: str, kind: Any, known: tuple[str, ...] = ()) -> Row:
        def check(module: Any) -> Any:
            def derivative(outputs: Any, targets: Any) -> Any:
                return getattr(module, name)(outputs, targets, derivative=True)
            return gp.check(getattr(module, name), derivative, wrt=["outputs"], outputs=kind,
                            targets=kind, derivative=False)
        return Row("nimblenet", name, "nimblenet.cost_functions", check, known=known)

    # the mean over the samples is taken by the caller
    yield cost("sum_squared_error", REAL, ("1/m",))
    yield cost("hellinger_distance", UNIT, ("1/m",))
    yield cost("binary_cross_entropy_cost", UNIT, ("1/m",))


def neuralnetlib() -> Iterator[Row]:
    package = "neuralnetlib"
    for name in ("Sigmoid", "ReLU", "Tanh", "Linear", "LeakyReLU", "ELU", "SELU", "GELU"):
        yield activation(package, f"{package}.activations", name, "__call__", "derivative",
                         "x")
    yield Row(package, "Softmax, as a layer", f"{package}.layers",
              lambda module: gp.check_layer(
                  lambda: module.Activation(module.ActivationFunction.from_name("softmax")),
                  input_data=REAL))
    kinds = {"MeanSquaredError": (REAL, REAL), "MeanAbsoluteError": (REAL, REAL),
             "Huber": (REAL, REAL), "Wasserstein": (REAL, REAL), "FocalLoss": (MASK, UNIT),
             "MultiLabelBCELoss": (MASK, UNIT), "BinaryCrossentropy": (MASK, UNIT),
             "CategoricalCrossentropy": (ONE_HOT, ROWS_TO_1), "AsymmetricLoss": (MASK, CLIPPED),
             "BinaryFocalLossPerLabel": (MASK, UNIT)}
    # the caller divides by the samples; the other two are clipped at 10, on purpose
    known = {"BinaryCrossentropy": ("1/(m",), "CategoricalCrossentropy": ("1/m",),
             "MultiLabelBCELoss": (CLIP,), "BinaryFocalLossPerLabel": (CLIP,)}
    for name, (true, predicted) in kinds.items():
        yield Row(package, name, f"{package}.losses",
                  lambda module, n=name, t=true, p=predicted: gp.check(
                      getattr(module, n)().__call__, getattr(module, n)().derivative,
                      wrt=["y_pred"], y_true=t, y_pred=p), known=known.get(name, ()))
    yield Row(package, "KullbackLeiblerDivergence", f"{package}.losses",
              lambda module: gp.check(module.KullbackLeiblerDivergence().__call__,
                                      module.KullbackLeiblerDivergence().derivative,
                                      wrt=["mu", "log_var"], mu=REAL, log_var=REAL))
    seeded = {"random_state": 0}
    layers: dict[str, tuple[tuple[int, ...], dict[str, int], str]] = {
        "Dense": ((3,), seeded, "m 4"), "BatchNormalization": ((), {}, "m 3"),
        "LayerNormalization": ((), {}, "m 3"), "Conv2D": ((2, 2), seeded, "2 4 4 2"),
        "Conv1D": ((2, 2), seeded, "2 5 2"), "AveragePooling2D": ((2,), {}, "2 4 4 2"),
        "MaxPooling2D": ((2,), {}, "2 4 4 2"), "GlobalAveragePooling1D": ((), {}, "m t n"),
        "Attention": ((), {}, "m 3 4"), "Flatten": ((), {}, "m 3 4")}
    for name, (given, options, shape) in layers.items():
        yield Row(package, name, f"{package}.layers",
                  lambda module, n=name, g=given, o=options, s=shape: gp.check_layer(
                      lambda: getattr(module, n)(*g, **o), input_data=s))
