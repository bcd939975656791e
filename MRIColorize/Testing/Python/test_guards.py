"""Guards over the sources: what would work here and fail when installed, or only in Slicer."""

import ast
import hashlib
import json
import re
import sys
import unittest
import xml.etree.ElementTree as ET

import slicer
from stand_ins import REPOSITORY

from MRIColorizeLib.options import OPTIONS, PARAMETERS
from MRIColorizeLib.panel.choices import name_choices
from MRIColorizeLib.scene.parameters import MRIColorizeParameterNode

MODULE = REPOSITORY / "MRIColorize"
LIBRARY = MODULE / "MRIColorizeLib"
UI = MODULE / "Resources" / "UI" / "MRIColorize.ui"
SHOWING_CALLS = (*("errorDisplay", "confirmOkCancelDisplay", "setItemText", "say", "fail"),)
# The library's packages that know Slicer; the others also run without it.
SLICER_SIDE = ("panel", "scene")
# Widgets that a person works with, each of which says in a tooltip what it does.
SPEAKING = {
    *("qMRMLNodeComboBox", "QComboBox", "QPushButton", "QCheckBox", "QLineEdit"),
    *("ctkSliderWidget", "QTableWidget", "QPlainTextEdit"),
}
# What a module may import when Slicer starts; everything else is there only after installation.
AT_START = {"slicer", "vtk", "numpy", "qt", "ctk", "MRIColorizeLib"} | set(sys.stdlib_module_names)


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def parsed_module():
    return tree_of(MODULE / "MRIColorize.py")


def slicer_side():
    """The files that only run in Slicer: the module and its part of the library."""
    inside = (path for package in SLICER_SIDE for path in (LIBRARY / package).glob("*.py"))
    return [MODULE / "MRIColorize.py", *sorted(inside)]


def constant(tree, name):
    """The value of a module's constant that is written as a literal."""
    return next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name
    )


def class_named(tree, name):
    return next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name)


def cmake_list(path, variable):
    """The entries of `set(variable ...)` in a CMake file, without variables of CMake's own."""
    text = re.sub(r"#.*", "", path.read_text(encoding="utf-8"))
    entries = re.search(rf"set\({variable}\s([^)]*)\)", text).group(1).split()
    return [entry.replace("${MODULE_NAME}", "MRIColorize") for entry in entries]


def files_below(folder, *patterns):
    return {
        path.relative_to(MODULE).as_posix()
        for pattern in patterns
        for path in folder.rglob(pattern)
        if path.is_file() and "__pycache__" not in path.parts
    }


class CMakeTest(unittest.TestCase):
    def assert_same(self, listed, files):
        self.assertEqual(len(listed), len(set(listed)), "an entry is listed twice")
        self.assertEqual(sorted(set(listed) - files), [], "listed, but no such file")
        self.assertEqual(sorted(files - set(listed)), [], "not listed: missing when installed")

    def test_every_python_file_is_listed(self):
        files = files_below(LIBRARY, "*.py") | {"MRIColorize.py"}
        self.assert_same(cmake_list(MODULE / "CMakeLists.txt", "MODULE_PYTHON_SCRIPTS"), files)

    def test_every_resource_is_listed(self):
        files = files_below(MODULE / "Resources", "*")
        self.assert_same(cmake_list(MODULE / "CMakeLists.txt", "MODULE_PYTHON_RESOURCES"), files)

    def test_every_test_file_is_run_by_ctest(self):
        folder = MODULE / "Testing" / "Python"
        files = {path.name for path in folder.glob("test_*.py")}
        listed = [
            name
            for variable in ("TEST_SCRIPTS", "PYTORCH_TEST_SCRIPTS")
            for name in cmake_list(folder / "CMakeLists.txt", variable)
        ]
        self.assert_same(listed, files)


