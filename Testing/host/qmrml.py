"""Stand-ins for the Qt widgets that know the MRML scene: `qMRMLWidget`, `qMRMLNodeComboBox`...

As in Slicer, a node selector is empty and disabled until it is given a scene, either by code or
by a connection of the .ui file.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import shiboken6
import slicer
import vtk
from PySide6 import QtWidgets
from PySide6.QtCore import Property, Signal

from .ctk import held
from .pythonqt import StandIn

_CREATE = "CREATE"  # data of the entry that makes a node; IDs of nodes never look like it


def _weakly(method: Any) -> Callable[..., None]:
    """An observer that does not keep the widget alive and does nothing once it is gone."""
    reference = weakref.WeakMethod(method)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def observe(_scene: Any, _event: str, node: Any = None) -> None:
        bound = reference()
        if bound is not None and shiboken6.isValid(bound.__self__):
            bound(node)

    return observe


class qMRMLWidget(StandIn, QtWidgets.QWidget):
    """A widget with a scene, which it announces through `mrmlSceneChanged(vtkMRMLScene*)`."""

    mrmlSceneChanged = Signal(object)
    cpp_signals = {"mrmlSceneChanged(vtkMRMLScene*)": "mrmlSceneChanged"}

    def setMRMLScene(self, scene: Any) -> None:
        if scene is not self.mrmlScene():
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)

    def mrmlScene(self) -> Any:
        return self.__dict__.get("_scene")


class qMRMLNodeComboBox(StandIn, QtWidgets.QWidget):
    """A selector of the scene's nodes of given types; follows nodes added and removed."""

    currentNodeChanged = Signal(object)
    currentNodeIDChanged = Signal(str)
    nodeAddedByUser = Signal(object)
    nodeAdded = Signal(object)
    cpp_signals = {
        "currentNodeChanged(vtkMRMLNode*)": "currentNodeChanged",
        "nodeAddedByUser(vtkMRMLNode*)": "nodeAddedByUser",
        "nodeAdded(vtkMRMLNode*)": "nodeAdded",
    }

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        QtWidgets.QWidget.__init__(self, parent)
        self._scene: Any = None
        self._current: str | None = None
        self._offered: list[str] = []
        self._requested: Any = None
        self._tags: list[int] = []
        self._attributes: list[tuple[str, str, str | None]] = []
        self._combo = QtWidgets.QComboBox(self)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._combo)
        self._combo.activated.connect(self._on_activated)
        self.setEnabled(False)

    def _refresh(self) -> None:
        self._fill()

    nodeTypes = held("QStringList", [], "nodeTypes", _refresh)
    hideChildNodeTypes = held("QStringList", [], "hideChildNodeTypes", _refresh)
    showChildNodeTypes = held(bool, True, "showChildNodeTypes", _refresh)
    showHidden = held(bool, False, "showHidden", _refresh)
    noneEnabled = held(bool, False, "noneEnabled", _refresh)
    noneDisplay = held(str, "None", "noneDisplay", _refresh)
    addEnabled = held(bool, True, "addEnabled", _refresh)
    removeEnabled = held(bool, True, "removeEnabled", _refresh)
    renameEnabled = held(bool, False, "renameEnabled", _refresh)
    editEnabled = held(bool, False, "editEnabled", _refresh)
    selectNodeUponCreation = held(bool, True, "selectNodeUponCreation")
    baseName = held(str, "", "baseName")
    interactionNodeSingletonTag = held(str, "", "interactionNodeSingletonTag")

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        """Follow `scene` (or none); without a scene the selector is disabled."""
        for tag in self._tags:
            self._scene.RemoveObserver(tag)
        self._tags, self._scene = [], scene
        if scene is not None:
            kind = slicer.vtkMRMLScene
            self._tags.append(scene.AddObserver(kind.NodeAddedEvent, _weakly(self._on_added)))
            for event in (kind.NodeRemovedEvent, kind.EndBatchProcessEvent):
                self._tags.append(scene.AddObserver(event, _weakly(self._on_changed)))
        self.setEnabled(scene is not None)
        self._offered = []
        self._fill()
        if scene is not None and self._requested is not None:
            requested, self._requested = self._requested, None
            self.setCurrentNode(requested)

    def addAttribute(self, nodeType: str, name: str, value: Any = None) -> None:
        self._attributes.append((nodeType, name, value))
        self._fill()

    def nodes(self) -> list[Any]:
        """The nodes on offer, in scene order."""
        if self._scene is None:
            return []
        every = (self._scene.GetNthNode(i) for i in range(self._scene.GetNumberOfNodes()))
        return [node for node in every if self._offers(node)]

    def _offers(self, node: Any) -> bool:
        if node.GetHideFromEditors() and not self.showHidden:
            return False
        if node.GetClassName() in self.hideChildNodeTypes:
            return False
        exact = not self.showChildNodeTypes
        if not any(node.GetClassName() == t if exact else node.IsA(t) for t in self.nodeTypes):
            return False
        return all(
            not node.IsA(kind)
            or (node.GetAttribute(name) is not None and value in (None, node.GetAttribute(name)))
            for kind, name, value in self._attributes
        )

    def nodeCount(self) -> int:
        return len(self.nodes())

    def nodeFromIndex(self, index: int) -> Any:
        nodes = self.nodes()
        return nodes[index] if 0 <= index < len(nodes) else None

    def currentNode(self) -> Any:
        return self._scene.GetNodeByID(self._current) if self._scene and self._current else None

    def setCurrentNode(self, node: Any) -> None:
        """Select a node (or its ID, or None); a node that is not on offer selects none.

        Without a scene yet, the node is remembered until there is one.
        """
        if self._scene is None:
            self._requested = node
        identity = node if isinstance(node, str) else node.GetID() if node is not None else None
        offered = {n.GetID() for n in self.nodes()}
        self._select(identity if identity in offered else None)

    def setCurrentNodeID(self, identity: str | None) -> None:
        self.setCurrentNode(identity or None)

    currentNodeID = Property(str, lambda self: self._current or "", setCurrentNodeID)

    def setCurrentNodeIndex(self, index: int) -> None:
        self.setCurrentNode(self.nodeFromIndex(index))

    def addNode(self, nodeType: str | None = None) -> Any:
        """Create a node of the first (or the given) type, as the menu's entry does."""
        kind = nodeType or self.nodeTypes[0]
        base = self.baseName or self._scene.GetTagByClassName(kind)
        node = self._scene.AddNewNodeByClass(kind, self._scene.GenerateUniqueName(base))
        for wanted, name, value in self._attributes:
            if node.IsA(wanted):
                node.SetAttribute(name, value or "")
        if self.selectNodeUponCreation:
            self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node

    def removeCurrentNode(self) -> None:
        if self.currentNode() is not None:
            self._scene.RemoveNode(self.currentNode())

    def _on_activated(self, row: int) -> None:
        chosen = self._combo.itemData(row)
        if chosen == _CREATE:
            self.addNode()
        else:
            self._select(chosen or None)

    def _on_added(self, node: Any) -> None:
        self._on_changed(node)
        if self._offers(node):
            self.nodeAdded.emit(node)

    def _on_changed(self, _node: Any) -> None:
        if not self._scene.IsBatchProcessing():
            self._fill()

    def _select(self, identity: str | None) -> None:
        changed, self._current = identity != self._current, identity
        self._show()
        if changed:
            self.currentNodeChanged.emit(self.currentNode())
            self.currentNodeIDChanged.emit(identity or "")

    def _fill(self) -> None:
        """Rebuild the list. As Qt's combo box does, take a node that comes into an empty list,
        or the neighbour of one that left, unless "None" or an action is there to take."""
        before, self._offered = self._offered, [node.GetID() for node in self.nodes()]
        actions = self.addEnabled or self.removeEnabled or self.renameEnabled or self.editEnabled
        self._combo.clear()
        if self.noneEnabled:
            self._combo.addItem(self.noneDisplay, "")
        for node in self.nodes():
            self._combo.addItem(node.GetName() or node.GetID(), node.GetID())
        if self.addEnabled and self.nodeTypes:
            self._combo.addItem("Create new...", _CREATE)
        identity = self._current if self._current in self._offered else None
        if self._offered and not self.noneEnabled:
            if self._current in before and identity is None:
                row = min(before.index(self._current), len(self._offered) - 1)
                identity = self._offered[row]
            elif not before and not actions:
                identity = self._offered[0]
        self._select(identity)

    def _show(self) -> None:
        self._combo.setCurrentIndex(self._combo.findData(self._current or ""))


WIDGETS: tuple[type, ...] = (qMRMLWidget, qMRMLNodeComboBox)
