"""Programs with more than a loop and a loss: two networks, draws, functions in tables, copies.

A case is a program with slips in their places; the same program is right without them.
"""

from tables.programs import Case

RIVALS = """\
import numpy as np
rng = np.random.default_rng(0)
g, d = rng.normal(size=2), rng.normal(size=2)
sig = lambda z: 1 / (1 + np.exp(-z))
for it in range(100):
    real = rng.normal(size=16) + 3
    z = rng.normal(size=16)
    fake = g[0] * z + g[1]
    pr, pf = sig(d[0] * real + d[1]), sig(d[0] * fake + d[1])
    d_loss = -np.mean(np.log(pr)) - np.mean(np.log(1 - pf))
    dd = np.array([np.mean((pr - 1) * real) + np.mean(pf * fake), np.mean(pr - 1) + np.mean(pf)])
    d = d - 0.1 * dd
    pf = sig(d[0] * fake + d[1])
    g_loss = -np.mean(np.log(pf))
    dg = np.array([np.mean((pf - 1) * d[0] * z), np.mean((pf - 1) * d[0])])
    g = g - 0.1 * dg
"""
"""Two networks, each with a loss of its own."""

TABLE = """\
import numpy as np
rng = np.random.default_rng(0)
acts = {"relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0), \
"id": (lambda z: z, lambda z: np.ones_like(z))}
layers = [{"W": rng.normal(size=(4, 6)) * 0.5, "b": np.zeros(6), "act": "relu"},
          {"W": rng.normal(size=(6, 2)) * 0.5, "b": np.zeros(2), "act": "id"}]
X, Y = rng.normal(size=(9, 4)), rng.normal(size=(9, 2))
for epoch in range(50):
    a, cache = X, []
    for layer in layers:
        z = a @ layer["W"] + layer["b"]
        cache.append((a, z))
        a = acts[layer["act"]][0](z)
    loss = np.sum((a - Y) ** 2) / (2 * len(X))
    d = (a - Y) / len(X)
    for layer, (inp, z) in zip(reversed(layers), reversed(cache)):
        d = d * acts[layer["act"]][1](z)
        layer["dW"], layer["db"] = inp.T @ d, d.sum(0)
        d = d @ layer["W"].T
    for layer in layers:
        layer["W"] -= 0.1 * layer["dW"]
        layer["b"] -= 0.1 * layer["db"]
"""
"""Several lambdas in one line."""

LAYERS = ("layers_0_W", "layers_0_b", "layers_1_W", "layers_1_b")

COPIES = """\
import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(3, 8)), rng.normal(size=(1, 8))

def forward(X, p):
    Z = p["W1"] @ X + p["b1"]
    A = np.maximum(0, Z)
    return p["W2"] @ A + p["b2"], (Z, A)

def backward(X, Y, out, cache, p):
    Z, A = cache
    dout = 2 * (out - Y) / Y.size
    dZ = np.array(p["W2"].T @ dout)
    dZ[Z <= 0] = 0
    return {"dW2": dout @ A.T, "db2": dout.sum(axis=1, keepdims=True),
            "dW1": dZ @ X.T, "db1": dZ.sum(axis=1, keepdims=True)}

def update(params, grads, rate):
    parameters = params.copy()
    for l in range(1, 3):
        parameters["W" + str(l)] = params["W" + str(l)] - rate * grads["dW" + str(l)]
        parameters["b" + str(l)] = params["b" + str(l)] - rate * grads["db" + str(l)]
    return parameters

parameters = {"W1": rng.normal(size=(4, 3)), "b1": np.zeros((4, 1)),
              "W2": rng.normal(size=(1, 4)), "b2": np.zeros((1, 1))}
for i in range(100):
    out, cache = forward(X, parameters)
    cost = np.mean((out - Y) ** 2)
    grads = backward(X, Y, out, cache, parameters)
    parameters = update(parameters, grads, 0.1)
"""
"""Parameters that are made from a copy of theirs."""

POLICY = """\
import numpy as np
rng = np.random.default_rng(0)
theta, means = np.zeros(3), np.array([0.1, 0.5, 0.9])
for episode in range(100):
    p = np.exp(theta) / np.exp(theta).sum()
    a = rng.choice(3, p=p)
    r = rng.normal(means[a])
    loss = -r * np.log(p[a])
    grad = r * (p - np.eye(3)[a])
    theta -= 0.1 * grad
"""
"""What is drawn by the parameters is what it is."""

DROPOUT = """\
import numpy as np
class Net:
    def __init__(self, keep=0.5):
        self.rng, self.keep = np.random.default_rng(0), keep
        self.W1, self.W2 = self.rng.normal(size=(3, 4)), self.rng.normal(size=(4, 1))
    def train(self, X, y):
        for i in range(30):
            h = np.tanh(X @ self.W1)
            mask = self.rng.random(h.shape) < self.keep
            hd = h * mask / self.keep
            r = hd @ self.W2 - y
            loss = np.mean(r ** 2)
            d = 2 * r / len(r)
            dW2 = hd.T @ d
            dW1 = X.T @ (d @ self.W2.T * mask / self.keep * (1 - h ** 2))
            self.W1 -= 0.1 * dW1
            self.W2 -= 0.1 * dW2
rng = np.random.default_rng(1)
Net().train(rng.normal(size=(9, 3)), rng.normal(size=(9, 1)))
"""
"""An object's own source of random numbers."""

