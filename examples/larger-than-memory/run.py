"""Trains on samples that are larger than the memory of all workers together.

    python examples/larger-than-memory/run.py            # 820 MB of samples, two workers of 300 MB
    python examples/larger-than-memory/run.py --beside   # and the same steps on one process

The samples are written a piece at a time into a folder that goes away at the end.  Needs
`pip install 'gradproof[dask]'`.
"""

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np

import gradproof as gp
from gradproof.training.cluster import opened
from gradproof.training.data import load
from gradproof.training.loop import Plan, train
from gradproof.training.spread import Spread

FEATURES, PIECE = 256, 10_000


def written(folder, samples):
    """Samples of normal numbers, of a class by the sign of two sums of them; its bytes."""
    rng = np.random.default_rng(0)
    rules = rng.standard_normal((FEATURES, 2))
    Y = np.empty(samples)
    shape = (samples, FEATURES)
    for start in range(0, samples, PIECE):
        X = np.lib.format.open_memmap(
            folder / "X.npy", "r+" if start else "w+", np.float64, shape)
        piece = rng.standard_normal((min(PIECE, samples - start), FEATURES))
        X[start:start + len(piece)] = piece
        del X  # which writes it, and is no memory of this process any more
        Y[start:start + len(piece)] = (piece @ rules > 0).all(axis=1)
    np.save(folder / "Y.npy", Y)
    return samples * FEATURES * 8


def peak():
    """The process and the most memory that it has had, in megabytes; 0 where Linux does not say."""
    status = Path("/proc/self/status")
    lines = status.read_text().split("\n") if status.exists() else []
    return os.getpid(), sum(int(line.split()[1]) for line in lines if "VmHWM" in line) / 1000


def main(arguments=None):
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("--samples", type=int, default=400_000)
    asked.add_argument("--workers", type=int, default=2)
    asked.add_argument("--memory", default="300MB", help="of each worker (default: %(default)s)")
    asked.add_argument("--epochs", type=int, default=3)
    asked.add_argument("--beside", action="store_true", help="run on one process, too")
    options = asked.parse_args(arguments)
    network = gp.load(str(Path(__file__).with_name("network.toml")))
    plan = Plan(epochs=options.epochs, batch=100_000, learning_rate=0.02)
    with tempfile.TemporaryDirectory() as name:
        bytes_written = written(Path(name), options.samples)
        print(f"{bytes_written / 1e6:.0f} MB of samples; {options.workers} workers of "
              f"{options.memory} each")
        data = load(name)
        with opened(workers=options.workers, memory=options.memory) as client:
            spread = Spread(network, data, plan, client=client)
            for epoch in spread.run():
                print(f"epoch {epoch.number}: loss {epoch.loss:.6f}, {epoch.accuracy:.2%} right")
            print(f"this process: at most {peak()[1]:.0f} MB")
            for pid, most in client.run(peak).values():
                print(f"worker {pid}: at most {most:.0f} MB")
        if options.beside:
            one = train(network, data, plan)
            for epoch, other in zip(one.run(), spread.history, strict=True):
                print(f"on one process, epoch {epoch.number}: the loss differs by "
                      f"{abs(epoch.loss / other.loss - 1):.1e}")
            print(f"the parameters differ by {np.abs(one.w - spread.w).max():.1e} at most")
            return spread, one
    return spread, None


if __name__ == "__main__":
    main()
