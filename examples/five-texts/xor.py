"""The program of text 1 in our own words: XOR by 2-2-1, 10000 steps over the whole batch."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


np.random.seed(42)
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
Y = np.array([[0], [1], [1], [0]])
W1, b1 = np.random.randn(2, 2), np.zeros((1, 2))
W2, b2 = np.random.randn(2, 1), np.zeros((1, 1))

for step in range(10000):
    A1 = sigmoid(X @ W1 + b1)
    A2 = sigmoid(A1 @ W2 + b2)
    if step % 1000 == 0:
        print(f"Epoch {step}, Loss: {np.mean((Y - A2) ** 2):.4f}")
    d2 = -(Y - A2) * A2 * (1 - A2)
    d1 = (d2 @ W2.T) * A1 * (1 - A1)
    W2, b2 = W2 - 0.1 * A1.T @ d2, b2 - 0.1 * d2.sum(axis=0)
    W1, b1 = W1 - 0.1 * X.T @ d1, b1 - 0.1 * d1.sum(axis=0)

print("预测结果：")
print(A2.round(3))
