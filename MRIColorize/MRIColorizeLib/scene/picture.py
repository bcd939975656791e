"""A picture for a slide: the four views at twice their size, and how the colours were made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from ..provenance import NOTICE
from ..staging import atomic
from .nodes import ATTRIBUTE_PREFIX, Node

SCALE = 2
# As Slicer's Four-Up shows them; None is the 3D view.
ROWS = (("Red", None), ("Green", "Yellow"))
GAP, MARGIN = 4, 10
INK, PAPER = (235, 235, 235), (14, 14, 16)


def write_picture(colorNode: Node, path: Path) -> None:
    """Write the four views as one PNG, with provenance and the notice in its lower left corner.

    The file's text chunks hold the volume's attributes too. Raises OutputError.
    """
    pixels = stamp(four_views(), made_text(colorNode))
    names = [name for name in colorNode.GetAttributeNames() if name.startswith(ATTRIBUTE_PREFIX)]
    texts = {name: colorNode.GetAttribute(name) for name in names}
    png = _png(pixels, {**texts, ATTRIBUTE_PREFIX + "Notice": NOTICE})
    with atomic(path) as temporary:
        temporary.write_bytes(png)


def made_text(colorNode: Node) -> str:
    """The notice and, in lines of their own, the volume's name and how its colours were made."""
    told = lambda key: colorNode.GetAttribute(ATTRIBUTE_PREFIX + key) or ""  # noqa: E731
    model = f"{told('Model')} {told('ModelVersion')}".strip()
    palette = f"palette {told('Palette')}" if told("Palette") else ""
    mode = f"{told('Mode')} mode" if told("Mode") else ""
    plane = f"{told('Plane')} slices" if told("Plane") else ""
    made = ", ".join(part for part in (told("Software"), model, mode, plane, palette) if part)
    return "\n".join(line for line in (NOTICE, colorNode.GetName(), made) if line)


def four_views() -> np.ndarray:
    """The slice views and the 3D view at twice their size, in equal cells, uint8 (H, W, 3)."""
    manager = slicer.app.layoutManager()
    rows = [
        [_slice(manager.sliceWidget(name)) if name else _space(manager) for name in row]
        for row in ROWS
    ]
    height = max(view.shape[0] for row in rows for view in row)
    width = max(view.shape[1] for row in rows for view in row)
    sheet = np.zeros((2 * height + GAP, 2 * width + GAP, 3), dtype=np.uint8)
    for n, row in enumerate(rows):
        for m, view in enumerate(row):
            top = n * (height + GAP) + (height - view.shape[0]) // 2
            left = m * (width + GAP) + (width - view.shape[1]) // 2
            sheet[top : top + view.shape[0], left : left + view.shape[1]] = view
    return sheet


def stamp(pixels: np.ndarray, text: str) -> np.ndarray:
    """The picture with a text on dark ground in its lower left corner; a small one grows for it."""
    size = max(14, pixels.shape[0] // 70)
    alpha = _drawn(text, size)
    needed = (alpha.shape[0] + 2 * MARGIN, alpha.shape[1] + 2 * MARGIN)
    height, width = (max(have, need) for have, need in zip(pixels.shape[:2], needed, strict=True))
    sheet = np.full((height, width, 3), PAPER, dtype=np.uint8)
    sheet[: pixels.shape[0], : pixels.shape[1]] = pixels
    corner = sheet[height - needed[0] :, : needed[1]]
    corner[...] = PAPER
    inside = corner[MARGIN:-MARGIN, MARGIN:-MARGIN]
    share = alpha[..., None] / 255
    inside[...] = np.rint(share * np.array(INK) + (1 - share) * inside).astype(np.uint8)
    return sheet


def _slice(widget: Any) -> np.ndarray:
    """What a slice view shows, resliced finer: its layers and their opacity, true colours."""
    logic, node = widget.sliceLogic(), widget.mrmlSliceNode()
    width, height, depth = node.GetDimensions()
    node.SetDimensions(SCALE * width, SCALE * height, depth)  # its field of view stays
    try:
        connection = logic.GetImageDataConnection()  # None while no volume is shown
        if connection is None:
            return np.zeros((SCALE * height, SCALE * width, 3), dtype=np.uint8)
        producer = connection.GetProducer()
        producer.Update()
        return _pixels(producer.GetOutputDataObject(connection.GetIndex()))
    finally:
        node.SetDimensions(width, height, depth)


def _space(manager: Any) -> np.ndarray:
    """What the first 3D view shows, drawn finer."""
    if not manager.threeDViewCount:
        return np.zeros((1, 1, 3), dtype=np.uint8)
    view = manager.threeDWidget(0).threeDView()
    view.forceRender()  # one that was never drawn would come out black
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(view.renderWindow())
    grab.SetScale(SCALE, SCALE)
    grab.SetInputBufferTypeToRGB()
    grab.ReadFrontBufferOff()
    grab.Update()
    return _pixels(grab.GetOutput())


def _pixels(image: vtk.vtkImageData) -> np.ndarray:
    """RGB of a VTK image, uint8 (H, W, 3), first row on top."""
    width, height, _depth = image.GetDimensions()
    scalars = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, -1)
    return np.ascontiguousarray(scalars[::-1, :, :3])


def _drawn(text: str, size: int) -> np.ndarray:
    """How much ink each pixel of a text has, uint8 (H, W), without free borders."""
    look = vtk.vtkTextProperty()
    look.SetFontFamilyToArial()
    look.SetFontSize(size)
    look.SetColor(1, 1, 1)
    image = vtk.vtkImageData()
    vtk.vtkTextRenderer.GetInstance().RenderString(look, text, image, [0, 0], 72)
    width, height, _depth = image.GetDimensions()
    alpha = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, -1)[::-1, :, 3]
    rows, columns = (np.flatnonzero(alpha.any(axis=axis)) for axis in (1, 0))
    return np.ascontiguousarray(alpha[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def _png(pixels: np.ndarray, texts: dict[str, str]) -> bytes:
    height, width, _channels = pixels.shape
    image = vtk.vtkImageData()
    image.SetDimensions(width, height, 1)
    scalars = numpy_to_vtk(np.ascontiguousarray(pixels[::-1]).reshape(-1, 3), deep=True)
    image.GetPointData().SetScalars(scalars)
    writer = vtk.vtkPNGWriter()
    writer.SetInputData(image)
    for key, value in texts.items():
        writer.AddText(key, value)
    writer.WriteToMemoryOn()
    writer.Write()
    return bytes(vtk_to_numpy(writer.GetResult()))
