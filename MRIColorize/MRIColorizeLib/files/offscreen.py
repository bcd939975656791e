"""A rendering in space without a window: the coloured body, cut open so that its inside shows.

VTK may end the whole process where there is no OpenGL, so it draws in a child process: this file
run as a module reads a scene (npz) from its standard input and writes a PNG to its output.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DependencyError
from ..orientation import in_patient_axes
from ..provenance import NOTICE
from ..resources import PACKAGE
from ..staging import atomic
from ..volume import ColorVolume, bounding_box

SIZE = 1100
# Longer axes are thinned out: software OpenGL has to draw it too.
MAX_VOXELS = 256
TIME_LIMIT_S = 300
PAPER = (14, 14, 16)
# Two lamps: where they stand towards superior, anterior, right of the patient; how strong.
LAMPS = (((1.0, 0.5, -0.3), 0.5), ((0.2, 0.9, -0.6), 0.25))
AMBIENT = 0.5
# Where the octant is cut, as shares of the body's box along S, A, R. A little beside the middle,
# so that the section shows the hemisphere and not the falx between the two.
CUT = (0.5, 0.5, 0.46)
# VTK's windows without a screen on Linux: EGL (graphics drivers and Mesa), then OSMesa.
WINDOWS = ("vtkEGLRenderWindow", "vtkOSOpenGLRenderWindow")

Spacing = tuple[float, float, float]


def write_rendering(color: ColorVolume, path: Path) -> None:
    """Render the coloured body with an octant cut away and write a PNG.

    Raises DependencyError where VTK or OpenGL is missing, OutputError when it cannot be written.
    """
    picture = _trim(draw_in_child(*cut_open(color)))
    with atomic(path) as temporary:
        picture.save(temporary, format="PNG")


def cut_open(color: ColorVolume) -> tuple[np.ndarray, Spacing]:
    """RGBA uint8 (S, A, R, 4) of the solid body without its superior, anterior, left octant.

    Also returns the spacing along S, A, R in mm. The colours carry the light already, so that the
    ray caster needs no normals: VTK's takes those of RGBA volumes from the red channel.
    """
    turned, spacing = in_patient_axes(color.mask, color.ijk_to_ras)
    box = bounding_box(turned, (0, 0, 0))
    step = tuple(max(1, -(-(part.stop - part.start) // MAX_VOXELS)) for part in box)
    thin = tuple(slice(part.start, part.stop, n) for part, n in zip(box, step, strict=True))
    s, a, r = (size * n for size, n in zip(spacing, step, strict=True))
    body = _pad(turned[thin])
    rgb = _pad(in_patient_axes(color.array, color.ijk_to_ras)[0][thin])
    rgb = carry_outwards(rgb, _smooth(body) > 0.95, rounds=4)
    opacity = body.astype(np.float32)
    opacity[_octant(opacity.shape)] = 0
    opacity = _smooth(opacity)
    rgba = np.empty((*rgb.shape[:3], 4), dtype=np.uint8)
    # Inside of the body the light is even: only its surface is worked out.
    rgba[..., :3] = np.rint(np.arange(256) * AMBIENT).astype(np.uint8)[rgb]
    surface, shade = light(opacity, (s, a, r))
    lit = np.rint(rgb.reshape(-1, 3)[surface] * shade[:, None])
    rgba.reshape(-1, 4)[surface, :3] = np.minimum(lit, 255)
    np.rint(255 * opacity, out=rgba[..., 3], casting="unsafe")
    return rgba, (s, a, r)


def _octant(shape: tuple[int, ...]) -> tuple[slice, ...]:
    s, a, r = (round(share * n) for share, n in zip(CUT, shape, strict=True))
    return slice(s, None), slice(a, None), slice(None, r)


def _pad(array: np.ndarray) -> np.ndarray:
    """Air on every side: a surface needs a gradient."""
    return np.pad(array, [(3, 3)] * 3 + [(0, 0)] * (array.ndim - 3))


def _smooth(mask: np.ndarray) -> np.ndarray:
    """Three rounds of binomial smoothing, (1, 2, 1)/4 along every axis; the border is empty."""
    result = mask.astype(np.float32)
    for axis in (0, 1, 2) * 3:
        quarter = np.moveaxis(0.25 * result, axis, 0)
        result *= 0.5
        moved = np.moveaxis(result, axis, 0)
        moved[1:] += quarter[:-1]
        moved[:-1] += quarter[1:]
    return result


def light(opacity: np.ndarray, spacing: Spacing) -> tuple[np.ndarray, np.ndarray]:
    """Brightness of a solid's surface under the two lamps; elsewhere it is AMBIENT.

    Returns the surface's places in the flat volume, and float32 for each. The border, which is air,
    has no surface.
    """
    flat = opacity.reshape(-1)
    strides = (opacity[0].size, opacity.shape[2], 1)
    edge = np.zeros(opacity.shape, dtype=bool)
    for axis in range(3):
        moved, inner = np.moveaxis(opacity, axis, 0), np.moveaxis(edge, axis, 0)
        inner[1:-1] |= moved[2:] != moved[:-2]
    for axis in range(3):
        np.moveaxis(edge, axis, 0)[[0, -1]] = False
    surface = np.flatnonzero(edge)
    inwards = np.stack(
        [
            (flat[surface + n] - flat[surface - n]) / np.float32(2 * step)
            for n, step in zip(strides, spacing, strict=True)
        ]
    )
    inwards /= np.maximum(np.sqrt((inwards**2).sum(axis=0)), 1e-6)
    shade = np.full(surface.shape, AMBIENT, dtype=np.float32)
    for place, strength in LAMPS:
        toward = np.array(place, dtype=np.float32) / np.float32(np.linalg.norm(place))
        shade += strength * np.maximum(-(toward @ inwards), 0)
    return surface, shade


def carry_outwards(rgb: np.ndarray, known: np.ndarray, rounds: int) -> np.ndarray:
    """Give the voxels around `known` the mean colour of their known neighbours, layer by layer.

    A body's outermost voxels are half air; its surface shall have the colour just below them.
    rgb: uint8 (S, A, R, 3); known: bool (S, A, R), nowhere true within `rounds` of the border.
    """
    colors, known = rgb.reshape(-1, 3).copy(), known.copy()
    steps = [sign * stride for stride in (1, known.shape[2], known[0].size) for sign in (1, -1)]
    flat = known.reshape(-1)
    for _ in range(rounds):
        beside = np.zeros_like(flat)
        for step in steps[::2]:
            beside[step:] |= flat[:-step]
            beside[:-step] |= flat[step:]
        layer = np.flatnonzero(beside & ~flat)
        weights = np.stack([flat[layer + n] for n in steps])[..., None]
        total = sum(
            weights[n] * colors[layer + step].astype(np.uint16) for n, step in enumerate(steps)
        )
        colors[layer] = total // weights.sum(axis=0)
        flat[layer] = True
    return colors.reshape(rgb.shape)


def draw_in_child(rgba: np.ndarray, spacing: Spacing) -> bytes:
    """PNG of an RGBA volume, drawn by a child process. Raises DependencyError."""
    scene = io.BytesIO()
    np.savez(scene, rgba=rgba, spacing=spacing)
    paths = [str(PACKAGE.parent), os.environ.get("PYTHONPATH")]
    for window in WINDOWS if sys.platform == "linux" else ("",):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        if window:
            environment["VTK_DEFAULT_OPENGL_WINDOW"] = window
        try:
            child = subprocess.run(
                [sys.executable, "-m", f"{__package__}.offscreen"],
                input=scene.getvalue(),
                capture_output=True,
                env=environment,
                timeout=TIME_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            break
        if child.returncode == 0 and child.stdout.startswith(b"\x89PNG"):
            return child.stdout
    raise DependencyError(
        "No 3D rendering: VTK or OpenGL is missing here; on Debian or Ubuntu, "
        "apt-get install libegl1 libgl1 libgl1-mesa-dri."
    )


def _trim(png: bytes) -> Any:
    """The picture without its empty margins, with the notice below; a PIL image."""
    from PIL import Image, ImageChops, ImageDraw, ImageFont, ImageOps

    image = Image.open(io.BytesIO(png)).convert("RGB")
    box = ImageChops.difference(image, Image.new("RGB", image.size, PAPER)).getbbox()
    image = ImageOps.expand(image.crop(box), (40, 40, 40, 60), PAPER)
    text = (20, image.height - 36)
    ImageDraw.Draw(image).text(text, NOTICE, fill=(150, 150, 155), font=ImageFont.load_default(16))
    return image


def _draw(rgba: np.ndarray, spacing: Spacing) -> bytes:
    """PNG of an RGBA volume (S, A, R, 4), seen from the patient's left, front and above."""
    from vtkmodules import vtkInteractionStyle, vtkRenderingOpenGL2  # noqa: F401
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOImage import vtkPNGWriter
    from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow, vtkWindowToImageFilter

    renderer = vtkRenderer()
    renderer.SetBackground(*(value / 255 for value in PAPER))
    renderer.AddVolume(_solid(rgba, spacing))
    camera = renderer.GetActiveCamera()
    # Patient axes are x right, y anterior, z superior here.
    camera.SetPosition(-0.8, 1.0, 0.65)
    camera.SetFocalPoint(0, 0, 0)
    camera.SetViewUp(0, 0, 1)
    camera.SetViewAngle(20)
    renderer.ResetCamera()
    camera.Zoom(1.2)
    window = vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(0)
    window.SetSize(SIZE, SIZE)
    window.AddRenderer(renderer)
    window.Render()
    frame = vtkWindowToImageFilter()
    frame.SetInput(window)
    frame.ReadFrontBufferOff()
    frame.ShouldRerenderOff()  # it is drawn already, and drawing takes longest
    writer = vtkPNGWriter()
    writer.SetInputConnection(frame.GetOutputPort())
    writer.WriteToMemoryOn()
    writer.SetCompressionLevel(1)  # for a pipe
    writer.Write()
    return vtk_to_numpy(writer.GetResult()).tobytes()


