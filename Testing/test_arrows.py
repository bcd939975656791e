"""The library's packages know each other in one direction only, and no modules go in a circle."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[1] / "MRIColorize" / "MRIColorizeLib"
# What a package may import beside itself and the modules at the root.
BELOW = {
    "network": set(),
    "engine": {"network"},
    "files": {"engine", "network"},
    "command": {"network"},
    "batch": {"command", "files", "engine", "network"},
    "scene": {"files", "engine", "network"},
    "panel": {"scene", "files", "engine", "network"},
}
DOORS = ("cli", "__main__")  # at the root, and above all packages
SLICER = {"slicer", "mrml", "vtkSegmentationCorePython", "SampleData"}
QT = {"qt", "ctk", "PySide6", "PythonQt"}


def _modules():
    for path in LIBRARY.rglob("*.py"):
        yield ".".join(path.relative_to(LIBRARY).with_suffix("").parts), path


MODULES = dict(_modules())


def _imports(name):
    """What a module imports when it runs: modules of the library, and names of other packages."""
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    for block in [node for node in ast.walk(tree) if isinstance(node, ast.If)]:
        if "TYPE_CHECKING" in ast.dump(block.test):
            block.body = [ast.Pass()]
    own, others = set(), set()
    package = name.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            others |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            others.add(node.module.split(".")[0])
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            target = ".".join(base + ([node.module] if node.module else []))
            for alias in node.names:
                full = f"{target}.{alias.name}".strip(".")
                own.add(full if full in MODULES else target)
    return own & set(MODULES), others


def _package(name):
    return name.split(".")[0] if "." in name else ""


@pytest.mark.parametrize("name", sorted(set(MODULES) - set(DOORS)))
def test_arrows_point_downwards(name):
    own, others = _imports(name)
    package = _package(name)
    known = {_package(other) for other in own}
    assert known <= BELOW.get(package, set()) | {package, ""}, f"{name} imports from {known}"
    if package not in ("scene", "panel"):
        assert not others & SLICER, f"{name} knows Slicer"
    if package != "panel":
        assert not others & QT, f"{name} knows Qt"
    assert "training" not in others


def test_no_modules_go_in_a_circle():
    list(TopologicalSorter({name: _imports(name)[0] for name in MODULES}).static_order())


def test_the_packages_are_those_of_the_picture():
    assert {_package(name) for name in MODULES} - {""} == set(BELOW)
