"""How a parameter and a widget exchange values, and which pairs Slicer accepts.

Slicer compares the widget's type exactly and refuses, among others, a `str` bound to a combo box
without `Choice` and an unbounded `float` bound to a slider; so does the host.
"""

from __future__ import annotations

import enum
import typing
from collections.abc import Callable
from types import NoneType
from typing import Any

import slicer
from PySide6 import QtWidgets

from . import ctk, qmrml

_NUMBER_WIDGETS = (QtWidgets.QDoubleSpinBox, ctk.ctkDoubleSpinBox, ctk.ctkSliderWidget)


class GuiConnector:
    """One widget's value: `read()`, `write(value)`, and a callback when a person changes it."""

    def __init__(self, signal: Any, read: Callable[[], Any], write: Callable[[Any], None]) -> None:
        self._signal, self.read, self.write = signal, read, write
        self._callback: Callable[[], None] | None = None

    def start(self, callback: Callable[[], None]) -> None:
        self._callback = callback
        if self._signal is not None:
            self._signal.connect(self._changed)

    def stop(self) -> None:
        if self._callback is not None and self._signal is not None:
            self._signal.disconnect(self._changed)
        self._callback = None

    def _changed(self, *_values: Any) -> None:
        if self._callback is not None:
            self._callback()


def createGuiConnector(widget: Any, datatype: Any) -> GuiConnector:
    """The connector for a widget and a possibly annotated type; RuntimeError if Slicer has none."""
    arguments = typing.get_args(typing.Annotated[datatype, None])
    kind, annotations, exact = arguments[0], arguments[1:-1], type(widget)
    if kind is bool and exact is QtWidgets.QCheckBox:
        return _attribute(widget, widget.stateChanged, "checked")
    if kind is bool and exact is QtWidgets.QPushButton:
        widget.checkable = True
        return _attribute(widget, widget.toggled, "checked")
    if kind is int and exact in (QtWidgets.QSlider, QtWidgets.QSpinBox):
        _set_limits(widget, annotations, exact is QtWidgets.QSlider, (-(2**31), 2**31 - 1))
        return _attribute(widget, widget.valueChanged, "value")
    if kind in (int, float) and exact in _NUMBER_WIDGETS:
        if kind is int:
            widget.decimals = 0
        must = exact is ctk.ctkSliderWidget
        _set_limits(widget, annotations, must, (float("-inf"), float("inf")))
        return _attribute(widget, widget.valueChanged, "value", kind)
    if exact in (QtWidgets.QComboBox, ctk.ctkComboBox):
        return _combo(widget, kind, annotations)
    if kind is str and exact is QtWidgets.QLineEdit:
        return _attribute(widget, widget.textChanged, "text")
    if exact is qmrml.qMRMLNodeComboBox and node_types(kind):
        widget.nodeTypes = [node_type.__name__ for node_type in node_types(kind)]
        return GuiConnector(widget.currentNodeChanged, widget.currentNode, widget.setCurrentNode)
    raise RuntimeError(f"the host cannot bind a {exact.__name__} to a parameter of {datatype}")


def node_types(kind: Any) -> tuple[type, ...]:
    """The MRML node classes that a type or a union names; none when it names something else.

    A union may name None beside them.
    """
    kinds = tuple(each for each in typing.get_args(kind) or (kind,) if each is not NoneType)
    if kinds and all(
        isinstance(each, type) and issubclass(each, slicer.vtkMRMLNode) for each in kinds
    ):
        return kinds
    return ()


def _attribute(widget: Any, signal: Any, name: str, kind: Any = None) -> GuiConnector:
    """A connector for a property; it writes only what differs, so a text cursor stays put."""

    def read() -> Any:
        value = getattr(widget, name)
        return kind(value) if kind else value

    def write(value: Any) -> None:
        if value != getattr(widget, name):
            setattr(widget, name, value)

    return GuiConnector(signal, read, write)


def _set_limits(
    widget: Any, annotations: tuple[Any, ...], must: bool, unbounded: tuple[float, float]
) -> None:
    limits: dict[str, Any] = {}
    for annotation in annotations:
        for side in ("minimum", "maximum"):
            if hasattr(annotation, side):
                limits.setdefault(side, getattr(annotation, side))
    if must and len(limits) < 2:
        raise RuntimeError(f"a {type(widget).__name__} needs a parameter with both bounds")
    widget.minimum = limits.get("minimum", unbounded[0])
    widget.maximum = limits.get("maximum", unbounded[1])


def _combo(widget: Any, kind: Any, annotations: tuple[Any, ...]) -> GuiConnector:
    """Fills the combo box itself, as Slicer does: the .ui file's own items are lost."""
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        values = list(kind)
        label = getattr(kind, "label", lambda member: member.name)
        labels = [label(member) for member in values]
    else:
        choices = [a.choices for a in annotations if hasattr(a, "choices")]
        if not choices or kind not in (str, int, float, bool):
            raise RuntimeError("a combo box needs a parameter with Choice")
        values = list(choices[0])
        labels = [str(value) for value in values]
    widget.clear()
    for text in labels:
        widget.addItem(text)

    def write(value: Any) -> None:
        widget.currentIndex = values.index(value)

    return GuiConnector(widget.currentIndexChanged, lambda: values[widget.currentIndex], write)