class PanelFileTest(unittest.TestCase):
    def setUp(self):
        self.root = ET.parse(UI).getroot()
        self.widgets = {w.get("name"): w for w in self.root.iter("widget")}

    def test_panel_and_parameter_node_name_the_same_parameters(self):
        bound = [
            prop.findtext("string")
            for prop in self.root.iter("property")
            if prop.get("name") == "SlicerParameterName"
        ]
        parameters = tree_of(LIBRARY / "scene" / "parameters.py")
        declared = [
            statement.target.id
            for statement in class_named(parameters, "MRIColorizeParameterNode").body
            if isinstance(statement, ast.AnnAssign)
        ] + [*PARAMETERS]
        unbound = constant(parameters, "UNBOUND")
        self.assertEqual(sorted([*bound, *unbound]), sorted(declared))

    def test_the_panel_offers_the_options_as_they_are(self):
        widgets = {
            prop.findtext("string"): widget
            for widget in self.root.iter("widget")
            for prop in widget.findall("property")
            if prop.get("name") == "SlicerParameterName"
        }
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
        self.addCleanup(slicer.mrmlScene.RemoveNode, node)
        chosen = MRIColorizeParameterNode(node)
        for parameter, name in PARAMETERS.items():
            with self.subTest(option=name):
                self.compare(OPTIONS[name], chosen, parameter, widgets[parameter])

    def compare(self, option, chosen, parameter, widget):
        """An option with its parameter in the node and its widget."""
        self.assertEqual(getattr(chosen, parameter), option.default)
        if option.words:
            self.assertEqual(widget.get("name"), f"{parameter}ComboBox")
            for word in option.words:
                setattr(chosen, parameter, word)
            with self.assertRaises(ValueError):
                setattr(chosen, parameter, "no such word")
        if option.high is not None:
            ends = {p.get("name"): p.findtext("double") for p in widget.findall("property")}
            self.assertEqual(float(ends.get("minimum") or 0), option.low)
            self.assertEqual(float(ends["maximum"]), option.high)
            for inside in (option.low, option.high):
                setattr(chosen, parameter, inside)
            for outside in (option.low - 0.01, option.high + 0.01):
                with self.assertRaises(ValueError):
                    setattr(chosen, parameter, outside)

    def test_every_choice_has_a_text_of_its_own(self):
        panel = slicer.util.loadUI(str(UI))
        self.addCleanup(panel.deleteLater)
        ui = slicer.util.childWidgetVariables(panel)
        offered = {name: OPTIONS[name].words for name in PARAMETERS.values() if OPTIONS[name].words}
        for name, words in offered.items():
            for word in words:
                getattr(ui, f"{name}ComboBox").addItem(word)
        name_choices(ui)
        for name, words in offered.items():
            box = getattr(ui, f"{name}ComboBox")
            shown = [box.itemText(index) for index in range(len(words))]
            self.assertEqual(set(shown) & set(words), set(), "shown as the program calls it")

    def test_every_mrml_widget_is_wired_to_the_scene(self):
        top = self.root.find("widget").get("name")
        mrml = {n for n, w in self.widgets.items() if w.get("class").startswith("qMRML")} - {top}
        wired = {
            connection.findtext("receiver")
            for connection in self.root.iter("connection")
            if connection.findtext("sender") == top
            and connection.findtext("signal") == "mrmlSceneChanged(vtkMRMLScene*)"
            and connection.findtext("slot") == "setMRMLScene(vtkMRMLScene*)"
        }
        self.assertEqual(mrml, wired)
        self.assertGreater(len(mrml), 0)

    def test_every_choice_and_button_says_what_it_does(self):
        for name, widget in self.widgets.items():
            if widget.get("class") in SPEAKING:
                tips = [p for p in widget.findall("property") if p.get("name") == "toolTip"]
                self.assertEqual(len(tips), 1, f"{name} has no tooltip")

    def test_only_widgets_of_the_panel_are_used(self):
        used = {
            node.attr
            for path in slicer_side()
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.Attribute) and is_ui(node.value)
        }
        self.assertGreater(len(used), 30)
        self.assertEqual(sorted(used - set(self.widgets)), [])

    def test_only_qt_properties_are_set_on_widgets(self):
        # PythonQt refuses any other attribute; PySide6 would take it in silence.
        panel = slicer.util.loadUI(str(UI))
        self.addCleanup(panel.deleteLater)
        ui = slicer.util.childWidgetVariables(panel)
        targets = [
            target
            for path in slicer_side()
            for node in ast.walk(tree_of(path))
            if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign))
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Attribute)
            and isinstance(target.value, ast.Attribute)
            and is_ui(target.value.value)
        ]
        self.assertGreater(len(targets), 30)
        for target in targets:
            widget = getattr(ui, target.value.attr)
            self.assertIsNotNone(
                widget.property(target.attr),
                f"line {target.lineno}: {target.value.attr} has no property {target.attr}",
            )


def is_ui(node):
    """Whether an expression is `self.ui`, or a function's `ui`."""
    return (
        isinstance(node, ast.Attribute) and node.attr == "ui" and isinstance(node.value, ast.Name)
    ) or (isinstance(node, ast.Name) and node.id == "ui")


