"""Reading cryosection pictures: cut out the body, take away the gel, bring to working size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence
from scipy.ndimage import (
    binary_dilation,
    binary_erosion,
    binary_fill_holes,
    binary_opening,
    label,
)
from skimage.color import rgb2lab
from skimage.transform import resize

from training.data.cryosection_outlines import Photograph
from training.errors import TrainingError

# Colour of an air cavity, sRGB: near-black, so that it is told from the black background.
CAVITY_RGB = (9, 8, 10)
# Gel of both cadavers is bluer than this b* in every photograph; tissue never is.
GEL_BLUENESS = -4.0
SMALLEST_CAVITY = 14  # pixels of a stack frame; smaller black spots are vessels


class CryosectionError(TrainingError):
    """A cryosection picture is missing or is not what it should be."""


@dataclass(frozen=True)
class BodyPicture:
    """A slice without its surroundings.

    rgb: uint8 (H, W, 3), black outside the body, near-black where gel fills a cavity.
    body: bool (H, W) with its cavities. cavity: bool (H, W), gel or void inside the body.
    spacing_mm: millimetres per pixel.
    """

    rgb: np.ndarray
    body: np.ndarray
    cavity: np.ndarray
    spacing_mm: float


def read_rgb(path: Path) -> np.ndarray:
    """Read a picture file as uint8 (H, W, 3). Raises CryosectionError when it cannot be read."""
    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError) as error:
        raise CryosectionError(f"{path} cannot be read as a picture: {error}") from error


def read_frames(path: Path) -> np.ndarray:
    """Read all frames of an animated picture as uint8 (K, H, W, 3)."""
    try:
        with Image.open(path) as picture:
            frames = [np.asarray(f.convert("RGB")) for f in ImageSequence.Iterator(picture)]
    except (OSError, SyntaxError) as error:
        raise CryosectionError(f"{path} cannot be read as an animation: {error}") from error
    return np.stack(frames)


def cut_photograph(rgb: np.ndarray, photograph: Photograph) -> BodyPicture:
    """Crop a photograph, find body and gel at full size, and reduce to the working size.

    Gel is painted over before the reduction, so that no blue is averaged into the tissue.
    """
    x0, y0, x1, y1 = photograph.crop
    if rgb.shape[0] < y1 or rgb.shape[1] < x1:
        raise CryosectionError(f"{photograph.file} is smaller than the crop drawn for it.")
    crop = rgb[y0:y1, x0:x1]
    body, gel = find_body(crop, photograph.body_parts)
    return cut_body(crop, body, gel, photograph.spacing_mm, photograph.scale)


def cut_body(
    rgb: np.ndarray, body: np.ndarray, gel: np.ndarray, spacing_mm: float, scale: float
) -> BodyPicture:
    """The body of a slice without its gel, in `scale` times as many pixels a side.

    rgb: uint8 (H, W, 3) of `spacing_mm` a pixel. body, gel: bool (H, W), as of `find_body`.
    """
    # The outermost half millimetre is skin seen through gel.
    body = binary_erosion(body, iterations=max(1, round(0.5 / spacing_mm)))
    cavity = body & gel
    painted = np.where(body[..., None], rgb, 0)
    painted[cavity] = CAVITY_RGB
    shape = tuple(round(n * scale) for n in body.shape)
    share = _reduce(body.astype(float), shape)
    body_small = share > 0.5
    # Divided by the body's share, so that the black outside does not darken the skin.
    small = _reduce(painted.astype(float), shape) / np.maximum(share, 0.5)[..., None]
    small = np.where(body_small[..., None], np.clip(np.rint(small), 0, 255), 0).astype(np.uint8)
    cavity_small = body_small & (_reduce(cavity.astype(float), shape) > 0.5)
    return BodyPicture(small, body_small, cavity_small, spacing_mm / scale)


def find_body(rgb: np.ndarray, parts: int) -> tuple[np.ndarray, np.ndarray]:
    """Body with filled cavities, and gel, each bool (H, W), of a photograph in blue gel.

    The body is the `parts` largest pieces that are not blue.
    """
    lab = rgb2lab(rgb)
    gel = lab[..., 2] < GEL_BLUENESS
    # Dim frost near the skin has little colour: tissue at the surface is brighter or warmer.
    solid = ~gel & ((lab[..., 2] > 4) | (lab[..., 0] > 30))
    solid = binary_opening(solid, iterations=2)
    body = largest_parts(binary_fill_holes(largest_parts(solid, parts)), parts)
    return body, gel


def largest_parts(mask: np.ndarray, parts: int) -> np.ndarray:
    """The `parts` largest connected pieces of a mask."""
    pieces, count = label(mask)
    if count <= parts:
        return mask
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return np.isin(pieces, np.argsort(sizes)[-parts:])


def find_stack_body(rgb: np.ndarray, smallest_part: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Body with filled cavities, and black cavities inside it, each bool (H, W), of a stack frame.

    The frame's background is black already. Its outermost pixel is taken off: whoever masked and
    sharpened the frames left a pale or teal fringe there. Black specks, which posterisation
    leaves in dark tissue, are no cavities.
    """
    tissue = rgb.max(axis=-1) > 8
    filled = binary_fill_holes(tissue)
    body = binary_erosion(binary_opening(filled, iterations=2)) | (
        binary_erosion(filled) & binary_opening(filled)
    )
    body = _without_small(body, smallest_part)
    cavity = _without_small(binary_opening(~tissue & body, np.ones((3, 3))), SMALLEST_CAVITY)
    return body, binary_dilation(cavity) & ~tissue & body


def _without_small(mask: np.ndarray, smallest: int) -> np.ndarray:
    """A mask without its pieces of fewer than `smallest` pixels."""
    pieces, _ = label(mask)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return (sizes >= smallest)[pieces]


def _reduce(image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Area-weighted resize; the same size comes back as it is."""
    if image.shape[:2] == tuple(shape):
        return image
    return resize(image, shape, order=1, anti_aliasing=True, preserve_range=True)
