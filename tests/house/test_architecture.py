"""The page on how to add something is true: what it shows is put where it says, and works."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ADDED = {
    "log_sigmoid": ("symbolic/functions.py", "ACTIVATIONS"),
    "log_cosh": ("symbolic/layers/losses.py", "LOSSES"),
    "scale": ("symbolic/layers/table.py", "LAYERS"),
    "ptp": ("symbolic/tracing/functions/array_functions.py", "FUNCTIONS"),
    "deg2rad": ("symbolic/tracing/functions/ufuncs.py", "ARITHMETIC"),
}
"""row: the file that the page names and the table it is put into."""
PROGRAM = '''
import numpy as np
import gradproof as gp

def agrees(forward, **sizes):
    """The gradients against differences."""
    d = gp.derive(forward)
    random = np.random.default_rng(0)
    values = {a.name: random.normal(size=[{"m": 2, "n": 3}.get(str(s)) or int(s) for s in a.shape])
              for a in d.system.inputs}
    loss = d.loss_function()
    for name, gradient in d.compile()(**values)[1].items():
        step = 1e-6 * random.normal(size=np.shape(values[name]))
        moved = [float(loss(**{**values, name: values[name] + sign * step})) for sign in (1, -1)]
        assert abs((moved[0] - moved[1]) / 2 - np.sum(gradient * step)) < 1e-12, name

agrees(gp.equations("L = sum(log_sigmoid(X @ w))", X="m n", w="n"))
agrees(gp.Network([3, 2], activation="log_sigmoid", output="log_sigmoid", loss="log_cosh"))
agrees(gp.equations("L = log_cosh(Y, scale(X, g, power=2))", X="m n", g="n", Y="m n"))
agrees(gp.Model("m n", [{"type": "scale", "power": 2}, "log_sigmoid"], loss="log_cosh"))
agrees(gp.trace(lambda x: np.sum(np.ptp(x, axis=0)) + np.sum(np.deg2rad(x) ** 2), x="m n"))
for wrong in (lambda: gp.equations("L = sum(scale(X, g, power=0))", X="m n", g="n"),
              lambda: gp.Model("m n", [{"type": "scale", "power": 0}])):
    try:
        wrong()
    except ValueError as error:
        assert "power: expected a whole number of 1 or more, got 0" in str(error)
    else:
        raise AssertionError("power=0 passes")
print("added")
'''


def test_what_the_page_adds_works_where_it_says(tmp_path):
    for name in ("symbolic", "codegen", "numeric", "reports"):
        shutil.copytree(ROOT / name, tmp_path / "gradproof" / name)
    shutil.copytree(ROOT / "api", tmp_path / "gradproof", dirs_exist_ok=True)
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    rows = {block.split('"')[1]: block for block in blocks if block.startswith('"')}
    assert rows.keys() == ADDED.keys()
    (function,) = (block for block in blocks if block.startswith("def "))
    with (tmp_path / "gradproof/symbolic/layers/feedforward.py").open("a") as file:
        file.write(f"\n\n{function}")
    for name, (path, table) in ADDED.items():
        assert f"`{path}`" in PAGE
        assert f"`{table}`" in PAGE
        head = re.compile(rf"^{table}: .*\{{$", re.MULTILINE)
        file = tmp_path / "gradproof" / path
        text = file.read_text(encoding="utf-8")
        end = head.search(text).end()
        file.write_text(f"{text[:end]}\n{rows[name]}{text[end:]}", encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True,
                          text=True, timeout=120, check=False, env={"PYTHONPATH": str(tmp_path)})
    assert done.stdout.strip() == "added", done.stderr
