"""Made inputs and results: a head, grids, files; and what a command answered."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch
from safetensors.torch import save

from MRIColorizeLib.network.config import GeneratorConfig
from MRIColorizeLib.network.generator import DualDecoderGenerator
from MRIColorizeLib.volume import ColorVolume, Provenance


@dataclass(frozen=True)
class Answer:
    """What a command gave back: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    def sentence(self) -> str:
        """The one line on standard error, without the command's name; fails when it is not one."""
        assert self.err.startswith("mri-colorize: "), self.err
        assert self.err.endswith(".\n"), self.err
        assert self.err.count("\n") == 1, self.err
        return self.err.removeprefix("mri-colorize: ").strip()


def run_python(*arguments: object, **settings) -> Answer:
    """Run Python with these arguments in a process of its own."""
    words = [sys.executable, *(str(word) for word in arguments)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, **settings)
    return Answer(done.returncode, done.stdout, done.stderr)


def made_head(shape: tuple[int, int, int] = (14, 18, 16)) -> np.ndarray:
    """A ball with a brighter core in noise, int16 (K, J, I)."""
    axes = [np.linspace(-1.25, 1.25, n) for n in shape]
    radius = np.sqrt(sum(a**2 for a in np.meshgrid(*axes, indexing="ij")))
    noise = np.random.default_rng(7).integers(0, 12, shape)
    return ((radius < 1) * 300 + (radius < 0.5) * 400 + noise).astype(np.int16)


def oblique(left_handed: bool = True) -> np.ndarray:
    """ijk_to_ras of a rotated grid with three spacings, with or without a mirrored axis."""
    turn, tilt = np.deg2rad(25), np.deg2rad(-12)
    about_s = [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    about_r = [[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]]
    affine = np.eye(4)
    mirrored = np.diag((0.9, 1.1, -2.0 if left_handed else 2.0))
    affine[:3, :3] = np.array(about_s) @ np.array(about_r) @ mirrored
    affine[:3, 3] = (11.5, -37.25, 83.0)
    return affine


def write_nifti(path: Path, array: np.ndarray | None = None, affine: np.ndarray | None = None):
    """Write (K, J, I) as NIfTI, sform and qform alike."""
    array = made_head() if array is None else array
    affine = np.eye(4) if affine is None else affine
    image = nibabel.Nifti1Image(array.T, affine)
    image.set_sform(affine, 1)
    image.set_qform(affine, 1)
    nibabel.save(image, path)
    return path


def made_color(shape: tuple[int, int, int] = (14, 18, 16), affine: np.ndarray | None = None):
    """A ColorVolume with a different colour in every voxel of a ball."""
    mask = made_head(shape) > 100
    count = int(np.prod(shape))
    values = np.arange(count).reshape(shape)
    rgb = np.stack((values % 251, values // 251 % 251, values % 13 * 19), axis=-1).astype(np.uint8)
    made = Provenance("made", "1", "cpu", "float32", "axial", shape[0], 0.5)
    matrix = oblique() if affine is None else affine
    return ColorVolume(rgb * mask[..., None], mask, None, matrix, made)


def write_model(folder: Path, **settings: Any) -> Path:
    """Write a model folder with a tiny untrained network; settings: of GeneratorConfig."""
    torch.manual_seed(0)
    config = GeneratorConfig(**{"width": 4, "branch_width": 4, "blocks": 1, **settings})
    weights = save(DualDecoderGenerator(config).state_dict())
    (folder / "weights.safetensors").write_bytes(weights)
    card = {
        "name": "small",
        "version": "1.2.3",
        "title": "a small untrained network",
        "licence": "Apache-2.0",
        "spacing_mm": 2.0,
        "temperature": 0.6,
        "generator": asdict(config),
        "weights": {
            "file": "weights.safetensors",
            "sha256": hashlib.sha256(weights).hexdigest(),
            "bytes": len(weights),
        },
    }
    (folder / "model.json").write_text(json.dumps(card))
    return folder
