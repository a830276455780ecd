"""The shape of the package: who imports whom, what is in the wheel, what an import costs."""

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

import gradproof

ROOT = Path(__file__).parents[2]
ALLOWED = {
    "symbolic": {"symbolic"},
    "numeric": {"numeric"},
    "codegen": {"codegen", "symbolic"},
    "reports": {"reports", "symbolic", "codegen"},
}
"""room: the rooms that its files may import."""
PARTS = {
    "symbolic": {"": set(), "layers": {""}, "tracing": {"", "layers"},
                 "text": {"", "layers", "tracing"}, "specs": {"", "layers", "text"},
                 "latex": {"", "layers", "text", "specs"},
                 "matrices": {""}, "derive": {"", "matrices"}, "reread": set(),
                 "display": {"", "matrices", "derive", "reread"}, "normalform": {""}, "exact": {""},
                 "splitting": {"", "derive"}, "proof": {"", "normalform", "exact"}},
    "codegen": {"": {"lean"}, "lean": set(), "loops": {"", "lean"}, "frameworks": {""}},
    "numeric": {"": set()},
    "reports": {"": set(), "worked": {""}, "sections": {"", "worked"}, "markers": {""},
                "pages": {"", "worked", "sections"}},
    "api": {"limits": set(), "derivations": set(), "repair": {"limits"},
            "checks": {"limits", "derivations", "repair"},
            "claims": {"limits", "derivations"}, "modules": {"derivations", "checks"},
            "embedding": {"derivations", "checks", "claims"},
            "programs": {"limits", "repair", "checks"}, "formats": {"repair", "checks"},
            "training": {"derivations"},
            "": {"limits", "derivations", "repair", "checks", "embedding", "programs",
                 "formats", "claims", "training", "modules"}},
}
"""folder: what its files may import beside themselves; "" are the files at the room's root."""
PACKAGES = {**{room: f"gradproof.{room}" for room in ALLOWED}, "api": "gradproof"}


def dotted(file):
    """"symbolic/derive/chain.py" -> "gradproof.symbolic.derive.chain"."""
    room, *rest = file.relative_to(ROOT).with_suffix("").parts
    return ".".join([PACKAGES[room], *rest]).removesuffix(".__init__")


def imports(file, top_only=False):
    """The modules and names that a file imports of the project, by their full names."""
    return all_imports(file)[top_only]


@cache
def all_imports(file):
    """What a file imports, and what of it when it is imported itself."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return list(imported(ast.walk(tree), file)), list(imported(tree.body, file))


def imported(nodes, file):
    mine = dotted(file)
    home = mine if file.name == "__init__.py" else mine.rpartition(".")[0]
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            parents = home.split(".")
            base = parents[: len(parents) - node.level + 1] if node.level else []
            full = ".".join([*base, *([node.module] if node.module else [])])
            if full.split(".")[0] == "gradproof":
                yield from (f"{full}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("gradproof"))


def files_of(room):
    return [file for file in sorted((ROOT / room).rglob("*.py"))
            if ROOT / "api" / "networks" not in file.parents]


def part_of(name):
    """The room and the folder that a full name lies in: `gradproof.checks.x` -> api, checks."""
    parts = name.split(".")[1:]
    room, rest = (parts[0], parts[1:]) if parts and parts[0] in ALLOWED else ("api", parts)
    folder = rest[0] if rest and rest[0] in PARTS[room] else ""
    return room, folder


@pytest.mark.parametrize("room", ALLOWED)
def test_imports_point_down_only(room):
    files = files_of(room)
    assert files
    for file in files:
        assert {part_of(name)[0] for name in imports(file)} <= ALLOWED[room], file


@pytest.mark.parametrize("room", PARTS)
def test_folders_import_what_they_may(room):
    for file in files_of(room):
        mine = part_of(dotted(file) + ".x")[1] if file.parent != ROOT / room else ""
        allowed = {mine} | PARTS[room][mine]
        for name in imports(file):
            where, folder = part_of(name)
            assert where != room or folder in allowed, f"{file} imports {name}"


def test_a_second_look_at_a_proof_shares_nothing_with_the_normal_forms():
    """Nor by what it imports: that is what its opinion is worth."""
    seen, waiting = set(), ["gradproof.symbolic.proof.recheck"]
    files = {dotted(file): file for file in files_of("symbolic")}
    while waiting:
        name = waiting.pop()
        seen.add(name)
        found = {known for used in imports(files[name]) for known in
                 (used, used.rpartition(".")[0]) if known in files}
        waiting += found - seen
    assert not [name for name in seen if ".normalform" in name]
    assert "gradproof.symbolic.exact.evaluation" in seen


def test_every_folder_has_a_map_of_its_files():
    """Each __init__.py is a map: it lists exactly the files and folders beside it."""
    for room in PARTS:
        for face in (ROOT / room).rglob("__init__.py"):
            text = ast.get_docstring(ast.parse(face.read_text(encoding="utf-8")), clean=False)
            named = {line.split()[0] for line in text.split("\n")
                     if re.match(r"    [\w/]+  +\S", line)}
            files = {file.stem for file in face.parent.glob("*.py")} - {"__init__", "__main__"}
            folders = {f"{below.parent.name}/" for below in face.parent.glob("*/__init__.py")}
            assert named == files | folders, f"{face}: {named ^ (files | folders)}"


def own_nodes(node):
    """The nodes of a function's body and head, without those of functions within it."""
    for part in ast.iter_child_nodes(node):
        if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            yield part
            yield from own_nodes(part)


