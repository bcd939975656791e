"""`qt.QUiLoader` as Slicer has it: builds stand-ins for CTK and MRML widgets, wires the scene.

Qt's own loader knows nothing of `vtkMRMLScene*`, so the connections are taken out of the file and
made here one by one: a selector whose connection was forgotten stays without a scene, as it would
in Slicer.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

from PySide6 import QtCore, QtUiTools, QtWidgets

from . import ctk, qmrml
from .pythonqt import UiLoading, find_signal


class UiError(RuntimeError):
    """A .ui file asks for something that neither Qt nor the host has."""


class UiLoader:
    """What `slicer.util.loadUI` uses: `UiLoader().load(open_qfile)` returns the widget."""

    def load(self, file: QtCore.QIODevice, parent: QtWidgets.QWidget | None = None) -> Any:
        root = ET.fromstring(bytes(file.readAll().data()))
        custom = {cls.__name__: cls for cls in (*ctk.WIDGETS, *qmrml.WIDGETS)}
        _check_classes(root, custom)
        connections = _take_connections(root)
        loader = QtUiTools.QUiLoader()
        for cls in custom.values():
            loader.registerCustomWidget(cls)
        buffer = QtCore.QBuffer()
        buffer.setData(ET.tostring(root))
        buffer.open(QtCore.QIODevice.ReadOnly)
        with UiLoading():
            widget = loader.load(buffer, parent)
        if widget is None:
            raise UiError(loader.errorString())
        for connection in connections:
            _wire(widget, **connection)
        for each in widget.findChildren(QtWidgets.QWidget):
            each.toolTip = each.toolTip  # through Python, which wraps them
        return widget


def _check_classes(root: ET.Element, custom: dict[str, type]) -> None:
    unknown = {
        element.get("class", "")
        for element in root.iter("widget")
        if element.get("class") not in (*custom, "Line")
        and not hasattr(QtWidgets, element.get("class", ""))
    }
    if unknown:
        raise UiError(f"the host has no stand-in for: {', '.join(sorted(unknown))}")


def _take_connections(root: ET.Element) -> list[dict[str, str]]:
    """Remove `<connections>` from the tree and return them as sender/signal/receiver/slot."""
    found = []
    for section in root.findall("connections"):
        for connection in section.findall("connection"):
            keys = ("sender", "signal", "receiver", "slot")
            found.append({key: connection.findtext(key, "") for key in keys})
        root.remove(section)
    return found


def _wire(widget: QtWidgets.QWidget, sender: str, signal: str, receiver: str, slot: str) -> None:
    ends = []
    for name in (sender, receiver):
        end = widget if widget.objectName == name else widget.findChild(QtCore.QObject, name)
        if end is None:
            raise UiError(f"a connection names '{name}', which the file does not have")
        ends.append(end)
    method = getattr(ends[1], slot.split("(")[0], None)
    if method is None or not callable(method):
        raise UiError(f"'{receiver}' has no slot '{slot}'")
    bound, _count = find_signal(ends[0], signal)
    bound.connect(method)
