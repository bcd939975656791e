"""Small prepared volumes that the training's tests are made of."""

import numpy as np

from MRIColorizeLib.tissue import PALETTE_LAB, Tissue
from training.data.prepared import ManifestEntry, PreparedVolume

T1 = {Tissue.SKIN: 90, Tissue.BONE: 25, Tissue.GREY_MATTER: 100, Tissue.WHITE_MATTER: 150}


def _labels(shape):
    """Nested ellipsoids: skin, bone, grey matter, white matter, a ventricle."""
    axes = [np.linspace(-1.15, 1.15, n) if n > 1 else np.zeros(1) for n in shape]
    radius = np.sqrt(sum(axis**2 for axis in np.meshgrid(*axes, indexing="ij")))
    labels = np.zeros(shape, dtype=np.uint8)
    for limit, tissue in (
        (1.0, Tissue.SKIN),
        (0.85, Tissue.BONE),
        (0.75, Tissue.GREY_MATTER),
        (0.5, Tissue.WHITE_MATTER),
        (0.15, Tissue.CSF),
    ):
        labels[radius < limit] = tissue
    return labels


def _entry(name, kind, split, frames=None):
    return ManifestEntry(
        name,
        f"{name}.npz",
        kind,
        split,
        "made by a test",
        "0" * 64,
        "CC0",
        "ellipsoids",
        frames or {},
    )


def mri(name="head", split="train", shape=(20, 70, 60)):
    """A labelled T1-like MRI of 2 mm."""
    labels = _labels(shape)
    table = np.zeros(len(PALETTE_LAB), dtype=np.float32)
    for tissue, value in T1.items():
        table[tissue] = value
    noise = np.random.default_rng(0).normal(0, 3, shape)
    image = np.clip(table[labels] + noise * (labels > 0), 0, None).astype(np.float32)
    return PreparedVolume(_entry(name, "mri", split), image, labels, np.full(3, 2, np.float32))


def cryosection(name="photo", split="train", shape=(3, 90, 80), frames=None):
    """Labelled photographs of 1 mm: a flat colour for every tissue, with grain."""
    labels = np.stack([_labels(shape[1:])] * shape[0])
    grain = np.random.default_rng(1).integers(-5, 6, (*shape, 1))
    colors = (PALETTE_LAB[:, :1] * 2.2 + np.array([[10, 0, -20]])).clip(0, 255)
    image = (colors[labels] + grain * (labels > 0)[..., None]).clip(0, 255).astype(np.uint8)
    image[labels == 0] = 0
    entry = _entry(name, "cryosection", split, frames)
    return PreparedVolume(entry, image, labels, np.array([10, 1, 1], dtype=np.float32))


def training_set():
    """Both kinds, with a validation part."""
    frames = {"train": (0, 1), "val": (2,)}
    return [mri(), mri("other", "val"), cryosection(frames=frames)]
