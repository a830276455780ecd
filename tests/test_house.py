"""The shape of the package: who imports whom, what is in the wheel, what an import costs."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import gradproof

ROOT = Path(__file__).parent.parent
ALLOWED = {
    "symbolic": {"symbolic"},
    "numeric": {"numeric"},
    "codegen": {"codegen", "symbolic"},
    "reports": {"reports", "symbolic", "codegen"},
}


def imported_rooms(file, room):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            if node.level == 1:
                yield room
            elif node.level == 2:
                yield (node.module or "").split(".")[0]
            elif (node.module or "").startswith("gradproof"):
                yield ".".join((node.module or "").split(".")[:2])
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("gradproof"):
                    yield alias.name


@pytest.mark.parametrize("room", ALLOWED)
def test_imports_point_down_only(room):
    files = list((ROOT / room).glob("*.py"))
    assert files
    for file in files:
        assert set(imported_rooms(file, room)) <= ALLOWED[room], file.name


def test_numeric_never_sees_sympy():
    for file in (ROOT / "numeric").glob("*.py"):
        assert "sympy" not in file.read_text(encoding="utf-8"), file.name


def test_no_circles_inside_a_room():
    for room in ALLOWED:
        graph = {}
        for file in (ROOT / room).glob("*.py"):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            top = [n for n in tree.body if isinstance(n, ast.ImportFrom) and n.level == 1]
            graph[file.stem] = {n.module.split(".")[0] for n in top if n.module}
        done = set()
        while len(done) < len(graph):
            free = {name for name, uses in graph.items()
                    if name not in done and uses & set(graph) <= done}
            assert free, f"{room}: {sorted(set(graph) - done)} import one another"
            done |= free


def test_importing_the_package_does_not_import_sympy():
    code = "import gradproof, gradproof.cli, sys; print('sympy' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                           check=True)
    assert shown.stdout.strip() == "False"


def test_every_public_name_is_there_and_has_a_docstring():
    for name in gradproof.__all__:
        found = getattr(gradproof, name)
        if name != "__version__":
            assert (found.__doc__ or "").strip(), name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = gradproof.nothing


def test_the_version_is_said_once():
    with (ROOT / "pyproject.toml").open("rb") as file:
        assert tomllib.load(file)["project"]["version"] == gradproof.__version__


def test_every_subpackage_has_its_line():
    with (ROOT / "pyproject.toml").open("rb") as file:
        settings = tomllib.load(file)["tool"]["setuptools"]
    assert set(settings["packages"]) == set(settings["package-dir"])
    assert {f"gradproof.{room}" for room in ALLOWED} | {"gradproof"} == set(settings["packages"])
    for folder in settings["package-dir"].values():
        inside = [path for path in (ROOT / folder).iterdir()
                  if path.is_dir() and any(path.glob("*.py")) and path.name != "networks"]
        assert not inside, f"{inside}: a new subpackage needs its line in pyproject.toml"


@pytest.mark.slow
def test_the_wheel_holds_what_the_package_needs(tmp_path):
    import zipfile

    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path),
                    str(ROOT)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for room in ALLOWED:
        for file in (ROOT / room).glob("*.py"):
            assert f"gradproof/{room}/{file.name}" in names
    for file in (ROOT / "api" / "networks").iterdir():
        if file.is_file():
            assert f"gradproof/networks/{file.name}" in names
    for file in (ROOT / "reports" / "templates").iterdir():
        assert f"gradproof/reports/templates/{file.name}" in names
    assert "gradproof/py.typed" in names
    assert not any(name.startswith("tests/") for name in names)
