"""Generated volumes: every size, grid, number format and content that a scanner never made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fuzz.choices import Choices

MAX_SIDE = 300
MAX_VOXELS = 12_000
TYPES = (
    *("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"),
    *("float16", "float32", "float64"),
)
CONTENTS = (
    *("head", "head", "head", "noise", "constant", "one voxel", "two halves", "ramp", "checkers"),
    *("limits", "denormal", "vast", "offset", "negative", "some nan", "some inf", "all nan"),
)
MASKS = ("none", "none", "none", "body", "one voxel", "all", "empty", "other grid")


@dataclass(frozen=True)
class VolumeCase:
    """A volume and how to colour it.

    shape: (K, J, I). spacing: mm along i, j, k. turns: angles in rad about R, A, S; shear: of the j
    axis along i, in voxels; origin: mm. seed: of the noise. slice_share: where to preview, 0 to 1,
    or None for the whole volume.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    turns: tuple[float, float, float]
    mirrored: bool
    shear: float
    origin: tuple[float, float, float]
    dtype: str
    content: str
    mask: str
    plane: str
    mode: str
    background: str
    confidence: bool
    seed: int
    slice_share: float | None

    def kind(self) -> str:
        """What the tables count it under."""
        return f"{self.dtype} {self.content}"


def choose_volume(choices: Choices, orthonormal: bool) -> VolumeCase:
    """A volume of at most MAX_VOXELS voxels, on any grid or on one with axes at right angles."""
    angle = np.pi * choices.pick((0.0, 0.0, 0.5, 1.0))
    turned = choices.pick((False, True))
    turns = [choices.real(-np.pi, np.pi) if turned else angle for _ in range(3)]
    origin = [choices.pick((0.0, -120.5, 1e4)) for _ in range(3)]
    return VolumeCase(
        shape=_shape(choices),
        spacing=_spacing(choices),
        turns=(turns[0], turns[1], turns[2]),
        mirrored=choices.pick((False, True)),
        shear=0.0 if orthonormal else choices.pick((0.0, 0.3, -1.5, 8.0)),
        origin=(origin[0], origin[1], origin[2]),
        dtype=choices.pick(TYPES),
        content=choices.pick(CONTENTS),
        mask=choices.pick(MASKS),
        plane=choices.pick(("auto", "axial", "sagittal", "coronal", "consensus")),
        mode=choices.pick(("natural", "structure")),
        background=choices.pick(("black", "white", "mri")),
        confidence=choices.pick((False, True)),
        seed=choices.integer(0, 1 << 30),
        slice_share=choices.pick((None, None, None, 0.0, 0.5, 1.0)),
    )


def _shape(choices: Choices) -> tuple[int, int, int]:
    """Three sizes from 1 to 300, in any order, with a bounded product."""
    sizes: list[int] = []
    room = MAX_VOXELS
    for _ in range(3):
        most = max(1, min(MAX_SIDE, room))
        # Half of them small, so that three large ones are not all there is.
        size = choices.integer(1, choices.pick((most, min(most, 40))))
        sizes.append(size)
        room //= size
    order = choices.pick(((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)))
    return sizes[order[0]], sizes[order[1]], sizes[order[2]]


def _spacing(choices: Choices) -> tuple[float, float, float]:
    usual = (0.3, 0.9, 1.0, 2.0, 4.0, choices.real(0.2, 3.0))
    step = choices.pick((*usual, *usual, *usual, 1e-3, 60.0))
    spacing = [step, step, step]
    spacing[choices.integer(0, 2)] *= choices.real(1.0, 20.0)
    spacing[choices.integer(0, 2)] *= choices.pick((1.0, 1.0, 1.3))
    return spacing[0], spacing[1], spacing[2]


def matrix_of(case: VolumeCase) -> np.ndarray:
    """ijk_to_ras (4, 4) in mm."""
    turn = np.eye(3)
    for axis, angle in enumerate(case.turns):
        one, other = (n for n in range(3) if n != axis)
        about = np.eye(3)
        about[[one, other], [one, other]] = np.cos(angle)
        about[one, other], about[other, one] = -np.sin(angle), np.sin(angle)
        turn = turn @ about
    grid = np.diag((-1.0 if case.mirrored else 1.0, 1.0, 1.0))
    grid[0, 1] = case.shear
    matrix = np.eye(4)
    matrix[:3, :3] = turn @ grid * case.spacing
    matrix[:3, 3] = case.origin
    return matrix


def array_of(case: VolumeCase) -> np.ndarray:
    """Voxels (K, J, I) of the case's number format."""
    dtype, rng = np.dtype(case.dtype), np.random.default_rng(case.seed)
    values = _content(case, dtype, rng)
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return values.astype(dtype)
    limits = np.iinfo(dtype)
    # The largest numbers of 64 bits are none of float64's.
    values = np.nan_to_num(values, nan=0, posinf=limits.max, neginf=limits.min)
    low, high = float(limits.min), float(np.nextafter(np.float64(limits.max), 0))
    return np.clip(values, low, high).astype(dtype)


def _content(case: VolumeCase, dtype: np.dtype, rng: np.random.Generator) -> np.ndarray:
    shape = case.shape
    limits = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    axes = [np.linspace(-1.2, 1.2, n) if n > 1 else np.zeros(1) for n in shape]
    k, j, i = np.meshgrid(*axes, indexing="ij")
    radius = np.sqrt(k**2 + j**2 + i**2)
    head = np.where(radius < 1, 60 + 40 * (radius < 0.5), 2) + rng.normal(0, 1, shape)
    index = np.indices(shape).sum(axis=0)
    one = np.zeros(shape)
    one.flat[int(rng.integers(one.size))] = 1
    few = rng.random(shape) < 0.05
    return {
        "head": lambda: head,
        "noise": lambda: rng.normal(50, 20, shape),
        "constant": lambda: np.full(shape, 7.0),
        "one voxel": lambda: 100 * one,
        "two halves": lambda: 90.0 * (i > 0),
        "ramp": lambda: index.astype(np.float64),
        "checkers": lambda: 100.0 * (index % 2),
        "limits": lambda: np.where(radius < 1, float(limits.max), float(limits.min)),
        "denormal": lambda: head * (5e-324 if dtype.itemsize == 8 else 1e-44),
        "vast": lambda: head * 1e30,
        "offset": lambda: head + 1e9,
        "negative": lambda: -head,
        "some nan": lambda: np.where(few, np.nan, head),
        "some inf": lambda: np.where(few, np.where(i > 0, np.inf, -np.inf), head),
        "all nan": lambda: np.full(shape, np.nan),
    }[case.content]()


def mask_of(case: VolumeCase) -> np.ndarray | None:
    """The mask on the volume's grid, uint8 (K, J, I); None for none or for one on another grid."""
    mask = np.zeros(case.shape, dtype=np.uint8)
    if case.mask in ("none", "other grid"):
        return None
    if case.mask == "one voxel":
        mask.flat[case.seed % mask.size] = 3
    elif case.mask == "all":
        mask[:] = 1
    elif case.mask == "body":
        mask[tuple(slice(n // 4, n // 4 + max(1, n // 2)) for n in case.shape)] = 1
    return mask