COMPARED = """\
import numpy as np
rng = np.random.default_rng(0)
X, y, w = rng.normal(size=(10, 4)), rng.normal(size=10), rng.normal(size=4)

def f(w):
    return np.mean((X @ w - y) ** 2)

def by_differences(f, w, h=1e-6):
    g = np.zeros_like(w)
    for i in range(len(w)):
        old = w[i]
        w[i] = old + h
        above = f(w)
        w[i] = old - h
        g[i] = (above - f(w)) / (2 * h)
        w[i] = old
    return g

for i in range(20):
    loss = f(w)
    grad = 2 * X.T @ (X @ w - y) / len(y)
    by_differences(f, w)
    w -= 0.1 * grad
"""
"""A loop that moves parameters to and fro, and does not train."""

NAMED_OTHERWISE = """\
import numpy as np
class Logistic:
    def __init__(self, rate=0.1):
        self.rate = rate
    def compute_loss(self, y_true, y_pred):
        return -np.mean(y_true * np.log(y_pred) + (1 - y_true) * np.log(1 - y_pred))
    def fit(self, X, y):
        self.weights, self.bias = np.zeros(X.shape[1]), 0
        for _ in range(50):
            y_pred = 1 / (1 + np.exp(-(X @ self.weights + self.bias)))
            dw = (1 / X.shape[0]) * np.dot(X.T, (y_pred - y))
            db = (1 / X.shape[0]) * np.sum(y_pred - y)
            self.weights -= self.rate * dw
            self.bias -= self.rate * db

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3))
    Logistic().fit(X, (X[:, 0] > 0).astype(int))
"""
"""A loss that nothing calls, of y_true, which the pass has as y."""

RETURNED = """\
import numpy as np
rng = np.random.default_rng(0)
X, y, theta = rng.normal(size=(20, 3)), rng.normal(size=20), np.zeros(3)

def cost(theta, X, y):
    return np.sum((X @ theta - y) ** 2) / (2 * len(y))

def better(theta, X, y, a=0.1):
    return theta - a * X.T @ (X @ theta - y) / len(y)

history = {"cost": []}
for i in range(50):
    theta = better(theta, X, y)
    history["cost"].append(cost(theta, X, y))
"""
"""A function returns the step."""

TUPLE = """\
import numpy as np
rng = np.random.default_rng(0)
X, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 1))
params = (rng.normal(size=(3, 1)), np.zeros((1, 1)))
history = {"loss": [], "accuracy": []}
for i in range(50):
    W, b = params
    r = X @ W + b - y
    history["accuracy"].append(np.mean(r > 0))
    history["loss"].append((r ** 2).mean())
    grads = (2 * X.T @ r / len(y), 2 * r.mean(axis=0, keepdims=True))
    params = tuple(p - 0.1 * g for p, g in zip(params, grads))
"""
"""Parameters in a tuple that is made anew; losses in a dict of lists."""

RIGHT = (
    Case("returned", RETURNED, (), "proved"),
    Case("tuple", TUPLE, (), "proved"),
    Case("rivals", RIVALS, (), "proved"),
    Case("table", TABLE, (), "proved"),
    Case("copies", COPIES, (), "proved"),
    Case("policy", POLICY, (), "proved"),
    Case("dropout_of_an_object", DROPOUT, (), "proved"),
    Case("compared", COMPARED, (), "proved"),
    Case("named_otherwise", NAMED_OTHERWISE, (), "proved"),
)
"""Programs that are right: none may be refuted."""

WRONG = (
    Case("returned_wrong", RETURNED, (("(X @ theta - y) / len", "(X @ theta - y) ** 2 / len"),),
         "refuted"),
    Case("tuple_wrong", TUPLE, (("2 * r.mean(axis", "r.mean(axis"),),
         {"params_0": "proved", "params_1": "refuted"}),
    Case("rivals_first_wrong", RIVALS, (("(pr - 1) + np.mean(pf)", "(pr - 1) - np.mean(pf)"),),
         {"d": "refuted", "g": "proved"}),
    Case("rivals_second_wrong", RIVALS, (("(pf - 1) * d[0] * z", "(pf - 1) * z"),),
         {"g": "refuted", "d": "proved"}),
    Case("table_sum", TABLE, (("inp.T @ d, d.sum(0)", "inp.T @ d, d.mean(0)"),), {
        name: "refuted" if "b" in name else "proved" for name in LAYERS}),
    Case("table_slope", TABLE, (("(z > 0) * 1.0", "np.sign(z)"),), {
        name: "refuted" if "0" in name else "proved" for name in LAYERS}),
    Case("copies_wrong", COPIES, (("dZ[Z <= 0] = 0", "dZ[dZ <= 0] = 0"),),
         {"W1": "refuted", "b1": "refuted", "W2": "proved", "b2": "proved"}),
    Case("policy_ascends", POLICY, (("(p - np.eye(3)[a])", "(np.eye(3)[a] - p)"),), "refuted"),
    Case("dropout_without_a_mask", DROPOUT, (("W2.T * mask / self.keep *", "W2.T *"),),
         {"W1": "refuted", "W2": "proved"}),
    Case("compared_wrong", COMPARED, (("2 * X.T", "X.T"),), "refuted"),
    Case("named_otherwise_wrong", NAMED_OTHERWISE, (("np.sum(y_pred", "np.mean(y_pred"),),
         {"weights": "proved", "bias": "refuted"}),
)
"""Programs with a slip each: what is wrong may not be proved."""

CASES = (*RIGHT, *WRONG)
