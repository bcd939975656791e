"""From cryosection photographs to labelled training data: the entry point of this preparation."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image
from skimage.color import rgb2lab

from MRIColorizeLib.tissue import DISPLAY_RGB, Tissue
from training.data.body_maps import read_stack_labels, with_organs
from training.data.cryosection_fluid import add_rim, add_sulci
from training.data.cryosection_labels import SliceMasks, label_photograph
from training.data.cryosection_outlines import (
    ColourRules,
    Photograph,
    StackSource,
    load_photographs,
    load_stack_outlines,
    load_stack_source,
)
from training.data.cryosection_palette import class_medians, core
from training.data.cryosection_read import CryosectionError, cut_photograph, read_frames, read_rgb
from training.data.cryosection_stack import (
    STACK_FRAMES,
    STACK_SPACING_MM,
    clean_frames,
    fit_colours,
    label_frame,
    paint_skin,
    recolour,
)
from training.data.prepared import ManifestEntry, PreparedVolume, save_prepared

# Frames of the stack kept from training, from crown to toe. The neighbours of each slab are in
# no split: 12.8 mm away they would still show the same organs.
TEST_SLABS = ((5,), (15,), (22,), (35, 36), (48, 49), (60,), (74, 75), (88,), (104,), (124,))
VALIDATION_FRAMES = (7, 30, 42, 54, 67, 81, 96, 114, 134)
# The film of the two untouched heads, which set the colours of the stack.
REFERENCE_HEADS = ("vhm_head_vm1111", "vhm_head_vm1125")
STACK_RULES = ColourRules(5, 40, -4, 47, 11, 30, 56)  # on the corrected colours
CORE_MM = 1.2  # distance from another class at which a colour is the tissue's own


def prepare_cryosections(
    source_dir: Path, out_dir: Path, picture_dir: Path | None = None
) -> list[PreparedVolume]:
    """Label every cryosection of `source_dir` and write the prepared volumes to `out_dir`.

    source_dir holds the files that outlines.toml and outlines_stack.toml name. With a
    picture_dir, a photograph beside its labels is written there for each slice and for the stack.
    Raises CryosectionError when a file is missing or is not the one the outlines were drawn on.
    """
    photographs = load_photographs()
    volumes = [_prepare_photograph(source_dir, photograph) for photograph in photographs]
    reference = measure_palette([v for v in volumes if v.entry.name in REFERENCE_HEADS])
    volumes.append(_prepare_stack(source_dir, load_stack_source(), reference))
    save_prepared(volumes, out_dir)
    if picture_dir is not None:
        for volume in volumes:
            write_picture(volume, picture_dir / f"{volume.entry.name}.png")
    return volumes


def measure_palette(volumes: list[PreparedVolume]) -> np.ndarray:
    """Median CIELAB colour (20, 3) of each tissue over prepared cryosections; NaN if absent.

    Only pixels over CORE_MM from another class count, so that mixtures do not.
    """
    lab = np.concatenate([rgb2lab(volume.image).reshape(-1, 3) for volume in volumes])
    labels = [
        core(codes, CORE_MM / float(volume.spacing[1])).ravel()
        for volume in volumes
        for codes in volume.labels
    ]
    return class_medians(lab, np.concatenate(labels))[0]


def stack_split() -> dict[str, tuple[int, ...]]:
    """Frames of the stack for train, val and test; neighbours of a held-out frame are in none."""
    test = tuple(k for slab in TEST_SLABS for k in slab)
    held = set(test) | set(VALIDATION_FRAMES)
    near = {k + step for k in held for step in (-1, 0, 1)}
    train = tuple(k for k in range(STACK_FRAMES - 1) if k not in near)
    return {"train": train, "val": VALIDATION_FRAMES, "test": test}


def write_picture(volume: PreparedVolume, path: Path, columns: int = 6) -> None:
    """Write slices beside their labels as a PNG, anterior up; a stack shows every third frame.

    A registered MRI stands before them, so that one sees whether it fits.
    """
    depth = volume.image.shape[0]
    shown = range(depth) if depth == 1 else range(0, depth, 3)
    cells = [np.hstack([volume.image[k], DISPLAY_RGB[volume.labels[k]]]) for k in shown]
    if volume.mri is not None:
        grey = np.rint(255 * (volume.mri / max(float(volume.mri.max()), 1.0))).astype(np.uint8)
        scans = [np.repeat(grey[k][..., None], 3, axis=-1) for k in shown]
        cells = [np.hstack(pair) for pair in zip(scans, cells, strict=True)]
    columns = min(columns, len(cells))
    cells += [np.zeros_like(cells[0])] * (-len(cells) % columns)
    rows = [np.hstack(cells[n : n + columns]) for n in range(0, len(cells), columns)]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.vstack(rows)).save(path)


def _prepare_photograph(source_dir: Path, photograph: Photograph) -> PreparedVolume:
    path = _checked(source_dir / photograph.file, photograph.sha256)
    picture = cut_photograph(read_rgb(path), photograph)
    masks = SliceMasks.of_photograph(photograph, picture.body.shape)
    rgb, labels = picture.rgb, label_photograph(picture, masks, photograph.rules)
    recipe = "Gel removed; CIELAB thresholds and Otsu inside hand-drawn outlines"
    if photograph.split == "train":
        # Never on a test picture: there the photograph is the truth.
        brain = masks.brain & picture.body
        rgb, labels = add_sulci(rgb, labels, brain, picture.spacing_mm)
        rgb, labels = add_rim(rgb, labels, brain, picture.spacing_mm)
        recipe += "; fluid painted into the brain's sulci and rim, in labels and photograph"
    entry = ManifestEntry(
        name=photograph.name,
        file=f"{photograph.name}.npz",
        kind="cryosection",
        split=photograph.split,
        source=photograph.source,
        source_sha256=photograph.sha256,
        licence=photograph.licence,
        recipe=recipe + ".",
    )
    # The photographs lie nose down: half a turn puts anterior up and keeps the sides.
    image, labels = np.rot90(rgb, 2), np.rot90(labels, 2)
    spacing = np.array([1.0, picture.spacing_mm, picture.spacing_mm], np.float32)
    return PreparedVolume(
        entry, np.ascontiguousarray(image[None]), np.ascontiguousarray(labels[None]), spacing
    )


def _prepare_stack(source_dir: Path, source: StackSource, reference: np.ndarray) -> PreparedVolume:
    path = _checked(source_dir / source.file, source.sha256)
    outlines, split, organs = load_stack_outlines(), stack_split(), read_stack_labels()
    frames = clean_frames(read_frames(path))
    affine = fit_colours(frames, outlines, reference)
    images, labels = [], []
    for frame in frames:
        rgb = recolour(frame, affine)
        codes = with_organs(label_frame(frame, rgb, outlines, STACK_RULES), organs[frame.number])
        rgb = paint_skin(rgb, codes, reference[Tissue.SKIN])
        if frame.number in split["train"]:
            brain = outlines.mask("brain", frame.number, frame.body.shape) & frame.body
            rgb, codes = add_rim(rgb, codes, brain, STACK_SPACING_MM[1])
        images.append(rgb)
        labels.append(codes)
    entry = ManifestEntry(
        name=source.name,
        file=f"{source.name}.npz",
        kind="cryosection",
        split="train",
        source=source.source,
        source_sha256=source.sha256,
        licence=source.licence,
        recipe="Colours brought to the untouched heads by a ridge affine in CIELAB, skin halo "
        "painted over; thresholds, outlines and majority smoothing; organs of the trunk from "
        "maps/; a rim of fluid around the brain of training frames.",
        frames=split,
        region="body",
    )
    return PreparedVolume(
        entry, np.stack(images), np.stack(labels), np.array(STACK_SPACING_MM, np.float32)
    )


def _checked(path: Path, sha256: str) -> Path:
    """The path itself, once its content is the one the outlines were drawn on."""
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise CryosectionError(f"{path} cannot be read: {error.strerror}.") from error
    if found != sha256:
        raise CryosectionError(f"{path} is not the picture that the outlines were drawn on.")
    return path
