"""The program of text 5 in our own words: 3-4-2 in PyTorch, as it is.

It does not come through its first step: `output` is handed the loss, a number, where a gradient of
its own shape is due.  Beside it stands three_layers_mended.py.
"""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(3, 4)
        self.fc2 = nn.Linear(4, 2)

    def forward(self, x):
        return torch.sigmoid(self.fc2(torch.sigmoid(self.fc1(x))))


def loss_func(output, target):
    return torch.mean((output - target) ** 2)


def step(model, x, target, rate):
    output = model(x)
    loss = loss_func(output, target)
    output.backward(loss)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= rate * parameter.grad
    return loss.item()


if __name__ == "__main__":
    x, target, net = torch.randn(100, 3), torch.randn(100, 2), Net()
    for epoch in range(1000):
        loss = step(net, x, target, 0.01)
        if epoch % 100 == 0:
            print(f"Epoch {epoch}, loss: {loss}")