def _solid(rgba: np.ndarray, spacing: Spacing) -> Any:
    """A vtkVolume that is clear where alpha is under about one half and solid above."""
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData, vtkPiecewiseFunction
    from vtkmodules.vtkRenderingCore import vtkVolume, vtkVolumeProperty
    from vtkmodules.vtkRenderingVolumeOpenGL2 import vtkOpenGLGPUVolumeRayCastMapper

    image = vtkImageData()
    image.SetDimensions(*rgba.shape[2::-1])
    image.SetSpacing(*spacing[::-1])
    image.GetPointData().SetScalars(numpy_to_vtk(rgba.reshape(-1, 4), deep=True))
    opacity = vtkPiecewiseFunction()
    for alpha, value in ((0, 0), (100, 0), (150, 1), (255, 1)):
        opacity.AddPoint(alpha, value)
    look = vtkVolumeProperty()
    look.IndependentComponentsOff()
    look.SetScalarOpacity(opacity)
    look.SetScalarOpacityUnitDistance(0.5 * min(spacing))
    look.SetInterpolationTypeToLinear()
    mapper = vtkOpenGLGPUVolumeRayCastMapper()
    mapper.SetInputData(image)
    mapper.AutoAdjustSampleDistancesOff()
    # At 0.4 voxels it takes 1.6 times as long and no colour differs by more than 10 of 255.
    mapper.SetSampleDistance(0.6 * min(spacing))
    actor = vtkVolume()
    actor.SetMapper(mapper)
    actor.SetProperty(look)
    return actor


def _main() -> int:
    with np.load(io.BytesIO(sys.stdin.buffer.read())) as scene:
        s, a, r = (float(step) for step in scene["spacing"])
        png = _draw(scene["rgba"], (s, a, r))
    sys.stdout.buffer.write(png)
    return 0


if __name__ == "__main__":
    sys.exit(_main())
