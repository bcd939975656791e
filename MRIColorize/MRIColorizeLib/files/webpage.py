"""A result as one web page: MRI, colours and tissues in NiiVue, without a server or the net."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..errors import OutputError
from ..network.palettes import Palette
from ..orientation import SAR, Turn
from ..provenance import NOTICE, provenance_fields
from ..resources import find_resources
from ..staging import atomic
from ..tissue import Tissue, tissue_name
from ..volume import ColorVolume, Volume, bounding_box
from .picture import grey_levels, grey_window

# The bundle that ships, packed: dist/niivue.umd.js of the npm package @niivue/niivue.
NIIVUE_VERSION = "0.69.0"
NIIVUE_SHA256 = "47b896b77ec4a5be3ef1949c33ad393b6f45629921f326c279000bcf51bdb4af"
MAX_BYTES = 25_000_000
# What a phone's graphics card holds: three volumes of four bytes a voxel.
MAX_VOXELS = 256**3
MAX_EDGE = 1024
# Bits of a colour's channels and of the MRI that are kept, the first that fit into MAX_BYTES.
DEPTHS = ((8, 8), (7, 7), (6, 6), (5, 6), (5, 5))
# Level 6 saves one per cent and takes half as long again.
COMPRESSION = 4
BORDER_MM = 4.0
# Bytes of what the page says of its volumes, the names of twenty tissues among it.
ROOM_FOR_WORDS = 4000
# In the body, of no tissue that the model tells.
UNTOLD = 255


@dataclass(frozen=True)
class Shown:
    """What a page shows, on a grid whose axes lead to superior, anterior and right (S, A, R).

    colors: uint8 (S, A, R, 3); mri: uint8; labels: uint8, codes of Tissue, 0 outside the body,
    UNTOLD where there is no code; ijk_to_ras: (4, 4) mm; steps: voxels of the volume in one of the
    page along S, A, R.
    """

    colors: np.ndarray
    mri: np.ndarray
    labels: np.ndarray
    ijk_to_ras: np.ndarray
    steps: tuple[int, int, int]


def write_page(
    volume: Volume,
    color: ColorVolume,
    palette: Palette | None,
    path: Path,
    title: str,
    told: Mapping[str, str] | None = None,
) -> None:
    """Write MRI and colours as one HTML file of at most 25 MB that opens offline in any browser.

    palette: colours of the legend's tissues; None leaves legend and tissue map out. title: any
    text. told: how the colours were made, None for what their provenance says. The volume is
    cropped to the body; a large one is thinned out or loses shades, and the page says so. The same
    result gives the same bytes. Raises OutputError.
    """
    page = compose(volume, color, palette, title, told)
    with atomic(path) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")


def compose(
    volume: Volume,
    color: ColorVolume,
    palette: Palette | None,
    title: str,
    told: Mapping[str, str] | None = None,
) -> str:
    """The page's text."""
    folder = _folder()
    shown = what_is_shown(volume, color)
    fixed = {
        "title": html.escape(title),
        "notice": html.escape(NOTICE),
        "software": f"MRIColorize {__version__}",
        "provenance": _provenance(provenance_fields(color.provenance) if told is None else told),
        "niivue": base64.b64encode((folder / "niivue.umd.js.gz").read_bytes()).decode("ascii"),
        "niivue_version": NIIVUE_VERSION,
        "niivue_licence": html.escape((folder / "niivue.LICENSE").read_text(encoding="utf-8")),
        "script": (folder / "page.js").read_text(encoding="utf-8"),
    }
    template = (folder / "page.html").read_text(encoding="utf-8")
    size = len(template) + sum(len(text.encode()) for text in fixed.values())
    depths, packed = _packed(shown, MAX_BYTES - size - ROOM_FOR_WORDS)
    counted = {
        "facts": _facts(shown, depths, color, palette),
        "changes": _changes(shown, volume, depths),
    }
    return _filled(template, {**fixed, **packed, **counted})


