"""CIELAB (D65) and sRGB: the constants, and both ways on numpy arrays (`color.py` has tensors)."""

from __future__ import annotations

import numpy as np

# sRGB primaries to CIE XYZ, D65 (IEC 61966-2-1), scaled so that white is (1, 1, 1).
RGB_TO_XYZ = (
    (0.4124564 / 0.95047, 0.3575761 / 0.95047, 0.1804375 / 0.95047),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339 / 1.08883, 0.1191920 / 1.08883, 0.9503041 / 1.08883),
)
EPSILON = 216 / 24389  # CIE 15: where the cube root turns into a line
KAPPA = 24389 / 27


def rgb_to_lab(rgb: np.ndarray) -> np.ndarray:
    """sRGB (..., 3) in [0, 1] to CIELAB (..., 3), float64."""
    rgb = np.asarray(rgb, dtype=np.float64)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = linear @ np.array(RGB_TO_XYZ).T
    root = np.where(xyz > EPSILON, np.cbrt(xyz), (KAPPA * xyz + 16) / 116)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), axis=-1)


def lab_to_rgb(lab: np.ndarray) -> np.ndarray:
    """CIELAB (..., 3) to sRGB (..., 3) clipped to [0, 1], float64."""
    lightness, a, b = np.moveaxis(np.asarray(lab, dtype=np.float64), -1, 0)
    y = (lightness + 16) / 116
    root = np.stack((y + a / 500, y, y - b / 200), axis=-1)
    xyz = np.where(root**3 > EPSILON, root**3, (116 * root - 16) / KAPPA)
    linear = np.clip(xyz @ np.linalg.inv(np.array(RGB_TO_XYZ)).T, 0, 1)
    return np.where(
        linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055
    )