def ways_through(function):
    """The cyclomatic complexity of a function (McCabe 1976), with each `and`, `or` and
    comprehension, which ruff's C901 does not count; as radon counts it."""
    def of(part):
        match part:
            case ast.BoolOp():
                return len(part.values) - 1
            case ast.comprehension():
                return 1 + len(part.ifs)
            case ast.For() | ast.While():
                return 1 + bool(part.orelse)
            case ast.Try():
                return len(part.handlers) + bool(part.orelse)
            case ast.Match():
                return sum(case.pattern.__dict__.get("pattern", 1) is not None
                           for case in part.cases)
            case ast.If() | ast.IfExp() | ast.Assert():
                return 1
        return 0

    return 1 + sum(map(of, own_nodes(function)))


@pytest.mark.parametrize(("body", "ways"), [
    ("return x", 1), ("return x and y or z", 3), ("if x: return 1\n elif y: return 2", 3),
    ("return [a for a in x if a for b in y]", 4), ("for a in x: pass\n else: return 1", 3),
    ("try: f()\n except KeyError: pass\n except OSError: pass", 3),
    ("match x:\n  case 1: return 1\n  case _: return 2", 2), ("def g():\n  if x: return 1", 1),
])
def test_ways_are_counted(body, ways):
    assert ways_through(ast.parse(f"def f(x, y, z):\n {body}").body[0]) == ways


@pytest.mark.parametrize("room", PARTS)
def test_no_room_is_too_full_to_find_things_in(room):
    """At most 20 files beside its map in a folder, 400 lines in a file, 50 in a function, and 20
    ways through it."""
    for folder in {file.parent for file in files_of(room)}:
        assert len([f for f in folder.glob("*.py") if f.name != "__init__.py"]) <= 20, folder
    for file in files_of(room):
        text = file.read_text(encoding="utf-8")
        assert text.count("\n") <= 400, file
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno - node.lineno < 50, f"{file}: {node.name}"
                assert ways_through(node) <= 20, f"{file}: {node.name}"


def test_numeric_never_sees_sympy():
    for file in files_of("numeric"):
        assert "sympy" not in file.read_text(encoding="utf-8"), file.name


def importing_one_another(top_only):
    """The files that lie on a circle of imports."""
    files = {dotted(file): file for room in PARTS for file in files_of(room)}
    graph = {}
    for name, file in files.items():
        uses = {known for found in imports(file, top_only)
                for known in (found, found.rpartition(".")[0]) if known in files and known != name}
        # a package's face is run by every import below it; what it imports itself is its own
        graph[name] = uses - {"gradproof", "gradproof.numeric"}

    def reached(name):
        found, waiting = set(), [name]
        while waiting:
            further = graph[waiting.pop()] - found
            found |= further
            waiting += further
        return found

    return {name for name in graph if name in reached(name)}


UNTIED_NEXT = {"gradproof.embedding.documents", "gradproof.embedding.quantities",
               "gradproof.embedding.stated"}
"""Files that import one another inside of functions, and shall no longer."""


def test_no_circles():
    assert not importing_one_another(top_only=True)
    assert importing_one_another(top_only=False) <= UNTIED_NEXT


def test_importing_the_package_does_not_import_sympy():
    code = "import gradproof, gradproof.cli, sys; print('sympy' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                           check=True)
    assert shown.stdout.strip() == "False"


def test_a_command_that_waits_for_a_check_imports_no_library():
    code = ("import gradproof.cli, gradproof.checks.results, sys; "
            "print({'numpy', 'sympy', 'mpmath'} & sys.modules.keys())")
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                           check=True)
    assert shown.stdout.strip() == "set()"


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
    folders = {file.parent for room in PARTS for file in files_of(room)}
    assert {dotted(folder / "__init__.py") for folder in folders} == set(settings["packages"])
    for package, folder in settings["package-dir"].items():
        assert dotted(ROOT / folder / "__init__.py") == package


@pytest.mark.slow
def test_the_wheel_holds_what_the_package_needs(tmp_path):
    import zipfile

    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path),
                    str(ROOT)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for room in PARTS:
        for file in files_of(room):
            assert f"{PACKAGES[room].replace('.', '/')}/" + str(
                file.relative_to(ROOT / room).as_posix()) in names
    for file in (ROOT / "api" / "networks").iterdir():
        if file.is_file():
            assert f"gradproof/networks/{file.name}" in names
    for file in (ROOT / "reports" / "pages" / "templates").iterdir():
        assert f"gradproof/reports/pages/templates/{file.name}" in names
    assert "gradproof/py.typed" in names
    assert not any(name.startswith("tests/") for name in names)


@pytest.mark.parametrize("mark", ["peers", "tex", "browser"])
def test_the_gate_runs_every_folder_that_has_tests_of_a_mark(mark):
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8").replace("\\\n", " ")
    calls = [line for line in gate.splitlines()
             if "-m pytest tests" in line and re.search(rf'-m "[^"]*\b{mark}\b', line)]
    run = {folder for line in calls for folder in re.findall(r"tests/(\w+)(?= )", line)}
    assert calls
    assert {file.relative_to(ROOT / "tests").parts[0] for file in (ROOT / "tests").rglob("*.py")
            if f"mark.{mark}" in file.read_text(encoding="utf-8")} <= run