def what_is_shown(volume: Volume, color: ColorVolume) -> Shown:
    """Colours, MRI and labels cropped to the body, thinned to what a phone can show."""
    turn = Turn.of(color.ijk_to_ras, SAR)
    mask = turn.view(color.mask)
    spacing = tuple(volume.spacing[2 - axis] for axis in turn.order)
    box = bounding_box(mask, tuple(int(np.ceil(BORDER_MM / step)) for step in spacing))
    labels = mask[box].astype(np.uint8) * np.uint8(UNTOLD)
    if color.tissue is not None:
        known = (labels > 0) & (turn.view(color.tissue)[box] > 0)
        labels[known] = turn.view(color.tissue)[box][known]
    steps = thinning(labels.shape, spacing)
    mri = grey_levels(turn.view(volume.array)[box], grey_window(volume, color.mask))
    matrix = turn.volume(Volume(volume.array, color.ijk_to_ras)).ijk_to_ras @ _corner(box, steps)
    thin = tuple(slice(step // 2, None, step) for step in steps)  # a name has no mean
    return Shown(
        _means(turn.view(color.array)[box], steps),
        _means(mri, steps),
        np.ascontiguousarray(labels[thin][_whole(labels.shape, steps)]),
        matrix,
        steps,
    )


def thinning(shape: tuple[int, ...], spacing: tuple[float, ...]) -> tuple[int, int, int]:
    """How many voxels become one along each axis: the finest axes are thinned out first."""
    steps = [-(-size // MAX_EDGE) for size in shape]
    while np.prod([size // step for size, step in zip(shape, steps, strict=True)]) > MAX_VOXELS:
        finest = min(range(3), key=lambda axis: spacing[axis] * steps[axis])
        steps[finest] += 1
    return steps[0], steps[1], steps[2]


def _whole(shape: tuple[int, ...], steps: tuple[int, ...]) -> tuple[slice, ...]:
    """The thinned voxels that are whole: what is left over at the far ends is border."""
    return tuple(slice(0, max(1, n // step)) for n, step in zip(shape, steps, strict=True))


def _corner(box: tuple[slice, ...], steps: tuple[int, ...]) -> np.ndarray:
    """(4, 4): from indices of the thinned box to those of the whole grid, as i, j, k."""
    matrix = np.diag([*(float(step) for step in steps[::-1]), 1.0])
    first = [part.start + (step - 1) / 2 for part, step in zip(box, steps, strict=True)]
    matrix[:3, 3] = first[::-1]
    return matrix


def _means(array: np.ndarray, steps: tuple[int, int, int]) -> np.ndarray:
    """Rounded means over blocks of steps; of a block of one, the array itself."""
    if steps == (1, 1, 1):
        return np.ascontiguousarray(array)
    s, a, r = (max(1, n // step) for n, step in zip(array.shape[:3], steps, strict=True))
    result = np.empty((s, a, r, *array.shape[3:]), dtype=np.uint8)
    for layer in range(s):  # a layer at a time: the sums take four times the memory
        block = array[layer * steps[0] : (layer + 1) * steps[0], : a * steps[1], : r * steps[2]]
        split = block.reshape(len(block), a, steps[1], r, steps[2], *array.shape[3:])
        result[layer] = np.rint(split.mean(axis=(0, 2, 4), dtype=np.float32))
    return result


def _packed(shown: Shown, room: int) -> tuple[tuple[int, int], dict[str, str]]:
    """The depths that fit into so many bytes of text, and the volumes as gzip in base64."""
    labels = _pack([shown.labels])
    for depths in DEPTHS:
        for sample in (8, 1):  # every eighth slice tells fast what cannot fit
            packed = {
                "colors": _pack(_planes(shown.colors[::sample], depths[0])),
                "mri": _pack([_coarser(shown.mri[::sample], depths[1])]),
            }
            size = sum(map(len, packed.values())) * (1 if sample == 1 else 6) + len(labels)
            if size > room:
                break
        else:
            return depths, {**packed, "labels": labels}
    raise OutputError("This volume does not fit into a web page of 25 MB; crop it.")


def _planes(colors: np.ndarray, bits: int) -> Iterator[np.ndarray]:
    """Red less green, green, and blue less green, modulo 256: an eighth smaller when packed."""
    coarse = _coarser(colors, bits)
    yield coarse[..., 0] - coarse[..., 1]
    yield coarse[..., 1]
    yield coarse[..., 2] - coarse[..., 1]


def _coarser(levels: np.ndarray, bits: int) -> np.ndarray:
    """0 to 255 as the nearest of 0 to 2 ** bits - 1."""
    table = np.rint(np.arange(256) / 255 * (2**bits - 1)).astype(np.uint8)
    return levels if bits == 8 else table[levels]


def _pack(arrays: Any) -> str:
    """Bytes of arrays one after the other, as gzip in base64."""
    packer = zlib.compressobj(COMPRESSION, wbits=31)  # 31: in gzip's form, without a time
    parts = [packer.compress(np.ascontiguousarray(array).data) for array in arrays]
    return base64.b64encode(b"".join((*parts, packer.flush()))).decode("ascii")


def _facts(
    shown: Shown, depths: tuple[int, int], color: ColorVolume, palette: Palette | None
) -> str:
    """What the page's script reads, as JSON that no text can break out of."""
    tissues = []
    if palette is not None and color.tissue is not None:
        present = [Tissue(code) for code in np.unique(shown.labels) if code not in (0, UNTOLD)]
        tissues = [
            {
                "code": int(tissue),
                "name": tissue_name(tissue, color.classes).capitalize(),
                "rgb": [round(255 * float(value)) for value in palette.rgb[tissue]],
            }
            for tissue in present
        ]
    facts = {
        "size": list(shown.labels.shape[::-1]),
        "spacing": [float(n) for n in np.linalg.norm(shown.ijk_to_ras[:3, :3], axis=0)],
        "affine": [float(n) for n in shown.ijk_to_ras.ravel()],
        "brightest": {"colors": 2 ** depths[0] - 1, "mri": 2 ** depths[1] - 1},
        "tissues": tissues,
    }
    return json.dumps(facts).replace("<", "\\u003c")


def _provenance(told: Mapping[str, str]) -> str:
    rows = (item for item in told.items() if item[1])
    return "".join(
        f"<dt>{html.escape(_words(key))}</dt><dd>{html.escape(text)}</dd>" for key, text in rows
    )


def _words(key: str) -> str:
    """ "ModelVersion" as "Model version"."""
    starts = [*(match.start() for match in re.finditer("[A-Z]", key)), len(key)]
    return " ".join(key[a:b] for a, b in pairwise(starts)).capitalize()


def _changes(shown: Shown, volume: Volume, depths: tuple[int, int]) -> str:
    """What the page holds less than the files do."""
    told = ["The volume is cropped to the body."]
    if shown.steps != (1, 1, 1):
        kept = np.linalg.norm(shown.ijk_to_ras[:3, :3], axis=0)
        told.append(
            f"It is thinned out from voxels of {_sizes(volume.spacing)} mm to {_sizes(kept)} mm."
        )
    if depths != DEPTHS[0]:
        told.append(
            f"Its colours have {2 ** depths[0]} steps a channel and its greys {2 ** depths[1]}, "
            "so that the file stays below 25 MB."
        )
    return f"<p>{' '.join(told)}</p>"


def _sizes(spacing: Any) -> str:
    return " x ".join(f"{step:.2f}" for step in spacing)


def _filled(template: str, texts: Mapping[str, str]) -> str:
    """The template with every {{name}} replaced once: what is put in is not looked at again."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: texts[match[1]], template)


def _folder() -> Path:
    folder = find_resources("WebPage")
    if folder is None:
        raise OutputError("The web page's template is missing; install MRIColorize again.")
    return folder


def niivue() -> bytes:
    """The viewer's source as it was published."""
    return gzip.decompress((_folder() / "niivue.umd.js.gz").read_bytes())
