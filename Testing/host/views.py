"""The views of a four-up layout: real displayable managers drawing offscreen, with PNG output.

Slices are resliced by the real `vtkMRMLSliceLogic`; volume rendering goes through Slicer's own
displayable manager. Only the Qt frames around the views (controllers, sliders) are stand-ins.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

_SLICE_MANAGERS = (
    *("vtkMRMLVolumeGlyphSliceDisplayableManager", "vtkMRMLModelSliceDisplayableManager"),
    *("vtkMRMLCrosshairDisplayableManager", "vtkMRMLOrientationMarkerDisplayableManager"),
    *("vtkMRMLRulerDisplayableManager", "vtkMRMLScalarBarDisplayableManager"),
    "vtkMRMLSegmentationsDisplayableManager2D",
)
_THREED_MANAGERS = (
    *("vtkMRMLCameraDisplayableManager", "vtkMRMLViewDisplayableManager"),
    *("vtkMRMLModelDisplayableManager", "vtkMRMLThreeDReformatDisplayableManager"),
    *("vtkMRMLCrosshairDisplayableManager3D", "vtkMRMLOrientationMarkerDisplayableManager"),
    *("vtkMRMLRulerDisplayableManager", "vtkMRMLVolumeRenderingDisplayableManager"),
    "vtkMRMLSegmentationsDisplayableManager3D",
)


class _View:
    """An offscreen render window that draws one MRML view node."""

    def __init__(self, session: Any, node: Any, factory: Any, managers: tuple[str, ...]) -> None:
        self._node = node
        self._window = vtk.vtkRenderWindow()
        self._window.SetOffScreenRendering(True)
        self._window.SetMultiSamples(0)
        self._window.SetSize(256, 256)
        self._renderer = vtk.vtkRenderer()
        self._window.AddRenderer(self._renderer)
        self._interactor = vtk.vtkRenderWindowInteractor()
        self._interactor.SetRenderWindow(self._window)
        factory.SetMRMLApplicationLogic(session.application_logic)
        for name in managers:
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)
        self._managers = factory.InstantiateDisplayableManagers(self._renderer)
        self._managers.SetMRMLDisplayableNode(node)

    def renderWindow(self) -> Any:
        return self._window

    def forceRender(self) -> None:
        self._window.Render()

    scheduleRender = forceRender

    def picture(self) -> np.ndarray:
        """Draw and return the view, uint8 (height, width, 3), first row on top."""
        self.forceRender()
        grab = vtk.vtkWindowToImageFilter()
        grab.SetInput(self._window)
        grab.ReadFrontBufferOff()
        grab.Update()
        image = grab.GetOutput()
        width, height, _ = image.GetDimensions()
        pixels = vtk_to_numpy(image.GetPointData().GetScalars())
        return np.flipud(pixels.reshape(height, width, -1)[:, :, :3]).copy()

    def close(self) -> None:
        self._managers.SetMRMLDisplayableNode(None)
        self._window.Finalize()


class SliceView(_View):
    """A slice view: the resliced image below what the displayable managers add."""

    def __init__(self, session: Any, logic: Any) -> None:
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        super().__init__(session, logic.GetSliceNode(), factory, _SLICE_MANAGERS)
        self._logic = logic
        self._image = vtk.vtkImageMapper()
        self._image.SetColorWindow(255)
        self._image.SetColorLevel(127.5)
        self._actor = vtk.vtkActor2D()
        self._actor.SetMapper(self._image)
        self._actor.GetProperty().SetDisplayLocationToBackground()

    def mrmlSliceNode(self) -> Any:
        return self._node

    def resize(self, width: int, height: int) -> None:
        self._window.SetSize(width, height)
        self._logic.ResizeSliceNode(width, height)

    def forceRender(self) -> None:
        connection = self._logic.GetImageDataConnection()  # None while no volume is shown
        self._renderer.RemoveViewProp(self._actor)
        if connection is not None:
            self._image.SetInputConnection(connection)
            self._renderer.AddViewProp(self._actor)
        self._window.Render()


class ThreeDView(_View):
    """A 3D view with volume rendering on the CPU (or whatever GPU the machine offers)."""

    def __init__(self, session: Any, node: Any) -> None:
        factory = slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance()
        super().__init__(session, node, factory, _THREED_MANAGERS)

    def mrmlViewNode(self) -> Any:
        return self._node

    def resize(self, width: int, height: int) -> None:
        self._window.SetSize(width, height)

    def resetFocalPoint(self) -> None:
        """Look at the middle of what is visible; as in Slicer the camera keeps its place."""
        self._window.Render()
        bounds = np.array(self._renderer.ComputeVisiblePropBounds()).reshape(3, 2)
        self._renderer.GetActiveCamera().SetFocalPoint(*bounds.mean(axis=1))
        self._renderer.ResetCameraClippingRange()

    def resetCamera(self) -> None:
        """Come as near as all that is visible is seen."""
        self._window.Render()
        self._renderer.ResetCamera()

    def look_from(self, direction: tuple[float, float, float]) -> None:
        """Place the camera on the side `direction` (RAS) of the visible objects, head up."""
        camera = self._renderer.GetActiveCamera()
        focus = np.array(camera.GetFocalPoint())
        camera.SetPosition(*(focus + 500 * np.array(direction)))
        camera.SetViewUp(0, 0, 1)
        self.resetCamera()


class SliceWidget:
    """`layoutManager().sliceWidget(name)`."""

    def __init__(self, session: Any, logic: Any) -> None:
        self._session, self._logic = session, logic
        self._view: SliceView | None = None

    def sliceLogic(self) -> Any:
        return self._logic

    def mrmlSliceNode(self) -> Any:
        return self._logic.GetSliceNode()

    def mrmlSliceCompositeNode(self) -> Any:
        return self._logic.GetSliceCompositeNode()

    def sliceView(self) -> SliceView:
        """The view; its window is made on the first call."""
        if self._view is None:
            self._view = SliceView(self._session, self._logic)
        return self._view

    def fitSliceToBackground(self) -> None:
        self._logic.FitSliceToBackground()

    def close(self) -> None:
        if self._view is not None:
            self._view.close()

    def sliceController(self) -> SliceWidget:
        return self

    def setSliceOffsetValue(self, offset: float) -> None:
        self._logic.SetSliceOffset(offset)


class ThreeDWidget:
    """`layoutManager().threeDWidget(0)`."""

    def __init__(self, session: Any, node: Any) -> None:
        self._session, self._node = session, node
        self._view: ThreeDView | None = None

    def mrmlViewNode(self) -> Any:
        return self._node

    def threeDView(self) -> ThreeDView:
        """The view; its window is made on the first call."""
        if self._view is None:
            self._view = ThreeDView(self._session, self._node)
        return self._view

    def threeDController(self) -> ThreeDView:
        return self.threeDView()

    def close(self) -> None:
        if self._view is not None:
            self._view.close()


class LayoutManager:
    """`slicer.app.layoutManager()` of a four-up layout: Red, Yellow, Green and one 3D view."""

    tableViewCount = 0
    plotViewCount = 0

    def __init__(self, session: Any) -> None:
        self._session = session
        self._slices = {}
        for index in range(self.mrmlSliceLogics().GetNumberOfItems()):
            logic = self.mrmlSliceLogics().GetItemAsObject(index)
            self._slices[logic.GetSliceNode().GetLayoutName()] = SliceWidget(session, logic)
        view_node = session.scene.GetFirstNodeByClass("vtkMRMLViewNode")
        self._threed = ThreeDWidget(session, view_node)
        self._map_views()

    @property
    def threeDViewCount(self) -> int:
        """Views that exist, as in Slicer: also while the layout shows none of them."""
        return 1

    @property
    def layout(self) -> int:
        return self._session.layout_logic.GetLayoutNode().GetViewArrangement()

    def setLayout(self, arrangement: int) -> None:
        """Note the arrangement in the layout node; the host's four views stay, as Slicer's do."""
        self._session.layout_logic.GetLayoutNode().SetViewArrangement(arrangement)
        self._map_views()

    def _map_views(self) -> None:
        """Tell every view node whether the layout shows it, as Slicer's layout manager does."""
        description = self._session.layout_logic.GetLayoutNode().GetCurrentLayoutDescription()
        views = ElementTree.fromstring(description).iter("view")
        shown = {(view.get("class"), view.get("singletontag")) for view in views}
        for kind in ("vtkMRMLSliceNode", "vtkMRMLViewNode"):
            for node in slicer.util.getNodesByClass(kind):
                node.SetMappedInLayout((kind, node.GetLayoutName()) in shown)

    def mrmlSliceLogics(self) -> Any:
        return self._session.application_logic.GetSliceLogics()

    def sliceViewNames(self) -> tuple[str, ...]:
        return tuple(self._slices)

    def sliceWidget(self, name: str) -> SliceWidget | None:
        return self._slices.get(name)

    def threeDWidget(self, index: int) -> ThreeDWidget | None:
        return self._threed if index == 0 else None

    def resetSliceViews(self) -> None:
        for widget in self._slices.values():
            widget.fitSliceToBackground()

    def resetThreeDViews(self) -> None:
        self._threed.threeDView().resetFocalPoint()

    def close(self) -> None:
        for widget in self._slices.values():
            widget.close()
        self._threed.close()


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Write uint8 (height, width, 3), first row on top."""
    height, width, channels = pixels.shape
    image = vtk.vtkImageData()
    image.SetDimensions(width, height, 1)
    flat = np.ascontiguousarray(np.flipud(pixels)).reshape(-1, channels)
    image.GetPointData().SetScalars(numpy_to_vtk(flat, deep=True))
    writer = vtk.vtkPNGWriter()
    writer.SetFileName(str(path))
    writer.SetInputData(image)
    writer.Write()
