"""The `ctk` module: stand-ins for the CTK widgets that modules use, with CTK's names and signals.

They take and give the same values as CTK's; they do not look exactly like them.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property, Signal

from .pythonqt import StandIn

_HEADER = 24  # pixels of a collapsible button's title bar
_UNLIMITED = 16777215  # Qt's QWIDGETSIZE_MAX
_STEPS = 1000  # positions of a slider's handle


def held(kind: Any, default: Any, name: str, after: Callable[[Any], None] | None = None) -> Any:
    """A Qt property whose value the Python object holds in `_name`; `after(self)` follows a set."""

    def getter(self: Any) -> Any:
        return self.__dict__.get("_" + name, default)

    def setter(self: Any, value: Any) -> None:
        self.__dict__["_" + name] = value
        if after is not None:
            after(self)

    return Property(kind, getter, setter)


def forwarded(kind: Any, child: str, name: str, after: Callable[[Any], None]) -> Any:
    """A Qt property that is the property `name` of the widget held in `child`."""

    def setter(self: Any, value: Any) -> None:
        setattr(getattr(self, child), name, value)
        after(self)

    return Property(kind, lambda self: getattr(getattr(self, child), name), setter)


class ctkCollapsibleButton(StandIn, QtWidgets.QAbstractButton):
    """A titled section that folds: `collapsed`, `contentsCollapsed(bool)`, contents in a layout."""

    contentsCollapsed = Signal(bool)

    def __init__(self, *arguments: Any) -> None:
        text = next((a for a in arguments if isinstance(a, str)), "")
        parent = next((a for a in arguments if isinstance(a, QtWidgets.QWidget)), None)
        QtWidgets.QAbstractButton.__init__(self, parent)
        self.setText(text)
        self.setCheckable(True)
        self.setChecked(True)
        self.setContentsMargins(0, _HEADER, 0, 0)
        # As CTK's: a section is never narrower than what its contents would like.
        policy = QtWidgets.QSizePolicy
        self.setSizePolicy(policy.Minimum, policy.Preferred)
        self.toggled.connect(self._fold)

    def setCollapsed(self, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    collapsed = Property(bool, lambda self: not self.isChecked(), setCollapsed)

    def _fold(self, opened: bool) -> None:
        for child in self.children():
            if isinstance(child, QtWidgets.QWidget):
                child.setVisible(opened)
        self.setMaximumHeight(_UNLIMITED if opened else _HEADER)
        self.contentsCollapsed.emit(not opened)

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        super().showEvent(event)
        if not self.isChecked():  # folded in the .ui file, before it had contents
            self._fold(False)

    def hitButton(self, position: QtCore.QPoint) -> bool:
        return position.y() < _HEADER

    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        title = QtCore.QRect(0, 0, self.width, _HEADER)
        painter.fillRect(title, self.palette.button().color().darker(108))
        painter.setPen(self.palette.buttonText().color())
        arrow = "\u25be" if self.isChecked() else "\u25b8"
        flags = QtCore.Qt.AlignLeft | QtCore.Qt.AlignVCenter
        painter.drawText(title, flags, f" {arrow} {self.text}")
        painter.end()

    def sizeHint(self) -> QtCore.QSize:
        inner = self.layout().sizeHint() if self.layout() else QtCore.QSize(80, 0)
        return QtCore.QSize(inner.width(), _HEADER + (inner.height() if self.isChecked() else 0))

    def minimumSizeHint(self) -> QtCore.QSize:
        return self.sizeHint()


class ctkDoubleSpinBox(StandIn, QtWidgets.QDoubleSpinBox):
    """Qt's spin box under CTK's name."""


class ctkComboBox(StandIn, QtWidgets.QComboBox):
    """Qt's combo box with CTK's `defaultText`."""

    defaultText = held(str, "", "defaultText")


class ctkSliderWidget(StandIn, QtWidgets.QWidget):
    """A slider and a spin box that show one number: `value`, `minimum`, `maximum`, `decimals`."""

    valueChanged = Signal(float)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        QtWidgets.QWidget.__init__(self, parent)
        self._slider = QtWidgets.QSlider(QtCore.Qt.Horizontal, self)
        self._slider.setRange(0, _STEPS)
        self._spin = QtWidgets.QDoubleSpinBox(self)
        self._spin.setRange(0, 99)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._slider, 1)
        row.addWidget(self._spin)
        self._spin.valueChanged.connect(self._on_number)
        self._slider.sliderMoved.connect(self._on_moved)

    def _on_number(self, number: float) -> None:
        self._place_handle()
        self.valueChanged.emit(number)

    def _on_moved(self, position: int) -> None:
        low, high = self._spin.minimum, self._spin.maximum
        self._spin.setValue(low + (high - low) * position / _STEPS)

    def _place_handle(self) -> None:
        low, high = self._spin.minimum, self._spin.maximum
        share = (self._spin.value - low) / (high - low) if high > low else 0
        self._slider.setValue(round(_STEPS * share))

    value = forwarded(float, "_spin", "value", _place_handle)
    minimum = forwarded(float, "_spin", "minimum", _place_handle)
    maximum = forwarded(float, "_spin", "maximum", _place_handle)
    singleStep = forwarded(float, "_spin", "singleStep", _place_handle)
    decimals = forwarded(int, "_spin", "decimals", _place_handle)
    prefix = forwarded(str, "_spin", "prefix", _place_handle)
    suffix = forwarded(str, "_spin", "suffix", _place_handle)
    pageStep = held(float, 10.0, "pageStep")
    tracking = held(bool, True, "tracking")

    def setValue(self, value: float) -> None:
        self.value = value

    def setMinimum(self, value: float) -> None:
        self.minimum = value

    def setMaximum(self, value: float) -> None:
        self.maximum = value

    def setRange(self, minimum: float, maximum: float) -> None:
        self.minimum, self.maximum = minimum, maximum


class ctkPathLineEdit(StandIn, QtWidgets.QWidget):
    """A path to type or browse for: `currentPath`, `currentPathChanged(QString)`."""

    currentPathChanged = Signal(str)
    Dirs, Files, Drives = 0x1, 0x2, 0x4  # as QDir::Filter

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        QtWidgets.QWidget.__init__(self, parent)
        self._edit = QtWidgets.QLineEdit(self)
        browse = QtWidgets.QToolButton(self)
        browse.setText("...")
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._edit, 1)
        row.addWidget(browse)
        self._edit.textChanged.connect(self.currentPathChanged)

    def setCurrentPath(self, path: str) -> None:
        self._edit.setText(path)

    def addCurrentPathToHistory(self) -> None:
        """CTK remembers paths between sessions; the host does not."""

    currentPath = Property(str, lambda self: self._edit.text, setCurrentPath)
    filters = held(int, 0, "filters")
    nameFilters = held("QStringList", (), "nameFilters")
    settingKey = held(str, "", "settingKey")


WIDGETS: tuple[type, ...] = (
    *(ctkCollapsibleButton, ctkDoubleSpinBox, ctkComboBox, ctkSliderWidget, ctkPathLineEdit),
)


def build() -> types.ModuleType:
    """Return the module that `import ctk` shall give."""
    module = types.ModuleType("ctk", "CTK stand-ins (test host)")
    for cls in WIDGETS:
        setattr(module, cls.__name__, cls)
    return module