class ImportTest(unittest.TestCase):
    def test_nothing_that_must_be_installed_is_imported_at_start(self):
        seen, queue = set(), [MODULE / "MRIColorize.py"]
        while queue:
            path = queue.pop()
            seen.add(path)
            for name in imports_at_file_scope(tree_of(path), path):
                self.assertIn(name.split(".")[0], AT_START, f"{path.name} imports {name}")
                queue += [file for file in library_files(name) if file not in seen]
        self.assertIn(LIBRARY / "scene" / "nodes.py", seen)


def imports_at_file_scope(tree, path):
    """Full names of what a file imports when it is imported; TYPE_CHECKING blocks left out."""
    queue = list(tree.body)
    while queue:
        node = queue.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            queue += node.orelse
        elif isinstance(node, (ast.If, ast.Try, ast.With, ast.ClassDef)):
            queue += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
        else:
            yield from imported_names(node, path)


def imported_names(node, path):
    """Full names that one statement imports; relative ones resolved."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        package = ""
        if node.level:
            above = path.relative_to(MODULE).parts[: -node.level]
            package = ".".join(above)
        base = ".".join(part for part in (package, node.module or "") if part)
        yield base
        if base.startswith("MRIColorizeLib"):
            yield from (f"{base}.{alias.name}" for alias in node.names)


def library_files(name):
    parts = name.split(".")
    if parts[0] != "MRIColorizeLib":
        return []
    place = LIBRARY.joinpath(*parts[1:])
    files = [LIBRARY / "__init__.py", place / "__init__.py", place.with_suffix(".py")]
    return [file for file in files if file.is_file()]


class TranslationTest(unittest.TestCase):
    """Every sentence a person can see goes through `_()`."""

    def test_shown_strings_are_translated(self):
        for path in slicer_side():
            for node in ast.walk(tree_of(path)):
                for shown in shown_expressions(node):
                    if isinstance(shown, (ast.Constant, ast.JoinedStr)):
                        self.fail(f"{path.name}, line {shown.lineno}: not translated")


def shown_expressions(node):
    """Expressions whose value is shown: texts, tooltips, errors, dialogs."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
        if node.targets[0].attr in ("text", "toolTip", "title", "helpText", "acknowledgementText"):
            yield node.value
    elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        yield from node.exc.args[:1]
    elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in SHOWING_CALLS:
        yield from node.args
        yield from (keyword.value for keyword in node.keywords)


class ExtensionTest(unittest.TestCase):
    def test_index_entry_and_extension_agree(self):
        entry = json.loads((REPOSITORY / "Resources" / "MRIColorize.json").read_text("utf-8"))
        cmake = (REPOSITORY / "CMakeLists.txt").read_text("utf-8")
        self.assertIn(f'set(EXTENSION_HOMEPAGE "{entry["scm_url"]}")', cmake)
        self.assertIn(f'set(EXTENSION_CATEGORY "{entry["category"]}")', cmake)
        self.assertIn(f'set(EXTENSION_DEPENDS "{" ".join(entry["build_dependencies"])}")', cmake)
        self.assertIn("catalog-entry-schema-v1.0.1.json", entry["$schema"])
        self.assertEqual(entry["category"], "Image Synthesis")

    def test_index_pictures_are_in_the_repository(self):
        cmake = (REPOSITORY / "CMakeLists.txt").read_text("utf-8")
        addresses = re.findall(r"/main/(Resources/[\w/.]+\.png)", cmake)
        self.assertGreaterEqual(len(addresses), 4)
        for address in addresses:
            self.assertTrue((REPOSITORY / address).is_file(), f"{address} is missing")

    def test_icon_of_the_index_is_the_icon_of_the_module(self):
        self.assertEqual(
            (REPOSITORY / "Resources" / "MRIColorize.png").read_bytes(),
            (MODULE / "Resources" / "Icons" / "MRIColorize.png").read_bytes(),
        )

    def test_sample_has_the_checksum_that_is_registered(self):
        source = tree_of(LIBRARY / "scene" / "sample.py")
        sample = MODULE / "Resources" / "Sample" / constant(source, "SAMPLE_FILE")
        self.assertEqual(
            hashlib.sha256(sample.read_bytes()).hexdigest(), constant(source, "SAMPLE_SHA256")
        )


if __name__ == "__main__":
    unittest.main()
