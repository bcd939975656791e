"""The packages of training/measure know each other in one direction only."""

import ast
from pathlib import Path

import pytest

MEASURE = Path(__file__).resolve().parents[2] / "training" / "measure"
UPWARDS = ("metrics", "cases", "colorings", "arms", "report")


@pytest.mark.parametrize("package", UPWARDS)
def test_a_package_imports_from_those_below_it_alone(package):
    below = UPWARDS[: UPWARDS.index(package) + 1]
    for path in sorted((MEASURE / package).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert not node.level, f"{path.name}: imports are absolute"
                names = [node.module]
            for name in names:
                if name.startswith("training.measure."):
                    assert name.split(".")[2] in below, f"{path.name} imports {name}"


def test_the_packages_are_those_of_the_order():
    assert {path.parent.name for path in MEASURE.glob("*/__init__.py")} == set(UPWARDS)
